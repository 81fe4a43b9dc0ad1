// The constraint that keeps the norm of an error on its way back.
#include <reprise/cells/rnn.hpp>
#include <reprise/check/dual.hpp>
#include <reprise/losses/cross_entropy.hpp>
#include <reprise/losses/squared_error.hpp>
#include <reprise/train/clip.hpp>
#include <reprise/train/dynamics.hpp>
#include <reprise/train/information_flow.hpp>
#include <reprise/train/optimiser.hpp>

#include "catch.hpp"

namespace rp = reprise;
using Eigen::MatrixXd;
using Eigen::VectorXd;
using rp::Index;

namespace {

template <class Activation = rp::Tanh, class Scalar = double>
using RNN = rp::SequenceModel<rp::RNNCell<Scalar, rp::Dynamic, rp::Dynamic, rp::Bias::present, Activation>>;

double difference(const MatrixXd& a, const MatrixXd& b) { return (a - b).cwiseAbs().maxCoeff(); }

rp::Sequence<double> random_sequence(const std::vector<Index>& lengths, Index features, rp::Rng& rng) {
  rp::Sequence<double> x(rp::Layout(lengths), features);
  rp::normal(x.values(), 1, rng);
  return x;
}

template <class Model>
Model random_model(rp::Rng& rng, Index inputs = 2, Index hidden = 4, Index outputs = 3) {
  Model model({.inputs = inputs, .hidden = hidden, .outputs = outputs}, rng);
  rp::for_each_parameter([&](auto& p) { rp::normal(p, 0.7, rng); }, model);
  return model;
}

// A loss with the dL/dy that stands where a target would.
struct Given {
  template <class Y, class DY>
  double operator()(const Y& y, const MatrixXd& target, DY&& dy) const {
    dy = target;
    return y.cwiseProduct(target).sum();
  }
};

// Omega by its definition, and its immediate gradient by dual numbers sent through information_flow itself, all that is
// held being a number.
template <class Model>
void check_information_flow(std::uint64_t seed) {
  rp::Rng rng{seed};
  const auto model = random_model<Model>(rng);
  const std::vector<Index> lengths{4, 0, 7, 1, 2};
  const auto x = random_sequence(lengths, 2, rng);
  auto target = random_sequence(lengths, 3, rng);
  rp::Workspace<Model> w(model);
  target.values().rightCols(1) = model.forward(x).values().rightCols(1);  // the last step of record 2: no error
  rp::loss_and_gradient(model, x, target, rp::SquaredError{}, w);
  const auto plain = w.gradient;
  const auto omega = rp::information_flow(model, w, 0.25);
  CHECK(omega > 0.1);

  // By its definition, term by term.
  double sum = 0;
  for (Index t = 0; t + 1 < x.steps(); ++t)
    for (Index slot = 0; slot < x.layout().running(t + 1); ++slot) {
      const VectorXd da = w.trace.steps.a.col(x.layout().offset(t + 1) + slot);
      if (da.norm() < 1e-14) continue;
      auto state = model.initial_state();
      state.h = t == 0 ? VectorXd::Zero(4) : VectorXd(w.trace.before.h.col(x.layout().offset(t) + slot));
      const VectorXd h_before = state.h;
      model.step(x.view(t).col(slot).eval(), state);
      // d h_{t} / d a_{t}: of a step whose W_hh is the identity
      Model slope = model;
      slope.cell.W_hh.setIdentity();
      slope.cell.b_h += (model.cell.W_hh - slope.cell.W_hh) * h_before;
      auto before = model.initial_state();
      before.h = h_before;
      const MatrixXd D = rp::jacobian(slope, x.view(t).col(slot), before);
      sum += std::pow((D * model.cell.W_hh.transpose() * da).norm() / da.norm() - 1, 2);
    }
  CHECK(omega == Approx(sum).epsilon(1e-12));

  using DualModel = typename Model::template Rebind<rp::Dual>;
  DualModel dual;
  rp::copy_parameters(model, dual);
  rp::Workspace<DualModel> held(dual);
  held.layout = w.layout;
  held.after_backward = true;
  rp::copy_parameters(w.trace.before, held.trace.before);
  rp::copy_parameters(w.trace.steps, held.trace.steps);
  MatrixXd expected(4, 4);
  for (Index j = 0; j < 4; ++j)
    for (Index i = 0; i < 4; ++i) {
      dual.cell.W_hh(i, j).derivative = 1;
      expected(i, j) = rp::information_flow(dual, held, 0.0).derivative;
      dual.cell.W_hh(i, j).derivative = 0;
    }
  CHECK(expected.norm() > 0.1);
  CHECK(difference(w.gradient.cell.W_hh - plain.cell.W_hh, 0.25 * expected) < 1e-12);
  w.gradient.cell.W_hh = plain.cell.W_hh;
  CHECK(rp::flatten(w.gradient) == rp::flatten(plain));  // no other weight
}

}  // namespace

TEST_CASE("the immediate gradient of the information flow is that of dual numbers") {
  check_information_flow<RNN<>>(1);
  check_information_flow<RNN<rp::Identity>>(2);
  check_information_flow<RNN<rp::Relu>>(3);
  check_information_flow<RNN<rp::Sigmoid>>(4);
}

