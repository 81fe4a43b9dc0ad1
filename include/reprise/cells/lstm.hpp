#pragma once
// Long short-term memory: Hochreiter and Schmidhuber (1997) with the forget gate of Gers, Schmidhuber and Cummins (2000);
// Goodfellow et al., Deep Learning, equations 10.40 to 10.44. Gates stand in the order i, f, g, o of PyTorch.
//
//   | i_t |   | sigmoid |
//   | f_t | = | sigmoid | (W_xh x_t + W_hh h_{t-1} + b_h)       input gate, forget gate,
//   | g_t |   | tanh    |                                       candidate,
//   | o_t |   | sigmoid |                                       output gate
//
//   c_t = f_t * c_{t-1} + i_t * g_t
//   h_t = o_t * tanh(c_t)
//
//   x_t (inputs, batch)   h_t, c_t, i_t, f_t, g_t, o_t (hidden, batch)
//   W_xh (4 hidden, inputs)   W_hh (4 hidden, hidden)   b_h (4 hidden)
//
// Backward, from dh_t = dL/dh_t and dc_t, what step t+1 sent back to c_t; the products are those of GatedCell:
//
//   do_t = dh_t * tanh(c_t)                     dc_t += dh_t * o_t * (1 - tanh(c_t)^2)
//   di_t = dc_t * g_t       dg_t = dc_t * i_t       df_t = dc_t * c_{t-1}       dc_{t-1} = dc_t * f_t
//   da_t = (di_t i_t (1 - i_t),  df_t f_t (1 - f_t),  dg_t (1 - g_t^2),  do_t o_t (1 - o_t))
//   dh_{t-1} = W_hh^T da_t
//
// `Gate` is the activation of i, f and o: Sigmoid, or HardSigmoid. With `Clip` = ClipCell<3>, c_t is held within -3 and 3
// (Sak, Senior and Beaufays, 2014; cell_clip of TensorFlow), and beyond these no gradient passes.

#include <reprise/cells/memory_cell.hpp>

namespace reprise {

struct Unclipped {
  static auto of(const auto& c) { return c; }
  static auto back(const auto& /*c*/, const auto& dc) { return dc; }
};

template <int Numerator, int Denominator = 1>
struct ClipCell {
  static_assert(Numerator > 0 && Denominator > 0, "the bound of c_t is above zero");
  template <class A>
  static A of(const A& c) {
    const A limit = (A{} + Numerator) / Denominator;
    return c > limit ? limit : c < -limit ? -limit : c;
  }
  template <class A>
  static A back(const A& c, const A& dc) {
    const A limit = (A{} + Numerator) / Denominator;
    return c > limit ? A{} : c < -limit ? A{} : dc;
  }
};

template <class Scalar, int Inputs = Dynamic, int Hidden = Dynamic, Bias bias = Bias::present, class Gate = Sigmoid,
          class Clip = Unclipped>
struct LSTMCell : MemoryCell<LSTMCell<Scalar, Inputs, Hidden, bias, Gate, Clip>, Scalar, Inputs, Hidden, 4, 1, bias> {
  using Base = typename LSTMCell::MemoryCell;
  template <class S, int I = Dynamic, int H = Dynamic>
  using Rebind = LSTMCell<S, I, H, bias, Gate, Clip>;

  using Base::Base;

  void activate(auto& trace, auto& state) const {
    elementwise(
        [](auto& i, auto& f, auto& g, auto& o, auto& c, auto& tanh_c, auto& h) {
          i = Gate::of(i);
          f = Gate::of(f);
          g = tanh(g);
          o = Gate::of(o);
          c = Clip::of(f * c + i * g);
          tanh_c = tanh(c);
          h = o * tanh_c;
        },
        gate(trace.a, 0), gate(trace.a, 1), gate(trace.a, 2), gate(trace.a, 3), state.c, trace.tanh_c, state.h);
  }

  void activate_back(const auto& before, auto& trace, auto& d) const {
    elementwise(
        [](auto& i, auto& f, auto& g, auto& o, const auto& c_before, const auto& tanh_c, auto& dc, const auto& dh) {
          dc = Clip::back(f * c_before + i * g, dc + dh * o * (1 - tanh_c * tanh_c));
          const auto di = dc * g, df = dc * c_before, dg = dc * i, do_t = dh * tanh_c;
          dc = dc * f;  // dc_{t-1}
          i = di * Gate::slope(i);
          f = df * Gate::slope(f);
          g = dg * (1 - g * g);
          o = do_t * Gate::slope(o);
        },
        gate(trace.a, 0), gate(trace.a, 1), gate(trace.a, 2), gate(trace.a, 3), before.c, trace.tanh_c, d.c, d.h);
  }

 private:
  using Base::gate;
};

}  // namespace reprise
