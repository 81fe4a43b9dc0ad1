#pragma once
// tanh and the logistic sigmoid over whole blocks, in place. float and double take Eigen's own: for float a vectorised
// rational approximation, within 3e-7 of tanh. Every other scalar, dual numbers included, takes the functions found by ADL.

#include <reprise/core/types.hpp>

#include <cmath>
#include <type_traits>

namespace reprise {

/// sigmoid(x) = 1 / (1 + exp(-x))
template <class Scalar>
Scalar sigmoid(const Scalar& x) {
  using std::exp;
  return Scalar(1) / (Scalar(1) + exp(-x));
}

/// x := tanh(x), element by element.
template <class X>
void tanh_in_place(X&& x) {
  using Scalar = typename std::remove_cvref_t<X>::Scalar;
  if constexpr (std::is_floating_point_v<Scalar>)
    x = x.array().tanh().matrix();
  else
    x = x.unaryExpr([](const Scalar& v) { return tanh(v); });
}

/// x := sigmoid(x), element by element.
template <class X>
void sigmoid_in_place(X&& x) {
  using Scalar = typename std::remove_cvref_t<X>::Scalar;
  if constexpr (std::is_floating_point_v<Scalar>)
    x = x.array().logistic().matrix();
  else
    x = x.unaryExpr([](const Scalar& v) { return sigmoid(v); });
}

}  // namespace reprise