TEST_CASE("the information flow of one linear unit is that of |w|, whatever the sign of an error") {
  for (const double w : {0.5, -1.5})
    for (const double dy : {1.0, -1.0}) {
      RNN<rp::Identity> model({.inputs = 1, .hidden = 1, .outputs = 1});
      model.cell.W_hh(0) = w;
      model.W_hy(0) = 1;
      const rp::Sequence<double> x(rp::Layout({4}), 1);
      auto given = x;
      given.values()(3) = dy;
      rp::Workspace<RNN<rp::Identity>> workspace(model);
      rp::loss_and_gradient(model, x, given, Given{}, workspace);
      CHECK(rp::information_flow(model, workspace, 2) == Approx(3 * std::pow(std::abs(w) - 1, 2)));
      CHECK(workspace.gradient.cell.W_hh(0) == Approx(2 * 3 * 2 * (std::abs(w) - 1) * (w < 0 ? -1 : 1)));  // h_t is 0
    }
}

TEST_CASE("the information flow does not feel the scale of the loss, and stops at units that are off") {
  rp::Rng rng{8};
  const auto model = random_model<RNN<rp::Tanh, float>>(rng);
  const rp::Sequence<float> x = random_sequence({6, 4}, 2, rng).cast<float>();
  rp::Workspace<RNN<rp::Tanh, float>> w(model);
  float omega[2];
  MatrixXd gradient[2];
  for (const int i : {0, 1}) {
    const float scale = i == 0 ? 1.0f : 1e-30f;
    rp::loss_and_gradient(
        model, x, x,
        [&](const auto& /*y*/, const auto& /*target*/, auto&& dy) {
          dy.setConstant(scale);
          return 1.0f;
        },
        w);
    rp::set_zero(w.gradient);
    omega[i] = rp::information_flow(model, w, 1);
    gradient[i] = w.gradient.cell.W_hh.cast<double>();
  }
  CHECK(omega[0] == Approx(omega[1]).epsilon(1e-5));
  CHECK(difference(gradient[0], gradient[1]) < 1e-5 * gradient[0].norm());

  RNN<rp::Relu> off = random_model<RNN<rp::Relu>>(rng);
  off.cell.b_h.setConstant(-100);  // no unit is on: no error comes to any
  const auto x_off = random_sequence({3, 2}, 2, rng);
  rp::Workspace<RNN<rp::Relu>> w_off(off);
  rp::loss_and_gradient(off, x_off, random_sequence({3, 2}, 3, rng), rp::SquaredError{}, w_off);
  auto plain = w_off.gradient;
  CHECK(rp::information_flow(off, w_off, 1) == 0);
  CHECK(rp::flatten(w_off.gradient) == rp::flatten(plain));

  off.cell.b_h(0) = 100;  // one is on, which hears of none
  off.cell.W_hh.row(0).setZero();
  rp::loss_and_gradient(off, x_off, random_sequence({3, 2}, 3, rng), rp::SquaredError{}, w_off);
  plain = w_off.gradient;
  CHECK(rp::information_flow(off, w_off, 1) == 3);  // of three steps that have one after them
  CHECK(rp::flatten(w_off.gradient) == rp::flatten(plain));
}

TEST_CASE("the information flow without a loss_and_gradient before it, or of a weight below zero, is refused") {
  rp::Rng rng{9};
  const auto model = random_model<RNN<>>(rng);
  const auto x = random_sequence({3, 2}, 2, rng);
  rp::Workspace<RNN<>> w(model);
  const auto target = random_sequence({3, 2}, 3, rng);
  const auto refused = [&] {
    const auto before = w.gradient;
    CHECK_THROWS_AS(rp::information_flow(model, w, 1), rp::value_error);
    CHECK_THROWS_WITH(rp::information_flow(model, w, 1),
                      "information_flow: the last call with this workspace is not a loss_and_gradient that succeeded");
    CHECK(rp::flatten(w.gradient) == rp::flatten(before));
  };
  const auto pass = [&] { rp::loss_and_gradient(model, x, target, rp::SquaredError{}, w); };
  refused();  // nothing has been done yet
  pass();
  const double omega = rp::information_flow(model, w, 0);
  rp::evaluate(model, x, target, rp::SquaredError{}, w);  // the trace is that of another pass
  refused();
  pass();
  CHECK(rp::information_flow(model, w, 0) == omega);
  auto bad = target;
  bad.values()(0) = std::nan("");
  CHECK_THROWS_AS(rp::loss_and_gradient(model, x, bad, rp::SquaredError{}, w), rp::non_finite_error);
  refused();
  pass();
  const auto other = random_sequence({3, 3}, 3, rng);
  CHECK_THROWS_AS(rp::loss_and_gradient(model, x, other, rp::SquaredError{}, w), rp::shape_error);
  refused();
  pass();
  const auto wider = random_model<RNN<>>(rng, 2, 5);
  CHECK_THROWS_AS(rp::information_flow(wider, w, 1), rp::shape_error);
  const auto plain = w.gradient;
  CHECK_THROWS_AS(rp::information_flow(model, w, -1), rp::value_error);
  CHECK_THROWS_AS(rp::information_flow(model, w, std::nan("")), rp::value_error);
  CHECK(rp::flatten(w.gradient) == rp::flatten(plain));
  const auto short_x = random_sequence({1, 0}, 2, rng);
  rp::loss_and_gradient(model, short_x, random_sequence({1, 0}, 3, rng), rp::SquaredError{}, w);
  CHECK(rp::information_flow(model, w, 1) == 0);
}

