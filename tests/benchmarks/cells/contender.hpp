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
  Index hidden, parameters;
  double learning_rate;
  bool chosen;  // the learning rate is
  Index updates, of;
  double loss, validation;    // running mean over training batches; lowest of the validation batches so far
  double updates_per_second;  // of processor time
  double seconds_left;        // of the run, in processor time
};

/// What every cell is given alike.
struct Plan {
  Index parameters = 10000;   // of cell and readout
  Index batch = 32;           // records
  Index updates = 1000;       // of Adam, by the learning rate that is kept
  double seconds = 60;        // of processor time: at most, for the whole run, tries of learning rates included
  std::vector<double> rates;  // to try
  double tried = 0.25;        // share of the updates after which the best rate goes on alone
  Rng::result_type seed = 1;
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
