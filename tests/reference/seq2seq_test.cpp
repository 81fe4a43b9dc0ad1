// Encoders and decoders against the equations of their papers in make_seq2seq_reference.py.
#include <reprise/layers/attend.hpp>
#include <reprise/layers/attentive_recurrent.hpp>
#include <reprise/layers/bidirectional.hpp>
#include <reprise/layers/input_feeding.hpp>
#include <reprise/layers/with_context.hpp>
#include <reprise/train/encoder_decoder.hpp>

#include "reference.hpp"

using namespace reference;

namespace {

using GRU = rp::GRUCell<double>;
using LSTM = rp::LSTMCell<double>;
using Additive = rp::AdditiveAttention<double>;
using General = rp::DotProductAttention<double>;
using rp::Sizes;

constexpr Index source = 3, previous = 2, encoded = 4, decoded = 5, units = 6;

/// `model`: of the sizes of the file, whatever its weights are.
template <class Model>
void check_seq2seq(Model model, const std::string& file) {
  Reference reference(file);
  fill(reference, "model", model);
  const typename Model::Examples x{rp::Sequence<double>(reference.records("source")),
                                   rp::Sequence<double>(reference.records("previous"))};
  const rp::Sequence<double> target(reference.records("target"));
  rp::Workspace<Model> workspace(model);
  compare("loss", rp::loss_and_gradient(model, x, target, rp::SquaredError{}, workspace), reference.scalar("loss"));
  compare_all(reference, "gradient", workspace.gradient);
  auto y = target;
  y.values() = workspace.trace.y.leftCols(target.layout().columns());
  const auto expected = reference.records("y");
  REQUIRE(y.batch() == static_cast<Index>(expected.size()));
  for (Index i = 0; i < y.batch(); ++i)
    if (y.length(i) != 0) compare("y." + std::to_string(i), y[i], expected[static_cast<std::size_t>(i)]);
  reference.require_all_used();
}

}  // namespace

TEST_CASE("a decoder that attends before each step to what a GRU has read both ways", "[reference]") {
  using Attentive = rp::AttentiveRecurrent<GRU, Additive>;
  using Encoder = rp::Bidirectional<GRU>;
  check_seq2seq(
      rp::EncoderDecoder<Encoder, Attentive>(
          Encoder(Sizes{source, 2 * encoded}),
          {Attentive(GRU(Sizes{previous + 2 * encoded, decoded}), Additive({decoded, 2 * encoded, units})), outputs}),
      "seq2seq_bahdanau.txt");
}

TEST_CASE("a decoder of a summary, and attention over all of its steps", "[reference]") {
  using Decoder = rp::Stack<rp::WithContext<double>, GRU, rp::Attend<General>>;
  check_seq2seq(
      rp::EncoderDecoder<GRU, Decoder, rp::Bridge::none, rp::Mean>(
          rp::Recurrent<GRU>(Sizes{source, encoded}),
          {Decoder(rp::WithContext<double>(previous, encoded), rp::Recurrent<GRU>(Sizes{previous + encoded, decoded}),
                   rp::Attend<General>(General({decoded, encoded, 0}), decoded)),
           outputs}),
      "seq2seq_luong.txt");
}

TEST_CASE("a decoder that is fed what it has attended to", "[reference]") {
  using Feeding = rp::InputFeeding<LSTM, General>;
  check_seq2seq(rp::EncoderDecoder<LSTM, Feeding>(
                    rp::Recurrent<LSTM>(Sizes{source, encoded}),
                    {Feeding(LSTM(Sizes{previous + decoded, decoded}), General({decoded, encoded, 0})), outputs}),
                "seq2seq_input_feeding.txt");
}
