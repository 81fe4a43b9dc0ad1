#include <reprise/cells/gru.hpp>
#include <reprise/decode/attention_weights.hpp>
#include <reprise/layers/attend.hpp>
#include <reprise/layers/attentive_recurrent.hpp>
#include <reprise/layers/dense.hpp>
#include <reprise/layers/residual.hpp>

#include "catch.hpp"

namespace rp = reprise;
using rp::Index;

namespace {

using Dense = rp::Dense<double>;
using Dot = rp::Attend<rp::DotProductAttention<double, rp::Score::dot>>;
using GRU = rp::GRUCell<double>;

struct Batch {
  rp::Sequence<double> source{rp::Layout({3, 0, 1, 5}), 2}, previous{rp::Layout({2, 4, 3, 3}), 2};
};
Batch make_batch() {
  Batch batch;
  rp::Rng rng(7);
  rp::uniform(batch.source.values(), 1, rng);
  rp::uniform(batch.previous.values(), 1, rng);
  return batch;
}

}  // namespace

TEST_CASE("attention's weights are those of the equations, record by record") {
  using Model = rp::EncoderDecoder<Dense, rp::Stack<Dense, Dot>, rp::Bridge::none>;
  rp::Rng rng(1);
  const Model model({.inputs = 2, .hidden = 4, .outputs = 2}, rng);
  const Batch batch = make_batch();
  const auto weights = rp::attention_weights(model, {batch.source, batch.previous});
  REQUIRE(weights.size() == 4);
  const Dense& below = std::get<0>(model.decoder.layers);
  for (Index r = 0; r < 4; ++r) {
    CAPTURE(r);
    const auto& alpha = weights[static_cast<std::size_t>(r)];
    REQUIRE(alpha.rows() == batch.source.length(r));
    REQUIRE(alpha.cols() == batch.previous.length(r));
    if (alpha.rows() == 0) continue;
    const Eigen::MatrixXd h = (model.encoder.W * batch.source[r]).colwise() + model.encoder.b,
                          s = (below.W * batch.previous[r]).colwise() + below.b;
    const Eigen::MatrixXd score = (h.transpose() * s).array().exp();
    for (Index t = 0; t < alpha.cols(); ++t) CHECK((alpha.col(t) - score.col(t) / score.col(t).sum()).norm() < 1e-14);
  }
}

TEST_CASE("of several attentions the lowest, wherever it stands; of none, none") {
  using Below = rp::AttentiveRecurrent<GRU, rp::AdditiveAttention<double>>;
  using Model = rp::EncoderDecoder<GRU, rp::Stack<Dense, Below, rp::Residual<Dot>>>;
  rp::Rng rng(2);
  const Model model({.inputs = 2, .hidden = 4, .outputs = 2}, rng);
  const Batch batch = make_batch();
  typename Model::Trace trace;
  model.forward({batch.source, batch.previous}, rp::Mode{}, trace);
  const auto weights = rp::attention_weights(model, {batch.source, batch.previous});
  const rp::Layout& layout = batch.previous.layout();
  for (Index slot = 0; slot < 4; ++slot)
    CHECK(weights[static_cast<std::size_t>(layout.record(slot))] ==
          std::get<1>(trace.decoder.layers).weights[static_cast<std::size_t>(slot)]);

  using Nested = rp::EncoderDecoder<GRU, rp::Stack<rp::Stack<Dense, rp::Residual<Dot>>, GRU>>;
  const Nested nested({.inputs = 2, .hidden = 4, .outputs = 2}, rng);
  CHECK(rp::attention_weights(nested, {batch.source, batch.previous})[3].rows() == 5);

  const rp::EncoderDecoder<GRU, GRU> without({.inputs = 2, .hidden = 4, .outputs = 2}, rng);
  CHECK_THROWS_WITH(rp::attention_weights(without, {batch.source, batch.previous}), "the decoder has no attention");
  CHECK_THROWS_AS(rp::attention_weights(model, {batch.source, batch.previous.select({0, 1})}), rp::shape_error);
  CHECK(rp::attention_weights(model, {}).empty());
}
