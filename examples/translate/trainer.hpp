#pragma once
// Teacher forcing over ragged batches of sentence pairs, the batch split over the threads record by record.

#include <reprise/losses/cross_entropy.hpp>
#include <reprise/parallel/whole_model.hpp>
#include <reprise/train/clip.hpp>
#include <reprise/train/optimiser.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <thread>
#include <utility>
#include <vector>

#include "network.hpp"
#include "subwords.hpp"

namespace translate {

/// A sentence pair in pieces.
struct Pieces {
  std::vector<int> source, target;
};

inline int threads() { return static_cast<int>(std::max(1u, std::thread::hardware_concurrency())); }

class Trainer {
 public:
  Trainer(Network& network, double learning_rate, double smoothing, std::size_t batch, rp::Rng rng)
      : network_(network),
        adam_(network, {.learning_rate = learning_rate, .beta2 = 0.98}),
        average_(network),
        workspace_(network, {.threads = threads()}),
        smoothing_(smoothing),
        batch_(batch),
        rng_(rng) {}

  void set_learning_rate(double rate) { adam_.options.learning_rate = rate; }

  /// Every pair once, or until `stop`, which is asked after each batch. Returns the training loss of a target piece, in
  /// nats: with smoothing and dropout, so not the logarithm of a perplexity.
  double epoch(const std::vector<Pieces>& pairs, const std::function<bool()>& stop) {
    double nats = 0, pieces = 0;
    for (const auto& batch : batches(pairs)) {
      const auto [x, target] = examples(batch);
      const double count = static_cast<double>(target.layout().columns());
      const rp::SoftmaxCrossEntropy loss{.reduction = rp::Reduction::mean, .smoothing = smoothing_};
      nats += count * double(rp::loss_and_gradient(network_, x, target, loss, workspace_, {.rng = &rng_}));
      update();
      pieces += count;
      seen_ += count;
      if (stop()) break;
    }
    return nats / pieces;
  }

  /// Target pieces learnt so far.
  double seen() const { return seen_; }

  /// The running average of the network over its last few hundred updates, which predicts better than the last of them
  /// (Polyak and Juditsky, 1992).
  const Network& average() const { return average_; }

  /// Perplexity of a target piece, of the average.
  double perplexity(const std::vector<Pieces>& pairs) {
    double nats = 0, pieces = 0;
    for (std::size_t first = 0; first < pairs.size(); first += 256) {
      std::vector<const Pieces*> some;
      for (std::size_t i = first; i < std::min(first + 256, pairs.size()); ++i) some.push_back(&pairs[i]);
      const auto [x, target] = examples(some);
      nats += double(rp::evaluate(average_, x, target, rp::SoftmaxCrossEntropy{}, workspace_));
      pieces += static_cast<double>(target.layout().columns());
    }
    return std::exp(nats / pieces);
  }

 private:
  // Pairs of similar length together, so that a batch keeps its width; which ones meet changes from epoch to epoch.
  std::vector<std::vector<const Pieces*>> batches(const std::vector<Pieces>& pairs) {
    std::vector<std::pair<double, const Pieces*>> by_length;
    for (const Pieces& pair : pairs)
      by_length.emplace_back(static_cast<double>(pair.target.size()) + rng_.uniform(-1, 1), &pair);
    std::ranges::sort(by_length);
    std::vector<std::vector<const Pieces*>> result;
    for (std::size_t i = 0; i < by_length.size(); ++i) {
      if (i % batch_ == 0) result.emplace_back();
      result.back().push_back(by_length[i].second);
    }
    rng_.shuffle(result);
    return result;
  }

  static std::pair<Network::Examples, rp::Sequence<int>> examples(const std::vector<const Pieces*>& batch) {
    std::vector<std::vector<int>> source, target;
    for (const Pieces* pair : batch) {
      source.push_back(pair->source);
      target.push_back(pair->target);
    }
    auto forced = rp::teacher_forcing(target, Subwords::bos, Subwords::eos);
    return {{rp::Sequence<int>(source), std::move(forced.previous)}, std::move(forced.target)};
  }

  void update() {
    rp::clip_norm(workspace_.gradient, 1.0);
    adam_.step(network_, workspace_.gradient);
    constexpr rp::Index every = 4;  // a pass over all parameters is not free; but whatever was learnt is in the average
    if (adam_.t > every && adam_.t % every != 0) return;
    const auto steps = static_cast<float>(adam_.t);
    const float weight =
        std::max(0.004f * every, 9 / (10 + steps));  // a short memory while there is little to remember
    rp::for_each_run([&](auto a, auto p) { a += weight * (p - a); }, average_, network_);
  }

  Network& network_;
  rp::Adam<Network> adam_;
  Network average_;
  rp::ParallelWorkspace<Network> workspace_;
  double smoothing_;
  std::size_t batch_;
  rp::Rng rng_;
  double seen_ = 0;
};

}  // namespace translate
