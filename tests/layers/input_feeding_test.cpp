// Input feeding in an EncoderDecoder, proved by dual numbers.
#include <reprise/layers/input_feeding.hpp>

#include <reprise/cells/lstm.hpp>
#include <reprise/cells/rnn.hpp>

#include "../train/prove_encoder_decoder.hpp"

using namespace seq2seq;

namespace {

using RNN = rp::RNNCell<double>;
using LSTM = rp::LSTMCell<double>;
using General = rp::DotProductAttention<double>;
using Encoder = rp::Stack<Embedding, RNN>;

}  // namespace

TEST_CASE("the cell draws its weights before the attention, whatever order a compiler takes arguments in") {
  rp::Rng rng(1), again(1);
  const rp::InputFeeding<LSTM, General> layer({2, 4}, rng);
  const LSTM cell({6, 4}, again);
  CHECK(rp::flatten(layer.cell) == rp::flatten(cell));
  CHECK(rp::flatten(layer.attention) == rp::flatten(General({4, 4, 4}, again)));
}

TEST_CASE("input feeding around an LSTM, which a general dot product follows") {
  using Feeding = rp::InputFeeding<LSTM, General>;
  using Decoder = rp::Stack<Embedding, Feeding>;
  using Model = rp::EncoderDecoder<Encoder, Decoder, Bridge::tanh, rp::Max>;
  const Decoder decoder(Embedding({vocabulary, 2}), Feeding(LSTM(rp::Sizes{2 + 4, 4}), General({4, 3, 0})));
  const Model model(Encoder(Embedding({vocabulary, 4}), rp::Recurrent<RNN>(rp::Sizes{4, 3})), {decoder, classes});
  prove(model);
  prove_weights(model, [](const auto& trace) { return trace.cs.topRows(3); });
}
