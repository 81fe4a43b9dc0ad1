// EncoderDecoder without attention: the summary at every step, at the first or at both, a state handed over, and a decoder
// that reads numbers. What attends is in layers/attention_test.cpp.
#include <reprise/layers/attend.hpp>
#include <reprise/layers/dense.hpp>
#include <reprise/layers/learned_initial_state.hpp>
#include <reprise/layers/with_context.hpp>
#include <reprise/losses/squared_error.hpp>

#include <reprise/cells/gru.hpp>
#include <reprise/cells/lstm.hpp>

#include "prove_encoder_decoder.hpp"

using namespace seq2seq;
using Catch::Matchers::Contains;

namespace {

using GRU = rp::GRUCell<double>;
using LSTM = rp::LSTMCell<double>;
using Dense = rp::Dense<double>;
using Encoder = rp::Stack<Embedding, GRU>;

template <Bridge bridge, class Pool, class Top>
rp::EncoderDecoder<Encoder, rp::Stack<Embedding, rp::WithContext<double>, Top>, bridge, Pool> contextual() {
  const rp::Stack<Embedding, rp::WithContext<double>, Top> decoder(
      Embedding({vocabulary, 2}), rp::WithContext<double>(2, 3), Top(rp::Sizes{2 + 3, 4}));
  return {Encoder(Embedding({vocabulary, 4}), rp::Recurrent<GRU>(rp::Sizes{4, 3})), {decoder, classes}};
}

using Dot = rp::Attend<rp::DotProductAttention<double, rp::Score::dot>>;
using Numbers = rp::EncoderDecoder<Dense, rp::Stack<LSTM, Dot>>;

}  // namespace

TEST_CASE("the summary at every step, from a state that the decoder has learned") {
  const auto model = contextual<Bridge::none, rp::Max, rp::LearnedInitialState<GRU>>();
  prove(model);
  // Without a bridge the learned state has to count.
  rp::Workspace workspace{randomised(model)};
  rp::loss_and_gradient(randomised(model), {sources, previous}, target, rp::SoftmaxCrossEntropy{}, workspace);
  CHECK(std::get<2>(workspace.gradient.decoder.layers).initial.h.cwiseAbs().minCoeff() > 0);
}

TEST_CASE("the summary at every step and in the first state") {
  prove(contextual<Bridge::tanh, rp::Last, rp::Recurrent<GRU>>());
}

TEST_CASE("the encoder's final state handed over, part by part") {
  rp::Rng rng(1);
  using Layers = rp::Stack<Embedding, LSTM>;
  using Model = rp::EncoderDecoder<Layers, Layers, Bridge::copy>;
  const Model model({.inputs = vocabulary, .hidden = 3, .outputs = classes}, rng);
  prove(model);
  // The encoder draws its weights before the decoder, whatever order a compiler takes arguments in.
  rp::Rng again(1);
  const Layers encoder({vocabulary, 3}, again), decoder({classes, 3}, again);
  CHECK(rp::flatten(model.encoder) == rp::flatten(encoder));
  CHECK(rp::flatten(model.decoder.body()) == rp::flatten(decoder));
  CHECK_THROWS_WITH((Model(Layers({vocabulary, 3}), {Layers({vocabulary, 4}), classes})),
                    "Bridge::copy: a part of the encoder's state has 3 rows, the decoder's takes 4");
}

TEST_CASE("the encoder's final state handed over past layers that have none") {
  rp::Rng rng(2);
  using Model = rp::EncoderDecoder<Encoder, rp::Stack<Embedding, rp::Dense<double>, GRU, Dot>, Bridge::copy>;
  const Model model = randomised(Model({.inputs = vocabulary, .hidden = 3, .outputs = classes}, rng));
  CHECK_NOTHROW(rp::check_gradient(model, {sources, previous}, target, rp::SoftmaxCrossEntropy{}));
}

TEST_CASE("an encoder that has learned how to begin") {
  rp::Rng rng(3);
  using Model = rp::EncoderDecoder<rp::Stack<Embedding, rp::LearnedInitialState<LSTM>>, rp::Stack<Embedding, GRU>>;
  const Model model = randomised(Model({.inputs = vocabulary, .hidden = 3, .outputs = classes}, rng));
  CHECK_NOTHROW(rp::check_gradient(model, {sources, previous}, target, rp::SoftmaxCrossEntropy{}));
}

TEST_CASE("with sizes in the type, a model without weights is zero and ready to learn") {
  using Model = rp::EncoderDecoder<rp::GRUCell<double, 2, 4>, rp::GRUCell<double, 3, 4>, Bridge::tanh, rp::Last, 3>;
  const Model model;
  CHECK(model.bridge.W.h.rows() == 4);
  CHECK(model.bridge.W.h.cols() == 4);
  CHECK(rp::flatten(model) == rp::flatten(Model(Model::Sizes{})));
  CHECK(rp::flatten(model).isZero(0));
  const rp::Sequence<double> source(rp::Layout({2, 1}), 2), x(rp::Layout({1, 3}), 3);
  CHECK_NOTHROW(rp::check_gradient(randomised(model), {source, x}, x, rp::SquaredError{}));
}

TEST_CASE("loss and gradient without a workspace are those with one") {
  rp::Rng rng(4);
  const rp::EncoderDecoder<Encoder, rp::Stack<Embedding, GRU>> model(
      {.inputs = vocabulary, .hidden = 3, .outputs = classes}, rng);
  rp::Workspace workspace{model};
  const rp::SoftmaxCrossEntropy loss;
  const double value = rp::loss_and_gradient(model, {sources, previous}, target, loss, workspace);
  const auto [same, gradient] = rp::loss_and_gradient(model, {sources, previous}, target, loss);
  CHECK(same == value);
  CHECK(rp::flatten(gradient) == rp::flatten(workspace.gradient));
  CHECK(rp::evaluate(model, {sources, previous}, target, loss) == value);
}

