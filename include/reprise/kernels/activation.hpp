#pragma once
// Activations, of an entry or of a packet of entries, whichever `elementwise` calls an equation with. Scalars other than
// float and double, dual numbers included, take the functions found by ADL.
//
// As a type, for cells that leave the choice open: y = of(a), and dy/da as a function of y, which is what a trace keeps.

#include <reprise/kernels/elementary.hpp>

#include <type_traits>

namespace reprise {

/// sigmoid(x) = 1 / (1 + exp(-x))
template <class Scalar>
Scalar sigmoid(const Scalar& x) {
  return Scalar(1) / (Scalar(1) + exp(-x));
}

struct Tanh {
  static auto of(const auto& a) { return tanh(a); }
  static auto slope(const auto& y) { return 1 - y * y; }
};

struct Sigmoid {
  static auto of(const auto& a) { return sigmoid(a); }
  static auto slope(const auto& y) { return y * (1 - y); }
};

/// max(a, 0); its slope at 0 is 0, and so it is at the kinks below.
struct Relu {
  template <class A>
  static A of(const A& a) {
    return a < 0 ? A{} : a;
  }
  template <class A>
  static A slope(const A& y) {
    return y > 0 ? A{} + 1 : A{};
  }
};

struct Identity {
  static auto of(const auto& a) { return a; }
  template <class A>
  static A slope(const A& /*y*/) {
    return A{} + 1;
  }
};

/// a / 5 + 1/2 within 0 and 1: the hard sigmoid of Keras (up to version 2) and of ONNX.
struct HardSigmoid {
  template <class A>
  static A of(const A& a) {
    const A y = (2 * a + 5) / 10;
    return y < 0 ? A{} : y > 1 ? A{} + 1 : y;
  }
  template <class A>
  static A slope(const A& y) {
    return y > 0 ? (y < 1 ? (A{} + 1) / 5 : A{}) : A{};
  }
};

}  // namespace reprise
