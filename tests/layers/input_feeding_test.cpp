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

TEST_CASE(
    "an InputFeeding's cell draws its weights before the attention, whatever order a compiler takes arguments in") {
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

TEST_CASE("a pass without training is the same, and keeps one step of the cell") {
  using Layer = rp::InputFeeding<LSTM, General>;
  const Layer layer = randomised(Layer(rp::Sizes{2, 4}));
  rp::Memory<double> memory{rp::Matrix<double>(4, 5), {}, {0, 2, 5}};
  rp::Rng rng(3);
  rp::uniform(memory.h, 1, rng);
  const rp::Layout layout({3, 2});
  rp::Matrix<double> x(2, layout.columns());
  rp::uniform(x, 1, rng);
  Layer::Trace kept, trace;
  auto state = layer.initial_state<rp::Dynamic>(2), same = state;
  layer.forward(x, rp::Pass{layout, true}, same, kept, memory);
  layer.forward(x, rp::Pass{layout}, state, trace, memory);
  CHECK(trace.before.h.size() == 0);
  rp::for_each_parameter([](const auto& part) { CHECK(part.cols() == 2); }, trace.steps);
  CHECK(trace.y == kept.y);
  CHECK(state.h == same.h);
  CHECK(state.cell.c == same.cell.c);
  CHECK(trace.weights == kept.weights);
}

TEST_CASE("parts that do not fit are refused") {
  using Feeding = rp::InputFeeding<LSTM, General>;
  CHECK_THROWS_WITH(Feeding(LSTM(rp::Sizes{6, 4}), General({3, 4, 0})),
                    "the attention has 3 rows of a query, the cell takes 4");
  CHECK_THROWS_WITH(Feeding(LSTM(rp::Sizes{3, 4}), General({4, 4, 0})),
                    "the cell has 3 inputs, those beside x alone are 4");
}
