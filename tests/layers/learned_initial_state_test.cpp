#include <reprise/layers/learned_initial_state.hpp>

#include <reprise/cells/gru.hpp>
#include <reprise/cells/lstm.hpp>
#include <reprise/check/check_gradient.hpp>
#include <reprise/check/check_layer.hpp>
#include <reprise/layers/residual.hpp>
#include <reprise/layers/weight_dropped.hpp>
#include <reprise/losses/squared_error.hpp>
#include <reprise/parallel/loss_and_gradient.hpp>
#include <reprise/train/prepared.hpp>

#include "catch.hpp"

namespace rp = reprise;
using Eigen::MatrixXd;
using Model = rp::SequenceModel<rp::LearnedInitialState<rp::LSTMCell<double>>>;

static_assert(rp::Layer<rp::LearnedInitialState<rp::GRUCell<float, 2, 3>>>);

namespace {
struct Problem {
  rp::Rng rng{1};
  Model model{{.inputs = 2, .hidden = 4, .outputs = 2}, rng};
  rp::Sequence<double> x{MatrixXd(MatrixXd::Random(2, 3)), MatrixXd(2, 0), MatrixXd(MatrixXd::Random(2, 6)),
                         MatrixXd(MatrixXd::Random(2, 1))};
  Problem() {
    model.initial.h = MatrixXd::Random(4, 1);
    model.initial.c = MatrixXd::Random(4, 1);
  }
};
}  // namespace

TEST_CASE("it takes every check of a layer, and its gradient is that of the loss, alone and deep in a model") {
  rp::Rng rng{1};
  CHECK(rp::check_layer(rp::LearnedInitialState<rp::LSTMCell<double>>{{3, 4}, rng}).lines.size() > 30);
  const Problem p;
  const auto report = rp::check_gradient(p.model, p.x, p.x, rp::SquaredError{});
  CHECK(report.lines.at(3).name == "gradient of initial.h");
  CHECK(report.lines.at(4).name == "gradient of initial.c");

  using Deep = rp::SequenceModel<
      rp::Stack<rp::LearnedInitialState<rp::GRUCell<double>>, rp::LSTMCell<double>,
                rp::Residual<rp::LearnedInitialState<rp::LSTMCell<double>>>,
                rp::LearnedInitialState<rp::Stack<rp::GRUCell<double>, rp::WeightDropped<rp::GRUCell<double>>>>>>;
  Deep deep{{.inputs = 2, .hidden = 3, .outputs = 2}, rng};
  std::get<1>(std::get<3>(deep.layers).layers).rate = 0;
  rp::for_each_parameter([&](auto& part) { rp::uniform(part, 0.5, rng); }, deep);
  std::vector<std::string> names;
  rp::for_each_parameter([&](const std::string& name, const auto&) { names.push_back(name); }, deep);
  CHECK(std::ranges::find(names, "layers.0.initial.h") != names.end());
  CHECK(std::ranges::find(names, "layers.3.initial.layers.1.h") != names.end());
  Deep::Rebind<rp::Dual> rates;
  CHECK(std::get<1>(std::get<3>(rates.layers).layers).rate == 0.5);  // which evaluate does not see
  rp::check_gradient(deep, p.x, p.x, rp::SquaredError{});
}

TEST_CASE("whoever begins without a state begins with the learned one") {
  const Problem p;
  auto learned = p.model.initial_state(4);
  CHECK(learned.h == p.model.initial.h.replicate(1, 4));
  CHECK(learned.c == p.model.initial.c.replicate(1, 4));
  const MatrixXd y = p.model.forward(p.x).values();
  auto given = learned;
  CHECK(p.model.forward(p.x, given).values() == y);
  auto zero = learned;
  rp::set_zero(zero);
  CHECK(p.model.forward(p.x, zero).values() != y);
  CHECK(rp::evaluate(p.model, p.x, p.x, rp::SquaredError{}) ==
        rp::evaluate(p.model, p.x, p.x, rp::SquaredError{}, {.state = &learned}));

  auto stream = p.model.initial_state();
  CHECK(stream.c == p.model.initial.c);
  rp::Prepared player{p.model};
  for (int t = 0; t < 6; ++t)
    CHECK((player.step(p.x[2].col(t), stream) - p.model.forward(p.x)[2].col(t)).norm() < 1e-14);
}

TEST_CASE("with a state of the caller's the learned one gets no gradient") {
  const Problem p;
  auto state = p.model.initial_state(4);
  const auto given = rp::loss_and_gradient(p.model, p.x, p.x, rp::SquaredError{}, {.state = &state}).gradient;
  auto own = rp::loss_and_gradient(p.model, p.x, p.x, rp::SquaredError{}).gradient;
  CHECK(given.initial.h.isZero(0));
  CHECK(given.initial.c.isZero(0));
  CHECK(own.initial.h.norm() > 1e-3);
  rp::set_zero(own.initial);
  CHECK(rp::flatten(own) == rp::flatten(given));
}

TEST_CASE("in a used workspace, and on several threads") {
  Problem p;
  rp::Workspace<Model> one(p.model);
  rp::ParallelWorkspace<Model> several(p.model, {.threads = 2, .parts = 3});
  auto state = p.model.initial_state(4);
  for (int repeat = 0; repeat < 3; ++repeat) {
    CAPTURE(repeat);
    p.model.initial.h *= -0.5;
    const auto [loss, gradient] = rp::loss_and_gradient(p.model, p.x, p.x, rp::SquaredError{});
    rp::loss_and_gradient(p.model, p.x, p.x, rp::SquaredError{}, one, {.state = &state});
    CHECK(rp::loss_and_gradient(p.model, p.x, p.x, rp::SquaredError{}, one) == loss);
    CHECK(rp::flatten(one.gradient) == rp::flatten(gradient));
    CHECK(rp::loss_and_gradient(p.model, p.x, p.x, rp::SquaredError{}, several) == loss);
    CHECK(several.gradient.initial.h == gradient.initial.h);
    CHECK(several.gradient.initial.c == gradient.initial.c);
    CHECK((several.gradient.cell.W_hh - gradient.cell.W_hh).norm() < 1e-14);
    rp::loss_and_gradient(p.model, p.x, p.x, rp::SquaredError{}, several, {.state = &state});
    CHECK(several.gradient.initial.h.isZero(0));
  }
}
