#pragma once
// Output recurrence: Jordan, "Serial order: a parallel distributed processing approach" (1986), in the form of
// Goodfellow et al., Deep Learning, section 10.2.1 and figure 10.4. Not the hidden units s_t go round but the output
// o_t, which must carry all that is to be remembered: less powerful than RNNCell, whose units remember what they do
// not show.
//
//   a_t = W_xh x_t + W_oh o_{t-1} + b_h
//   s_t = tanh(a_t)                               hidden units
//   o_t = W_ho s_t + b_o                          output
//
// The layer above sees o_t, so in code o_t is state.h, its size is `hidden`, and W_oh is W_hh:
//
//   x_t (inputs, batch)   a_t, s_t (units, batch)   o_t = state.h (hidden, batch)
//   W_xh (units, inputs)   W_hh = W_oh (units, hidden)   b_h (units)   W_ho (hidden, units)   b_o (hidden)
//
// Backward, from do_t = dL/do_t, in code dh:
//
//   ds_t = W_ho^T do_t                            da_t = ds_t * (1 - s_t^2)
//   do_{t-1} = W_oh^T da_t                        the other products are those of GatedCell
//   dW_ho += do_t s_t^T                           db_o += do_t, summed over the batch

#include <reprise/cells/gated_cell.hpp>

namespace reprise {

/// Sizes::inner is the number of units; if 0 it is `Units`, or where the type leaves that open, `hidden`.
template <class Scalar, int Inputs = Dynamic, int Hidden = Dynamic, Bias bias = Bias::present, int Units = Hidden>
struct JordanCell : GatedCell<JordanCell<Scalar, Inputs, Hidden, bias, Units>, Scalar, Inputs, Hidden, 1, bias, Units> {
  using Base = typename JordanCell::GatedCell;
  template <class S, int I = Dynamic, int H = Dynamic>
  using Rebind = JordanCell<S, I, H, bias, Units>;

  Matrix<Scalar, Hidden, Units> W_ho;
  Vector<Scalar, bias == Bias::present ? Hidden : 0> b_o;

  static constexpr auto fields() {
    return std::tuple_cat(Base::fields(), std::tuple{field("W_ho", &JordanCell::W_ho), field("b_o", &JordanCell::b_o)});
  }

  template <class Storage = Owned<>>
  struct Trace {
    Part<Storage, Scalar, Units> a;    // (units, batch): a_t, after step_back da_t
    Part<Storage, Scalar, Units> s;    // (units, batch)
    Part<Storage, Scalar, Hidden> dh;  // (hidden, batch)
    static constexpr auto fields() {
      return std::tuple{field("a", &Trace::a), field("s", &Trace::s), field("dh", &Trace::dh)};
    }
  };

  /// Zero weights of these sizes. Throws shape_error if they are not those of the type.
  explicit JordanCell(Sizes sizes = {known_or_zero(Inputs), known_or_zero(Hidden)}) : Base(sizes, units_of(sizes)) {
    set_output_zero(sizes.hidden);
  }

  /// W_xh and W_ho after Glorot, W_hh orthogonal, biases zero.
  JordanCell(Sizes sizes, Rng& rng) : Base(sizes, units_of(sizes), rng) {
    set_output_zero(sizes.hidden);
    glorot(W_ho, rng);
  }

  std::array<Index, 3> trace_rows() const { return {this->units(), this->units(), this->outputs()}; }

  void step(auto& packed, auto& trace, auto& state) const {
    this->recur(packed, trace, state.h);
    elementwise([](const auto& a, auto& s) { s = tanh(a); }, trace.a, trace.s);
    product(state.h, packed(W_ho), trace.s);  // o_t = W_ho s_t + b_o
    add_bias(state.h, b_o);
  }

  void step_back(auto& packed, const auto& /*before*/, auto& trace, auto& d) const {
    trace.dh = d.h;
    product(trace.a, packed(W_ho.transpose()), d.h);                                     // ds_t = W_ho^T do_t
    elementwise([](auto& a, const auto& s) { a = a * (1 - s * s); }, trace.a, trace.s);  // da_t = ds_t * (1 - s_t^2)
    product(d.h, packed(this->W_hh.transpose()), trace.a);                               // do_{t-1} = W_oh^T da_t
  }

  void accumulate(const auto& x, const auto& before, const auto& trace, JordanCell& gradient) const {
    Base::accumulate(x, before, trace, gradient);
    add_product(gradient.W_ho, trace.dh, trace.s.transpose());  // dW_ho += do_t s_t^T
    add_bias_gradient(gradient.b_o, trace.dh);                  // db_o += do_t
  }

 private:
  static Index units_of(Sizes sizes) { return sizes.inner == 0 && Units != Dynamic ? Units : sizes.inner_or_hidden(); }

  void set_output_zero(Index hidden) {
    W_ho.setZero(hidden, this->units());
    b_o.setZero(bias == Bias::present ? hidden : 0);
  }
};

}  // namespace reprise