TEST_CASE("from vectors, one or some, to sequences of numbers") {
  const Numbers model = randomised(
      Numbers(Dense({2, 3}), {Numbers::DecoderBody(rp::Recurrent<LSTM>(rp::Sizes{2, 3}), Dot(rp::Sizes{3, 3})), 2}));
  rp::Rng rng(2);
  rp::Sequence<double> x(rp::Layout({3, 0, 1, 4, 2, 5}), 2), goal(x.layout(), 2);
  rp::uniform(x.values(), 1, rng);
  rp::uniform(goal.values(), 1, rng);
  for (const auto& lengths : {std::vector<Index>{1, 1, 1, 1, 1, 1}, {2, 3, 0, 1, 5, 4}}) {
    rp::Sequence<double> source(rp::Layout(lengths), 2);
    rp::uniform(source.values(), 1, rng);
    CHECK_NOTHROW(rp::check_gradient(model, {source, x}, goal, rp::SquaredError{}));
    prove_independence(model, {source, x}, goal, rp::SquaredError{});
  }
}

TEST_CASE("what does not fit is refused by name") {
  using Examples = Numbers::Examples;
  const Numbers model(Dense({2, 3}),
                      {Numbers::DecoderBody(rp::Recurrent<LSTM>(rp::Sizes{2, 3}), Dot(rp::Sizes{3, 3})), 2});
  const auto sequence = [](std::vector<Index> lengths, Index features) {
    return rp::Sequence<double>(rp::Layout(std::move(lengths)), features);
  };
  const auto x = sequence({1, 2}, 2);
  rp::Workspace workspace{model};
  const auto run = [&](const Examples& given, const rp::Sequence<double>& goal) {
    return rp::loss_and_gradient(model, given, goal, rp::SquaredError{}, workspace);
  };
  CHECK(run({x, x}, x) == 0);
  CHECK_THROWS_WITH(run({sequence({1, 2}, 3), x}, x), "the source has 3 features, the encoder takes 2");
  CHECK_THROWS_WITH(run({x, sequence({1, 2}, 3)}, x), "x has 3 features, the model takes 2");
  CHECK_THROWS_WITH(run({sequence({1, 2, 3}, 2), x}, x), Contains("the source has 3 records"));
  CHECK_THROWS_WITH(run({x, x}, sequence({2, 1}, 2)), "target: record 0 has 2 steps, x has 1");
  CHECK_THROWS_WITH(run({x, x}, sequence({1, 2}, 3)), Contains("target has 3 rows"));
  Examples cut{x, x};
  cut.previous.values().conservativeResize(2, 2);
  CHECK_THROWS_AS(run(cut, x), rp::shape_error);
  cut = {x, x};
  cut.source.values().conservativeResize(2, 2);
  CHECK_THROWS_AS(run(cut, x), rp::shape_error);

  const Numbers larger(Dense({2, 4}),
                       {Numbers::DecoderBody(rp::Recurrent<LSTM>(rp::Sizes{2, 4}), Dot(rp::Sizes{4, 4})), 2});
  workspace = rp::Workspace{larger};
  CHECK_THROWS_WITH(run({x, x}, x), Contains("the workspace: encoder.W is 4 x 2, the model's is 3 x 2"));
  workspace = rp::Workspace{model};
  // An attention of other annotations than the encoder's.
  const Numbers torn(Dense({2, 4}), {model.decoder.body(), 2});
  workspace = rp::Workspace{torn};
  CHECK_THROWS_WITH(rp::loss_and_gradient(torn, {x, x}, x, rp::SquaredError{}, workspace),
                    "the memory has 4 rows, its attention takes 3");
  CHECK_THROWS_AS((rp::DotProductAttention<double, rp::Score::dot>({3, 4, 0})), rp::shape_error);
}

TEST_CASE("no records, and records without a step to predict") {
  const auto model = randomised(contextual<Bridge::tanh, rp::Last, rp::Recurrent<GRU>>());
  rp::Workspace workspace{model};
  for (const auto& [source, nothing] : {std::pair{rp::Sequence<int>(), rp::Sequence<int>()},
                                        {sources, rp::Sequence<int>(rp::Layout({0, 0, 0, 0, 0, 0}), 1)}}) {
    rp::loss_and_gradient(model, {sources, previous}, target, rp::SoftmaxCrossEntropy{}, workspace);
    CHECK(rp::loss_and_gradient(model, {source, nothing}, nothing, rp::SoftmaxCrossEntropy{}, workspace) == 0);
    CHECK(rp::flatten(workspace.gradient).isZero(0));
    CHECK(rp::predict(model, {source, nothing}).layout() == nothing.layout());
  }
}

TEST_CASE("teacher forcing: begin before, end behind") {
  const auto [before, after] = rp::teacher_forcing({{2, 1}, {}, {0}}, 4, 5);
  CHECK(before.layout() == after.layout());
  CHECK(before[0] == Eigen::RowVector3i(4, 2, 1));
  CHECK(after[0] == Eigen::RowVector3i(2, 1, 5));
  CHECK(before[1].value() == 4);
  CHECK(after[1].value() == 5);
  CHECK(after[2] == Eigen::RowVector2i(0, 5));
}
