#pragma once
// Truncated back-propagation through time over ragged batches of whole tunes: each batch is read in
// chunks of 100 steps, the state carried from one to the next. Every batch is split over the
// threads record by record; a thread has its own workspace, the model is const and shared, and the
// gradients are added in a fixed order.

#include <reprise/reprise.hpp>

#include <future>
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
        batch_(static_cast<std::size_t>(batch)),
        rng_(rng) {
    const unsigned threads = std::max(1u, std::thread::hardware_concurrency());
    for (unsigned i = 0; i < threads; ++i)
      workers_.push_back({rp::Workspace<Model>(model), rng.fork(i + 1), {}, {}, {}});
  }

  void set_learning_rate(double rate) { adam_.options.learning_rate = rate; }

  /// Every tune once, in some key, batches of similar lengths. `stop` is asked after each chunk.
  /// Returns bits per character.
  template <class Stop>
  double epoch(const std::vector<std::string>& tunes, const Vocabulary& vocabulary, Stop&& stop) {
    std::vector<Tokens> read;
    for (const auto& tune : tunes) read.push_back(vocabulary.tokens(in_some_key(tune, rng_)));
    double nats = 0, characters = 0;
    for (const auto& batch : batches(std::move(read))) {
      deal(batch);
      for (rp::Index first = 0; first < longest(); first += chunk_steps) {
        nats += each_worker([&](Worker& worker) { return gradient_of_chunk(worker, first); });
        characters += static_cast<double>(chunk_characters(first));
        update();
        characters_ += static_cast<double>(chunk_characters(first));
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
    double characters = 0;
    for (const auto& tune : tunes) {
      batch.push_back(vocabulary.tokens(tune));
      characters += static_cast<double>(batch.back().size() - 1);
    }
    deal(batch);
    const double nats = each_worker([&](Worker& worker) {
      return double(rp::evaluate(average_, worker.x, worker.target, rp::SoftmaxCrossEntropy{}, worker.workspace));
    });
    return nats / characters / std::numbers::ln2;
  }

 private:
  struct Worker {
    rp::Workspace<Model> workspace;
    rp::Rng rng;
    rp::Sequence<int> x, target;
    typename Model::template State<> state;
  };

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

  // Gives every worker its share of a batch and a state that remembers nothing.
  void deal(const std::vector<Tokens>& batch) {
    for (std::size_t w = 0; w < workers_.size(); ++w) {
      std::vector<Tokens> x, target;
      for (std::size_t r = w; r < batch.size(); r += workers_.size()) {
        x.emplace_back(batch[r].begin(), batch[r].end() - 1);
        target.emplace_back(batch[r].begin() + 1, batch[r].end());
      }
      workers_[w].x = rp::Sequence<int>(x);
      workers_[w].target = rp::Sequence<int>(target);
      workers_[w].state = model_.initial_state(static_cast<rp::Index>(x.size()));
    }
  }

  double gradient_of_chunk(Worker& worker, rp::Index first) {
    return double(rp::loss_and_gradient(model_, worker.x.chunk(first, chunk_steps),
                                        worker.target.chunk(first, chunk_steps), rp::SoftmaxCrossEntropy{},
                                        worker.workspace, {.state = &worker.state, .rng = &worker.rng}));
  }

  void update() {
    auto& gradient = workers_.front().workspace.gradient;
    for (std::size_t w = 1; w < workers_.size(); ++w) rp::add(gradient, workers_[w].workspace.gradient);
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

  template <class Work>
  double each_worker(Work&& work) {
    std::vector<std::future<double>> others;
    for (std::size_t w = 1; w < workers_.size(); ++w)
      others.push_back(std::async(std::launch::async, [&, w] { return work(workers_[w]); }));
    double sum = work(workers_.front());
    for (auto& other : others) sum += other.get();
    return sum;
  }

  rp::Index longest() const {
    rp::Index steps = 0;
    for (const Worker& worker : workers_) steps = std::max(steps, worker.x.steps());
    return steps;
  }

  rp::Index chunk_characters(rp::Index first) const {
    rp::Index count = 0;
    for (const Worker& worker : workers_)
      for (rp::Index r = 0; r < worker.x.batch(); ++r)
        count += std::clamp(worker.x.length(r) - first, rp::Index{0}, chunk_steps);
    return count;
  }

  Model& model_;
  rp::Adam<Model> adam_;
  Model average_;
  std::size_t batch_;
  rp::Rng rng_;
  std::vector<Worker> workers_;
  double characters_ = 0;
};

}  // namespace compose
