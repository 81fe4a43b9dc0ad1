#pragma once
// The translator of examples/translate without its dropouts, and one batch of sentences of equal lengths, which a peer without
// ragged batches takes without padding.

#include <reprise/cells/gru.hpp>
#include <reprise/layers/attend.hpp>
#include <reprise/layers/bidirectional.hpp>
#include <reprise/layers/embedding.hpp>
#include <reprise/train/encoder_decoder.hpp>

#include <functional>
#include <memory>
#include <vector>

namespace benchmark {

namespace rp = reprise;

using Encoder = rp::Stack<rp::Embedding<float>, rp::Bidirectional<rp::GRUCell<float>>>;
using Decoder = rp::Stack<rp::Embedding<float>, rp::GRUCell<float>, rp::Attend<rp::DotProductAttention<float>>>;
using Translator = rp::EncoderDecoder<Encoder, Decoder>;

struct Shape {
  int sources, targets, hidden;             // pieces that the source and the target know; units
  int batch, source_length, target_length;  // sentences, pieces of each
};

using Sentences = std::vector<std::vector<int>>;

struct Batch {
  Sentences source, previous, target;
};

/// Computes loss and gradient, and returns the loss.
using Run = std::function<float()>;

Run torch_run(const Translator& model, const Batch& batch, const Shape& shape);

}  // namespace benchmark
