#pragma once
// The stepper of an EncoderDecoder: sources are encoded once, then any number of hypotheses of them run side by side.
//
//   rp::Decoding decoding{model, sources};
//   auto state = decoding.initial_state();                    // one column for each source, in the order given
//   const auto& logits = decoding.step(tokens, state);        // tokens (1, columns), logits (outputs, columns)
//   state = decoding.select(state, columns);                  // goes on with these; each remembers which source it reads

#include <reprise/decode/stepper.hpp>
#include <reprise/train/encoder_decoder.hpp>

namespace reprise {

template <class M>
class Decoding {
  using Decoder = typename M::Decoder;
  using Trace = typename Decoder::template StepTrace<Dynamic, PackedWeights<typename M::Scalar>>;

 public:
  struct State {
    typename Decoder::template State<> decoder;
    Reads reads;    // which source each column reads
    Index sources;  // of how many
  };

  /// Refers to the model, which has to stay as it is: after an update make another. One for each thread. Throws shape_error or
  /// value_error for sources that the model cannot read.
  Decoding(const M& model, const typename M::Source& sources) : model_(&model) {
    model.require_source(sources);
    model.encode(
        sources, Mode{}, [](Index i) { return i; }, encoded_);
    if constexpr (requires { model.decoder.body().begin(encoded_.memory, trace_.body); })
      model.decoder.body().begin(encoded_.memory, trace_.body);
  }

  Decoding(const M&&, const typename M::Source&) = delete;  // of a model that would be gone

  State initial_state() const {
    State state{encoded_.state, Reads(static_cast<std::size_t>(sources())), sources()};
    std::iota(state.reads.begin(), state.reads.end(), Index{0});
    return state;
  }

  Index columns(const State& state) const { return static_cast<Index>(state.reads.size()); }

  /// y_t (outputs, columns), valid until the next step, from x_t: a token for each column, or what the decoder reads besides.
  /// Throws shape_error or value_error, `state` unchanged, if x_t does not fit, or `state` is of other sources.
  const auto& step(const auto& x_t, State& state) {
    detail::require_size(state.sources, sources(), "the state", "sources", "this Decoding");
    detail::require_size(x_t.cols(), columns(state), "x_t", "columns", "the state");
    return model_->decoder.step(x_t, state.decoder, trace_, encoded_.memory, state.reads);
  }

  State select(const State& state, std::span<const Index> columns) const {
    State selected{detail::select_columns(state.decoder, columns), {}, state.sources};
    for (const Index column : columns) {
      if (column < 0 || column >= this->columns(state))  // of a decoder without a state nobody has looked yet
        detail::fail<shape_error>("column ", column, " of a state of ", this->columns(state));
      selected.reads.push_back(state.reads[static_cast<std::size_t>(column)]);
    }
    return selected;
  }

 private:
  Index sources() const { return encoded_.memory.records(); }

  const M* model_;
  typename M::Trace encoded_;
  Trace trace_;
};

}  // namespace reprise
