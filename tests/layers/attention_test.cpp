// What decoders see of their sources through attention, each in an EncoderDecoder, proved by dual numbers.
#include <reprise/layers/attend.hpp>
#include <reprise/layers/attentive_recurrent.hpp>
#include <reprise/layers/input_feeding.hpp>

#include <reprise/cells/gru.hpp>
#include <reprise/cells/lstm.hpp>

#include "../train/prove_encoder_decoder.hpp"

using namespace seq2seq;

namespace {

using GRU = rp::GRUCell<double>;
using LSTM = rp::LSTMCell<double>;
using Additive = rp::AdditiveAttention<double>;
using General = rp::DotProductAttention<double>;
using Encoder = rp::Stack<Embedding, GRU>;

// The weights that a pass keeps are distributions over the record's own annotations; the context of none is zero.
// context(trace) is (features, columns).
template <class M>
void prove_weights(M model, const auto& context) {
  model = randomised(std::move(model));
  typename M::Trace trace;
  const auto check = [&](const rp::Sequence<int>& source, const rp::Sequence<int>& before) {
    model.forward({source, before}, rp::Mode{}, trace);
    const auto& layer = std::get<M::DecoderBody::Count - 1>(trace.decoder.layers);
    const rp::Layout& layout = before.layout();
    REQUIRE(static_cast<Index>(layer.weights.size()) == layout.batch());
    for (Index slot = 0; slot < layout.batch(); ++slot) {
      const Index r = layout.record(slot);
      const auto& weights = layer.weights[static_cast<std::size_t>(slot)];
      CHECK(weights.rows() == source.length(r));
      CHECK(weights.cols() == layout.length(r));
      if (weights.size() == 0) continue;
      CHECK((weights.array() > 0).all());
      CHECK(distance(weights.colwise().sum(), Eigen::RowVectorXd::Ones(weights.cols())) < 1e-15);
      if (weights.rows() > 1 && weights.cols() > 1) CHECK(distance(weights.col(0), weights.col(1)) > 1e-6);
      for (Index t = 0; t < weights.cols(); ++t) {
        const auto h = trace.memory.columns(trace.memory.h, slot);
        CHECK(distance(h * weights.col(t), context(layer).col(layout.offset(t) + slot)) < 1e-15);
      }
    }
    for (Index r = 0; r < layout.batch(); ++r)
      for (Index t = 0; source.length(r) == 0 && t < layout.length(r); ++t)
        CHECK(context(layer).col(layout.offset(t) + layout.slot(r)).isZero(0));
  };
  check(sources, previous);
  check(previous, previous);  // and other ones in the same trace
  check(sources, previous);
}

}  // namespace

TEST_CASE("a general dot product over all steps at once, and a bridge to the decoder's first state") {
  rp::Rng rng(1);
  using Decoder = rp::Stack<Embedding, GRU, rp::Attend<General>>;
  const rp::EncoderDecoder<Encoder, Decoder> model({.inputs = vocabulary, .hidden = 4, .outputs = classes}, rng);
  prove(model);
  prove_weights(model, [](const auto& trace) { return trace.cs.topRows(4); });
}

TEST_CASE("additive attention before each step of a GRU: queries, annotations, units and x of sizes of their own") {
  using Decoder = rp::Stack<Embedding, rp::AttentiveRecurrent<GRU, Additive>>;
  using Model = rp::EncoderDecoder<Encoder, Decoder, Bridge::tanh, rp::Mean>;
  const Decoder decoder(Embedding({vocabulary, 2}),
                        rp::AttentiveRecurrent<GRU, Additive>(GRU(rp::Sizes{2 + 3, 4}), Additive({4, 3, 5})));
  const Model model(Encoder(Embedding({vocabulary, 4}), rp::Recurrent<GRU>(rp::Sizes{4, 3})), {decoder, classes});
  prove(model);
  prove_weights(model, [](const auto& trace) { return trace.input.bottomRows(3); });
}

TEST_CASE("input feeding around an LSTM, which a general dot product follows") {
  using Feeding = rp::InputFeeding<LSTM, General>;
  using Decoder = rp::Stack<Embedding, Feeding>;
  using Model = rp::EncoderDecoder<Encoder, Decoder, Bridge::tanh, rp::Max>;
  const Decoder decoder(Embedding({vocabulary, 2}), Feeding(LSTM(rp::Sizes{2 + 4, 4}), General({4, 3, 0})));
  const Model model(Encoder(Embedding({vocabulary, 4}), rp::Recurrent<GRU>(rp::Sizes{4, 3})), {decoder, classes});
  prove(model);
  prove_weights(model, [](const auto& trace) { return trace.cs.topRows(3); });
}
