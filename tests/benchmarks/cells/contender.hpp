#pragma once
// A contender is a cell's name and the function that trains it on a task. CMake writes one file for each cell, and the
// list of them all.

#include "tasks.hpp"

#include <functional>
#include <string>
#include <vector>

namespace compare {

/// Where a training is, for the progress line.
struct Status {
  Index hidden;
  double learning_rate;
  Index updates, of;
  double loss, validation;    // running mean over training batches; lowest of the validation so far
  double updates_per_second;  // of processor time
  double seconds_left;        // of processor time, at all learning rates
};

/// What every cell is given alike.
struct Plan {
  Index parameters = 10000;   // of cell and readout
  Index batch = 32;           // records
  Index updates = 1000;       // of Adam, at each learning rate
  double seconds = 60;        // of processor time: at most, for all learning rates together
  std::vector<double> rates;  // the better one counts
  std::uint64_t seed = 1;
  std::function<void(const Status&)> report;
};

struct Result {
  Index parameters, hidden;
  double learning_rate;
  Index updates;
  double seconds;  // of processor time, for these updates
  double value;    // on data that no training has seen
};

struct Contender {
  std::string name;
  Result (*run)(const Task& task, const Plan& plan);
};

std::vector<Contender> contenders();

}  // namespace compare
