#pragma once
// The recurrent network of Elman (1990), in Goodfellow et al., Deep Learning, equations 10.8 and 10.9:
//
//   a_t = W_xh x_t + W_hh h_{t-1} + b_h
//   h_t = f(a_t)                              f is tanh, or another activation: Relu, Sigmoid, Identity
//
//   x_t (inputs, batch)   h_t, a_t (hidden, batch)   W_xh (hidden, inputs)   W_hh (hidden, hidden)   b_h (hidden)
//
// Backward, from dh_t = dL/dh_t (equations 10.22 to 10.28 there); the products are those of GatedCell:
//
//   da_t = f'(a_t) * dh_t                     tanh' = 1 - h_t^2
//   dh_{t-1} = W_hh^T da_t

#include <reprise/cells/gated_cell.hpp>

namespace reprise {

template <class Scalar, int Inputs = Dynamic, int Hidden = Dynamic, Bias bias = Bias::present, class Activation = Tanh>
struct RNNCell : GatedCell<RNNCell<Scalar, Inputs, Hidden, bias, Activation>, Scalar, Inputs, Hidden, 1, bias> {
  using RNNCell::GatedCell::GatedCell;
  template <class S, int I = Dynamic, int H = Dynamic>
  using Rebind = RNNCell<S, I, H, bias, Activation>;

  void activate(auto& trace, auto& state) const {
    elementwise([](auto& a, auto& h) { h = a = Activation::of(a); }, trace.a, state.h);  // h_t = f(a_t)
  }

  void activate_back(const auto& /*before*/, auto& trace, auto& d) const {
    elementwise([](auto& a, const auto& dh) { a = Activation::slope(a) * dh; }, trace.a, d.h);  // da_t = f'(a_t) dh_t
  }
};

/// The IRNN of Le, Jaitly and Hinton (2015, arXiv 1504.00941, section 3), for RNNCell with Relu: it begins by copying its
/// state. W_hh = scale I, biases zero, W_xh normal with standard deviation 0.001.
template <class Scalar, int Inputs, int Hidden, Bias bias>
void initialise_irnn(RNNCell<Scalar, Inputs, Hidden, bias, Relu>& cell, Rng& rng, double scale = 1) {
  normal(cell.W_xh, 0.001, rng);
  identity(cell.W_hh, scale);
  cell.b_h.setZero();
}

}  // namespace reprise
