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

/// A training at one learning rate.
template <class Model, class TaskType>
class Training {
 public:
  /// `seconds`: of processor time at most.
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
  double loss() const { return loss_; }
  double validation() const { return validation_; }

  /// Until the updates are made, or the time is over, or the loss is no longer finite. `after` is called after each.
  template <class After>
  void run(const After& after) {
    while (!diverged_ && share() < 1) {
      update();
      after();
      if (share() >= validated_ + 0.05 || share() >= 1) validate();
    }
  }

  /// Mean loss over the batches, in the unit of the task, of the weights that did best in validation.
  double test() { return mean(best_, task_.test); }

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

/// A whole training at each rate, on the same batches from the same weights; the better one in validation counts. A
/// shorter try would choose at random where the loss begins with a plateau, as that of the adding problem does.
template <class Model, class TaskType>
Result train(const TaskType& task, const Plan& plan) {
  const Rng rng(plan.seed);
  const auto sizes = sizes_for<Model>(plan.parameters, task.inputs, task.outputs);
  Rng weights = rng.fork(3);
  const Model model(sizes, weights);

  const double start = processor_seconds(), trainings = static_cast<double>(plan.rates.size());
  double made = 0, lowest = std::numeric_limits<double>::infinity();
  Result result{};
  for (const double rate : plan.rates) {
    // A twentieth of the time is left for validation and test.
    Training<Model, TaskType> training(task, plan, rate, 0.95 * plan.seconds / trainings, model, rng.fork(4));
    training.run([&] {
      const double elapsed = processor_seconds() - start;
      const double left = elapsed * (trainings * static_cast<double>(plan.updates) / ++made - 1);
      plan.report({sizes.hidden, rate, training.updates(), plan.updates, training.loss(), training.validation(),
                   static_cast<double>(training.updates()) / training.seconds(),
                   std::clamp(plan.seconds - elapsed, 0.0, std::max(left, 0.0))});
    });
    if (!(training.validation() < lowest)) continue;
    lowest = training.validation();
    result = {
        reprise::count_parameters(model), sizes.hidden, rate, training.updates(), training.seconds(), training.test()};
  }
  if (!std::isfinite(lowest)) throw std::runtime_error("the loss is not finite, at any learning rate");
  return result;
}

template <reprise::Cell C>
Result run(const Task& task, const Plan& plan) {
  return std::visit([&](const auto& t) { return train<reprise::SequenceModel<C>>(t, plan); }, task);
}

}  // namespace compare
