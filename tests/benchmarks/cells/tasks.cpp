#include "tasks.hpp"

#include <cmath>
#include <fstream>
#include <stdexcept>

#include "compose/corpus.hpp"

namespace compare {
namespace {

// Records of equal length: column t * records + r is step t of record r.
reprise::Layout equal(Index records, Index steps) {
  return reprise::Layout(std::vector<Index>(static_cast<std::size_t>(records), steps));
}

template <class Task>
std::vector<typename Task::Batch> batches(const Task& task, int count, Rng rng) {
  std::vector<typename Task::Batch> result;
  for (int i = 0; i < count; ++i) result.push_back(task.batch(50, rng));
  return result;
}

Index below(Index n, Rng& rng) { return static_cast<Index>(rng.below(static_cast<std::uint32_t>(n))); }

}  // namespace

Adding::Adding(const Rng& rng) : validation(batches(*this, 4, rng.fork(1))), test(batches(*this, 80, rng.fork(2))) {}

Adding::Batch Adding::batch(Index records, Rng& rng) const {
  Batch batch{{equal(records, steps), inputs}, {equal(records, steps), outputs}};
  auto& x = batch.x.values();
  for (Index column = 0; column < x.cols(); ++column) x(0, column) = static_cast<float>(rng.uniform());
  for (Index r = 0; r < records; ++r) {
    float sum = 0;
    for (const Index half : {Index{0}, steps / 2}) {
      const Index column = (half + below(steps / 2, rng)) * records + r;
      x(1, column) = 1;
      sum += x(0, column);
    }
    batch.target.values()(0, (steps - 1) * records + r) = sum;
  }
  return batch;
}

CopyMemory::CopyMemory(const Rng& rng)
    : validation(batches(*this, 2, rng.fork(1))), test(batches(*this, 10, rng.fork(2))) {}

CopyMemory::Batch CopyMemory::batch(Index records, Rng& rng) const {
  constexpr int blank = 8, delimiter = 9;
  Batch batch{{equal(records, steps), inputs}, {equal(records, steps), 1}};
  auto& x = batch.x.values();
  auto& target = batch.target.values();
  target.setConstant(blank);
  for (Index r = 0; r < records; ++r)
    for (Index t = 0; t < steps; ++t) {
      Index token = blank;
      if (t < symbols) {
        token = below(8, rng);
        target(0, (t + steps - symbols) * records + r) = static_cast<int>(token);
      } else if (t == symbols + blanks - 1) {
        token = delimiter;
      }
      x(token, t * records + r) = 1;
    }
  return batch;
}

namespace {

std::vector<std::string> records_of(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path);
  std::vector<std::string> records(1);
  for (std::string line; std::getline(file, line);)
    if (!line.empty())
      records.back() += line + '\n';
    else if (!records.back().empty())
      records.emplace_back();
  if (records.back().empty()) records.pop_back();
  if (records.size() < 10) throw std::runtime_error(path + ": ten records are needed, with blank lines between");
  return records;
}

// Each record without its last token, and without its first.
Tunes::Batch pairs(const std::vector<std::vector<int>>& records, Index characters) {
  std::vector<std::vector<int>> x, target;
  for (const auto& record : records) {
    x.emplace_back(record.begin(), record.end() - 1);
    target.emplace_back(record.begin() + 1, record.end());
  }
  const reprise::Sequence<int> tokens(x);
  Tunes::Batch batch{{tokens.layout(), characters}, reprise::Sequence<int>(target)};
  for (Index column = 0; column < tokens.values().cols(); ++column)
    batch.x.values()(tokens.values()(column), column) = 1;
  return batch;
}

}  // namespace

Tunes::Tunes(const std::string& path) {
  const auto records = records_of(path);
  std::vector<std::string> learned, held_out[2];
  for (std::size_t i = 0; i < records.size(); ++i)
    if (i % 10 >= 8)
      held_out[i % 10 - 8].push_back(records[i]);
    else
      for (const auto& interval : compose::intervals) learned.push_back(compose::moved_by(records[i], interval));

  std::string characters;
  for (const auto* part : {&learned, &held_out[0], &held_out[1]})
    for (const auto& record : *part) characters += record;
  const compose::Vocabulary vocabulary(characters);
  inputs = outputs = vocabulary.size();
  const auto tokens = [&](const std::vector<std::string>& part) {
    std::vector<std::vector<int>> result;
    for (const auto& record : part) result.push_back(vocabulary.tokens(record));
    return result;
  };
  training = tokens(learned);
  validation.push_back(pairs(tokens(held_out[0]), inputs));
  test.push_back(pairs(tokens(held_out[1]), inputs));

  std::vector<double> count(static_cast<std::size_t>(inputs), 1);  // one of each: a character may be in the test alone
  double total = static_cast<double>(inputs), bits = 0;
  for (const auto& record : training)
    for (std::size_t i = 1; i < record.size(); ++i) ++count[static_cast<std::size_t>(record[i])], ++total;
  const auto& target = test[0].target.values();
  for (Index column = 0; column < target.cols(); ++column)
    bits -= std::log2(count[static_cast<std::size_t>(target(column))] / total);
  trivial = bits / static_cast<double>(target.cols());
}

Tunes::Batch Tunes::batch(Index records, Rng& rng) const {
  std::vector<std::vector<int>> chosen;
  for (Index r = 0; r < records; ++r)
    chosen.push_back(training[static_cast<std::size_t>(below(static_cast<Index>(training.size()), rng))]);
  return pairs(chosen, inputs);
}

}  // namespace compare
