#pragma once
// Models that read whole records and answer with something else than one y for each step of x: one y for each record
// (SequenceToOne), for each step of another sequence (EncoderDecoder), for each node of a tree (TreeModel). They carry no
// state from one call to the next; loss, gradient and evaluation are as for a SequenceModel:
//
//   rp::Workspace workspace{model};
//   const auto loss = rp::loss_and_gradient(model, x, target, rp::SoftmaxCrossEntropy{}, workspace);    // workspace.gradient

#include <reprise/train/loss_and_gradient.hpp>

namespace reprise {

template <class M>
concept WholeModel = Module<M> &&
    requires(const M& model, M& gradient, const typename M::Examples& x, typename M::Trace& trace, const Mode& mode,
             typename M::Examples& part, std::vector<Index>& columns) {
  { M::Outputs } -> std::convertible_to<int>;
  { M::columns(x) } -> std::same_as<Index>;    // of y
  { model.outputs() } -> std::same_as<Index>;  // rows of y
  // Throws shape_error or value_error unless x is something the model can read.
  model.require(x);
  // Leaves y, (outputs, at least columns(x)), in trace.y.
  model.forward(x, mode, trace);
  // From dL/dy; adds to `gradient`.
  model.backward(x, trace.y, mode, trace, gradient);
  // Of the records of x every `count`-th from `first` on, and which columns of y theirs are.
  M::split(x, Index{0}, Index{1}, part, columns);
};

/// What loss_and_gradient takes besides, for such a model.
struct WholeOptions {
  Rng* rng = nullptr;  ///< where random masks are taken from
};

template <WholeModel M>
struct Workspace<M> {
  M gradient;  ///< dL/dW of the last call

  typename M::Trace trace;
  Matrix<typename M::Scalar, M::Outputs, Dynamic> dy;

  explicit Workspace(const M& model) : gradient(model) {}
};

namespace detail {

// The values of a target, in the order of y's columns: a matrix as it is, a sequence if its records are as long as they
// have to be.
template <WholeModel M, class Target>
const auto& target_values(const typename M::Examples& x, const Target& target) {
  if constexpr (requires { M::layout(x); }) {
    static_assert(
        requires { target.layout(); }, "the target of this model is a Sequence, as long as what it answers");
    require_same_lengths(M::layout(x), target.layout());
    return target.values();
  } else {
    static_assert(
        requires { target.cols(); },
        "the target of this model is a matrix: (1, columns) of labels, (outputs, columns) of numbers");
    return target;
  }
}

// Runs the model over x; dL/dy is left in the workspace.
template <WholeModel M, class Target, class Loss>
typename M::Scalar forward_and_loss(const M& model, const typename M::Examples& x, const Target& target,
                                    const Loss& loss, Workspace<M>& w, const Mode& mode) {
  require_like(model, w.gradient, "the workspace");
  model.require(x);
  const auto& goal = target_values<M>(x, target);
  model.forward(x, mode, w.trace);
  const Index count = M::columns(x);
  reserve(w.dy, model.outputs(), count);
  auto dy = w.dy.leftCols(count);
  return require_finite_loss(loss(w.trace.y.leftCols(count), goal, dy));
}

}  // namespace detail

/// y: of SequenceToOne (outputs, records), of TreeModel (outputs, nodes), both in the caller's order; of EncoderDecoder a
/// Sequence like its target. Throws as loss_and_gradient does.
template <WholeModel M>
auto predict(const M& model, const typename M::Examples& x) {
  model.require(x);
  typename M::Trace trace;
  model.forward(x, Mode{}, trace);
  if constexpr (requires { M::layout(x); }) {
    Sequence<typename M::Scalar, M::Outputs> y(M::layout(x), model.outputs());
    y.values() = trace.y.leftCols(M::columns(x));
    return y;
  } else {
    return Matrix<typename M::Scalar, M::Outputs, Dynamic>(trace.y.leftCols(M::columns(x)));
  }
}

/// The loss alone, as at inference. Throws as loss_and_gradient does.
template <WholeModel M, class Target, class Loss>
typename M::Scalar evaluate(const M& model, const typename M::Examples& x, const Target& target, const Loss& loss,
                            Workspace<M>& workspace) {
  return detail::forward_and_loss(model, x, target, loss, workspace, Mode{});
}

template <WholeModel M, class Target, class Loss>
typename M::Scalar evaluate(const M& model, const typename M::Examples& x, const Target& target, const Loss& loss) {
  Workspace<M> workspace(model);
  return evaluate(model, x, target, loss, workspace);
}

/// Returns the loss; the gradient is workspace.gradient. Throws shape_error or value_error if something does not fit,
/// non_finite_error if the loss is not finite.
template <WholeModel M, class Target, class Loss>
typename M::Scalar loss_and_gradient(const M& model, const typename M::Examples& x, const Target& target,
                                     const Loss& loss, Workspace<M>& w, WholeOptions options = {}) {
  const Mode mode{true, options.rng};
  const auto value = detail::forward_and_loss(model, x, target, loss, w, mode);
  set_zero(w.gradient);
  model.backward(x, w.dy, mode, w.trace, w.gradient);
  return value;
}

/// auto [loss, gradient] = loss_and_gradient(model, x, target, SoftmaxCrossEntropy{});
template <WholeModel M, class Target, class Loss>
LossAndGradient<M> loss_and_gradient(const M& model, const typename M::Examples& x, const Target& target,
                                     const Loss& loss, WholeOptions options = {}) {
  Workspace<M> workspace(model);
  const auto value = loss_and_gradient(model, x, target, loss, workspace, options);
  return {value, std::move(workspace.gradient)};
}

}  // namespace reprise
