#include <reprise/cells/gru.hpp>
#include <reprise/cells/lstm.hpp>
#include <reprise/layers/dropout.hpp>
#include <reprise/layers/embedding.hpp>
#include <reprise/losses/cross_entropy.hpp>
#include <reprise/losses/squared_error.hpp>
#include <reprise/parallel/loss_and_gradient.hpp>

#include "catch.hpp"

namespace rp = reprise;
using rp::Index;

namespace {

using Model = rp::SequenceModel<rp::Stack<rp::LSTMCell<float>, rp::GRUCell<float>>>;

rp::Sequence<float> random_batch(const std::vector<Index>& lengths, Index features, rp::Rng& rng) {
  rp::Sequence<float> batch(rp::Layout(lengths), features);
  rp::uniform(batch.values(), 1, rng);
  return batch;
}

template <class M>
bool same_bits(const M& a, const M& b) {
  bool same = true;
  rp::for_each_parameter([&](const auto& p, const auto& q) { same = same && p == q; }, a, b);
  return same;
}

}  // namespace

TEST_CASE("a pass in parts is the pass of the whole: everything but the order of the gradient's sum, to the last bit") {
  rp::Rng rng{1};
  const Model model{{.inputs = 3, .hidden = 21, .outputs = 2}, rng};
  const std::vector<Index> lengths{4, 0, 9, 1, 9, 7, 30, 2, 2, 5, 8};
  const auto x = random_batch(lengths, 3, rng), target = random_batch(lengths, 2, rng);
  for (const auto reduction : {rp::Reduction::sum, rp::Reduction::mean})
    for (const int parts : {1, 2, 3, 11, 20}) {
      CAPTURE(parts);
      const rp::SquaredError loss{reduction};
      auto state = model.initial_state(x.batch());
      rp::for_each_parameter([&](auto& p) { rp::uniform(p, 1, rng); }, state);
      auto parallel_state = state;
      rp::Workspace<Model> one(model);
      rp::ParallelWorkspace<Model> several(model, {.threads = 2, .parts = parts});
      for (int repeat = 0; repeat < 2;
           ++repeat) {  // the second time with used buffers, and from the state of the first
        const auto expected =
            rp::loss_and_gradient(model, x, target, loss, one, {.state = &state, .input_gradient = true});
        const auto actual =
            rp::loss_and_gradient(model, x, target, loss, several, {.state = &parallel_state, .input_gradient = true});
        CHECK(actual == expected);
        CHECK(same_bits(parallel_state, state));
        CHECK(same_bits(several.dh0, one.dh0));
        CHECK((several.dx.leftCols(77) == one.dx.leftCols(77)));
        CHECK((rp::flatten(several.gradient) - rp::flatten(one.gradient)).norm() <
              1e-6f * rp::flatten(one.gradient).norm());
      }
      CHECK(rp::evaluate(model, x, target, loss, several) == rp::evaluate(model, x, target, loss, one));
    }
}

TEST_CASE("the number of threads changes no bit") {
  using Dropped =
      rp::SequenceModel<rp::Stack<rp::Embedding<float>, rp::GRUCell<float>, rp::Dropout<float>, rp::GRUCell<float>>>;
  rp::Rng rng{2};
  const Dropped model{{.inputs = 9, .hidden = 16, .outputs = 9}, rng};
  std::vector<std::vector<int>> records(10);
  for (std::size_t r = 0; r < records.size(); ++r)
    for (std::size_t t = 0; t < 3 * r; ++t) records[r].push_back(static_cast<int>(rng.below(9)));
  const rp::Sequence<int> x(records);
  const auto gradient = [&](int threads) {
    rp::ParallelWorkspace<Dropped> workspace(model, {.threads = threads, .parts = 4});
    rp::Rng masks{3};
    rp::loss_and_gradient(model, x, x, rp::SoftmaxCrossEntropy{}, workspace, {.rng = &masks});
    const auto first = workspace.gradient;
    rp::loss_and_gradient(model, x, x, rp::SoftmaxCrossEntropy{}, workspace, {.rng = &masks});
    CHECK_FALSE(same_bits(first, workspace.gradient));  // other masks
    return workspace.gradient;
  };
  const auto expected = gradient(1);
  for (const int threads : {2, 3, 4, 9}) CHECK(same_bits(gradient(threads), expected));
}

