#pragma once
// Truncated back-propagation through time over ragged batches of whole tunes: each batch is read in
// chunks of 100 steps, the state carried from one to the next. The batch is split over the threads
// record by record; the model is const and shared.

#include <reprise/reprise.hpp>

#include <numbers>
#include <thread>

#include "corpus.hpp"

namespace compose {

namespace rp = reprise;

inline constexpr rp::Index chunk_steps = 100;

template <class Model>
class Trainer {
 public:
  Trainer(Model& model, double learning_rate, int batch, rp::Rng rng)
      : model_(model),
        adam_(model, {.learning_rate = learning_rate, .beta2 = 0.99, .weight_decay = 0.01}),
        average_(model),
        workspace_(model, {.threads = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()))}),
        batch_(static_cast<std::size_t>(batch)),
        rng_(rng) {}

  void set_learning_rate(double rate) { adam_.options.learning_rate = rate; }

  /// Every tune once, in some key, batches of similar lengths. `stop` is asked after each chunk.
  /// Returns bits per character.
  template <class Stop>
  double epoch(const std::vector<std::string>& tunes, const Vocabulary& vocabulary, Stop&& stop) {
    std::vector<Tokens> read;
    for (const auto& tune : tunes) read.push_back(vocabulary.tokens(in_some_key(tune, rng_)));
    double nats = 0, characters = 0;
    for (const auto& batch : batches(std::move(read))) {
      const auto [x, target] = pairs(batch);
      auto state = model_.initial_state(x.batch());
      for (rp::Index first = 0; first < x.steps(); first += chunk_steps) {
        const auto chunk = x.chunk(first, chunk_steps);
        nats += double(rp::loss_and_gradient(model_, chunk, target.chunk(first, chunk_steps), rp::SoftmaxCrossEntropy{},
                                             workspace_, {.state = &state, .rng = &rng_}));
        update();
        characters += static_cast<double>(chunk.layout().columns());
        characters_ += static_cast<double>(chunk.layout().columns());
        if (stop(characters_)) return nats / characters / std::numbers::ln2;
      }
    }
    return nats / characters / std::numbers::ln2;
  }

  /// The running average of the model over its last few hundred updates, which predicts better than the last of them
  /// (Polyak and Juditsky, 1992).
  const Model& average() const { return average_; }

  /// Bits per character, of the average, on tunes as they stand.
  double evaluate(const std::vector<std::string>& tunes, const Vocabulary& vocabulary) {
    std::vector<Tokens> batch;
    for (const auto& tune : tunes) batch.push_back(vocabulary.tokens(tune));
    const auto [x, target] = pairs(batch);
    const auto nats = double(rp::evaluate(average_, x, target, rp::SoftmaxCrossEntropy{}, workspace_));
    return nats / static_cast<double>(x.layout().columns()) / std::numbers::ln2;
  }

 private:
  // Tunes of similar length end together, so that a batch keeps its width; which ones meet changes
  // from epoch to epoch.
  std::vector<std::vector<Tokens>> batches(std::vector<Tokens> tunes) {
    std::vector<std::pair<double, std::size_t>> by_length;
    for (std::size_t i = 0; i < tunes.size(); ++i)
      by_length.emplace_back(static_cast<double>(tunes[i].size()) * rng_.uniform(0.8, 1.25), i);
    std::ranges::sort(by_length);
    std::vector<std::vector<Tokens>> result;
    for (std::size_t i = 0; i < by_length.size(); ++i) {
      if (i % batch_ == 0) result.emplace_back();
      result.back().push_back(std::move(tunes[by_length[i].second]));
    }
    rng_.shuffle(result);
    return result;
  }

  // What is read, and what is to be predicted: each tune without its last character, and without its first.
  static std::pair<rp::Sequence<int>, rp::Sequence<int>> pairs(const std::vector<Tokens>& batch) {
    std::vector<Tokens> x, target;
    for (const Tokens& tune : batch) {
      x.emplace_back(tune.begin(), tune.end() - 1);
      target.emplace_back(tune.begin() + 1, tune.end());
    }
    return {rp::Sequence<int>(x), rp::Sequence<int>(target)};
  }

  void update() {
    auto& gradient = workspace_.gradient;
    // By a full chunk's characters, not by this one's: every character of the corpus counts the
    // same.
    const float scale = 1.0f / static_cast<float>(batch_ * static_cast<std::size_t>(chunk_steps));
    rp::for_each_parameter([&](auto& g) { g *= scale; }, gradient);
    rp::clip_norm(gradient, 0.5);
    adam_.step(model_, gradient);
    const auto steps = static_cast<float>(adam_.t);
    const float weight = std::max(0.005f, 9 / (10 + steps));  // a short memory while there is little to remember
    rp::for_each_parameter([&](auto& a, const auto& p) { a += weight * (p - a); }, average_, model_);
  }

  Model& model_;
  rp::Adam<Model> adam_;
  Model average_;
  rp::ParallelWorkspace<Model> workspace_;
  std::size_t batch_;
  rp::Rng rng_;
  double characters_ = 0;
};

}  // namespace compose
