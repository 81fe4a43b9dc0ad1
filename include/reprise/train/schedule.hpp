#pragma once
// Learning rates over the steps of a training: adam.options.learning_rate = schedule(step), step = 0, 1, 2, ...

#include <reprise/core/types.hpp>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace reprise {

/// rate * factor^(step / every), in whole jumps.
struct StepDecay {
  double rate = 1e-3, factor = 0.5;
  Index every = 1000;
  double operator()(Index step) const { return rate * std::pow(factor, static_cast<double>(step / every)); }
};

/// rate * factor^(step / every), smoothly.
struct ExponentialDecay {
  double rate = 1e-3, factor = 0.5;
  Index every = 1000;
  double operator()(Index step) const {
    return rate * std::pow(factor, static_cast<double>(step) / static_cast<double>(every));
  }
};

/// From `rate` down to `last` along half a cosine over `steps` steps, then `last` (Loshchilov and Hutter, 2017, equation 5).
struct CosineDecay {
  double rate = 1e-3, last = 0;
  Index steps = 1000;
  double operator()(Index step) const {
    const double done = std::min(1.0, static_cast<double>(step) / static_cast<double>(steps));
    return last + (rate - last) * 0.5 * (1 + std::cos(std::numbers::pi * done));
  }
};

/// A straight line from 0 over the first `steps` steps, then the schedule `then`, which counts from there.
template <class Then>
struct WarmUp {
  Index steps = 100;
  Then then;
  double operator()(Index step) const {
    return step < steps ? then(0) * static_cast<double>(step + 1) / static_cast<double>(steps) : then(step - steps);
  }
};
template <class Then>
WarmUp(Index, Then) -> WarmUp<Then>;

}  // namespace reprise
