#pragma once
// What every cell with gates has in common: a map of x_t that is free of h, and so serves a run of steps as one product.
//
//   a_t = W_xh x_t + b_h          `Gates` blocks of `units` rows, one for each gate
//
//   x_t (inputs, batch)   a_t (gates units, batch)   W_xh (gates units, inputs)   b_h (gates units)
//
// Backward, from da_t:  dW_xh += da_t x_t^T      db_h += da_t, summed over the batch      dx_t = W_xh^T da_t
//
// A cell derives from it and writes `step` and `step_back`: MinGRUCell shows how. One that multiplies h_{t-1} by a matrix, too,
// derives from GatedCell.

#include <reprise/core/cell.hpp>
#include <reprise/core/initialise.hpp>
#include <reprise/kernels/activation.hpp>
#include <reprise/kernels/bias.hpp>
#include <reprise/kernels/elementwise.hpp>
#include <reprise/kernels/product.hpp>

namespace reprise {

template <class Scalar_, int Inputs_, int Hidden, int Gates_, Bias bias, int Units = Hidden>
struct AffineInput {
  using Scalar = Scalar_;
  static constexpr int Inputs = Inputs_, Outputs = Hidden, Gates = Gates_, GateRows = times(Gates_, Units);

  Matrix<Scalar, GateRows, Inputs> W_xh;
  Vector<Scalar, bias == Bias::present ? GateRows : 0> b_h;

  static constexpr auto fields() {
    return std::tuple{field("W_xh", &AffineInput::W_xh), field("b_h", &AffineInput::b_h)};
  }

  // A cell of more than these declares its own, with state_rows and trace_rows.
  template <class Storage = Owned<>>
  struct State {
    Part<Storage, Scalar, Hidden> h;  // (hidden, batch)
    static constexpr auto fields() { return std::tuple{field("h", &State::h)}; }
  };
  template <class Storage = Owned<>>
  struct Trace {
    Part<Storage, Scalar, GateRows> a;  // (gates units, batch): a_t, after step the gates, after step_back da_t
    static constexpr auto fields() { return std::tuple{field("a", &Trace::a)}; }
  };

  /// Zero weights of these sizes. Throws shape_error if they are not those of the type.
  explicit AffineInput(Sizes sizes = {known_or_zero(Inputs), known_or_zero(Hidden)})
      : AffineInput(sizes, one_size(sizes)) {}

  /// Each gate's W_xh after Glorot, the bias zero.
  AffineInput(Sizes sizes, Rng& rng) : AffineInput(sizes, one_size(sizes), rng) {}

  Index inputs() const { return W_xh.cols(); }
  Index outputs() const { return units(); }
  std::array<Index, 1> state_rows() const { return {units()}; }
  std::array<Index, 1> trace_rows() const { return {W_xh.rows()}; }

  void project(auto& packed, const auto& x, auto& trace) const {
    product(trace.a, packed(W_xh), x);
    add_bias(trace.a, b_h);
  }

  void accumulate(const auto& x, const auto& /*before*/, const auto& trace, AffineInput& gradient) const {
    add_product(gradient.W_xh, trace.a, x.transpose());  // dW_xh += da_t x_t^T
    add_bias_gradient(gradient.b_h, trace.a);            // db_h += da_t
  }

  void project_back(auto& packed, const auto& trace, auto& dx) const {
    product(dx, packed(W_xh.transpose()), trace.a);  // dx_t = W_xh^T da_t
  }

 protected:
  AffineInput(Sizes sizes, Index units) {
    checked_size(sizes.hidden, Hidden, "hidden");
    W_xh.setZero(Gates * checked_size(units, Units, "inner"), checked_size(sizes.inputs, Inputs, "inputs"));
    b_h.setZero(bias == Bias::present ? Gates * units : 0);
  }

  AffineInput(Sizes sizes, Index units, Rng& rng) : AffineInput(sizes, units) {
    if (W_xh.size() == 0) return;  // nothing to point into
    for (Index k = 0; k < Gates; ++k) glorot(gate(W_xh, k), rng);
  }

  // The number of units of a cell that has no more of them than outputs.
  static Index one_size(Sizes sizes) {
    if (sizes.inner_or_hidden() != sizes.hidden)
      detail::fail<shape_error>("inner = ", sizes.inner, ": this cell has no inner size, its hidden is ", sizes.hidden);
    return sizes.hidden;
  }

  Index units() const { return W_xh.rows() / Gates; }
  auto gate(auto& stacked, Index k) const { return row_block<Units>(stacked, k, units()); }
};

}  // namespace reprise
