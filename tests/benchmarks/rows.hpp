#pragma once
// The rows of the report.

#include "timing.hpp"

namespace benchmark {

/// A row ready to be timed. The first candidate is the library, and others whose names begin with its are, too.
struct Row {
  std::vector<Candidate> candidates;
  double difference = 0;     // the largest of any result of any candidate from the first's, relative
  std::string differs;       // whose that is
  double approximation = 0;  // that of the candidate that only nearly gives the same, if there is one
};

struct Plan {
  std::string group, name;
  std::function<Row()> prepare;
  bool quick = true;  // whether --quick has it
};

std::vector<Plan> plans();

/// What the times of a group are given in: a name, and how many of it make a second.
struct Unit {
  std::string name;
  double per_second;
};
Unit unit_of(const std::string& group);

}  // namespace benchmark
