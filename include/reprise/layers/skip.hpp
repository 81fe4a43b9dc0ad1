#pragma once
// Skip<L>: the layer L, and beside its outputs its inputs as they were, for the layers above (skip connections, Goodfellow
// et al., Deep Learning, section 10.5; Graves, 2013, arXiv 1308.0850, section 2, has them around each layer of a deep RNN):
//
//   y_t = (x_t; L(x_t))        x_t (inputs, batch)     y_t (inputs + outputs of L, batch)
//
//   dx_t = dx of L, from the lower rows of dy_t, plus the upper rows of dy_t
//
// Residual adds where Skip puts side by side. L is any layer of numbers, or a cell; it may read a memory.

#include <reprise/layers/stack.hpp>

namespace reprise {

/// `Sizes::hidden` is the number of outputs, as of any layer: those of L are `inputs` fewer. A Stack whose layers all have
/// `hidden` outputs leaves L none, above its first layer: give the Stack its layers, or their types their sizes.
template <class L>
struct Skip : LayerOf<L> {
  using Base = LayerOf<L>;
  using Scalar = typename Base::Scalar;
  static constexpr int Inputs = Base::Inputs;
  static constexpr int Outputs = Inputs == Dynamic || Base::Outputs == Dynamic ? Dynamic : Inputs + Base::Outputs;
  static constexpr bool entrywise = false;  // whatever L is: row k of y need not be of row k of x
  using Input = typename Base::Input;
  using Output = Matrix<Scalar, Outputs, Dynamic>;
  static_assert(std::is_same_v<typename Input::Scalar, Scalar>, "Skip takes a layer of numbers, not of tokens");
  template <class Storage = Owned<>>
  using State = typename Base::template State<Storage>;
  template <class S>
  using Rebind = Skip<typename Base::template Rebind<S>>;

  struct Trace : Base::Trace {
    Output both;              // (inputs + outputs of L, columns): y_t
    typename Base::Output d;  // (outputs of L, columns): the lower rows of dy_t
  };

  Skip() = default;
  explicit Skip(Base layer) : Base(std::move(layer)) {}
  /// Throws shape_error if `hidden` leaves nothing for L, or the sizes are not those of the type.
  explicit Skip(Sizes sizes) : Base(of_layer(sizes)) {}
  Skip(Sizes sizes, Rng& rng) : Base(of_layer(sizes), rng) {}

  Index outputs() const { return this->inputs() + Base::outputs(); }

  static const Output& output(const Trace& trace) { return trace.both; }

  void forward(const Input& x, const Pass& pass, State<>& state, Trace& trace, const auto&... memory) const {
    detail::forward(base(), x, pass, state, trace, memory...);
    const Index count = pass.layout.columns();
    detail::reserve(trace.both, outputs(), count);
    if (count == 0) return;  // a batch of no records need not have the features
    auto y = trace.both.leftCols(count);
    y.topRows(this->inputs()) = x.leftCols(count);
    y.bottomRows(Base::outputs()) = Base::output(trace).leftCols(count);
  }

  void backward(const Input& x, const Output& dy, const Pass& pass, Trace& trace, State<>& dstate, Skip& gradient,
                Input* dx, auto&... memory) const {
    const Index count = pass.layout.columns();
    detail::reserve(trace.d, Base::outputs(), count);
    if (count != 0) trace.d.leftCols(count) = dy.bottomRows(Base::outputs()).leftCols(count);
    detail::backward(base(), x, trace.d, pass, trace, dstate, static_cast<Base&>(gradient), dx, memory...);
    if (dx && count != 0) dx->leftCols(count) += dy.topRows(this->inputs()).leftCols(count);
  }

  template <int Batch, class Packed>
  struct StepTrace : Base::template StepTrace<Batch, Packed> {
    Matrix<Scalar, Outputs, Batch> both;
  };

  template <int Batch, class Packed>
  const auto& step(const auto& x_t, State<Owned<Batch>>& state, StepTrace<Batch, Packed>& trace,
                   const auto&... memory) const {
    typename Base::template StepTrace<Batch, Packed>& inner = trace;
    trace.both.resize(outputs(), x_t.cols());
    trace.both.topRows(this->inputs()) = x_t;
    trace.both.bottomRows(Base::outputs()) = detail::step(base(), x_t, state, inner, memory...);
    return trace.both;
  }

 private:
  const Base& base() const { return *this; }

  static Sizes of_layer(Sizes sizes) {
    checked_size(sizes.hidden, Outputs, "hidden");
    if (sizes.hidden <= sizes.inputs && sizes.inputs != 0)
      detail::fail<shape_error>("Skip: hidden = ", sizes.hidden, ", it has its ", sizes.inputs,
                                " inputs and then the outputs of its layer");
    sizes.hidden -= sizes.inputs;
    return sizes;
  }
};

}  // namespace reprise
