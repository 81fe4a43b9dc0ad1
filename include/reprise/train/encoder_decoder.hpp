#pragma once
// From one sequence to another of any other length (Cho et al., 2014; Sutskever, Vinyals and Le, 2014; Goodfellow et al., section 10.4):
//
//   h_1 .. h_S = encoder(source)               the memory: what attention in the decoder reads
//   q   = pool(h_1 .. h_S)                     its summary: what WithContext in the decoder reads
//   s_0 = bridge(q)                            each part of the decoder's state (train/bridge.hpp)
//   s_t = decoder(previous_t, s_{t-1}, memory)      previous_t = y_{t-1}, the token before (teacher forcing)
//   y_t = W_hy s_t + b_y                       the logits of token t
//
//   rp::EncoderDecoder<rp::Stack<rp::Embedding<float>, rp::Bidirectional<rp::GRUCell<float>>>,
//                      rp::Stack<rp::Embedding<float>, rp::GRUCell<float>, rp::Attend<rp::DotProductAttention<float>>>>
//       translator{{.inputs = 9000, .hidden = 256, .outputs = 12000}, rng};
//   rp::loss_and_gradient(translator, {source, previous}, target, rp::SoftmaxCrossEntropy{}, workspace);
//
// A source of one step makes this one-to-many: EncoderDecoder<Dense<float>, ...>, from a vector to a sequence (10.2.4).

#include <reprise/core/memory.hpp>
#include <reprise/layers/pooling.hpp>
#include <reprise/train/bridge.hpp>
#include <reprise/train/teacher_forcing.hpp>
#include <reprise/train/whole_model.hpp>

namespace reprise {

namespace detail {
// A sequence of numbers in another scalar; tokens stay tokens.
template <class S, class T, int Features>
auto cast_values(const Sequence<T, Features>& sequence) {
  if constexpr (std::is_integral_v<T>)
    return sequence;
  else
    return sequence.template cast<S>();
}
}  // namespace detail

/// What an EncoderDecoder reads: of every record the source and, for each step to predict, what came before it.
template <class Source, class Previous>
struct SourceAndPrevious {
  Source source;
  Previous previous;

  template <class S>
  auto cast() const {
    return SourceAndPrevious<decltype(detail::cast_values<S>(source)), decltype(detail::cast_values<S>(previous))>{
        detail::cast_values<S>(source), detail::cast_values<S>(previous)};
  }
};

template <class Encoder_, class Decoder_, Bridge kind = Bridge::tanh, class Pool = Last, int Outputs_ = Dynamic>
struct EncoderDecoder {
  using Encoder = LayerOf<Encoder_>;
  using Decoder = SequenceModel<Decoder_, Outputs_>;
  using DecoderBody = typename Decoder::Body;
  using Scalar = typename Decoder::Scalar;
  static constexpr int Outputs = Outputs_;
  static_assert(
      Causal<DecoderBody>,
      "a decoder that reads what it is to predict: there is no Bidirectional in it, nor another way from later steps");
  using Source = Sequence<typename Encoder::Input::Scalar, Encoder::Input::RowsAtCompileTime>;
  using Previous = typename Decoder::InputSequence;
  using Examples = SourceAndPrevious<Source, Previous>;
  template <class S>
  using Rebind = EncoderDecoder<typename Encoder::template Rebind<S>, typename DecoderBody::template Rebind<S>, kind,
                                Pool, Outputs>;

  /// inputs: features of a source (of an embedding: its vocabulary); hidden: outputs of every layer; outputs: rows of y, and of
  /// the decoder's input.
  struct Sizes {
    Index inputs = known_or_zero(Encoder::Inputs);
    Index hidden = known_or_zero(Decoder::Hidden);
    Index outputs = known_or_zero(Outputs);
  };

  Encoder encoder;
  BridgeWeights<kind, Encoder, DecoderBody> bridge;
  Decoder decoder;

  static constexpr auto fields() {
    return std::tuple{field("encoder", &EncoderDecoder::encoder), field("bridge", &EncoderDecoder::bridge),
                      field("decoder", &EncoderDecoder::decoder)};
  }

