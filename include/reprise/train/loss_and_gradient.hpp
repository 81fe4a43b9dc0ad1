#pragma once
// The loss of a model over a ragged batch, and its gradient by back-propagation through time (Goodfellow et al., 10.2.2).

#include <reprise/train/sequence_model.hpp>

#include <cmath>

namespace reprise {

template <class M>
struct LossAndGradient {
  typename M::Scalar loss;
  M gradient;  ///< dL/dW for each W of the model, under the same name
};

/// What loss_and_gradient takes beyond the obvious.
template <Model M>
struct PassOptions {
  /// Truncated BPTT: the state to begin with, one column for each record, replaced by the final one. No gradient crosses
  /// from one call to the next. Null: from the model's initial state, zero or what it has learned.
  typename M::template State<>* state = nullptr;
  /// Where random masks are taken from: required as soon as a layer or cell has one of a rate above 0. Each call draws anew, so
  /// under truncated BPTT what is one mask for a sequence is one for each piece of it.
  Rng* rng = nullptr;
  /// Whether to compute workspace.dx, too. (Tokens have no gradient: an embedding leaves it as it is.)
  bool input_gradient = false;
};

/// Buffers for one thread to reuse. Once it has met its largest batch, a pass of a SequenceModel allocates no more memory of
/// its own; models of whole records allocate some in each.
template <class M>
struct Workspace;
template <class M>
Workspace(const M&) -> Workspace<M>;

template <Model M>
struct Workspace<M> {
  M gradient;                        ///< dL/dW of the last call
  typename M::template State<> dh0;  ///< dL/d(initial state) of the last call, one column for each record
  typename M::Input dx;              ///< dL/dx of the last call, its first columns those of x.values(), if asked for

  // Of the pass itself, in the order of its layout.
  typename M::Body::Trace trace;
  typename M::template State<> state, dstate;
  Index batch = -1;  // of `state`
  typename M::Body::Output dh;
  Matrix<typename M::Scalar, M::Outputs, Dynamic> y, dy;
  Layout layout;                // of the last loss_and_gradient
  bool after_backward = false;  // whether that was the last call and is done: the trace is then what backward has left

