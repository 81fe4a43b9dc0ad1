#pragma once
// Residual<L>: the layer L with a way around it, so that a deep stack is not harder to train than a shallow one (He et
// al., 2016, arXiv 1512.03385, equation 1; skip connections in Goodfellow et al., Deep Learning, section 10.5, figure
// 10.13c):
//
//   y_t = x_t + L(x_t)             dx_t = dy_t + L's dx_t            all (features, batch)
//
// L is any layer of numbers, or a cell, that has as many outputs as inputs; it may read a memory.

#include <reprise/layers/stack.hpp>

namespace reprise {

template <class L>
struct Residual : LayerOf<L> {
  using Base = LayerOf<L>;
  using Scalar = typename Base::Scalar;
  using Input = typename Base::Input;
  using Output = typename Base::Output;
  static_assert(std::is_same_v<typename Input::Scalar, Scalar>, "Residual takes a layer of numbers, not of tokens");
  static_assert(Base::Inputs == Dynamic || Base::Outputs == Dynamic || Base::Inputs == Base::Outputs,
                "Residual takes a layer of as many outputs as inputs");
  static_assert(!detail::takes_time<Base>, "Residual adds inputs to outputs, and a time is no output");
  template <class Storage = Owned<>>
  using State = typename Base::template State<Storage>;
  template <class S>
  using Rebind = Residual<typename Base::template Rebind<S>>;

  struct Trace : Base::Trace {
    Output sum;  // (features, columns): y_t
  };

  Residual() = default;
  /// Throws shape_error if there are not as many outputs as inputs.
  explicit Residual(Base layer) : Base(std::move(layer)) {
    detail::require_size(this->inputs(), this->outputs(), "Residual", "inputs", "it has as many outputs and");
  }
  explicit Residual(Sizes sizes) : Residual(Base(sizes)) {}
  Residual(Sizes sizes, Rng& rng) : Residual(Base(sizes, rng)) {}

  static const Output& output(const Trace& trace) { return trace.sum; }

  void forward(const Input& x, const Pass& pass, State<>& state, Trace& trace, const auto&... memory) const {
    detail::forward(base(), x, pass, state, trace, memory...);
    const Index count = pass.layout.columns();
    detail::reserve(trace.sum, this->outputs(), count);
    if (count == 0) return;  // a batch of no records need not have the features
    trace.sum.leftCols(count) = x.leftCols(count) + Base::output(trace).leftCols(count);
  }

  void backward(const Input& x, const Output& dy, const Pass& pass, Trace& trace, State<>& dstate, Residual& gradient,
                Input* dx, auto&... memory) const {
    detail::backward(base(), x, dy, pass, trace, dstate, static_cast<Base&>(gradient), dx, memory...);
    const Index count = pass.layout.columns();
    if (dx && count != 0) dx->leftCols(count) += dy.leftCols(count);
  }

  template <int Batch, class Packed>
  struct StepTrace : Base::template StepTrace<Batch, Packed> {
    Matrix<Scalar, Base::Outputs, Batch> sum;
  };

  template <int Batch, class Packed>
  const auto& step(const auto& x_t, State<Owned<Batch>>& state, StepTrace<Batch, Packed>& trace,
                   const auto&... memory) const {
    typename Base::template StepTrace<Batch, Packed>& inner = trace;
    trace.sum = detail::step(base(), x_t, state, inner, memory...);
    trace.sum += x_t;
    return trace.sum;
  }

 private:
  const Base& base() const { return *this; }
};

}  // namespace reprise
