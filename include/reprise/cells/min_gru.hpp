#pragma once
// minGRU: Feng, Tung, Ahmed, Bengio and Hajimirsadeghi, "Were RNNs all we needed?" (2024, arXiv 2410.01201), section
// 3.1. A GRU whose gates do not see h_{t-1}: a linear recurrence, which Scanned runs over blocks of time, too.
//
//   z_t = sigmoid(W_z x_t + b_z)                   W_xh = (W_z, W_n)  (2 hidden, inputs)  x_t (inputs, batch)
//   n_t = W_n x_t + b_n                            b_h  = (b_z, b_n)  (2 hidden)          z_t, n_t, h_t (hidden, batch)
//   h_t = (1 - z_t) * h_{t-1} + z_t * n_t
//
// Backward, from dh_t = dL/dh_t; a_t is the argument of the gates, the products are those of AffineInput:
//
//   dz_t = dh_t * (n_t - h_{t-1})                  dn_t = dh_t * z_t
//   da_t = (dz_t z_t (1 - z_t),  dn_t)             dh_{t-1} = dh_t * (1 - z_t)

#include <reprise/cells/affine_input.hpp>

namespace reprise {

template <class Scalar, int Inputs = Dynamic, int Hidden = Dynamic, Bias bias = Bias::present>
struct MinGRUCell : AffineInput<Scalar, Inputs, Hidden, 2, bias> {
  using Base = typename MinGRUCell::AffineInput;
  using Base::Base;
  template <class S, int I = Dynamic, int H = Dynamic>
  using Rebind = MinGRUCell<S, I, H, bias>;

  void step(auto& /*packed*/, auto& trace, auto& state) const {
    elementwise(
        [](auto& z, const auto& n, auto& h) {
          z = sigmoid(z);
          h = h + z * (n - h);
        },
        gate(trace.a, 0), gate(trace.a, 1), state.h);
  }

  void step_back(auto& /*packed*/, const auto& before, auto& trace, auto& d) const {
    elementwise(
        [](auto& z, auto& n, const auto& h_before, auto& dh) {
          const auto dz = dh * (n - h_before), dn = dh * z;
          dh = dh * (1 - z);
          z = dz * z * (1 - z);
          n = dn;
        },
        gate(trace.a, 0), gate(trace.a, 1), before.h, d.h);
  }

  // As a linear recurrence, s_t = f_t * s_{t-1} + v_t with s_t = h_t.
  void coefficients(auto& trace, auto& f, auto& v) const {
    elementwise(
        [](auto& z, const auto& n, auto& f_t, auto& v_t) {
          z = sigmoid(z);
          f_t = 1 - z;
          v_t = z * n;
        },
        gate(trace.a, 0), gate(trace.a, 1), f, v);
  }
  void emit(auto& /*packed*/, auto& /*trace*/, const auto& s, auto& h) const { h = s; }
  static auto& recurrent(auto& state) { return state.h; }

 private:
  using Base::gate;
};

}  // namespace reprise
