#pragma once
// Random masks, drawn from the caller's Rng: the same seed, the same masks on every platform.

#include <reprise/core/errors.hpp>
#include <reprise/core/rng.hpp>
#include <reprise/core/types.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

namespace reprise {

/// Throws value_error, naming `what`, unless `rate` is in [0, 1).
inline void require_rate(double rate, const char* what) {
  if (!(rate >= 0 && rate < 1)) detail::fail<value_error>(what, ": rate = ", rate, ", a probability in [0, 1)");
}

/// Makes each entry of `mask`, whole columns of a matrix, `value` with `probability`, else 0. Each takes one number of
/// the Rng, column by column.
template <class Mask>
void draw_mask(Mask&& mask, double probability, double value, Rng& rng) {
  using Scalar = typename std::remove_cvref_t<Mask>::Scalar;
  eigen_assert(mask.cols() < 2 || mask.outerStride() == mask.rows());
  const auto threshold = static_cast<std::uint32_t>(std::min(probability * 0x1p32, 0x1p32 - 1));
  const Scalar chosen = Scalar(value);
  std::array<std::uint32_t, 1024> bits;
  std::span rest(mask.data(), static_cast<std::size_t>(mask.size()));
  while (!rest.empty()) {
    const std::size_t run = std::min(rest.size(), bits.size());
    rng.fill(std::span(bits).first(run));
    for (std::size_t i = 0; i < run; ++i) rest[i] = bits[i] < threshold ? chosen : Scalar(0);
    rest = rest.subspan(run);
  }
}

/// The mask of dropout: 0 with probability `rate`, else 1 / (1 - rate), so that its mean is 1.
template <class Mask>
void draw_dropout(Mask&& mask, double rate, Rng& rng) {
  draw_mask(mask, 1 - rate, 1 / (1 - rate), rng);
}

}  // namespace reprise
