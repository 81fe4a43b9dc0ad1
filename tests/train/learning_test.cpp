// What the library is for: networks that remember far back, and generalise over lengths.
#include <reprise/reprise.hpp>

#include "catch.hpp"

namespace rp = reprise;

TEST_CASE("an LSTM learns to recall a symbol over sequences longer than it was trained on") {
  // 0 or 1 first, then a run of 2s, then a 3: only there is a target, the first symbol.
  using Model = rp::SequenceModel<rp::Stack<rp::Embedding<float>, rp::LSTMCell<float>>>;
  rp::Rng rng{1};
  Model model{{.inputs = 4, .hidden = 12, .outputs = 2}, rng};
  rp::Adam adam{model, {.learning_rate = 0.02}};
  const rp::SoftmaxCrossEntropy loss{rp::Reduction::mean, -1};
  const auto batch = [&](std::uint32_t shortest, std::uint32_t longest) {
    std::vector<std::vector<int>> xs, targets;
    for (int r = 0; r < 16; ++r) {
      const int symbol = int(rng.below(2));
      std::vector<int> x(2 + shortest + rng.below(longest - shortest + 1), 2), target(x.size(), -1);
      x.front() = symbol;
      x.back() = 3;
      target.back() = symbol;
      xs.push_back(x);
      targets.push_back(target);
    }
    return std::pair{rp::Sequence<int>(xs), rp::Sequence<int>(targets)};
  };
  for (int i = 0; i < 150; ++i) {
    const auto [x, target] = batch(1, 20);
    auto [value, gradient] = rp::loss_and_gradient(model, x, target, loss);
    rp::clip_norm(gradient, 1);
    adam.step(model, gradient);
  }
  const auto [x, target] = batch(30, 40);
  CHECK(rp::evaluate(model, x, target, loss) < 0.1f);  // knowing nothing costs log 2 = 0.69
}
