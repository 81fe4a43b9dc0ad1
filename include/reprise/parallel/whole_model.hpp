#pragma once
// A WholeModel on several threads: the batch is split by record, as for a SequenceModel (parallel/loss_and_gradient.hpp).

#include <reprise/parallel/loss_and_gradient.hpp>
#include <reprise/train/whole_model.hpp>

namespace reprise {

template <WholeModel M>
struct ParallelWorkspace<M> {
  M gradient;  ///< dL/dW of the last call

  struct Part {
    Workspace<M> workspace;
    typename M::Examples x;
    std::vector<Index> columns;  // which column of the whole y each of its own is
    Rng rng;
  };
  int threads;
  std::vector<Part> parts;
  Matrix<typename M::Scalar, M::Outputs, Dynamic> y, dy;

  /// Throws value_error if there is no thread or a negative number of parts.
  explicit ParallelWorkspace(const M& model, ParallelOptions options) : gradient(model), threads(options.threads) {
    for (int i = 0; i < detail::count_parts(options); ++i) parts.push_back({Workspace<M>(model), {}, {}, Rng(0)});
  }
};

namespace detail {

// Runs the parts over x; y and dL/dy of the whole are left in the workspace.
template <WholeModel M, class Target, class Loss>
typename M::Scalar forward_and_loss(const M& model, const typename M::Examples& x, const Target& target,
                                    const Loss& loss, ParallelWorkspace<M>& all, bool training, Rng* rng) {
  require_like(model, all.gradient, "the workspace");
  model.require(x);
  const auto& goal = target_values<M>(x, target);
  const Index count = M::columns(x);
  reserve(all.y, model.outputs(), count);
  reserve(all.dy, model.outputs(), count);
  const std::uint64_t seed = draw_seed(rng);
  for_each_part(all.threads, all.parts, [&](auto& part, int i) {
    M::split(x, i, static_cast<Index>(all.parts.size()), part.x, part.columns);
    part.rng = Rng(seed, static_cast<std::uint64_t>(i));
    model.forward(part.x, Mode{training, rng ? &part.rng : nullptr}, part.workspace.trace);
    scatter(part.workspace.trace.y, part.columns, all.y);
  });
  auto dy = all.dy.leftCols(count);
  return require_finite_loss(loss(all.y.leftCols(count), goal, dy));
}

}  // namespace detail

/// As with a Workspace: evaluate.
template <WholeModel M, class Target, class Loss>
typename M::Scalar evaluate(const M& model, const typename M::Examples& x, const Target& target, const Loss& loss,
                            ParallelWorkspace<M>& workspace) {
  return detail::forward_and_loss(model, x, target, loss, workspace, false, nullptr);
}

/// As with a Workspace: loss_and_gradient.
template <WholeModel M, class Target, class Loss>
typename M::Scalar loss_and_gradient(const M& model, const typename M::Examples& x, const Target& target,
                                     const Loss& loss, ParallelWorkspace<M>& all, WholeOptions options = {}) {
  const auto value = detail::forward_and_loss(model, x, target, loss, all, true, options.rng);
  for_each_part(all.threads, all.parts, [&](auto& part, int /*i*/) {
    auto& w = part.workspace;
    detail::gather(all.dy, part.columns, w.dy);
    set_zero(w.gradient);
    model.backward(part.x, w.dy, Mode{true, options.rng ? &part.rng : nullptr}, w.trace, w.gradient);
  });
  detail::sum_gradients(all);
  return value;
}

}  // namespace reprise
