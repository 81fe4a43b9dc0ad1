#pragma once
// Candidates for the same work, timed in turn, so that whatever else the machine does meets all of them alike.

#include <functional>
#include <string>
#include <vector>

namespace benchmark {

struct Candidate {
  std::string name;
  std::function<void()> run;
  double units = 1;          // the time of a run is divided by this: steps of a stream, columns of a ragged batch
  double flops = 0;          // per unit; 0 where they are not counted
  bool doubles = false;      // half the peak is its peak
  bool approximate = false;  // not meant to give the same as the others, but nearly
};

/// Seconds per unit.
struct Timing {
  double median, fastest;
  int rounds;
};

/// How long a measurement takes, and by which clock.
struct Effort {
  int least_rounds = 5;
  double seconds = 0.5;  // for the fastest candidate, in rounds beyond these
  double sample = 1e-2;  // the shortest stretch of time that is measured
  bool one_thread = true;
};

std::vector<Timing> measure(const std::vector<Candidate>& candidates, const Effort& effort);

/// Seconds since some moment in the past.
double wall_time();
/// Seconds for which this process had a processor. What others take of a shared core does not count, only what they do
/// to its caches; with one thread this is the clock.
double processor_time();

}  // namespace benchmark