  explicit Workspace(const M& model) : gradient(model) {}
};

namespace detail {

inline void require_same_lengths(const Layout& x, const Layout& target) {
  if (x == target) return;
  require_size(target.batch(), x.batch(), "target", "records", "this batch");
  for (Index r = 0; r < x.batch(); ++r)
    if (x.length(r) != target.length(r))
      fail<shape_error>("target: record ", r, " has ", target.length(r), " steps, x has ", x.length(r));
}

// Throws unless everything a pass takes fits together.
template <Model M, class Target>
void require_pass(const M& model, const typename M::InputSequence& x, const Target& target, const M& gradient,
                  const PassOptions<M>& options) {
  require_like(model, gradient, "the workspace");
  model.require_input(x);
  if (options.state) model.body().require_state(*options.state, x.batch());
  require_same_lengths(x.layout(), target.layout());
}

// The state that a pass begins with, in the order of the layout. `batch` is that of `state`.
template <Model M>
void begin_state(const M& model, const Layout& layout, const PassOptions<M>& options,
                 typename M::template State<>& state, Index& batch) {
  if (options.state) {
    M::to_layout_order(*options.state, layout, state);
  } else {
    if (batch != layout.batch()) state = model.initial_state(layout.batch());
    set_initial(model.body(), state);
  }
  batch = layout.batch();
}

template <class Scalar>
Scalar require_finite_loss(Scalar loss) {
  using std::isfinite;
  if (!isfinite(loss)) fail<non_finite_error>("the loss is ", loss);
  return loss;
}

// Runs the model over x and leaves y and dy in the workspace.
template <Model M, class Target, class Loss>
typename M::Scalar forward_and_loss(const M& model, const typename M::InputSequence& x, const Target& target,
                                    const Loss& loss, Workspace<M>& w, const Pass& pass,
                                    const PassOptions<M>& options) {
  w.after_backward = false;
  require_pass(model, x, target, w.gradient, options);
  begin_state(model, x.layout(), options, w.state, w.batch);
  const Index count = x.layout().columns();
  model.body().forward(x.values(), pass, w.state, w.trace);
  reserve(w.y, model.outputs(), count);
  reserve(w.dy, model.outputs(), count);
  model.readout(M::Body::output(w.trace), count, w.y);
  auto dy = w.dy.leftCols(count);
  return require_finite_loss(loss(w.y.leftCols(count), target.values(), dy));
}

// From dy in the workspace to the readout's gradient and dL/d(output of the body) in dh; dstate is zero.
template <Model M>
void readout_back(const M& model, Workspace<M>& w, Index count) {
  set_zero(w.gradient);
  w.dstate = w.state;
  set_zero(w.dstate);  // nothing comes back from beyond the last step
  reserve(w.dh, model.body().outputs(), count);
  model.readout_back(M::Body::output(w.trace), count, w.dy, w.gradient, w.dh);
}

// From dy in the workspace to the gradient, dL/d(initial state) in dstate, and dx.
template <Model M>
void backward(const M& model, const typename M::Input& x, Workspace<M>& w, const Pass& pass, bool input_gradient) {
  readout_back(model, w, pass.layout.columns());
  model.body().backward(x, w.dh, pass, w.trace, w.dstate, w.gradient.body(), input_gradient ? &w.dx : nullptr);
}

}  // namespace detail

/// The loss alone, as at inference: no dropout, nothing kept. Throws as loss_and_gradient does.
template <Model M, class Target, class Loss>
typename M::Scalar evaluate(const M& model, const typename M::InputSequence& x, const Target& target, const Loss& loss,
                            Workspace<M>& workspace, std::type_identity_t<PassOptions<M>> options = {}) {
  const auto value = detail::forward_and_loss(model, x, target, loss, workspace, Pass{x.layout()}, options);
  if (options.state) M::to_record_order(workspace.state, x.layout(), *options.state);
  return value;
}

template <Model M, class Target, class Loss>
typename M::Scalar evaluate(const M& model, const typename M::InputSequence& x, const Target& target, const Loss& loss,
                            std::type_identity_t<PassOptions<M>> options = {}) {
  Workspace<M> workspace(model);
  return evaluate(model, x, target, loss, workspace, options);
}

/// Returns the loss; the gradient is workspace.gradient. `x` and `target` have records of the same lengths.
/// Throws shape_error or value_error if something does not fit, non_finite_error if the loss is not finite; the caller's
/// state is then unchanged.
template <Model M, class Target, class Loss>
typename M::Scalar loss_and_gradient(const M& model, const typename M::InputSequence& x, const Target& target,
                                     const Loss& loss, Workspace<M>& w,
                                     std::type_identity_t<PassOptions<M>> options = {}) {
  const Pass pass{x.layout(), true, options.rng};
  const auto value = detail::forward_and_loss(model, x, target, loss, w, pass, options);
  detail::backward(model, x.values(), w, pass, options.input_gradient);
  if (!options.state) detail::initial_back(model.body(), w.dstate, w.gradient.body());
  M::to_record_order(w.dstate, x.layout(), w.dh0);
  w.layout = x.layout();
  if (options.state) M::to_record_order(w.state, x.layout(), *options.state);
  w.after_backward = true;
  return value;
}

/// auto [loss, gradient] = loss_and_gradient(model, x, target, SquaredError{});
template <Model M, class Target, class Loss>
LossAndGradient<M> loss_and_gradient(const M& model, const typename M::InputSequence& x, const Target& target,
                                     const Loss& loss, std::type_identity_t<PassOptions<M>> options = {}) {
  Workspace<M> workspace(model);
  const auto value = loss_and_gradient(model, x, target, loss, workspace, options);
  return {value, std::move(workspace.gradient)};
}

}  // namespace reprise
