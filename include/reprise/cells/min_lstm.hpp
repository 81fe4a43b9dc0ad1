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
// Far below zero both gates are 0 to a computer, while their shares i' and f' are not. As sigmoid(a) = e^min(a,0) / (1 + e^-|a|),
// both exponents are taken relative to the larger one, which leaves the shares what they are.
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
        [](const auto& a_i, const auto& a_f, const auto& n, auto& h) {
          const auto i_share = share(a_i, a_f);
          h = h + i_share * (n - h);  // f' h + i' n
        },
        gate(trace.a, 0), gate(trace.a, 1), gate(trace.a, 2), state.h);
  }

  void step_back(auto& /*packed*/, const auto& before, auto& trace, auto& d) const {
    elementwise(
        [](auto& i, auto& f, auto& n, const auto& h_before, auto& dh) {
          const auto i_share = share(i, f), f_share = 1 - i_share;
          const auto da = dh * (n - h_before) * i_share * f_share;
          n = dh * i_share;
          i = da * sigmoid(-i);   // 1 - i_t
          f = -da * sigmoid(-f);  // 1 - f_t
          dh = dh * f_share;
        },
        gate(trace.a, 0), gate(trace.a, 1), gate(trace.a, 2), before.h, d.h);
  }

  // As a linear recurrence, with s_t = h_t.
  void coefficients(auto& trace, auto& f_t, auto& v_t) const {
    elementwise(
        [](const auto& a_i, const auto& a_f, const auto& n, auto& f_share, auto& v) {
          const auto i_share = share(a_i, a_f);
          f_share = 1 - i_share;
          v = i_share * n;
        },
        gate(trace.a, 0), gate(trace.a, 1), gate(trace.a, 2), f_t, v_t);
  }
  void emit(auto& /*packed*/, auto& /*trace*/, const auto& s, auto& h) const { h = s; }
  static auto& recurrent(auto& state) { return state.h; }

 private:
  using Base::gate;

  // i' from the arguments of both gates.
  template <class A>
  static A share(const A& a_i, const A& a_f) {
    const A low_i = a_i < 0 ? a_i : A{}, low_f = a_f < 0 ? a_f : A{}, most = low_i > low_f ? low_i : low_f;
    const A i = exp(low_i - most) / (1 + exp(a_i < 0 ? a_i : -a_i)),
            f = exp(low_f - most) / (1 + exp(a_f < 0 ? a_f : -a_f));
    return i / (i + f);
  }
};

}  // namespace reprise
