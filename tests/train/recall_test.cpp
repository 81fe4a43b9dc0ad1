// What an explicit memory is for: associative recall.
#include <reprise/cells/gru.hpp>
#include <reprise/cells/ntm.hpp>
#include <reprise/losses/cross_entropy.hpp>
#include <reprise/train/clip.hpp>
#include <reprise/train/loss_and_gradient.hpp>
#include <reprise/train/optimiser.hpp>

#include "catch.hpp"

namespace rp = reprise;
using rp::Index;

namespace {

constexpr Index keys = 8, values = 8;

struct Batch {
  rp::Sequence<float> x;
  rp::Sequence<int> target;
};

// Pairs of a key and a value, a pair a step, each key once; then the same keys alone, in another order, and for each
// the value is asked for.
Batch random_pairs(Index fewest, Index most, Index records, rp::Rng& rng) {
  std::vector<Index> lengths;
  for (Index r = 0; r < records; ++r)
    lengths.push_back(2 * (fewest + rng.below(static_cast<std::uint32_t>(most - fewest + 1))));
  Batch batch{rp::Sequence<float>(rp::Layout(lengths), keys + values), rp::Sequence<int>(rp::Layout(lengths), 1)};
  batch.target.values().setConstant(-1);
  for (Index r = 0; r < records; ++r) {
    std::vector<Index> key(keys), value(keys);
    for (Index k = 0; k < keys; ++k) key[std::size_t(k)] = k;
    rng.shuffle(key);
    key.resize(std::size_t(lengths[std::size_t(r)]) / 2);
    const Index pairs = static_cast<Index>(key.size()), slot = batch.x.layout().slot(r);
    for (Index t = 0; t < pairs; ++t) {
      const Index k = key[std::size_t(t)], v = value[std::size_t(k)] = rng.below(values);
      batch.x.view(t)(k, slot) = batch.x.view(t)(keys + v, slot) = 1;
    }
    rng.shuffle(key);
    for (Index t = 0; t < pairs; ++t) {
      const Index k = key[std::size_t(t)];
      batch.x.view(pairs + t)(k, slot) = 1;
      batch.target.view(pairs + t)(0, slot) = static_cast<int>(value[std::size_t(k)]);
    }
  }
  return batch;
}

struct Outcome {
  Index parameters;
  float loss, of_more;  // nats a question, of four pairs, and of eight; knowing nothing costs log 8 = 2.08
};

template <class Cell>
Outcome learn(Index hidden, Index inner) {
  rp::Rng rng{1}, test_rng{99};
  rp::SequenceModel<Cell> model({.inputs = keys + values, .hidden = hidden, .outputs = values, .inner = inner}, rng);
  rp::Adam adam{model, {.learning_rate = 0.01}};
  rp::Workspace<rp::SequenceModel<Cell>> workspace(model);
  const rp::SoftmaxCrossEntropy loss{rp::Reduction::mean, -1};
  for (int i = 0; i < 1000; ++i) {
    const auto batch = random_pairs(1, 4, 32, rng);
    rp::loss_and_gradient(model, batch.x, batch.target, loss, workspace);
    rp::clip_norm(workspace.gradient, 1);
    adam.step(model, workspace.gradient);
  }
  const auto four = random_pairs(4, 4, 200, test_rng), eight = random_pairs(8, 8, 200, test_rng);
  return {rp::count_parameters(model), rp::evaluate(model, four.x, four.target, loss),
          rp::evaluate(model, eight.x, eight.target, loss)};
}

}  // namespace

TEST_CASE("a neural Turing machine learns to recall by association, where a GRU as large does not yet") {
  const Outcome ntm = learn<rp::NTMCell<float>>(32, 8), gru = learn<rp::GRUCell<float>>(32, 0);
  INFO("NTM, " << ntm.parameters << " parameters: " << ntm.loss << ", of more pairs " << ntm.of_more << "; GRU, "
               << gru.parameters << " parameters: " << gru.loss << ", of more pairs " << gru.of_more);
  CHECK(ntm.parameters < gru.parameters);
  CHECK(ntm.loss < 0.25f);
  CHECK(gru.loss > 0.8f);
  CHECK(ntm.of_more < 1.7f);  // twice as many pairs as it has ever seen
}
