#pragma once
// What the losses share. A loss is called with y and target, (rows, columns) of the same columns, returns its value and
// leaves dL/dy in dy. It alone owns the sum, the mask and the scale.

#include <reprise/core/errors.hpp>

#include <algorithm>
#include <cmath>
#include <type_traits>

namespace reprise {

/// Over what the loss is taken: the sum over all steps of all records (Goodfellow et al., equation 10.12), or that sum
/// divided by the number of steps that count (not, as in PyTorch, by the number of entries of y).
enum class Reduction { sum, mean };

namespace detail {

/// What a loss adds up in: double for float and double, a dual number for itself.
template <class Scalar>
using Sum = std::conditional_t<std::is_floating_point_v<Scalar>, double, Scalar>;

template <class Scalar>
Scalar reduce(Reduction reduction, const Sum<Scalar>& sum, Index counted, auto& dy) {
  if (reduction == Reduction::sum || counted == 0) return static_cast<Scalar>(sum);
  dy *= Scalar(1) / static_cast<Scalar>(static_cast<double>(counted));
  return static_cast<Scalar>(sum / static_cast<double>(counted));
}

}  // namespace detail
}  // namespace reprise
