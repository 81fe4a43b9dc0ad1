#pragma once
// Simple recurrent unit: Lei, Zhang, Wang, Dai and Artzi, "Simple recurrent units for highly parallelizable recurrence"
// (EMNLP 2018, arXiv 1709.02755), in the form of its first versions (2017, "Training RNNs as fast as CNNs"), whose gates do not
// see c_{t-1}. A linear recurrence in c.
//
//   u_t = W_u x_t                                  W_xh = (W_u, W_f, W_r, W_k)  (4 hidden, inputs)  x_t (inputs, batch)
//   f_t = sigmoid(W_f x_t + b_f)                   b_fr = (b_f, b_r)  (2 hidden)
//   r_t = sigmoid(W_r x_t + b_r)                   u_t, f_t, r_t, k_t, c_t, h_t (hidden, batch)
//   k_t = W_k x_t                                  the highway past the recurrence
//   c_t = f_t * c_{t-1} + (1 - f_t) * u_t          (the paper writes x~_t for u_t)
//   h_t = r_t * tanh(c_t) + (1 - r_t) * k_t
//
// The paper's highway is x_t itself, k_t = x_t, where inputs = hidden, and a linear map else. Here it is a map always,
// which begins as the identity where inputs = hidden.
//
// Backward, from dh_t = dL/dh_t and dc_t, what step t+1 sent back to c_t; the products are those of AffineInput:
//
//   dr_t = dh_t * (tanh(c_t) - k_t)                dk_t = dh_t * (1 - r_t)
//   dc_t += dh_t * r_t * (1 - tanh(c_t)^2)
//   df_t = dc_t * (c_{t-1} - u_t)                  du_t = dc_t * (1 - f_t)               dc_{t-1} = dc_t * f_t
//   da_t = (du_t,  df_t f_t (1 - f_t),  dr_t r_t (1 - r_t),  dk_t)                       dh_{t-1} = 0

#include <reprise/cells/affine_input.hpp>

namespace reprise {

template <class Scalar, int Inputs = Dynamic, int Hidden = Dynamic, Bias bias = Bias::present>
struct SRUCell : AffineInput<Scalar, Inputs, Hidden, 4, Bias::absent> {
  using Base = typename SRUCell::AffineInput;
  template <class S, int I = Dynamic, int H = Dynamic>
  using Rebind = SRUCell<S, I, H, bias>;

  Vector<Scalar, bias == Bias::present ? times(2, Hidden) : 0> b_fr;

  static constexpr auto fields() { return std::tuple{field("W_xh", &SRUCell::W_xh), field("b_fr", &SRUCell::b_fr)}; }

  template <class Storage = Owned<>>
  struct State {
    Part<Storage, Scalar, Hidden> h;  // (hidden, batch)
    Part<Storage, Scalar, Hidden> c;  // (hidden, batch)
    static constexpr auto fields() { return std::tuple{field("h", &State::h), field("c", &State::c)}; }
  };

  template <class Storage = Owned<>>
  struct Trace {
    Part<Storage, Scalar, Base::GateRows> a;  // (4 hidden, batch): a_t, after step the gates, after step_back da_t
    Part<Storage, Scalar, Hidden> tanh_c;     // (hidden, batch)
    static constexpr auto fields() { return std::tuple{field("a", &Trace::a), field("tanh_c", &Trace::tanh_c)}; }
  };

  explicit SRUCell(Sizes sizes = {known_or_zero(Inputs), known_or_zero(Hidden)}) : Base(sizes) {
    b_fr.setZero(bias == Bias::present ? 2 * sizes.hidden : 0);
  }

  /// Each gate's W_xh after Glorot, but W_k the identity if it is square; biases zero.
  SRUCell(Sizes sizes, Rng& rng) : Base(sizes, rng) {
    b_fr.setZero(bias == Bias::present ? 2 * sizes.hidden : 0);
    if (sizes.inputs == sizes.hidden) identity(gate(this->W_xh, 3));
  }

  std::array<Index, 2> state_rows() const { return {this->outputs(), this->outputs()}; }
  std::array<Index, 2> trace_rows() const { return {4 * this->outputs(), this->outputs()}; }

  void project(auto& packed, const auto& x, auto& trace) const {
    Base::project(packed, x, trace);
    add_bias(gates_fr(trace.a), b_fr);
  }

  void step(auto& /*packed*/, auto& trace, auto& state) const {
    elementwise(
        [](const auto& u, auto& f, auto& r, const auto& k, auto& c, auto& tanh_c, auto& h) {
          f = sigmoid(f);
          r = sigmoid(r);
          c = u + f * (c - u);
          tanh_c = tanh(c);
          h = k + r * (tanh_c - k);
        },
        gate(trace.a, 0), gate(trace.a, 1), gate(trace.a, 2), gate(trace.a, 3), state.c, trace.tanh_c, state.h);
  }

  void step_back(auto& /*packed*/, const auto& before, auto& trace, auto& d) const {
    elementwise(
        [](auto& u, auto& f, auto& r, auto& k, const auto& c_before, const auto& tanh_c, auto& dc, const auto& dh) {
          const auto dr = dh * (tanh_c - k);
          dc = dc + dh * r * (1 - tanh_c * tanh_c);
          const auto df = dc * (c_before - u);
          k = dh * (1 - r);
          u = dc * (1 - f);
          r = dr * r * (1 - r);
          dc = dc * f;  // dc_{t-1}
          f = df * f * (1 - f);
        },
        gate(trace.a, 0), gate(trace.a, 1), gate(trace.a, 2), gate(trace.a, 3), before.c, trace.tanh_c, d.c, d.h);
    d.h.setZero();
  }

  void accumulate(const auto& x, const auto& before, const auto& trace, SRUCell& gradient) const {
    Base::accumulate(x, before, trace, gradient);
    add_bias_gradient(gradient.b_fr, gates_fr(trace.a));
  }

  // As a linear recurrence, with s_t = c_t.
  void coefficients(auto& trace, auto& f_t, auto& v_t) const {
    elementwise(
        [](const auto& u, auto& f, auto& f_out, auto& v) {
          f = sigmoid(f);
          f_out = f;
          v = (1 - f) * u;
        },
        gate(trace.a, 0), gate(trace.a, 1), f_t, v_t);
  }
  void emit(auto& /*packed*/, auto& trace, const auto& s, auto& h_t) const {
    elementwise(
        [](auto& r, const auto& k, const auto& c, auto& tanh_c, auto& h) {
          r = sigmoid(r);
          tanh_c = tanh(c);
          h = k + r * (tanh_c - k);
        },
        gate(trace.a, 2), gate(trace.a, 3), s, trace.tanh_c, h_t);
  }
  static auto& recurrent(auto& state) { return state.c; }

 private:
  using Base::gate;
  auto gates_fr(auto& stacked) const {
    return stacked.template middleRows<times(2, Hidden)>(this->outputs(), 2 * this->outputs());
  }
};

}  // namespace reprise
