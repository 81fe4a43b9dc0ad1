#pragma once
// minLSTM: Feng, Tung, Ahmed, Bengio and Hajimirsadeghi, "Were RNNs all we needed?" (2024, arXiv 2410.01201), section
// 3.2. An LSTM whose gates do not see h_{t-1} and share out 1 between them: a linear recurrence, as MinGRUCell's.
//
//   i_t = sigmoid(W_i x_t + b_i)                   W_xh = (W_i, W_f, W_n)  (3 hidden, inputs)      x_t (inputs, batch)
//   f_t = sigmoid(W_f x_t + b_f)                   b_h  = (b_i, b_f, b_n)  (3 hidden)
//   n_t = W_n x_t + b_n                            i_t, f_t, n_t, h_t (hidden, batch)
//   i'_t = i_t / (f_t + i_t)
//   f'_t = f_t / (f_t + i_t)
//   h_t = f'_t * h_{t-1} + i'_t * n_t
//
// Backward, from dh_t = dL/dh_t, with f' = 1 - i'; a_t is the argument of the gates, the products are AffineInput's:
//
//   di'_t = dh_t * (n_t - h_{t-1})                 dn_t = dh_t * i'_t
//   da_i = di'_t i'_t f'_t (1 - i_t)               di'/di = f / (f + i)^2
//   da_f = -di'_t i'_t f'_t (1 - f_t)              di'/df = -i / (f + i)^2
//   dh_{t-1} = dh_t * f'_t

#include <reprise/cells/affine_input.hpp>

namespace reprise {

template <class Scalar, int Inputs = Dynamic, int Hidden = Dynamic, Bias bias = Bias::present>
struct MinLSTMCell : AffineInput<Scalar, Inputs, Hidden, 3, bias> {
  using Base = typename MinLSTMCell::AffineInput;
  using Base::Base;
  template <class S, int I = Dynamic, int H = Dynamic>
  using Rebind = MinLSTMCell<S, I, H, bias>;

  void step(auto& /*packed*/, auto& trace, auto& state) const {
    elementwise(
        [](auto& i, auto& f, const auto& n, auto& h) {
          i = sigmoid(i);
          f = sigmoid(f);
          h = (f * h + i * n) / (f + i);
        },
        gate(trace.a, 0), gate(trace.a, 1), gate(trace.a, 2), state.h);
  }

  void step_back(auto& /*packed*/, const auto& before, auto& trace, auto& d) const {
    elementwise(
        [](auto& i, auto& f, auto& n, const auto& h_before, auto& dh) {
          const auto i_share = i / (f + i), f_share = f / (f + i);
          const auto di_share = dh * (n - h_before);
          n = dh * i_share;
          i = di_share * i_share * f_share * (1 - i);
          f = -di_share * i_share * f_share * (1 - f);
          dh = dh * f_share;
        },
        gate(trace.a, 0), gate(trace.a, 1), gate(trace.a, 2), before.h, d.h);
  }

  // As a linear recurrence, with s_t = h_t.
  void coefficients(auto& trace, auto& f_t, auto& v_t) const {
    elementwise(
        [](auto& i, auto& f, const auto& n, auto& f_share, auto& v) {
          i = sigmoid(i);
          f = sigmoid(f);
          f_share = f / (f + i);
          v = i / (f + i) * n;
        },
        gate(trace.a, 0), gate(trace.a, 1), gate(trace.a, 2), f_t, v_t);
  }
  void emit(auto& /*packed*/, auto& /*trace*/, const auto& s, auto& h) const { h = s; }
  static auto& recurrent(auto& state) { return state.h; }

 private:
  using Base::gate;
};

}  // namespace reprise
