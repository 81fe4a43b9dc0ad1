#pragma once
// WeightDropped<C>: the recurrent layer of the cell C with DropConnect on W_hh, the heart of the AWD-LSTM: Merity,
// Keskar and Socher (2018, arXiv 1708.02182, section 2), after Wan et al. (2013). While training, a pass runs with
//
//   W_hh' = mask * W_hh            mask = 0 with probability `rate`, else 1 / (1 - rate)       mask as W_hh
//
// the same at all steps and for all records (of a ParallelWorkspace: of a part); at inference with W_hh as it is.
//
//   dW_hh += mask * dW_hh'         from the backward pass of that cell; everything else as there

#include <reprise/core/masks.hpp>
#include <reprise/layers/recurrent.hpp>

namespace reprise {

template <Cell C>
struct WeightDropped : Recurrent<C> {
  static_assert(
      requires(C & c) { c.W_hh.rows(); }, "WeightDropped takes a cell with a matrix W_hh");
  using Base = Recurrent<C>;
  using typename Base::Input, typename Base::Output, typename Base::Scalar;
  template <class Storage = Owned<>>
  using State = typename Base::template State<Storage>;
  template <class S>
  using Rebind = WeightDropped<typename C::template Rebind<S, C::Inputs, C::Outputs>>;

  double rate = 0.5;  ///< probability that a weight is dropped, in [0, 1)

  struct Trace : Base::Trace {
    Base dropped;            // the layer with mask * W_hh
    decltype(C::W_hh) mask;  // as W_hh
    Base gradient;           // of `dropped`
  };

  WeightDropped() = default;
  explicit WeightDropped(C cell_, double rate_ = 0.5) : Base(std::move(cell_)), rate(rate_) {
    require_rate(rate, "WeightDropped");
  }
  explicit WeightDropped(Sizes sizes, double rate_ = 0.5) : WeightDropped(C(sizes), rate_) {}
  WeightDropped(Sizes sizes, Rng& rng, double rate_ = 0.5) : WeightDropped(C(sizes, rng), rate_) {}

  /// What is no parameter: the rate, and whatever C has of the kind.
  template <class Other>
  void take_settings(const WeightDropped<Other>& other) {
    rate = other.rate;
    if constexpr (requires { this->cell.take_settings(other.cell); }) this->cell.take_settings(other.cell);
  }

  /// Throws value_error if a training pass brings no Rng, or if `rate` is out of range.
  void forward(const Input& x, const Pass& pass, State<>& state, Trace& trace) const {
    if (!active(pass)) return Base::forward(x, pass, state, trace);
    require_rate(rate, "WeightDropped");
    if (!pass.rng)
      detail::fail<value_error>("WeightDropped of rate ", rate,
                                " needs an Rng while training, loss_and_gradient(..., {.rng = &rng}), or a rate of 0");
    auto& W_hh = trace.dropped.cell.W_hh;
    trace.dropped = *this;
    trace.mask.resize(W_hh.rows(), W_hh.cols());
    draw_dropout(trace.mask, rate, *pass.rng);
    W_hh.array() *= trace.mask.array();
    trace.dropped.forward(x, pass, state, trace);
  }

  void backward(const Input& x, const Output& dy, const Pass& pass, Trace& trace, State<>& dstate,
                WeightDropped& gradient, Input* dx) const {
    if (!active(pass)) return Base::backward(x, dy, pass, trace, dstate, gradient, dx);
    trace.gradient = *this;
    set_zero(trace.gradient);
    trace.dropped.backward(x, dy, pass, trace, dstate, trace.gradient, dx);
    trace.gradient.cell.W_hh.array() *= trace.mask.array();
    Base& sum = gradient;
    add(sum, trace.gradient);
  }

 private:
  bool active(const Pass& pass) const { return pass.training && pass.masks && rate != 0; }
};

}  // namespace reprise
