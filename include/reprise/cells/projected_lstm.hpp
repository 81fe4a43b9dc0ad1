#pragma once
// LSTM with a projection: Sak, Senior and Beaufays, "Long short-term memory based recurrent neural network
// architectures for large vocabulary speech recognition" (2014, arXiv 1402.1128), equations 7 to 12, without peepholes,
// as PyTorch has it with proj_size. Of its `cells` cells only `hidden` mixtures go round: many cells, and yet a small
// W_hh. Gates stand in the order i, f, g, o of PyTorch.
//
//   | i_t |   | sigmoid |
//   | f_t | = | sigmoid | (W_xh x_t + W_hh h_{t-1} + b_h)       input gate, forget gate,
//   | g_t |   | tanh    |                                       candidate,
//   | o_t |   | sigmoid |                                       output gate
//
//   c_t = f_t * c_{t-1} + i_t * g_t
//   m_t = o_t * tanh(c_t)
//   h_t = W_hr m_t
//
//   x_t (inputs, batch)   h_t (hidden, batch)   c_t, m_t, i_t, f_t, g_t, o_t (cells, batch)
//   W_xh (4 cells, inputs)   W_hh (4 cells, hidden)   b_h (4 cells)   W_hr (hidden, cells)
//
// Backward, from dh_t = dL/dh_t and dc_t, what step t+1 sent back to c_t:
//
//   dm_t = W_hr^T dh_t                          dW_hr += dh_t m_t^T
//   do_t = dm_t * tanh(c_t)                     dc_t += dm_t * o_t * (1 - tanh(c_t)^2)
//   di_t = dc_t * g_t       dg_t = dc_t * i_t       df_t = dc_t * c_{t-1}       dc_{t-1} = dc_t * f_t
//   da_t = (di_t i_t (1 - i_t),  df_t f_t (1 - f_t),  dg_t (1 - g_t^2),  do_t o_t (1 - o_t))
//   dh_{t-1} = W_hh^T da_t                      the other products are those of GatedCell

#include <reprise/cells/gated_cell.hpp>

namespace reprise {

/// Sizes::inner is the number of cells; if 0 it is `Cells`, or where the type leaves that open, `hidden`.
template <class Scalar, int Inputs = Dynamic, int Hidden = Dynamic, Bias bias = Bias::present, int Cells = Hidden>
struct ProjectedLSTMCell
    : GatedCell<ProjectedLSTMCell<Scalar, Inputs, Hidden, bias, Cells>, Scalar, Inputs, Hidden, 4, bias, Cells> {
  using Base = typename ProjectedLSTMCell::GatedCell;
  template <class S, int I = Dynamic, int H = Dynamic>
  using Rebind = ProjectedLSTMCell<S, I, H, bias, Cells>;

  Matrix<Scalar, Hidden, Cells> W_hr;

  static constexpr auto fields() {
    return std::tuple_cat(Base::fields(), std::tuple{field("W_hr", &ProjectedLSTMCell::W_hr)});
  }

  template <class Storage = Owned<>>
  struct State {
    Part<Storage, Scalar, Hidden> h;  // (hidden, batch)
    Part<Storage, Scalar, Cells> c;   // (cells, batch)
    static constexpr auto fields() { return std::tuple{field("h", &State::h), field("c", &State::c)}; }
  };

  template <class Storage = Owned<>>
  struct Trace {
    Part<Storage, Scalar, Base::GateRows> a;  // (4 cells, batch): a_t, after step the gates, after step_back da_t
    Part<Storage, Scalar, Cells> tanh_c;      // (cells, batch)
    Part<Storage, Scalar, Cells> m;           // (cells, batch): m_t; dm_t while step_back works
    Part<Storage, Scalar, Hidden> dh;         // (hidden, batch)
    static constexpr auto fields() {
      return std::tuple{field("a", &Trace::a), field("tanh_c", &Trace::tanh_c), field("m", &Trace::m),
                        field("dh", &Trace::dh)};
    }
  };

  /// Zero weights of these sizes. Throws shape_error if they are not those of the type.
  explicit ProjectedLSTMCell(Sizes sizes = {known_or_zero(Inputs), known_or_zero(Hidden)})
      : Base(sizes, cells_of(sizes)) {
    W_hr.setZero(sizes.hidden, this->units());
  }

  /// As LSTMCell, biases of 1 for the forget gate; W_hr after Glorot.
  ProjectedLSTMCell(Sizes sizes, Rng& rng) : Base(sizes, cells_of(sizes), rng) {
    W_hr.setZero(sizes.hidden, this->units());
    glorot(W_hr, rng);
    if constexpr (bias == Bias::present) gate(this->b_h, 1).setOnes();
  }

  std::array<Index, 2> state_rows() const { return {this->outputs(), this->units()}; }
  std::array<Index, 4> trace_rows() const { return {4 * this->units(), this->units(), this->units(), this->outputs()}; }

  void step(auto& packed, auto& trace, auto& state) const {
    this->recur(packed, trace, state.h);
    elementwise(
        [](auto& i, auto& f, auto& g, auto& o, auto& c, auto& tanh_c, auto& m) {
          i = sigmoid(i);
          f = sigmoid(f);
          g = tanh(g);
          o = sigmoid(o);
          c = f * c + i * g;
          tanh_c = tanh(c);
          m = o * tanh_c;
        },
        gate(trace.a, 0), gate(trace.a, 1), gate(trace.a, 2), gate(trace.a, 3), state.c, trace.tanh_c, trace.m);
    product(state.h, packed(W_hr), trace.m);  // h_t = W_hr m_t
  }

  void step_back(auto& packed, const auto& before, auto& trace, auto& d) const {
    trace.dh = d.h;
    product(trace.m, packed(W_hr.transpose()), d.h);  // dm_t = W_hr^T dh_t
    elementwise(
        [](auto& i, auto& f, auto& g, auto& o, const auto& c_before, const auto& tanh_c, auto& dc, auto& m) {
          const auto dm = m;
          m = o * tanh_c;  // m_t again, which dW_hr will read
          dc = dc + dm * o * (1 - tanh_c * tanh_c);
          const auto di = dc * g, df = dc * c_before, dg = dc * i, do_t = dm * tanh_c;
          dc = dc * f;  // dc_{t-1}
          i = di * i * (1 - i);
          f = df * f * (1 - f);
          g = dg * (1 - g * g);
          o = do_t * o * (1 - o);
        },
        gate(trace.a, 0), gate(trace.a, 1), gate(trace.a, 2), gate(trace.a, 3), before.c, trace.tanh_c, d.c, trace.m);
    product(d.h, packed(this->W_hh.transpose()), trace.a);  // dh_{t-1} = W_hh^T da_t
  }

  void accumulate(const auto& x, const auto& before, const auto& trace, ProjectedLSTMCell& gradient) const {
    Base::accumulate(x, before, trace, gradient);
    add_product(gradient.W_hr, trace.dh, trace.m.transpose());  // dW_hr += dh_t m_t^T
  }

 private:
  using Base::gate;
  static Index cells_of(Sizes sizes) { return sizes.inner == 0 && Cells != Dynamic ? Cells : sizes.inner_or_hidden(); }
};

}  // namespace reprise
