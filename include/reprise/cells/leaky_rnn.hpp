#pragma once
// Leaky units (Goodfellow et al., Deep Learning, section 10.9.2; Mozer 1992; Jaeger et al. 2007): h_t is a running mean
// of what an RNNCell would put out, over a time of each unit's own. The same is Euler's step, of length 1, of the
// continuous-time network tau dh/dt = -h + tanh(W_xh x + W_hh h + b_h) (CTRNN; Beer 1995).
//
//   n_t   = tanh(W_xh x_t + W_hh h_{t-1} + b_h)
//   alpha = 1 / tau = sigmoid(s)                         so that 0 < alpha < 1 for every s: tau = 1 + exp(-s)
//   h_t   = (1 - alpha) * h_{t-1} + alpha * n_t
//
//   x_t (inputs, batch)   h_t, n_t (hidden, batch)   W_xh (hidden, inputs)   W_hh (hidden, hidden)
//   b_h, s, alpha, tau (hidden)
//
// Backward, from dh_t = dL/dh_t; a_t is the argument of tanh, the products are those of GatedCell:
//
//   da_t     = dh_t * alpha * (1 - n_t^2)                ds += dh_t * (n_t - h_{t-1}) * alpha * (1 - alpha)
//   dh_{t-1} = dh_t * (1 - alpha) + W_hh^T da_t

#include <reprise/cells/gated_cell.hpp>

namespace reprise {

template <class Scalar, int Inputs = Dynamic, int Hidden = Dynamic, Bias bias = Bias::present>
struct LeakyRNNCell : GatedCell<LeakyRNNCell<Scalar, Inputs, Hidden, bias>, Scalar, Inputs, Hidden, 1, bias> {
  using Base = typename LeakyRNNCell::GatedCell;
  template <class S, int I = Dynamic, int H = Dynamic>
  using Rebind = LeakyRNNCell<S, I, H, bias>;
  static constexpr bool activate_reads_h = true;

  Vector<Scalar, Hidden> s;

  static constexpr auto fields() { return std::tuple_cat(Base::fields(), std::tuple{field("s", &LeakyRNNCell::s)}); }

  template <class Storage = Owned<>>
  struct Trace {
    Part<Storage, Scalar, Hidden> a;   // (hidden, batch): a_t, after step n_t, after step_back da_t
    Part<Storage, Scalar, Hidden> ds;  // (hidden, batch): after step alpha, after step_back ds
    static constexpr auto fields() { return std::tuple{field("a", &Trace::a), field("ds", &Trace::ds)}; }
  };

  explicit LeakyRNNCell(Sizes sizes = {known_or_zero(Inputs), known_or_zero(Hidden)}) : Base(sizes) {
    s.setZero(sizes.hidden);
  }

  /// As every GatedCell, and s uniform in [-4.6, 0]: tau from 2 steps to 100, tau - 1 log-uniform, because nothing is
  /// known of how long things last, and a unit learns a tau near its own sooner than one far away.
  LeakyRNNCell(Sizes sizes, Rng& rng) : Base(sizes, rng) {
    s.resize(sizes.hidden);
    for (Scalar& s_i : s) s_i = static_cast<Scalar>(rng.uniform(-4.6, 0));
  }

  std::array<Index, 2> trace_rows() const { return {this->outputs(), this->outputs()}; }

  void activate(auto& trace, auto& state) const {
    elementwise(
        [](auto& n, const auto& s_, auto& alpha, auto& h) {
          n = tanh(n);
          alpha = sigmoid(s_);
          h = h + alpha * (n - h);  // (1 - alpha) h + alpha n
        },
        trace.a, each_column(s, trace.a), trace.ds, state.h);
  }

  void activate_back(const auto& before, auto& trace, auto& d) const {
    elementwise(
        [](auto& n, const auto& h_before, auto& alpha, auto& dh) {
          const auto da = dh * alpha * (1 - n * n), ds = dh * (n - h_before) * alpha * (1 - alpha);
          dh = dh * (1 - alpha);
          n = da;
          alpha = ds;
        },
        trace.a, before.h, trace.ds, d.h);
  }

  void accumulate(const auto& x, const auto& before, const auto& trace, LeakyRNNCell& gradient) const {
    Base::accumulate(x, before, trace, gradient);
    add_bias_gradient(gradient.s, trace.ds);
  }
};

}  // namespace reprise
