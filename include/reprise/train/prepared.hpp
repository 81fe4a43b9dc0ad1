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

#include <reprise/kernels/packed_matrix.hpp>
#include <reprise/train/sequence_model.hpp>

namespace reprise {

using Eigen::bfloat16;

/// Keeps a copy of the model as it is now. One for each thread; it can be moved, and a copy is another Prepared{model}.
template <Model M, class Stored = typename M::Scalar, int Batch = 1>
class Prepared {
 public:
  using State = typename M::template State<Owned<Batch>>;

  /// For one stream, or for `batch` streams side by side with Prepared<Model, Scalar, Dynamic>. Throws shape_error if `batch`
  /// is not what the type says, or negative.
  explicit Prepared(M model, Index batch = Batch == Dynamic ? 1 : Batch) : model_(std::move(model)) {
    checked_size(batch, Batch, "batch");
    if (model_.inputs() == 0) return;
    auto state = model_.body().template initial_state<Batch>(batch);
    step(M::Input::Zero(model_.input_rows(), batch).eval(), state);  // packs every weight it meets
  }
  Prepared(Prepared&&) = default;
  Prepared& operator=(Prepared&&) = default;

  /// As SequenceModel::step, x_t a column in memory (an expression is evaluated first, on the heap); y_t is valid until the
  /// next step.
  const auto& step(const auto& x_t, State& state) { return model_.step(x_t, state, trace_); }

 private:
  M model_;
  typename M::template StepTrace<Batch, PackedWeights<typename M::Scalar, Stored>> trace_;
};

template <Model M>
Prepared(M) -> Prepared<M>;

}  // namespace reprise
