#pragma once
// tanh and the logistic sigmoid, of an entry or of a packet of entries (`elementwise` decides which), and over whole blocks.
// Scalars other than float and double, dual numbers included, take the functions found by ADL.

#include <reprise/kernels/elementary.hpp>
#include <reprise/kernels/elementwise.hpp>

namespace reprise {

/// sigmoid(x) = 1 / (1 + exp(-x))
template <class Scalar>
Scalar sigmoid(const Scalar& x) {
  return Scalar(1) / (Scalar(1) + exp(-x));
}

/// x := tanh(x), element by element.
void tanh_in_place(auto&& x) {
  elementwise([](auto& v) { v = tanh(v); }, x);
}

/// x := sigmoid(x), element by element.
void sigmoid_in_place(auto&& x) {
  elementwise([](auto& v) { v = sigmoid(v); }, x);
}

}  // namespace reprise
