#pragma once
// A model made ready to run step by step: its weights packed in the order in which the processor reads them, its buffers
// there. From then on a step allocates nothing.
//
//   rp::Prepared player{model};
//   auto state = model.initial_state();
//   for (const auto& x_t : stream) const auto& y_t = player.step(x_t, state);
//
// Where a step is slow because it has to read all the weights, half as many bytes are up to 1.8 times as fast:
// Prepared<Model, bfloat16> keeps 8 bits of each weight's fraction instead of 24, and computes in float as ever.
//
// Prepared<Model, Scalar, Dynamic> runs any number of streams side by side, columns of its state that may be copied, dropped
// and sorted: what decode/ calls a Stepper.

#include <reprise/kernels/packed_matrix.hpp>
#include <reprise/train/sequence_model.hpp>

#include <span>

namespace reprise {

using Eigen::bfloat16;

namespace detail {

// Column k of the result is column columns[k] of `state`.
template <class State>
State select_columns(const State& state, std::span<const Index> columns) {
  State selected;
  for_each_parameter(
      [&](const auto& from, auto& to) {
        to.resize(from.rows(), static_cast<Index>(columns.size()));
        for (Index k = 0; k < to.cols(); ++k) {
          const Index column = columns[static_cast<std::size_t>(k)];
          if (column < 0 || column >= from.cols()) fail<shape_error>("column ", column, " of a state of ", from.cols());
          to.col(k) = from.col(column);
        }
      },
      state, selected);
  return selected;
}

}  // namespace detail

/// Keeps a copy of the model as it is now. One for each thread; it can be moved, and a copy is another Prepared{model}.
template <Model M, class Stored = typename M::Scalar, int Batch = 1>
class Prepared {
 public:
  using State = typename M::template State<Owned<Batch>>;

  /// For one stream, or with Dynamic for any number: `batch` says how many the buffers are made for. Throws shape_error if it
  /// is not what the type says, or negative.
  explicit Prepared(M model, Index batch = Batch == Dynamic ? 1 : Batch) : model_(std::move(model)) {
    checked_size(batch, Batch, "batch");
    if (model_.inputs() == 0) return;
    auto state = model_.body().template initial_state<Batch>(batch);
    step(M::Input::Zero(model_.input_rows(), batch).eval(), state);  // packs every weight it meets
  }
  Prepared(Prepared&&) = default;
  Prepared& operator=(Prepared&&) = default;

  const M& model() const { return model_; }

  State initial_state(Index batch = Batch == Dynamic ? 1 : Batch) const {
    checked_size(batch, Batch, "batch");
    return model_.body().template initial_state<Batch>(batch);
  }

  /// As SequenceModel::step, x_t a column in memory (an expression is evaluated first, on the heap); y_t is valid until the
  /// next step.
  const auto& step(const auto& x_t, State& state) { return model_.step(x_t, state, trace_); }

  /// How many streams `state` is of. Throws value_error for a model whose layers all have no state: it cannot tell.
  static Index columns(const State& state) requires(Batch == Dynamic) {
    Index count = -1;
    for_each_parameter([&](const auto& part) { count = part.cols(); }, state);
    if (count < 0) detail::fail<value_error>("the model has no state, which would say how many columns there are");
    return count;
  }

  /// The state whose column k is column columns[k] of this one. Throws shape_error for a column that is not there.
  static State select(const State& state, std::span<const Index> columns) requires(Batch == Dynamic) {
    return detail::select_columns(state, columns);
  }

 private:
  M model_;
  typename M::template StepTrace<Batch, PackedWeights<typename M::Scalar, Stored>> trace_;
};

template <Model M>
Prepared(M) -> Prepared<M>;

}  // namespace reprise