  struct Trace {
    Matrix<Scalar, Outputs, Dynamic> y;  // (outputs, columns of previous)
    typename Encoder::Trace encoder;
    typename Encoder::template State<Owned<>> encoder_state;  // final; backward, its gradient
    Memory<Scalar> memory, dmemory;                           // record i is that in slot i of the decoder's layout
    typename DecoderBody::Trace decoder;
    typename DecoderBody::template State<Owned<>> s_0, state;
    Matrix<Scalar> q;  // (encoder's outputs, records), in the caller's order
    typename DecoderBody::Output dh;
    typename Encoder::Output dh_encoder;
  };

  /// All weights zero; without sizes, those of the type.
  EncoderDecoder() : EncoderDecoder(Encoder(), Decoder(DecoderBody(), known_or_zero(Outputs))) {}
  explicit EncoderDecoder(Sizes sizes)
      : EncoderDecoder(Encoder(reprise::Sizes{sizes.inputs, sizes.hidden}),
                       Decoder(DecoderBody(reprise::Sizes{sizes.outputs, sizes.hidden}), sizes.outputs)) {}
  /// Both as they initialise themselves, the bridge after Glorot with b zero.
  EncoderDecoder(Sizes sizes, Rng& rng)  // braces: the encoder draws first, whatever the compiler
      : EncoderDecoder{Encoder(reprise::Sizes{sizes.inputs, sizes.hidden}, rng),
                       Decoder(DecoderBody(reprise::Sizes{sizes.outputs, sizes.hidden}, rng), sizes.outputs, rng),
                       rng} {}
  /// Of parts that are there already; the bridge is zero, or initialised. Throws shape_error if Bridge::copy does not fit.
  EncoderDecoder(Encoder encoder_, Decoder decoder_)
      : encoder(std::move(encoder_)), bridge(encoder, decoder_.body()), decoder(std::move(decoder_)) {}
  EncoderDecoder(Encoder encoder_, Decoder decoder_, Rng& rng)
      : encoder(std::move(encoder_)), bridge(encoder, decoder_.body(), rng), decoder(std::move(decoder_)) {}

  void take_settings(const auto& other) {
    if constexpr (requires { encoder.take_settings(other.encoder); }) encoder.take_settings(other.encoder);
    if constexpr (requires { decoder.take_settings(other.decoder); }) decoder.take_settings(other.decoder);
  }

  Index inputs() const { return encoder.inputs(); }
  Index outputs() const { return decoder.outputs(); }

  static const Layout& layout(const Examples& x) { return x.previous.layout(); }
  static Index columns(const Examples& x) { return layout(x).columns(); }

  void require_source(const Source& source) const {
    if (source.batch() != 0)
      detail::require_size(source.features(), encoder.input_rows(), "the source", "features", "the encoder");
    detail::require_size(source.values().cols(), source.layout().columns(), "source.values()", "columns", "its layout");
  }

  void require(const Examples& x) const {
    require_source(x.source);
    decoder.require_input(x.previous);
    detail::require_size(x.source.batch(), x.previous.batch(), "the source", "records", "what is to be predicted");
  }

  // The encoder over the sources; record i of the memory is sources' record order(i). Leaves s_0 in trace.state.
  void encode(const Source& source, const Mode& mode, const auto& order, Trace& trace) const {
    const Layout& layout = source.layout();
    trace.encoder_state = encoder.template initial_state<Dynamic>(source.batch());
    encoder.forward(source.values(), mode.pass(layout), trace.encoder_state, trace.encoder);
    const auto& h = Encoder::output(trace.encoder);
    trace.q.resize(encoder.outputs(), source.batch());
    Pool::forward(h, layout, detail::reversed_rows(encoder), trace.q);

    Memory<Scalar>& memory = trace.memory;
    memory.begin.assign(1, 0);
    for (Index i = 0; i < source.batch(); ++i) memory.begin.push_back(memory.begin.back() + layout.length(order(i)));
    memory.h.resize(encoder.outputs(), layout.columns());
    memory.summary.resize(encoder.outputs(), source.batch());
    each_annotation(layout, memory, order, [&](Index column, Index at) { memory.h.col(at) = h.col(column); });
    for (Index i = 0; i < source.batch(); ++i) memory.summary.col(i) = trace.q.col(order(i));

    trace.state = decoder.initial_state(source.batch());
    bridge.forward(
        memory.summary, trace.encoder_state, [&](Index i) { return layout.slot(order(i)); }, trace.state);
  }

