#pragma once
// What decoding runs: anything that reads one token for each column and answers with logits, its state a value. A
// column is a hypothesis, of whatever source; beams are sorted by copying columns.
//
//   logits = stepper.step(tokens, state)         tokens (1, columns)    logits (vocabulary, columns)
//   state  = stepper.select(state, columns)      column k of the new state is column columns[k] of the old one
//
// LanguageModel is the one of a SequenceModel over tokens, Decoding (decode/decoding.hpp) that of an EncoderDecoder.

#include <reprise/train/prepared.hpp>

#include <concepts>

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

/// The stepper of a SequenceModel that reads tokens and predicts the next one of the same vocabulary; of a copy, as it is now.
template <Model M, class Stored = typename M::Scalar>
struct LanguageModel : Prepared<M, Stored, Dynamic> {
  static_assert(std::is_integral_v<typename M::Input::Scalar>, "a language model reads tokens: an Embedding is below");

  /// Throws shape_error if the model may predict a token that it cannot read.
  explicit LanguageModel(M model) : Prepared<M, Stored, Dynamic>(std::move(model)) {
    if (this->model().outputs() > this->model().inputs())
      detail::fail<shape_error>("the model predicts ", this->model().outputs(), " tokens and reads ",
                                this->model().inputs());
  }
};

template <Model M>
LanguageModel(M) -> LanguageModel<M>;

}  // namespace reprise
