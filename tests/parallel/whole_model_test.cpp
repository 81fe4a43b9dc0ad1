// Models of whole records on several threads: everything as on one, but for the order of the gradient's sum.
#include <reprise/cells/gru.hpp>
#include <reprise/cells/rnn.hpp>
#include <reprise/layers/attentive_recurrent.hpp>
#include <reprise/layers/dropout.hpp>
#include <reprise/layers/embedding.hpp>
#include <reprise/losses/cross_entropy.hpp>
#include <reprise/parallel/whole_model.hpp>
#include <reprise/train/encoder_decoder.hpp>
#include <reprise/train/sequence_to_one.hpp>

#include "../catch.hpp"

namespace rp = reprise;
using Catch::Matchers::Contains;
using rp::Index;

namespace {

using Embedding = rp::Embedding<double>;
using Encoder = rp::Stack<Embedding, rp::RNNCell<double>, rp::Dropout<double>>;
using Decoder = rp::Stack<Embedding, rp::Dropout<double>,
                          rp::AttentiveRecurrent<rp::GRUCell<double>, rp::AdditiveAttention<double>>>;
using Translator = rp::EncoderDecoder<Encoder, Decoder>;
using Classifier = rp::SequenceToOne<Encoder, rp::Mean>;

const rp::Sequence<int> sources{{1, 4}, {}, {3}, {0, 2, 2, 1, 4}, {4, 0, 3}};
const rp::Sequence<int> previous{{4, 2, 1}, {4, 3, 3, 0}, {}, {4}, {4, 0, 0, 1, 2}};
const rp::Sequence<int> target{{2, 1, 5}, {3, 3, 0, 5}, {}, {5}, {0, 0, 1, 2, 5}};
const rp::Matrix<int> labels = (rp::Matrix<int>(1, 5) << 2, 0, 5, 1, 3).finished();

template <class M>
M make(double rate) {
  rp::Rng rng(1);
  M model({.inputs = 5, .hidden = 4, .outputs = 6}, rng);
  rp::for_each_trained([&](auto& p) { rp::uniform(p, 0.7, rng); }, model);
  if constexpr (requires { model.encoder; }) {
    std::get<2>(model.encoder.layers).rate = rate;
    std::get<1>(model.decoder.layers).rate = rate;
  } else {
    std::get<2>(model.layers).rate = rate;
  }
  return model;
}

template <class M>
void prove(const typename M::Examples& x, const auto& goal) {
  const rp::SoftmaxCrossEntropy loss;
  const M model = make<M>(0);
  rp::Workspace<M> one(model);
  const double value = rp::loss_and_gradient(model, x, goal, loss, one);
  const auto gradient = rp::flatten(one.gradient);
  const Index count = M::columns(x);
  for (const int parts : {1, 2, 3, 4, 9}) {
    CAPTURE(parts);
    rp::ParallelWorkspace<M> several(model, {.threads = 2, .parts = parts});
    for (int repeat = 0; repeat < 2; ++repeat) {
      CHECK(std::abs(rp::loss_and_gradient(model, x, goal, loss, several) - value) < 1e-13 * value);
      CHECK((several.y.leftCols(count) - one.trace.y.leftCols(count)).cwiseAbs().maxCoeff() < 1e-14);
      CHECK((rp::flatten(several.gradient) - gradient).cwiseAbs().maxCoeff() < 1e-12);
    }
    CHECK(std::abs(rp::evaluate(model, x, goal, loss, several) - value) < 1e-13 * value);
  }

  // With masks: the same seed, the same bits, whatever the number of threads; a mask is drawn anew for each call.
  const M dropped = make<M>(0.5);
  const auto masked = [&](auto workspace, std::uint64_t seed) {
    rp::Rng rng(seed);
    rp::loss_and_gradient(dropped, x, goal, loss, workspace, {.rng = &rng});
    const auto first = rp::flatten(workspace.gradient);
    rp::loss_and_gradient(dropped, x, goal, loss, workspace, {.rng = &rng});
    CHECK(first != rp::flatten(workspace.gradient));
    return first;
  };
  const rp::Workspace<M> serial(dropped);
  const auto expected = masked(serial, 7);
  CHECK(masked(serial, 7) == expected);
  CHECK(masked(serial, 8) != expected);
  const auto on = [&](int threads) { return rp::ParallelWorkspace<M>(dropped, {.threads = threads, .parts = 3}); };
  const auto in_parts = masked(on(1), 7);
  CHECK(masked(on(2), 7) == in_parts);
  CHECK(masked(on(3), 7) == in_parts);
  CHECK(masked(on(2), 8) != in_parts);
  auto workspace = on(2);
  CHECK_THROWS_WITH(rp::loss_and_gradient(dropped, x, goal, loss, workspace), Contains("needs an Rng while training"));
  CHECK(std::abs(rp::evaluate(dropped, x, goal, loss, workspace) - value) < 1e-13 * value);
  auto alone = serial;
  CHECK_THROWS_WITH(rp::loss_and_gradient(dropped, x, goal, loss, alone), Contains("needs an Rng while training"));
}

}  // namespace