TEST_CASE("the information flow is that of the batch of the last loss_and_gradient, whatever the workspace has met") {
  rp::Rng rng{11};
  const auto model = random_model<RNN<>>(rng);
  rp::Workspace<RNN<>> used(model);
  for (const auto& lengths : std::vector<std::vector<Index>>{{6, 5, 4}, {3, 2}, {2, 3}, {4, 1}, {5}}) {
    const auto x = random_sequence(lengths, 2, rng), target = random_sequence(lengths, 3, rng);
    rp::Workspace<RNN<>> fresh(model);
    for (rp::Workspace<RNN<>>* const w : {&used, &fresh})
      rp::loss_and_gradient(model, x, target, rp::SquaredError{}, *w);
    const double omega = rp::information_flow(model, fresh, 1);
    CHECK(omega > 0);
    CHECK(rp::information_flow(model, used, 1) == omega);
    CHECK(rp::flatten(used.gradient) == rp::flatten(fresh.gradient));
  }
}

TEST_CASE("down the gradient of the information flow alone, the norm of an error comes to stay what it is") {
  for (const double scale : {0.8, 1.2}) {
    rp::Rng rng{10};
    RNN<rp::Identity> model({.inputs = 2, .hidden = 6, .outputs = 3}, rng);
    model.cell.W_hh *= scale;
    const auto x = random_sequence({20}, 2, rng);
    rp::Sequence<double> dy(x.layout(), 3);
    dy.values().col(19) << 1, 2, 3;
    const auto first_to_last = [&] {
      const auto norms = rp::gradient_norms(model, x, dy, Given{});
      return norms.values()(0, 0) / norms.values()(0, 19);
    };
    CHECK(first_to_last() == Approx(std::pow(scale, 19)));  // 0.014, 32
    rp::Workspace<RNN<rp::Identity>> w(model);
    for (int i = 0; i < 100; ++i) {
      rp::loss_and_gradient(model, x, dy, Given{}, w);
      rp::set_zero(w.gradient);
      rp::information_flow(model, w, 1);
      model.cell.W_hh -= 0.01 * w.gradient.cell.W_hh;
    }
    INFO("from " << std::pow(scale, 19) << " to " << first_to_last());
    CHECK(std::abs(std::log(first_to_last())) < 0.05);
  }
}

TEST_CASE("with the information flow a network of small weights learns what it cannot learn without") {
  // The sign that comes with the first of 40 steps of noise is asked for after the last.
  const Index steps = 40, records = 20;
  const rp::SoftmaxCrossEntropy loss{rp::Reduction::mean, -1};
  const auto batch = [&](rp::Rng& rng) {
    rp::Sequence<float> x(rp::Layout(std::vector<Index>(records, steps)), 2);
    rp::Sequence<int> target(x.layout(), 1);
    target.values().setConstant(-1);
    rp::uniform(x.values().row(0), 0.2, rng);
    for (Index r = 0; r < records; ++r) {
      target.view(steps - 1)(0, r) = int(rng.below(2));
      x.view(0)(1, r) = target.view(steps - 1)(0, r) == 1 ? 1.0f : -1.0f;
    }
    return std::pair{x, target};
  };
  for (const float weight : {0.0f, 0.5f}) {
    rp::Rng rng{1}, test_rng{77};
    RNN<rp::Tanh, float> model({.inputs = 2, .hidden = 20, .outputs = 2}, rng);
    model.cell.W_hh *= 0.7f;
    rp::Adam adam{model, {.learning_rate = 0.003}};
    rp::Workspace<RNN<rp::Tanh, float>> w(model);
    for (int i = 0; i < 150; ++i) {
      const auto [x, target] = batch(rng);
      rp::loss_and_gradient(model, x, target, loss, w);
      rp::information_flow(model, w, weight / float(records * steps));
      rp::clip_norm(w.gradient, 1);
      adam.step(model, w.gradient);
    }
    const auto [x, target] = batch(test_rng);
    const auto norms = rp::gradient_norms(model, x, target, loss);
    const double first_to_last = norms.view(0).mean() / norms.view(steps - 1).mean();
    const float left = rp::evaluate(model, x, target, loss);
    INFO("weight " << weight << ": loss " << left << ", gradient " << first_to_last);
    if (weight == 0) {
      CHECK(left > 0.6f);  // knowing nothing costs log 2 = 0.69
      CHECK(first_to_last < 1e-4);
    } else {
      CHECK(left < 0.05f);
      CHECK(first_to_last > 1e-2);
    }
  }
}
