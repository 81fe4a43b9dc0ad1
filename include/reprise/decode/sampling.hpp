#pragma once
// From the logits of a step to the next token: the most likely one, or one drawn from a distribution made sharper or
// flatter (temperature) and cut to its head (top-k: Fan et al., 2018; top-p or nucleus: Holtzman et al., 2020).

#include <reprise/core/rng.hpp>
#include <reprise/core/types.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace reprise {

struct SamplingOptions {
  double temperature = 1;  ///< logits are divided by it; 0 is greedy
  int top_k = 0;           ///< keep this many of the most likely tokens; 0 keeps all
  double top_p = 1;        ///< keep the fewest most likely tokens that have this much probability together
};

namespace detail {
template <class Logits>
void require_logits(const Eigen::MatrixBase<Logits>& logits) {
  if (logits.cols() != 1 || logits.rows() == 0)
    fail<shape_error>("logits are ", logits.rows(), " x ", logits.cols(),
                      ", decoding takes one column of at least one");
  if (!(logits.array() == logits.array()).all()) fail<non_finite_error>("a logit is nan");
  using std::isfinite;
  if (!isfinite(logits.maxCoeff())) fail<non_finite_error>("the largest logit is ", logits.maxCoeff());
}
}  // namespace detail

/// The most likely token, the first of equals. `logits` (vocabulary, 1).
template <class Logits>
int greedy(const Eigen::MatrixBase<Logits>& logits) {
  detail::require_logits(logits);
  Index best = 0;
  for (Index i = 1; i < logits.rows(); ++i)
    if (logits(i, 0) > logits(best, 0)) best = i;
  return static_cast<int>(best);
}

/// The probabilities that `sample` draws from, (vocabulary): softmax(logits / temperature), cut to the k most likely, of
/// those to the nucleus of probability p, and scaled to sum to 1. Throws value_error for options out of their range.
template <class Logits>
Vector<double> distribution(const Eigen::MatrixBase<Logits>& logits, const SamplingOptions& options = {}) {
  detail::require_logits(logits);
  if (!(options.temperature >= 0))
    detail::fail<value_error>("temperature = ", options.temperature, ", it must not be negative");
  if (options.top_k < 0) detail::fail<value_error>("top_k = ", options.top_k, ", it must not be negative");
  if (!(options.top_p > 0 && options.top_p <= 1))
    detail::fail<value_error>("top_p = ", options.top_p, ", it must be in (0, 1]");
  if (options.temperature == 0) return Vector<double>::Unit(logits.rows(), greedy(logits));

  const Vector<double> scores = logits.template cast<double>();
  Vector<double> p = ((scores.array() - scores.maxCoeff()) / options.temperature).unaryExpr([](double v) {
    return std::exp(v);  // Eigen's own does not go down to zero
  });
  p /= p.sum();
  if (options.top_k == 0 && options.top_p == 1) return p;

  std::vector<Index> by_probability(static_cast<std::size_t>(p.size()));
  std::iota(by_probability.begin(), by_probability.end(), Index{0});
  std::ranges::stable_sort(by_probability, [&](Index a, Index b) { return p(a) > p(b); });
  const auto keep = options.top_k == 0 ? p.size() : std::min<Index>(options.top_k, p.size());
  double head = 0;
  for (Index rank = 0; rank < keep; ++rank) head += p(by_probability[static_cast<std::size_t>(rank)]);
  double covered = 0;
  for (Index rank = 0; rank < p.size(); ++rank) {
    double& probability = p(by_probability[static_cast<std::size_t>(rank)]);
    const bool kept = rank < keep && covered < options.top_p * head;
    covered += probability;
    if (!kept) probability = 0;
  }
  return p / p.sum();
}

/// A token drawn from `distribution(logits, options)`.
template <class Logits>
int sample(const Eigen::MatrixBase<Logits>& logits, const SamplingOptions& options, Rng& rng) {
  const Vector<double> p = distribution(logits, options);
  double left = rng.uniform();
  Index last = 0;
  for (Index i = 0; i < p.size(); ++i) {
    if (p(i) == 0) continue;
    if (left < p(i)) return static_cast<int>(i);
    left -= p(i);
    last = i;
  }
  return static_cast<int>(last);  // rounding left nothing of the last one
}

}  // namespace reprise
