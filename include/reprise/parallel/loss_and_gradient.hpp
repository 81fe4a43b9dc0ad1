#pragma once
// loss_and_gradient on several threads: the batch is split by record into parts, each with a trace of its own, and their
// gradients are added in order.
//
//   rp::ParallelWorkspace workspace{model, {.threads = 4}};
//   const auto loss = rp::loss_and_gradient(model, x, target, rp::SquaredError{}, workspace);    // workspace.gradient
//
// Loss, outputs, states and dx do not depend on the split at all, to the last bit; the gradient depends on the number of
// parts, which sets the order of its sum, and not on the number of threads. Masks of dropout depend on the parts, too.

#include <reprise/parallel/threads.hpp>
#include <reprise/train/loss_and_gradient.hpp>

namespace reprise {

struct ParallelOptions {
  int threads = 1;
  /// Into how many parts a batch is split: 0 for as many as there are threads. Give a number to have the same bits on
  /// machines that run different numbers of threads.
  int parts = 0;
};

namespace detail {
// Into how many parts, one at least; throws value_error for options that make no sense.
inline int count_parts(const ParallelOptions& options) {
  if (options.threads < 1)
    fail<value_error>("ParallelWorkspace: threads = ", options.threads, ", it must be at least 1");
  if (options.parts < 0) fail<value_error>("ParallelWorkspace: parts = ", options.parts);
  return options.parts == 0 ? options.threads : options.parts;
}

// A generator for each part is Rng(seed, part).
inline std::uint64_t draw_seed(Rng* rng) {
  if (!rng) return 0;
  const std::uint64_t high = std::uint64_t{(*rng)()} << 32;
  return high | (*rng)();
}
}  // namespace detail

/// What Workspace is to one thread.
template <class M>
struct ParallelWorkspace;
template <class M>
ParallelWorkspace(const M&, ParallelOptions) -> ParallelWorkspace<M>;

template <Model M>
struct ParallelWorkspace<M> {
  M gradient;                        ///< dL/dW of the last call
  typename M::template State<> dh0;  ///< dL/d(initial state) of the last call, one column for each record
  typename M::Input dx;              ///< dL/dx of the last call, if asked for

  // A share of the records: every `parts`-th in the order of the layout, so that all are about as long.
  struct Part {
    Workspace<M> workspace;
    Layout layout;
    typename M::Input x;
    std::vector<Index> slots, columns;  // which of the whole each of its records, and of its columns, is
    Rng rng;
  };
  int threads;
  std::vector<Part> parts;
  typename M::template State<> state, dstate;  // of the whole, in the order of the layout
  Index batch = -1;                            // of `state`
  Matrix<typename M::Scalar, M::Outputs, Dynamic> y, dy;

