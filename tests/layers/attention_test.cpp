// What decoders see of their sources through attention, each in an EncoderDecoder, proved by dual numbers.
#include <reprise/layers/attend.hpp>
#include <reprise/layers/attentive_recurrent.hpp>
#include <reprise/layers/residual.hpp>
#include <reprise/layers/skip.hpp>

#include <reprise/cells/gru.hpp>

#include "../train/prove_encoder_decoder.hpp"

using namespace seq2seq;

namespace {

using GRU = rp::GRUCell<double>;
using Additive = rp::AdditiveAttention<double>;
using General = rp::DotProductAttention<double>;
using Dot = rp::DotProductAttention<double, rp::Score::dot>;
using Encoder = rp::Stack<Embedding, GRU>;

// All queries of a record at once are these queries one by one.
template <class A>
void prove_queries() {
  rp::Rng rng(2);
  A attention({3, 4, 5}, rng);
  rp::Memory<double> memory{rp::Matrix<double>(4, 6), {}, {0, 2, 6}};
  rp::uniform(memory.h, 1, rng);
  rp::detail::Reading<A> reading;
  reading.begin(attention, memory);
  rp::Matrix<double> p(reading.keys.rows(), 3), dc(4, 3), c(4, 3), weights(4, 3);
  rp::uniform(p, 1, rng);
  rp::uniform(dc, 1, rng);
  reading.read_record(attention, memory, 1, p, weights, c);
  struct Gradients {
    rp::Matrix<double> dp, dkeys, dh;
    rp::Vector<double> of_attention;
  };
  const auto back = [&](Index first, Index count) {
    rp::Memory<double> dmemory{rp::Matrix<double>::Zero(4, 6), {}, memory.begin};
    A gradient = rp::zeros_like(attention);
    rp::Matrix<double> dp = rp::Matrix<double>::Zero(p.rows(), 3);
    reading.dkeys.setZero(reading.keys.rows(), 6);
    reading.read_record_back(attention, memory, 1, p.middleCols(first, count), weights.middleCols(first, count),
                             dc.middleCols(first, count), dp.middleCols(first, count), gradient, dmemory);
    return Gradients{dp, reading.dkeys, dmemory.h, rp::flatten(gradient)};
  };
  auto all = back(0, 3);
  CHECK(all.dh.leftCols(2).isZero(0));  // another record
  CHECK(all.dp.cwiseAbs().minCoeff() > 0);
  for (Index n = 0; n < 3; ++n) {
    rp::Matrix<double> a(4, 1), c_n(4, 1);
    reading.read_record(attention, memory, 1, p.middleCols(n, 1), a, c_n);
    CHECK(distance(a, weights.col(n)) < 1e-15);
    CHECK(distance(c_n, c.col(n)) < 1e-15);
    const auto one = back(n, 1);
    all.dp -= one.dp;
    all.dkeys -= one.dkeys;
    all.dh -= one.dh;
    all.of_attention -= one.of_attention;
  }
  for (const auto* rest : {&all.dp, &all.dkeys, &all.dh}) CHECK(rest->cwiseAbs().maxCoeff() < 1e-14);
  CHECK(all.of_attention.cwiseAbs().maxCoeff() < 1e-14);
}

}  // namespace

TEST_CASE("the cell draws its weights before the attention, whatever order a compiler takes arguments in") {
  rp::Rng rng(1), again(1);
  const rp::AttentiveRecurrent<GRU, Additive> layer({2, 4}, rng);
  const GRU cell({6, 4}, again);
  CHECK(rp::flatten(layer.cell) == rp::flatten(cell));
  CHECK(rp::flatten(layer.attention) == rp::flatten(Additive({4, 4, 4}, again)));
}

TEST_CASE("scores far beyond what exp can take are still a distribution") {
  rp::Rng rng(2);
  const General attention({3, 4, 0}, rng);
  rp::Memory<double> memory{rp::Matrix<double>(4, 5), {}, {0, 5}};
  rp::uniform(memory.h, 1e6, rng);
  rp::Matrix<double> q(3, 2), weights(5, 2), c(4, 2);
  rp::uniform(q, 1e6, rng);
  rp::detail::Reading<General> reading;
  reading.begin(attention, memory);
  reading.read_record(attention, memory, 0, q, weights, c);
  CHECK(distance(weights.colwise().sum(), Eigen::RowVector2d(1, 1)) < 1e-14);
}

TEST_CASE("the W of a general dot product begins small: a query of k entries gives scores of a k-th of Glorot's") {
  rp::Rng rng(2);
  constexpr Index k = 400, features = 100;
  const double largest = General({k, features, 0}, rng).W.cwiseAbs().maxCoeff(),
               glorot = std::sqrt(6.0 / (k + features)) / std::sqrt(k);
  CHECK(largest <= glorot);
  CHECK(largest > 0.99 * glorot);
}

TEST_CASE("queries side by side") {
  prove_queries<Additive>();
  prove_queries<General>();
}

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

TEST_CASE("a pass without training keeps one step of the cell, and none of the states between") {
  using Layer = rp::AttentiveRecurrent<GRU, General>;
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
  CHECK(kept.before.h.cols() == 5);
  CHECK(trace.before.h.size() == 0);
  rp::for_each_parameter([](const auto& part) { CHECK(part.cols() == 2); }, trace.steps);
  CHECK(trace.y == kept.y);
  CHECK(state.h == same.h);
  CHECK(trace.weights == kept.weights);
}

TEST_CASE("layers that read a memory, in a Residual and a Skip") {
  using Decoder = rp::Stack<Embedding, rp::Residual<rp::AttentiveRecurrent<GRU, Additive>>, rp::Skip<rp::Attend<Dot>>>;
  const Decoder decoder(Embedding({vocabulary, 4}),
                        rp::Residual<rp::AttentiveRecurrent<GRU, Additive>>(rp::Sizes{4, 4}),
                        rp::Skip<rp::Attend<Dot>>(rp::Attend<Dot>(Dot({4, 4, 4}), 3)));
  CHECK(decoder.outputs() == 7);
  prove(rp::EncoderDecoder<Encoder, Decoder>(Encoder(Embedding({vocabulary, 4}), rp::Recurrent<GRU>(rp::Sizes{4, 4})),
                                             {decoder, classes}));
}

TEST_CASE("a plain dot product is of vectors of one size") {
  CHECK_THROWS_WITH(
      Dot({3, 4, 0}),
      "DotProductAttention: annotations have 4 rows, a query has 3; a plain dot product takes equal ones");
  CHECK(General({3, 4, 0}).sizes().units == 3);
}
