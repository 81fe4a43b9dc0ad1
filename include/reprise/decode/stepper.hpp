#pragma once
// What decoding runs: anything that reads one token for each column and answers with logits, its state a value. A
// column is a hypothesis, of whatever source; beams are sorted by copying columns.
//
//   logits = stepper.step(tokens, state)         tokens (1, columns)    logits (vocabulary, columns)
//   state  = stepper.select(state, columns)      column k of the new state is column columns[k] of the old one
//
// LanguageModel is the one of a SequenceModel over tokens.

#include <reprise/core/module.hpp>
#include <reprise/kernels/packed_matrix.hpp>

#include <concepts>
#include <span>

namespace reprise {

/// A row of tokens, one for each column.
using Tokens = Matrix<int, 1, Dynamic>;

template <class S>
concept Stepper = std::copyable<typename S::State> &&
    requires(S& stepper, typename S::State& state, const Tokens& tokens, std::span<const Index> columns) {
  { stepper.columns(state) } -> std::same_as<Index>;
  stepper.step(tokens, state);  // a matrix, or a reference to one that the next step may change
  { stepper.select(state, columns) } -> std::same_as<typename S::State>;
};

/// A copy of a model as it is now, its weights packed once for steps of any number of columns. One for each thread; it
/// can be moved, and a copy is another one of the same model. (Prepared is for streams, whose number does not change.)
template <class M, class Stored = typename M::Scalar>
class PackedModel {
 public:
  using State = typename M::template State<>;

  explicit PackedModel(M model) : model_(std::move(model)) {}
  PackedModel(PackedModel&&) = default;
  PackedModel& operator=(PackedModel&&) = default;

  const M& model() const { return model_; }
  State initial_state(Index batch) const { return model_.initial_state(batch); }

  /// As SequenceModel::step: y_t (outputs, columns), valid until the next step.
  const auto& step(const auto& x_t, State& state) { return model_.step(x_t, state, trace_); }

  /// Throws value_error for a model whose layers all have no state: it cannot tell.
  static Index columns(const State& state) {
    Index count = -1;
    for_each_parameter([&](const auto& part) { count = part.cols(); }, state);
    if (count < 0) detail::fail<value_error>("the model has no state, which would say how many columns there are");
    return count;
  }

  static State select(const State& state, std::span<const Index> columns) {
    State selected;
    for_each_parameter(
        [&](const auto& from, auto& to) {
          to.resize(from.rows(), static_cast<Index>(columns.size()));
          for (Index k = 0; k < to.cols(); ++k) {
            const Index column = columns[static_cast<std::size_t>(k)];
            if (column < 0 || column >= from.cols())
              detail::fail<shape_error>("column ", column, " of a state of ", from.cols());
            to.col(k) = from.col(column);
          }
        },
        state, selected);
    return selected;
  }

 private:
  M model_;
  typename M::template StepTrace<Dynamic, PackedWeights<typename M::Scalar, Stored>> trace_;
};

/// The stepper of a SequenceModel that reads tokens and predicts the next one of the same vocabulary.
template <class M, class Stored = typename M::Scalar>
struct LanguageModel : PackedModel<M, Stored> {
  static_assert(std::is_integral_v<typename M::Input::Scalar>, "a language model reads tokens: an Embedding is below");

  /// Throws shape_error if the model may predict a token that it cannot read.
  explicit LanguageModel(M model) : PackedModel<M, Stored>(std::move(model)) {
    if (this->model().outputs() > this->model().inputs())
      detail::fail<shape_error>("the model predicts ", this->model().outputs(), " tokens and reads ",
                                this->model().inputs());
  }
};

template <class M>
LanguageModel(M) -> LanguageModel<M>;

}  // namespace reprise
