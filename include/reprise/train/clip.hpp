#pragma once
// Keeping exploding gradients in bounds (Pascanu, Mikolov and Bengio, 2013; Goodfellow et al., section 10.11.1).

#include <reprise/core/module.hpp>

#include <array>
#include <cmath>
#include <numeric>

namespace reprise {

/// The Euclidean norm over all parameters together.
template <Module M>
double norm(const M& module) {
  std::array<double, 8> sums{};  // a single one would wait at every entry for its last addition
  for_each_parameter(
      [&](const auto& p) {
        const auto square = [&](Index i) {
          return static_cast<double>(p.data()[i]) * static_cast<double>(p.data()[i]);
        };
        Index i = 0;
        for (; i + 8 <= p.size(); i += 8)
          for (Index k = 0; k < 8; ++k) sums[static_cast<std::size_t>(k)] += square(i + k);
        for (; i < p.size(); ++i) sums[0] += square(i);
      },
      module);
  return std::sqrt(std::accumulate(sums.begin(), sums.end(), 0.0));
}

/// Scales the whole gradient so that its norm is at most `max_norm`; its direction stays. Returns the norm it had.
/// Throws non_finite_error, the gradient unchanged, if that is not finite, value_error if `max_norm` is not positive.
template <Module M>
double clip_norm(M& gradient, double max_norm) {
  if (!(max_norm > 0)) detail::fail<value_error>("clip_norm: max_norm = ", max_norm, ", it must be positive");
  const double before = norm(gradient);
  if (!std::isfinite(before)) detail::fail<non_finite_error>("clip_norm: the norm of the gradient is ", before);
  if (before > max_norm) {
    const auto scale = static_cast<typename M::Scalar>(max_norm / before);
    for_each_run([&](auto p) { p *= scale; }, gradient);
  }
  return before;
}

/// Every entry into [-limit, limit]. Throws non_finite_error, the gradient unchanged, if one is not finite, value_error if
/// `limit` is not positive.
template <Module M>
void clip_value(M& gradient, double limit) {
  if (!(limit > 0)) detail::fail<value_error>("clip_value: limit = ", limit, ", it must be positive");
  require_finite(gradient, "clip_value: the gradient of ");
  const auto bound = static_cast<typename M::Scalar>(limit);
  for_each_run([&](auto p) { p = p.min(bound).max(-bound); }, gradient);
}

}  // namespace reprise
