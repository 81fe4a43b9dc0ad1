#include "timing.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>
#include <thread>

namespace benchmark {

double wall_time() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double processor_time() {
  timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

namespace {

// So many runs make a sample; more than one where a run is too short for the clock, and for the caches that the others
// left.
struct Sampler {
  const Candidate& candidate;
  double (*now)();
  int runs = 1;
  std::vector<double> samples{};

  // The OpenMP threads of the last candidate spin for a while in wait of more work, on the cores that ours would run on.
  void settle() const {
    if (now != wall_time) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    candidate.run();
  }

  double sample() const {
    settle();
    const double begin = now();
    for (int i = 0; i < runs; ++i) candidate.run();
    return now() - begin;
  }
};

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace

std::vector<Timing> measure(const std::vector<Candidate>& candidates, const Effort& effort) {
  std::vector<Sampler> samplers;
  double fastest = 1e9;
  for (const Candidate& candidate : candidates) {
    Sampler& sampler = samplers.emplace_back(Sampler{candidate, effort.one_thread ? processor_time : wall_time});
    double time = sampler.sample();  // warm: the comparison ran it once
    while (time < effort.sample) {
      sampler.runs = static_cast<int>(std::ceil(sampler.runs * std::clamp(1.2 * effort.sample / time, 1.1, 100.0)));
      time = sampler.sample();
    }
    sampler.samples.push_back(time);
    fastest = std::min(fastest, time);
  }

  const int rounds = std::max(effort.least_rounds, static_cast<int>(effort.seconds / fastest));
  for (int round = 1; round < rounds; ++round)
    for (Sampler& sampler : samplers) {
      // Who is far behind is known well enough after three rounds; one must do where they would take longer than all
      // others.
      const double first = sampler.samples.front();
      if (first > 4 * fastest && (round >= 3 || first > 2 * effort.seconds)) continue;
      sampler.samples.push_back(sampler.sample());
    }

  std::vector<Timing> timings;
  for (const Sampler& sampler : samplers) {
    const double units = sampler.runs * sampler.candidate.units;
    timings.push_back({median(sampler.samples) / units, *std::ranges::min_element(sampler.samples) / units,
                       static_cast<int>(sampler.samples.size())});
  }
  return timings;
}

}  // namespace benchmark
