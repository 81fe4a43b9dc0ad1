#pragma once
// One cell on one task: the size, the learning rate, the training and the final figure. Every cell goes the same way.

#include "contender.hpp"

#include <reprise/train/clip.hpp>
#include <reprise/train/loss_and_gradient.hpp>
#include <reprise/train/optimiser.hpp>
#include <reprise/train/schedule.hpp>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <limits>

namespace compare {

/// Of this process, whatever else the machine does.
inline double processor_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

/// The hidden size that comes nearest to so many parameters, found by building models. Sizes that a cell refuses, as
/// one with several heads may, are passed over.
template <class Model>
typename Model::Sizes sizes_for(Index parameters, Index inputs, Index outputs) {
  typename Model::Sizes nearest{};
  for (Index hidden = 1, difference = std::numeric_limits<Index>::max(); hidden <= parameters; ++hidden) try {
      const typename Model::Sizes sizes{inputs, hidden, outputs};
      const Index count = reprise::count_parameters(Model(sizes));
      if (std::abs(count - parameters) < difference) {
        difference = std::abs(count - parameters);
        nearest = sizes;
      }
      if (count >= parameters) break;
    } catch (const std::invalid_argument&) {}
  return nearest;
}

/// A training with one learning rate: it can be stopped and taken up again.
template <class Model, class TaskType>
class Training {
 public:
  Training(const TaskType& task, const Plan& plan, double rate, double seconds, const Model& model, const Rng& data)
      : task_(task),
        plan_(plan),
        rate_(rate),
        most_seconds_(seconds),
        model_(model),
        best_(model),
        adam_(model),
        workspace_(model),
        data_(data) {}

  double rate() const { return rate_; }
  Index updates() const { return adam_.t; }
  double seconds() const { return seconds_; }
  double validation() const { return validation_; }
  bool over() const { return diverged_ || share() >= 1; }

  /// Until `until` of the updates, or of the time, are behind it; `after` is called with it after each update.
  template <class After>
  void go_on(double until, const After& after) {
    while (!diverged_ && share() < until) {
      update();
      after(*this);
      if (share() >= validated_ + 0.05 || share() >= 1) validate();
    }
  }

  /// Mean loss over the batches, in the unit of the task, of the weights that did best in validation.
  double test() { return mean(best_, task_.test); }

  double loss() const { return loss_; }

 private:
  // How much of the training is behind us: of its updates or of its time, whichever is more.
  double share() const {
    return std::max(static_cast<double>(adam_.t) / static_cast<double>(plan_.updates), seconds_ / most_seconds_);
  }

  void update() try {
    const double start = processor_seconds();
    adam_.options.learning_rate = reprise::CosineDecay{rate_, rate_ / 100, 1000}(static_cast<Index>(1000 * share()));
    const auto [x, target] = task_.batch(plan_.batch, data_);
    const double loss =
        task_.unit * static_cast<double>(reprise::loss_and_gradient(model_, x, target, task_.loss, workspace_));
    reprise::clip_norm(workspace_.gradient, 1);
    adam_.step(model_, workspace_.gradient);
    const double weight = std::max(0.02, 1 / static_cast<double>(adam_.t));
    loss_ += weight * (loss - loss_);
    seconds_ += processor_seconds() - start;
  } catch (const reprise::non_finite_error&) {
    diverged_ = true;
  }

  void validate() {
    validated_ = share();
    const double loss = mean(model_, task_.validation);
    if (!(loss < validation_)) return;
    validation_ = loss;
    best_ = model_;
  }

  double mean(const Model& model, const auto& batches) {
    double sum = 0;
    for (const auto& [x, target] : batches)
      sum += static_cast<double>(reprise::evaluate(model, x, target, task_.loss, workspace_));
    return task_.unit * sum / static_cast<double>(batches.size());
  }

  const TaskType& task_;
  const Plan& plan_;
  double rate_, most_seconds_;
  Model model_, best_;
  reprise::Adam<Model> adam_;
  reprise::Workspace<Model> workspace_;
  Rng data_;
  double seconds_ = 0, loss_ = 0, validated_ = 0, validation_ = std::numeric_limits<double>::infinity();
  bool diverged_ = false;
};

/// Every rate is tried on the same batches, from the same weights; the one that does best in validation goes on.
template <class Model, class TaskType>
Result train(const TaskType& task, const Plan& plan) {
  const Rng rng(plan.seed);
  const auto sizes = sizes_for<Model>(plan.parameters, task.inputs, task.outputs);
  Rng weights = rng.fork(3);
  const Model model(sizes, weights);
  const Index parameters = reprise::count_parameters(model);

  const double trainings = 1 + plan.tried * static_cast<double>(plan.rates.size() - 1);
  const double all_updates = trainings * static_cast<double>(plan.updates);
  double done = 0, start = processor_seconds();
  const auto report = [&](const auto& training, bool chosen) {
    ++done;
    const double elapsed = processor_seconds() - start, left = elapsed * (all_updates - done) / done;
    plan.report({sizes.hidden, parameters, training.rate(), chosen, training.updates(), plan.updates, training.loss(),
                 training.validation(), static_cast<double>(training.updates()) / training.seconds(),
                 std::min(left, plan.seconds - elapsed)});
  };

  using Candidate = Training<Model, TaskType>;
  std::vector<Candidate> candidates;
  for (const double rate : plan.rates)
    candidates.emplace_back(task, plan, rate, plan.seconds / trainings, model, rng.fork(4));
  for (Candidate& candidate : candidates)
    if (plan.rates.size() > 1) candidate.go_on(plan.tried, [&](const auto& c) { report(c, false); });
  Candidate& best = *std::ranges::min_element(candidates, {}, &Candidate::validation);
  best.go_on(1, [&](const auto& c) { report(c, true); });
  return {parameters, sizes.hidden, best.rate(), best.updates(), best.seconds(), best.test()};
}

template <reprise::Cell C>
Result run(const Task& task, const Plan& plan) {
  return std::visit([&](const auto& t) { return train<reprise::SequenceModel<C>>(t, plan); }, task);
}

}  // namespace compare