  void forward(const Examples& x, const Mode& mode, Trace& trace) const {
    const Layout& layout = x.previous.layout();
    encode(
        x.source, mode, [&](Index i) { return layout.record(i); }, trace);
    trace.s_0 = trace.state;
    detail::forward(decoder.body(), x.previous.values(), mode.pass(layout), trace.state, trace.decoder, trace.memory);
    detail::reserve(trace.y, outputs(), layout.columns());
    if (layout.columns() == 0) return;
    decoder.readout(DecoderBody::output(trace.decoder), layout.columns(), trace.y);
  }

  void backward(const Examples& x, const Matrix<Scalar, Outputs, Dynamic>& dy, const Mode& mode, Trace& trace,
                EncoderDecoder& gradient) const {
    const Layout& layout = x.previous.layout();
    const Layout& source = x.source.layout();
    const auto order = [&](Index i) { return layout.record(i); };
    trace.dmemory.h.setZero(trace.memory.h.rows(), trace.memory.h.cols());
    trace.dmemory.summary.setZero(trace.memory.summary.rows(), trace.memory.summary.cols());
    auto& ds = trace.state;
    set_zero(ds);  // nothing comes back from beyond the last step
    detail::reserve(trace.dh, decoder.body().outputs(), layout.columns());
    decoder.readout_back(DecoderBody::output(trace.decoder), layout.columns(), dy, gradient.decoder, trace.dh);
    detail::backward(decoder.body(), x.previous.values(), trace.dh, mode.pass(layout), trace.decoder, ds,
                     gradient.decoder.body(), static_cast<typename DecoderBody::Input*>(nullptr), trace.memory,
                     trace.dmemory);

    set_zero(trace.encoder_state);
    bridge.backward(
        trace.memory.summary, trace.s_0, [&](Index i) { return source.slot(order(i)); }, ds, gradient.bridge,
        trace.dmemory.summary, trace.encoder_state);
    if constexpr (kind == Bridge::none) detail::initial_back(decoder.body(), ds, gradient.decoder.body());

    for (Index i = 0; i < layout.batch(); ++i) trace.q.col(order(i)) = trace.dmemory.summary.col(i);  // dq
    trace.dh_encoder.resize(encoder.outputs(), source.columns());
    each_annotation(source, trace.memory, order,
                    [&](Index column, Index at) { trace.dh_encoder.col(column) = trace.dmemory.h.col(at); });
    Pool::backward(Encoder::output(trace.encoder), source, detail::reversed_rows(encoder), trace.q, trace.dh_encoder);
    encoder.backward(x.source.values(), trace.dh_encoder, mode.pass(source), trace.encoder, trace.encoder_state,
                     gradient.encoder, nullptr);
    detail::initial_back(encoder, trace.encoder_state, gradient.encoder);
  }

  static void split(const Examples& x, Index first, Index count, Examples& part, std::vector<Index>& columns) {
    const Layout& layout = x.previous.layout();
    std::vector<Index> records;
    for (Index slot = first; slot < layout.batch(); slot += count) records.push_back(layout.record(slot));
    part = {x.source.select(records), x.previous.select(records)};
    columns.clear();
    for (Index t = 0; t < part.previous.steps(); ++t)
      for (Index i = 0; i < part.previous.layout().running(t); ++i)
        columns.push_back(layout.offset(t) +
                          layout.slot(records[static_cast<std::size_t>(part.previous.layout().record(i))]));
  }

 private:
  // visit(column of the source's layout, column of the memory), for each annotation.
  static void each_annotation(const Layout& layout, const Memory<Scalar>& memory, const auto& order,
                              const auto& visit) {
    for (Index i = 0; i < memory.records(); ++i)
      for (Index j = 0; j < memory.length(i); ++j) visit(layout.offset(j) + layout.slot(order(i)), memory.first(i) + j);
  }
};

}  // namespace reprise
