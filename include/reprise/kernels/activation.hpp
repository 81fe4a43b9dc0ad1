#pragma once
// tanh and the logistic sigmoid, of an entry or of a packet of entries, whichever `elementwise` calls an equation with.
// Scalars other than float and double, dual numbers included, take the functions found by ADL.

#include <reprise/kernels/elementary.hpp>

namespace reprise {

/// sigmoid(x) = 1 / (1 + exp(-x))
template <class Scalar>
Scalar sigmoid(const Scalar& x) {
  return Scalar(1) / (Scalar(1) + exp(-x));
}

}  // namespace reprise