TEST_CASE("parts draw masks of their own") {
  using Dropped = rp::SequenceModel<rp::Stack<rp::Dropout<double>, rp::GRUCell<double>>>;
  rp::Rng rng{4};
  const Dropped model{{.inputs = 8, .hidden = 8, .outputs = 1}, rng};
  const rp::Sequence<double> x(std::vector(2, rp::Matrix<double>(rp::Matrix<double>::Ones(8, 6)))),
      target(x.layout(), 1);
  rp::ParallelWorkspace<Dropped> workspace(model, {.threads = 2});
  rp::loss_and_gradient(model, x, target, rp::SquaredError{}, workspace, {.rng = &rng});
  CHECK((workspace.y.col(0) != workspace.y.col(1)));
}

TEST_CASE("what goes wrong in a part comes to the caller, the state as it was") {
  using Tokens = rp::SequenceModel<rp::Stack<rp::Embedding<float>, rp::GRUCell<float>, rp::Dropout<float>>>;
  rp::Rng rng{5};
  const Tokens model{{.inputs = 4, .hidden = 5, .outputs = 4}, rng};
  rp::ParallelWorkspace<Tokens> workspace(model, {.threads = 3});
  auto state = model.initial_state(3);
  const auto before = state;
  const rp::Sequence<int> good{{1, 2}, {3}, {0, 0, 0}}, bad{{1, 2}, {3}, {0, 7, 0}};
  const auto run = [&](const auto& x, rp::Rng* masks) {
    return rp::loss_and_gradient(model, x, good, rp::SoftmaxCrossEntropy{}, workspace, {.state = &state, .rng = masks});
  };
  CHECK_THROWS_WITH(run(bad, &rng), "token 7, the vocabulary has 4 (0 to 3)");
  CHECK_THROWS_AS(run(good, nullptr), rp::value_error);  // dropout without an Rng
  CHECK(same_bits(state, before));
  CHECK(run(good, &rng) > 0);
  CHECK_THROWS_AS(rp::ParallelWorkspace<Tokens>(model, {.threads = 0}), rp::value_error);
  CHECK_THROWS_AS(rp::ParallelWorkspace<Tokens>(model, {.threads = 1, .parts = -1}), rp::value_error);
}

TEST_CASE("one input and one output in the type: rows, and yet columns in memory") {
  using Pedal = rp::SequenceModel<rp::GRUCell<float, 1, 16>, 1>;
  rp::Rng rng{7};
  const Pedal model{{}, rng};
  const std::vector<Index> lengths{20, 3, 7, 7, 1, 12, 20};
  rp::Sequence<float, 1> x(rp::Layout(lengths), 1), target(rp::Layout(lengths), 1);
  rp::uniform(x.values(), 1, rng);
  rp::uniform(target.values(), 1, rng);
  rp::Workspace<Pedal> one(model);
  rp::ParallelWorkspace<Pedal> several(model, {.threads = 2, .parts = 5});
  const auto expected = rp::loss_and_gradient(model, x, target, rp::SquaredError{}, one, {.input_gradient = true});
  CHECK(rp::loss_and_gradient(model, x, target, rp::SquaredError{}, several, {.input_gradient = true}) == expected);
  CHECK((several.dx.leftCols(70) == one.dx.leftCols(70)));
}

TEST_CASE("no records: no loss, no gradient") {
  rp::Rng rng{6};
  const Model model{{.inputs = 3, .hidden = 4, .outputs = 2}, rng};
  rp::ParallelWorkspace<Model> workspace(model, {.threads = 2});
  const rp::Sequence<float> x(rp::Layout{}, 3), target(rp::Layout{}, 2);
  CHECK(rp::loss_and_gradient(model, x, target, rp::SquaredError{}, workspace) == 0);
  CHECK(rp::flatten(workspace.gradient).isZero(0));
}
