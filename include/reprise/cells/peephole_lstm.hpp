#pragma once
// LSTM with peepholes: Gers and Schmidhuber, "Recurrent nets that time and count" (IJCNN 2000), in the form of Graves,
// "Generating sequences with recurrent neural networks" (2013, arXiv 1308.0850), equations 7 to 11. The gates see the
// cell state, i and f the old one, o the new one, each entry its own: Graves' diagonal matrices are vectors here. Gates
// stand in the order i, f, g, o.
//
//   i_t = sigmoid(W_i x_t + U_i h_{t-1} + p_i * c_{t-1} + b_i)         input gate
//   f_t = sigmoid(W_f x_t + U_f h_{t-1} + p_f * c_{t-1} + b_f)         forget gate
//   g_t = tanh   (W_g x_t + U_g h_{t-1} + b_g)                         candidate
//   c_t = f_t * c_{t-1} + i_t * g_t
//   o_t = sigmoid(W_o x_t + U_o h_{t-1} + p_o * c_t + b_o)             output gate
//   h_t = o_t * tanh(c_t)
//
//   W_xh = (W_i, W_f, W_g, W_o)  (4 hidden, inputs)        x_t (inputs, batch)
//   W_hh = (U_i, U_f, U_g, U_o)  (4 hidden, hidden)        h_t, c_t, i_t, f_t, g_t, o_t (hidden, batch)
//   b_h  = (b_i, b_f, b_g, b_o)  (4 hidden)                p_i, p_f, p_o (hidden)
//
// Backward, from dh_t = dL/dh_t and dc_t, what step t+1 sent back to c_t; a_t is the argument of the gates, the
// products are those of GatedCell:
//
//   da_o = dh_t * tanh(c_t) * o_t * (1 - o_t)
//   dc_t += dh_t * o_t * (1 - tanh(c_t)^2) + p_o * da_o
//   da_i = dc_t * g_t * i_t * (1 - i_t)          da_g = dc_t * i_t * (1 - g_t^2)
//   da_f = dc_t * c_{t-1} * f_t * (1 - f_t)      dc_{t-1} = dc_t * f_t + p_i * da_i + p_f * da_f
//   dp_i += da_i * c_{t-1}      dp_f += da_f * c_{t-1}      dp_o += da_o * c_t, all summed over the batch

#include <reprise/cells/memory_cell.hpp>

namespace reprise {

template <class Scalar, int Inputs = Dynamic, int Hidden = Dynamic, Bias bias = Bias::present>
struct PeepholeLSTMCell
    : MemoryCell<PeepholeLSTMCell<Scalar, Inputs, Hidden, bias>, Scalar, Inputs, Hidden, 4, 1, bias> {
  using Base = typename PeepholeLSTMCell::MemoryCell;
  template <class S, int I = Dynamic, int H = Dynamic>
  using Rebind = PeepholeLSTMCell<S, I, H, bias>;

  Vector<Scalar, Hidden> p_i, p_f, p_o;

  static constexpr auto fields() {
    return std::tuple_cat(Base::fields(),
                          std::tuple{field("p_i", &PeepholeLSTMCell::p_i), field("p_f", &PeepholeLSTMCell::p_f),
                                     field("p_o", &PeepholeLSTMCell::p_o)});
  }

  explicit PeepholeLSTMCell(Sizes sizes = {known_or_zero(Inputs), known_or_zero(Hidden)}) : Base(sizes) {
    set_peepholes_zero();
  }

  /// As every MemoryCell; peepholes begin at zero.
  PeepholeLSTMCell(Sizes sizes, Rng& rng) : Base(sizes, rng) { set_peepholes_zero(); }

  void activate(auto& trace, auto& state) const {
    elementwise(
        [](auto& i, auto& f, auto& g, auto& o, const auto& w_i, const auto& w_f, const auto& w_o, auto& c, auto& tanh_c,
           auto& h) {
          i = sigmoid(i + w_i * c);
          f = sigmoid(f + w_f * c);
          g = tanh(g);
          c = f * c + i * g;
          o = sigmoid(o + w_o * c);  // the new c
          tanh_c = tanh(c);
          h = o * tanh_c;
        },
        gate(trace.a, 0), gate(trace.a, 1), gate(trace.a, 2), gate(trace.a, 3), each_column(p_i, state.c),
        each_column(p_f, state.c), each_column(p_o, state.c), state.c, trace.tanh_c, state.h);
  }

  void activate_back(const auto& before, auto& trace, auto& d) const {
    elementwise(
        [](auto& i, auto& f, auto& g, auto& o, const auto& w_i, const auto& w_f, const auto& w_o, const auto& c_before,
           auto& tanh_c, auto& dc, const auto& dh) {
          const auto da_o = dh * tanh_c * o * (1 - o);
          dc = dc + dh * o * (1 - tanh_c * tanh_c) + w_o * da_o;
          tanh_c = f * c_before + i * g;  // from here on c_t, which dp_o will read
          const auto da_i = dc * g * i * (1 - i), da_f = dc * c_before * f * (1 - f), da_g = dc * i * (1 - g * g);
          dc = dc * f + w_i * da_i + w_f * da_f;  // dc_{t-1}
          i = da_i;
          f = da_f;
          g = da_g;
          o = da_o;
        },
        gate(trace.a, 0), gate(trace.a, 1), gate(trace.a, 2), gate(trace.a, 3), each_column(p_i, d.c),
        each_column(p_f, d.c), each_column(p_o, d.c), before.c, trace.tanh_c, d.c, d.h);
  }

  void accumulate(const auto& x, const auto& before, const auto& trace, PeepholeLSTMCell& gradient) const {
    Base::accumulate(x, before, trace, gradient);
    add_sum_of_products(gradient.p_i, gate(trace.a, 0), before.c);      // dp_i += da_i * c_{t-1}
    add_sum_of_products(gradient.p_f, gate(trace.a, 1), before.c);      // dp_f += da_f * c_{t-1}
    add_sum_of_products(gradient.p_o, gate(trace.a, 3), trace.tanh_c);  // dp_o += da_o * c_t
  }

 private:
  using Base::gate;

  void set_peepholes_zero() {
    for (auto* p : {&p_i, &p_f, &p_o}) p->setZero(this->outputs());
  }
};

}  // namespace reprise
