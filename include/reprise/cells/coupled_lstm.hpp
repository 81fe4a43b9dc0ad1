#pragma once
// LSTM whose input gate is coupled to the forget gate, i_t = 1 - f_t: what is new takes the place of what is forgotten.
// CIFG in Greff, Srivastava, Koutnik, Steunebrink and Schmidhuber, "LSTM: a search space odyssey" (2017, arXiv
// 1503.04069), here without peepholes. Gates stand in the order f, g, o.
//
//   | f_t |   | sigmoid |
//   | g_t | = | tanh    | (W_xh x_t + W_hh h_{t-1} + b_h)       forget gate, candidate, output gate
//   | o_t |   | sigmoid |
//
//   c_t = f_t * c_{t-1} + (1 - f_t) * g_t
//   h_t = o_t * tanh(c_t)
//
//   x_t (inputs, batch)   h_t, c_t, f_t, g_t, o_t (hidden, batch)
//   W_xh (3 hidden, inputs)   W_hh (3 hidden, hidden)   b_h (3 hidden)
//
// Backward, from dh_t = dL/dh_t and dc_t, what step t+1 sent back to c_t; the products are those of GatedCell:
//
//   do_t = dh_t * tanh(c_t)                     dc_t += dh_t * o_t * (1 - tanh(c_t)^2)
//   df_t = dc_t * (c_{t-1} - g_t)       dg_t = dc_t * (1 - f_t)       dc_{t-1} = dc_t * f_t
//   da_t = (df_t f_t (1 - f_t),  dg_t (1 - g_t^2),  do_t o_t (1 - o_t))

#include <reprise/cells/memory_cell.hpp>

namespace reprise {

template <class Scalar, int Inputs = Dynamic, int Hidden = Dynamic, Bias bias = Bias::present>
struct CoupledLSTMCell : MemoryCell<CoupledLSTMCell<Scalar, Inputs, Hidden, bias>, Scalar, Inputs, Hidden, 3, 0, bias> {
  using Base = typename CoupledLSTMCell::MemoryCell;
  template <class S, int I = Dynamic, int H = Dynamic>
  using Rebind = CoupledLSTMCell<S, I, H, bias>;

  using Base::Base;

  void activate(auto& trace, auto& state) const {
    elementwise(
        [](auto& f, auto& g, auto& o, auto& c, auto& tanh_c, auto& h) {
          f = sigmoid(f);
          g = tanh(g);
          o = sigmoid(o);
          c = g + f * (c - g);  // f c + (1 - f) g
          tanh_c = tanh(c);
          h = o * tanh_c;
        },
        gate(trace.a, 0), gate(trace.a, 1), gate(trace.a, 2), state.c, trace.tanh_c, state.h);
  }

  void activate_back(const auto& before, auto& trace, auto& d) const {
    elementwise(
        [](auto& f, auto& g, auto& o, const auto& c_before, const auto& tanh_c, auto& dc, const auto& dh) {
          dc = dc + dh * o * (1 - tanh_c * tanh_c);
          const auto df = dc * (c_before - g), dg = dc * (1 - f), do_t = dh * tanh_c;
          dc = dc * f;  // dc_{t-1}
          f = df * f * (1 - f);
          g = dg * (1 - g * g);
          o = do_t * o * (1 - o);
        },
        gate(trace.a, 0), gate(trace.a, 1), gate(trace.a, 2), before.c, trace.tanh_c, d.c, d.h);
  }

 private:
  using Base::gate;
};

}  // namespace reprise