TEST_CASE("an EncoderDecoder in parts") { prove<Translator>({sources, previous}, target); }
TEST_CASE("a SequenceToOne in parts") { prove<Classifier>(sources, labels); }

TEST_CASE("masks: dropped entries have no gradient, and the loss is that of the masked model") {
  // With the same masks drawn in each, one step along the gradient changes the loss as the gradient says.
  auto model = make<Translator>(0.5);
  rp::Workspace<Translator> workspace(model);
  const auto run = [&] {
    rp::Rng rng(3);
    return rp::loss_and_gradient(model, {sources, previous}, target, rp::SoftmaxCrossEntropy{}, workspace,
                                 {.rng = &rng});
  };
  run();
  const auto gradient = rp::flatten(workspace.gradient), weights = rp::flatten(model);
  const auto at = [&](double step) {
    rp::unflatten(weights + step * gradient, model);
    return run();
  };
  const double step = 1e-5;
  CHECK((at(step) - at(-step)) / (2 * step) == Approx(gradient.squaredNorm()).epsilon(1e-7));
}

TEST_CASE("each part draws masks of its own") {
  const auto model = make<Classifier>(0.5);
  rp::ParallelWorkspace<Classifier> halves(model, {.threads = 2});
  rp::Rng rng(1);
  rp::loss_and_gradient(model, rp::Sequence<int>{{1, 2, 3}, {1, 2, 3}}, Eigen::RowVector2i(0, 0),
                        rp::SoftmaxCrossEntropy{}, halves, {.rng = &rng});
  CHECK(halves.y.col(0) != halves.y.col(1));
}

TEST_CASE("what does not fit is refused in parts as in one, and no records are no loss") {
  const auto model = make<Translator>(0);
  const rp::SoftmaxCrossEntropy loss;
  rp::ParallelWorkspace<Translator> several(model, {.threads = 2, .parts = 3});
  CHECK_THROWS_WITH(rp::loss_and_gradient(model, {sources, previous}, previous.select({1, 0, 2, 3, 4}), loss, several),
                    "target: record 0 has 4 steps, x has 3");
  CHECK_THROWS_WITH(rp::loss_and_gradient(model, {sources.select({0, 1}), previous}, target, loss, several),
                    Contains("the source has 2 records"));
  rp::Sequence<int> bad = sources;
  bad.values()(0) = 5;
  CHECK_THROWS_WITH(rp::loss_and_gradient(model, {bad, previous}, target, loss, several), Contains("token 5"));
  rp::Rng rng(1);
  const Translator larger({.inputs = 5, .hidden = 5, .outputs = 6}, rng);
  CHECK_THROWS_WITH(rp::evaluate(larger, {sources, previous}, target, loss, several), Contains("the workspace"));
  CHECK(rp::loss_and_gradient(model, {{}, {}}, rp::Sequence<int>(), loss, several) == 0);
  CHECK(rp::flatten(several.gradient).isZero(0));
  CHECK_THROWS_AS((rp::ParallelWorkspace<Translator>(model, {.threads = 0})), rp::value_error);
}
