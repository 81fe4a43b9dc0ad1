#pragma once
// Closed-form continuous-time cell: Hasani et al., "Closed-form continuous-time neural networks" (Nature Machine
// Intelligence 4, 2022), equation 10, for records whose steps are not evenly spaced. In the letters of the paper:
//
//   x(t) = sigmoid(-f(x, I) t) * g(x, I) + (1 - sigmoid(-f(x, I) t)) * h(x, I)
//
// Here x is h, I is u, g and h are g1 and g2, 1 - sigmoid(-f t) is s. As in the authors' code without a backbone, t is
// the time since the step before, f t an affine function of it, and f, g, h begin affine in u_t and h_{t-1}. The last
// row of x_t is that time, Delta_t; u_t are the others.
//
//   (g1~_t, g2~_t, A_t, B_t) = W_xh u_t + W_hh h_{t-1} + b_h
//   g1_t = tanh(g1~_t)         g2_t = tanh(g2~_t)         s_t = sigmoid(A_t Delta_t + B_t)
//   h_t  = (1 - s_t) * g1_t + s_t * g2_t
//
//   x_t (inputs, batch)   u_t (inputs - 1, batch)   Delta_t (1, batch)   h_t, g1_t, g2_t, A_t, B_t, s_t (hidden, batch)
//   W_xh (4 hidden, inputs - 1)   W_hh (4 hidden, hidden)   b_h (4 hidden)
//
// Backward, from dh_t = dL/dh_t; e_t is the argument of s_t, and the products are those of GatedCell, for u_t:
//
//   de_t = dh_t * (g2_t - g1_t) * s_t * (1 - s_t)         dDelta_t = de_t * A_t, summed over the units
//   da_t = (dh_t (1 - s_t) (1 - g1_t^2),  dh_t s_t (1 - g2_t^2),  de_t Delta_t,  de_t)
//   dx_t = (W_xh^T da_t, dDelta_t)                        dh_{t-1} = W_hh^T da_t

#include <reprise/cells/gated_cell.hpp>

namespace reprise {

namespace detail {
constexpr int one_less(int size) { return size == Dynamic ? Dynamic : size - 1; }
}  // namespace detail

template <class Scalar, int Inputs_ = Dynamic, int Hidden = Dynamic, Bias bias = Bias::present>
struct CfCCell : GatedCell<CfCCell<Scalar, Inputs_, Hidden, bias>, Scalar, detail::one_less(Inputs_), Hidden, 4, bias> {
  static_assert(Inputs_ != 0, "the last row of x_t is the time since the step before");
  static constexpr int Inputs = Inputs_;
  static constexpr bool last_input_is_time = true;
  using Base = typename CfCCell::GatedCell;
  template <class S, int I = Dynamic, int H = Dynamic>
  using Rebind = CfCCell<S, I, H, bias>;

  template <class Storage = Owned<>>
  struct Trace {
    Part<Storage, Scalar, Base::GateRows> a;  // (4 hidden, batch): a_t, after step g1, g2, A, s, after step_back da_t
    Part<Storage, Scalar, 1> delta;           // (1, batch): Delta_t, after step_back dDelta_t
    static constexpr auto fields() { return std::tuple{field("a", &Trace::a), field("delta", &Trace::delta)}; }
  };

  /// Zero weights of these sizes. Throws shape_error if they are not those of the type, or x_t has no row for the time.
  explicit CfCCell(Sizes sizes = {known_or_zero(Inputs), known_or_zero(Hidden)}) : Base(without_time(sizes)) {}

  /// Each head's W_xh after Glorot and W_hh orthogonal, biases zero.
  CfCCell(Sizes sizes, Rng& rng) : Base(without_time(sizes), rng) {}

  Index inputs() const { return this->W_xh.cols() + 1; }
  std::array<Index, 2> trace_rows() const { return {4 * this->outputs(), 1}; }

  void project(auto& packed, const auto& x, auto& trace) const {
    Base::project(packed, features(x), trace);
    trace.delta = x.template bottomRows<1>();
  }

  void activate(auto& trace, auto& state) const {
    for (Index j = 0; j < state.h.cols(); ++j)
      elementwise(
          [delta = trace.delta(0, j)](auto& g1, auto& g2, const auto& A, auto& s, auto& h) {
            g1 = tanh(g1);
            g2 = tanh(g2);
            s = sigmoid(A * delta + s);
            h = g1 + s * (g2 - g1);  // (1 - s) g1 + s g2
          },
          gate(trace.a, 0).col(j), gate(trace.a, 1).col(j), gate(trace.a, 2).col(j), gate(trace.a, 3).col(j),
          state.h.col(j));
  }

  void activate_back(const auto& /*before*/, auto& trace, auto& d) const {
    for (Index j = 0; j < d.h.cols(); ++j) {
      elementwise(
          [delta = trace.delta(0, j)](auto& g1, auto& g2, auto& A, auto& s, auto& dh) {
            const auto de = dh * (g2 - g1) * s * (1 - s);
            g1 = dh * (1 - s) * (1 - g1 * g1);
            g2 = dh * s * (1 - g2 * g2);
            dh = de * A;  // a unit's part of dDelta_t
            A = de * delta;
            s = de;
          },
          gate(trace.a, 0).col(j), gate(trace.a, 1).col(j), gate(trace.a, 2).col(j), gate(trace.a, 3).col(j),
          d.h.col(j));
      trace.delta(0, j) = d.h.col(j).sum();
    }
  }

  void accumulate(const auto& x, const auto& before, const auto& trace, CfCCell& gradient) const {
    Base::accumulate(features(x), before, trace, gradient);
  }

  void project_back(auto& packed, const auto& trace, auto& dx) const {
    auto du = features(dx);
    Base::project_back(packed, trace, du);
    dx.template bottomRows<1>() = trace.delta;
  }

 private:
  using Base::gate;

  static Sizes without_time(Sizes sizes) {
    checked_size(sizes.inputs, Inputs, "inputs");
    if (sizes.inputs == 0 && sizes.hidden > 0)
      detail::fail<shape_error>("inputs = 0: the last row of x_t is the time since the step before");
    sizes.inputs = std::max(sizes.inputs - 1, Index{0});
    return sizes;
  }

  auto features(auto& x) const { return x.template topRows<detail::one_less(Inputs)>(this->W_xh.cols()); }
};

}  // namespace reprise
