#pragma once
// What most cells have in common: their gates are functions, entry by entry, of one affine map of x_t and h_{t-1}.
//
//   a_t = W_xh x_t + W_hh h_{t-1} + b_h         `Gates` blocks of `units` rows, one for each gate
//   h_t = activate(a_t, h_{t-1}, ...)           the equations of the cell, entry by entry
//
//   W_xh (gates units, inputs)   W_hh (gates units, hidden)   b_h (gates units)   x_t (inputs, batch)   h_t (hidden, batch)
//
// In most cells a unit has one h, and units = hidden.
//
// Backward, from dh_t = dL/dh_t:
//
//   da_t      = activate_back(dh_t, ...)        leaving in dh what of dh_{t-1} does not come through a_t
//   dh_{t-1} += W_hh^T da_t                     dx_t = W_xh^T da_t
//   dW_xh    += da_t x_t^T                      dW_hh += da_t h_{t-1}^T        db_h += da_t, summed over the batch
//
// A cell derives from it and gives `activate` and `activate_back`: RNNCell and LSTMCell show how.

#include <reprise/cells/affine_input.hpp>

namespace reprise {

template <class Cell_, class Scalar, int Inputs, int Hidden, int Gates, Bias bias, int Units = Hidden>
struct GatedCell : AffineInput<Scalar, Inputs, Hidden, Gates, bias, Units> {
  using Input = typename GatedCell::AffineInput;
  static constexpr bool activate_reads_h = false;  // if true, h_{t-1} counts in `activate`, too, and not in a_t alone

  Matrix<Scalar, Input::GateRows, Hidden> W_hh;

  static constexpr auto fields() {
    return std::tuple{field("W_xh", &GatedCell::W_xh), field("W_hh", &GatedCell::W_hh), field("b_h", &GatedCell::b_h)};
  }

  /// Zero weights of these sizes. Throws shape_error if they are not those of the type.
  explicit GatedCell(Sizes sizes = {known_or_zero(Inputs), known_or_zero(Hidden)})
      : GatedCell(sizes, Input::one_size(sizes)) {}

  /// Each gate's W_xh after Glorot and W_hh orthogonal, biases zero.
  GatedCell(Sizes sizes, Rng& rng) : GatedCell(sizes, Input::one_size(sizes), rng) {}

  Index outputs() const { return W_hh.cols(); }
  std::array<Index, 1> state_rows() const { return {outputs()}; }

  void step(auto& packed, auto& trace, auto& state) const {
    self().recur(packed, trace, state.h);
    self().activate(trace, state);
  }

  void step_back(auto& packed, const auto& before, auto& trace, auto& d) const {
    self().activate_back(before, trace, d);
    if constexpr (!Cell_::activate_reads_h) d.h.setZero();
    self().recur_back(packed, trace, d.h);
  }

  void recur(auto& packed, auto& trace, const auto& h_before) const {
    add_product(trace.a, packed(W_hh), h_before);  // a_t = W_xh x_t + b_h + W_hh h_{t-1}
  }

  void recur_back(auto& packed, const auto& trace, auto& dh_before) const {
    add_product(dh_before, packed(W_hh.transpose()), trace.a);  // dh_{t-1} += W_hh^T da_t
  }

  void accumulate(const auto& x, const auto& before, const auto& trace, GatedCell& gradient) const {
    Input::accumulate(x, before, trace, gradient);
    add_product(gradient.W_hh, trace.a, before.h.transpose());  // dW_hh += da_t h_{t-1}^T
  }

 protected:
  GatedCell(Sizes sizes, Index units) : Input(sizes, units) { W_hh.setZero(this->W_xh.rows(), sizes.hidden); }

  GatedCell(Sizes sizes, Index units, Rng& rng) : GatedCell(sizes, units) {
    for (Index k = 0; k < Gates; ++k) {
      if (this->W_xh.size() != 0) glorot(this->gate(this->W_xh, k), rng);
      orthogonal(this->gate(W_hh, k), rng);
    }
  }

 private:
  const Cell_& self() const { return static_cast<const Cell_&>(*this); }
};

}  // namespace reprise