  /// Throws value_error if there is no thread or a negative number of parts.
  explicit ParallelWorkspace(const M& model, ParallelOptions options) : gradient(model), threads(options.threads) {
    for (int i = 0; i < detail::count_parts(options); ++i)
      parts.push_back({Workspace<M>(model), {}, {}, {}, {}, Rng(0)});
  }
};

namespace detail {

void gather(const auto& whole, const std::vector<Index>& columns, auto& part) {
  const auto count = static_cast<Index>(columns.size());
  reserve(part, whole.rows(), count);
  for (Index j = 0; j < count; ++j) part.col(j) = whole.col(columns[static_cast<std::size_t>(j)]);
}

void scatter(const auto& part, const std::vector<Index>& columns, auto& whole) {
  for (std::size_t j = 0; j < columns.size(); ++j) whole.col(columns[j]) = part.col(static_cast<Index>(j));
}

// The sum of the parts' gradients, into that of the whole; those of the parts are then no longer theirs.
void sum_gradients(auto& all) {
  std::swap(all.gradient, all.parts.front().workspace.gradient);
  for (std::size_t i = 1; i < all.parts.size(); ++i) add(all.gradient, all.parts[i].workspace.gradient);
}

// Part number `first` of `count`.
template <class Part>
void split(const Layout& whole, Index first, Index count, Part& part) {
  part.slots.clear();
  part.columns.clear();
  std::vector<Index> lengths;
  for (Index slot = first; slot < whole.batch(); slot += count) {
    part.slots.push_back(slot);
    lengths.push_back(whole.length(whole.record(slot)));
  }
  part.layout = Layout(std::move(lengths));
  for (Index t = 0; t < part.layout.steps(); ++t)
    for (Index i = 0; i < part.layout.running(t); ++i)
      part.columns.push_back(whole.offset(t) + part.slots[static_cast<std::size_t>(i)]);
}

// Runs the parts over x and leaves y, dy and the final state of the whole in the workspace.
template <Model M, class Target, class Loss>
typename M::Scalar forward_and_loss(const M& model, const typename M::InputSequence& x, const Target& target,
                                    const Loss& loss, ParallelWorkspace<M>& all, bool training,
                                    const PassOptions<M>& options) {
  require_pass(model, x, target, all.gradient, options);
  begin_state(model, x.layout(), options, all.state, all.batch);
  const Index count = x.layout().columns();
  reserve(all.y, model.outputs(), count);
  reserve(all.dy, model.outputs(), count);
  const std::uint64_t seed = draw_seed(training ? options.rng : nullptr);
  for_each_part(all.threads, all.parts, [&](auto& part, int i) {
    auto& w = part.workspace;
    split(x.layout(), i, static_cast<Index>(all.parts.size()), part);
    gather(x.values(), part.columns, part.x);
    w.state = model.initial_state(part.layout.batch());
    for_each_parameter([&](auto& p, const auto& q) { gather(q, part.slots, p); }, w.state, all.state);
    part.rng = Rng(seed, static_cast<std::uint64_t>(i));
    model.body().forward(part.x, Pass{part.layout, training, options.rng ? &part.rng : nullptr}, w.state, w.trace);
    reserve(w.y, model.outputs(), part.layout.columns());
    model.readout(M::Body::output(w.trace), part.layout.columns(), w.y);
    scatter(w.y, part.columns, all.y);
    for_each_parameter([&](const auto& p, auto& q) { scatter(p, part.slots, q); }, w.state, all.state);
  });
  auto dy = all.dy.leftCols(count);
  return require_finite_loss(loss(all.y.leftCols(count), target.values(), dy));
}

}  // namespace detail

/// As with a Workspace: evaluate.
template <Model M, class Target, class Loss>
typename M::Scalar evaluate(const M& model, const typename M::InputSequence& x, const Target& target, const Loss& loss,
                            ParallelWorkspace<M>& workspace, std::type_identity_t<PassOptions<M>> options = {}) {
  const auto value = detail::forward_and_loss(model, x, target, loss, workspace, false, options);
  if (options.state) M::to_record_order(workspace.state, x.layout(), *options.state);
  return value;
}

/// As with a Workspace: loss_and_gradient.
template <Model M, class Target, class Loss>
typename M::Scalar loss_and_gradient(const M& model, const typename M::InputSequence& x, const Target& target,
                                     const Loss& loss, ParallelWorkspace<M>& all,
                                     std::type_identity_t<PassOptions<M>> options = {}) {
  const auto value = detail::forward_and_loss(model, x, target, loss, all, true, options);
  all.dstate = all.state;
  const bool dx = options.input_gradient && !std::is_integral_v<typename M::Input::Scalar>;  // tokens have none
  if (dx) detail::reserve(all.dx, model.input_rows(), x.layout().columns());
  for_each_part(all.threads, all.parts, [&](auto& part, int /*i*/) {
    auto& w = part.workspace;
    detail::gather(all.dy, part.columns, w.dy);
    detail::backward(model, part.x, w, Pass{part.layout, true, options.rng ? &part.rng : nullptr},
                     options.input_gradient);
    if (dx) detail::scatter(w.dx, part.columns, all.dx);
    for_each_parameter([&](const auto& p, auto& q) { detail::scatter(p, part.slots, q); }, w.dstate, all.dstate);
  });
  detail::sum_gradients(all);
  if (!options.state) detail::initial_back(model.body(), all.dstate, all.gradient.body());
  M::to_record_order(all.dstate, x.layout(), all.dh0);
  if (options.state) M::to_record_order(all.state, x.layout(), *options.state);
  return value;
}

}  // namespace reprise
