// Recurrent cells at the same number of parameters, on three classic tasks:
//
//   compare_cells > cells.csv                                all of them
//   compare_cells --cell GRUCell --task adding --seed 2      one more run of one
//   chart_cells.py cells.csv cells.svg                       rows of several runs may stand in one file
//
// Every cell gets the same batches of the same size, as many updates of Adam with the gradient clipped to norm 1, a
// learning rate that falls along a cosine, and the better of two such rates. The value is that of the weights that did
// best in validation, on data that no training has seen.

#include "contender.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <iostream>

#include "options.hpp"

namespace {

using namespace compare;

// Updates of a run that takes less than a minute on one core.
constexpr Index adding_updates = 3000, copy_updates = 4500, tunes_updates = 2500;

// A line about once a second: over the one before on a terminal, else below it and more seldom.
class Progress {
 public:
  explicit Progress(std::string what) : what_(std::move(what)) {}

  void operator()(const Status& s) {
    const auto now = std::chrono::steady_clock::now();
    if (now - shown_ < std::chrono::seconds(terminal_ ? 1 : 10)) return;
    shown_ = now;
    char validation[32] = "-", line[256];
    if (std::isfinite(s.validation)) std::snprintf(validation, sizeof validation, "%.4g", s.validation);
    std::snprintf(
        line, sizeof line,
        "%s, %ld hidden  learning rate %g  update %ld of %ld  loss %.4g  validation %s  %.0f updates/s  %d:%02d left",
        what_.c_str(), static_cast<long>(s.hidden), s.learning_rate, static_cast<long>(s.updates),
        static_cast<long>(s.of), s.loss, validation, s.updates_per_second, static_cast<int>(s.seconds_left) / 60,
        static_cast<int>(s.seconds_left) % 60);
    std::cerr << line << (terminal_ ? "\033[K\r" : "\n") << std::flush;
  }

 private:
  std::string what_;
  bool terminal_ = isatty(STDERR_FILENO) != 0;
  std::chrono::steady_clock::time_point shown_ = std::chrono::steady_clock::now();
};

const char* name_of(const Task& task) {
  return std::visit([](const auto& t) { return t.name; }, task);
}

std::vector<Task> tasks(const std::string& which, const std::string& corpus, const Rng& rng) {
  std::vector<Task> result;
  if (which == "all" || which == "adding") result.push_back(Adding(rng));
  if (which == "all" || which == "copy") result.push_back(CopyMemory(rng));
  if (which == "all" || which == "tunes") result.push_back(Tunes(corpus));
  if (result.empty()) throw std::invalid_argument("--task " + which + ": adding, copy, tunes or all");
  return result;
}

std::vector<Contender> cells(const std::string& which) {
  auto result = contenders();
  std::string names;
  for (const Contender& contender : result) names += contender.name + ", ";
  if (which != "all") std::erase_if(result, [&](const Contender& contender) { return contender.name != which; });
  if (result.empty()) throw std::invalid_argument("--cell " + which + ": " + names + "or all");
  return result;
}

Index default_updates(const Task& task) {
  constexpr Index updates[] = {adding_updates, copy_updates, tunes_updates};
  return updates[task.index()];
}

// Returns the number of runs that failed: a cell that cannot take part does not keep the others from it.
int compare_all(const std::vector<Task>& tasks, const std::vector<Contender>& cells, Plan plan, std::ostream& out) {
  out << "cell,task,parameters,hidden,learning_rate,updates,seconds,value,trivial,seed" << std::endl;
  const Index asked = plan.updates;
  std::size_t run = 0;
  int failed = 0;
  for (const Task& task : tasks)
    for (const Contender& cell : cells) {
      const std::string what = std::string(name_of(task)) + " " + cell.name;
      plan.updates = asked == 0 ? default_updates(task) : asked;
      plan.report = Progress(std::to_string(++run) + "/" + std::to_string(tasks.size() * cells.size()) + " " + what);
      try {
        const Result r = cell.run(task, plan);
        const double trivial = std::visit([](const auto& t) { return t.trivial; }, task);
        out << cell.name << ',' << name_of(task) << ',' << r.parameters << ',' << r.hidden << ',' << r.learning_rate
            << ',' << r.updates << ',' << r.seconds << ',' << r.value << ',' << trivial << ',' << plan.seed
            << std::endl;
      } catch (const std::exception& error) {
        std::cerr << what << ": " << error.what() << "\n";
        ++failed;
      }
    }
  return failed;
}

}  // namespace

int main(int argc, char** argv) try {
  const Options options(
      argc, argv,
      {{"--task", "all", "adding, copy, tunes or all"},
       {"--cell", "all", "the name of a cell, or all"},
       {"--parameters", "10000", "of cell and readout: each cell is as large as comes nearest"},
       {"--updates", "0", "of Adam; 0: as many as fit in a minute for most cells"},
       {"--seconds", "60", "of processor time at most, for a cell on a task"},
       {"--rate", "0", "learning rate; 0: the better one of 0.01 and 0.003"},
       {"--batch", "32", "records in a batch"},
       {"--corpus", REPRISE_EXAMPLES_DIR "/data/tunes.abc", "text for the task tunes, blank lines between records"},
       {"--seed", "1", "the same seed, the same numbers, unless the time ran out"},
       {"--csv", "", "file to write; empty: to standard output"}});
  Plan plan;
  plan.updates = options.integer("--updates");
  plan.parameters = options.integer("--parameters", 10);
  plan.batch = options.integer("--batch", 1);
  plan.seconds = options.number("--seconds", 0.01);
  plan.seed = static_cast<std::uint64_t>(options.integer("--seed"));
  plan.rates = {1e-2, 3e-3};
  if (const double rate = options.number("--rate"); rate > 0) plan.rates = {rate};

  const auto chosen_tasks = tasks(options.text("--task"), options.text("--corpus"), Rng(plan.seed));
  const auto chosen_cells = cells(options.text("--cell"));
  std::ofstream file;
  if (const auto& path = options.text("--csv"); !path.empty()) {
    file.open(path);
    if (!file) throw std::runtime_error("cannot write " + path);
  }
  std::ostream& out = file.is_open() ? file : std::cout;
  out.precision(4);
  return compare_all(chosen_tasks, chosen_cells, plan, out) == 0 ? 0 : 1;
} catch (const std::exception& error) {
  std::cerr << "compare_cells: " << error.what() << "\n";
  return 2;
}
