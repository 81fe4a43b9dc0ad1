// The library against its peers and against the machine: same weights, inputs and gradients, in one process, in turn.
//
//   benchmark [--quick] [--only SUBSTRING] [--threads N] [--csv FILE]
//
// Before a row is timed, every result of every candidate is compared with the library's; the program stops if one is
// not the same. Times are medians, of processor time with one thread (pin it: `taskset -c 1 benchmark`), else of time
// on the wall; the last line says how much of the machine others took.

#include "limits.hpp"
#include "peer.hpp"
#include "report.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <stdexcept>

#include <unistd.h>

namespace {

using namespace benchmark;

struct Options {
  bool quick = false;
  int threads = 1;
  std::string only, csv;
};

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string option = argv[i];
    const auto value = [&]() -> std::string {
      if (++i == argc) throw std::invalid_argument(option + " needs a value");
      return argv[i];
    };
    if (option == "--quick")
      options.quick = true;
    else if (option == "--only")
      options.only = value();
    else if (option == "--csv")
      options.csv = value();
    else if (option == "--threads")
      options.threads = std::max(1, std::atoi(value().c_str()));
    else
      throw std::invalid_argument(option + "? benchmark [--quick] [--only SUBSTRING] [--threads N] [--csv FILE]");
  }
  return options;
}

std::string processor() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);)
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  return "unknown processor";
}

// Returns operations per second of all the cores in use.
double print_head(const Options& options) {
  start_reprise(options.threads);
  const double peak = fma_peak();
  std::cout << "- " << processor() << ", " << options.threads << " thread" << (options.threads > 1 ? "s" : "")
            << ", compiled by " << __VERSION__ << ", Eigen " << EIGEN_WORLD_VERSION << '.' << EIGEN_MAJOR_VERSION << '.'
            << EIGEN_MINOR_VERSION << " with " << Eigen::SimdInstructionSetsInUse() << '\n';
#ifdef REPRISE_BENCHMARK_ONEDNN
  std::cout << "- " << start_onednn(options.threads) << '\n';
#else
  std::cout << "- without oneDNN\n";
#endif
#ifdef REPRISE_BENCHMARK_TORCH
  std::cout << "- " << start_torch(options.threads) << '\n';
#else
  std::cout << "- without LibTorch\n";
#endif
  std::cout << "- peak of one core, fused multiply-adds on registers: " << std::lround(peak * 1e-9)
            << " GFLOP/s\n- one core reads";
  for (const std::size_t kilobytes : {16u, 256u, 4096u, 131072u})
    std::cout << (kilobytes == 16 ? " " : ", ") << std::lround(read_bandwidth(kilobytes * 1024) * 1e-9) << " GB/s of "
              << kilobytes << " KB";
  double load = 0;
  if (getloadavg(&load, 1) == 1)
    std::cout << "\n- load before the first row: " << load
              << (options.threads > 1 ? ", which makes threads wait for each other unless it is near 0" : "");
  std::cout << std::endl;
  return peak * options.threads;
}

int run(const Options& options) {
  const double peak = print_head(options);
  std::ofstream csv;
  if (!options.csv.empty()) {
    csv.open(options.csv);
    if (!csv) throw std::runtime_error("cannot write " + options.csv);
    print_csv_head(csv);
  }

  Effort effort;
  if (options.quick) effort = {3, 0.08, 2e-3};
  effort.one_thread = options.threads == 1;
  double wall = 0, processor = 0;  // of all measurements
  std::vector<Measured> table;
  const auto print = [&] {
    if (!table.empty()) print_table(std::cout, table, peak);
    table.clear();
  };
  for (const Plan& plan : plans()) {
    if ((options.quick && !plan.quick) || (plan.group + ' ' + plan.name).find(options.only) == std::string::npos)
      continue;
    if (!table.empty() && table.front().group != plan.group) print();
    if (isatty(STDERR_FILENO)) std::cerr << plan.group << ' ' << plan.name << "\033[K\r" << std::flush;
    Row row = plan.prepare();
    if (!(row.difference <= 1e-3)) {
      std::cerr << plan.group << ' ' << plan.name << ": " << row.differs << " differs from the library by "
                << row.difference << " of the largest magnitude. That is not the same work, so nothing is timed.\n";
      return 1;
    }
    wall -= wall_time(), processor -= processor_time();
    auto timings = measure(row.candidates, effort);
    wall += wall_time(), processor += processor_time();
    table.push_back({plan.group, plan.name, std::move(row), std::move(timings)});
    if (csv.is_open()) print_csv(csv, table.back(), peak, options.threads);
    for (Candidate& candidate : table.back().row.candidates) candidate.run = nullptr;  // and with it its matrices
  }
  print();
  std::cout << "\nWhile it measured, the process had " << std::lround(100 * processor / wall) << " % of a core.\n";
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(parse(argc, argv));
  } catch (const std::exception& e) {
    std::cerr << "benchmark: " << e.what() << '\n';
    return 1;
  }
}
