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
// Backward, from dh_t = dL/dh_t and dc_t, what step t+1 sent back to c_t; a_t is the argument of the gates:
//
//   do_t = dh_t * tanh(c_t)                     dc_t += dh_t * o_t * (1 - tanh(c_t)^2)
//   di_t = dc_t * g_t       dg_t = dc_t * i_t       df_t = dc_t * c_{t-1}       dc_{t-1} = dc_t * f_t
//   da_t = (di_t i_t (1 - i_t),  df_t f_t (1 - f_t),  dg_t (1 - g_t^2),  do_t o_t (1 - o_t))
//   dh_{t-1} = W_hh^T da_t                      dx_t = W_xh^T da_t
//   dW_xh += da_t x_t^T      dW_hh += da_t h_{t-1}^T      db_h += da_t, summed over the batch

#include <reprise/core/cell.hpp>
#include <reprise/core/initialise.hpp>
#include <reprise/kernels/activation.hpp>
#include <reprise/kernels/bias.hpp>
#include <reprise/kernels/elementwise.hpp>
#include <reprise/kernels/product.hpp>

namespace reprise {

template <class Scalar_, int Inputs_ = Dynamic, int Hidden = Dynamic, Bias bias = Bias::present>
struct LSTMCell {
  using Scalar = Scalar_;
  static constexpr int Inputs = Inputs_, Outputs = Hidden, Gates = times(4, Hidden);
  template <class S, int I = Dynamic, int H = Dynamic>
  using Rebind = LSTMCell<S, I, H, bias>;

  Matrix<Scalar, Gates, Inputs> W_xh;
  Matrix<Scalar, Gates, Hidden> W_hh;
  Vector<Scalar, bias == Bias::present ? Gates : 0> b_h;

  static constexpr auto fields() {
    return std::tuple{field("W_xh", &LSTMCell::W_xh), field("W_hh", &LSTMCell::W_hh), field("b_h", &LSTMCell::b_h)};
  }

  template <class Storage = Owned<>>
  struct State {
    Part<Storage, Scalar, Hidden> h;  // (hidden, batch)
    Part<Storage, Scalar, Hidden> c;  // (hidden, batch)
    static constexpr auto fields() { return std::tuple{field("h", &State::h), field("c", &State::c)}; }
  };

  template <class Storage = Owned<>>
  struct Trace {
    Part<Storage, Scalar, Gates> a;        // (4 hidden, batch): a_t, after step the gates, after step_back da_t
    Part<Storage, Scalar, Hidden> tanh_c;  // (hidden, batch)
    static constexpr auto fields() { return std::tuple{field("a", &Trace::a), field("tanh_c", &Trace::tanh_c)}; }
  };

  /// Zero weights of these sizes. Throws shape_error if they are not those of the type.
  explicit LSTMCell(Sizes sizes = {known_or_zero(Inputs), known_or_zero(Hidden)}) {
    const Index inputs = checked_size(sizes.inputs, Inputs, "inputs");
    const Index hidden = checked_size(sizes.hidden, Hidden, "hidden");
    W_xh.setZero(4 * hidden, inputs);
    W_hh.setZero(4 * hidden, hidden);
    b_h.setZero(bias == Bias::present ? 4 * hidden : 0);
  }

  /// Each gate's W_xh after Glorot and W_hh orthogonal; biases zero, but 1 for the forget gate, so that a new cell
  /// remembers (Gers 2000; Jozefowicz, Zaremba and Sutskever 2015).
  LSTMCell(Sizes sizes, Rng& rng) : LSTMCell(sizes) {
    for (const Index k : {0, 1, 2, 3}) {
      glorot(gate(W_xh, k), rng);
      orthogonal(gate(W_hh, k), rng);
    }
    if constexpr (bias == Bias::present) gate(b_h, 1).setOnes();
  }

  Index inputs() const { return W_xh.cols(); }
  Index outputs() const { return W_hh.cols(); }
  std::array<Index, 2> state_rows() const { return {outputs(), outputs()}; }
  std::array<Index, 2> trace_rows() const { return {4 * outputs(), outputs()}; }

  void project(auto& packed, const auto& x, auto& trace) const {
    product(trace.a, packed(W_xh), x);
    add_bias(trace.a, b_h);
  }

  void step(auto& packed, auto& trace, auto& state) const {
    add_product(trace.a, packed(W_hh), state.h);  // a_t = W_xh x_t + b_h + W_hh h_{t-1}
    elementwise(
        [](auto& i, auto& f, auto& g, auto& o, auto& c, auto& tanh_c, auto& h) {
          i = sigmoid(i);
          f = sigmoid(f);
          g = tanh(g);
          o = sigmoid(o);
          c = f * c + i * g;
          tanh_c = tanh(c);
          h = o * tanh_c;
        },
        gate(trace.a, 0), gate(trace.a, 1), gate(trace.a, 2), gate(trace.a, 3), state.c, trace.tanh_c, state.h);
  }

  void step_back(auto& packed, const auto& before, auto& trace, auto& d) const {
    elementwise(
        [](auto& i, auto& f, auto& g, auto& o, const auto& c_before, const auto& tanh_c, auto& dc, const auto& dh) {
          dc += dh * o * (1 - tanh_c * tanh_c);
          const auto di = dc * g, df = dc * c_before, dg = dc * i, do_t = dh * tanh_c;
          dc = dc * f;  // dc_{t-1}
          i = di * i * (1 - i);
          f = df * f * (1 - f);
          g = dg * (1 - g * g);
          o = do_t * o * (1 - o);
        },
        gate(trace.a, 0), gate(trace.a, 1), gate(trace.a, 2), gate(trace.a, 3), before.c, trace.tanh_c, d.c, d.h);
    product(d.h, packed(W_hh.transpose()), trace.a);  // dh_{t-1} = W_hh^T da_t
  }

  void accumulate(const auto& x, const auto& before, const auto& trace, LSTMCell& gradient) const {
    add_product(gradient.W_xh, trace.a, x.transpose());         // dW_xh += da_t x_t^T
    add_product(gradient.W_hh, trace.a, before.h.transpose());  // dW_hh += da_t h_{t-1}^T
    add_bias_gradient(gradient.b_h, trace.a);                   // db_h += da_t
  }

  void project_back(auto& packed, const auto& trace, auto& dx) const {
    product(dx, packed(W_xh.transpose()), trace.a);  // dx_t = W_xh^T da_t
  }

 private:
  auto gate(auto& stacked, Index k) const { return row_block<Hidden>(stacked, k, outputs()); }
};

}  // namespace reprise
