#include <reprise/cells/gru.hpp>
#include <reprise/cells/lstm.hpp>
#include <reprise/layers/dropout.hpp>
#include <reprise/layers/embedding.hpp>
#include <reprise/losses/cross_entropy.hpp>
#include <reprise/losses/squared_error.hpp>
#include <reprise/train/loss_and_gradient.hpp>

#include "catch.hpp"

namespace rp = reprise;
using Eigen::MatrixXd;
using Model = rp::SequenceModel<rp::LSTMCell<double>>;

namespace {

struct Problem {
  rp::Rng rng{1};
  Model model{{.inputs = 2, .hidden = 4, .outputs = 3}, rng};
  std::vector<MatrixXd> xs{MatrixXd::Random(2, 3), MatrixXd::Random(2, 8), MatrixXd(2, 0), MatrixXd::Random(2, 5)};
  std::vector<MatrixXd> targets{MatrixXd::Random(3, 3), MatrixXd::Random(3, 8), MatrixXd(3, 0), MatrixXd::Random(3, 5)};
  rp::Sequence<double> x{xs}, target{targets};
};

}  // namespace

TEST_CASE("the loss is the sum over steps and records, and the gradient the sum of theirs") {
  const Problem p;
  const auto [loss, gradient] = rp::loss_and_gradient(p.model, p.x, p.target, rp::SquaredError{});
  double sum = 0;
  auto total = rp::zeros_like(p.model);
  for (std::size_t r = 0; r < p.xs.size(); ++r) {
    const auto one = rp::loss_and_gradient(p.model, rp::Sequence<double>{p.xs[r]}, rp::Sequence<double>{p.targets[r]},
                                           rp::SquaredError{});
    sum += one.loss;
    rp::add(total, one.gradient);
  }
  CHECK(loss == Approx(sum).epsilon(1e-14));
  CHECK((rp::flatten(gradient) - rp::flatten(total)).norm() < 1e-13 * rp::flatten(total).norm());
  CHECK(rp::evaluate(p.model, p.x, p.target, rp::SquaredError{}) == Approx(loss).epsilon(1e-15));
}

TEST_CASE("a workspace gives the same as none, also after another batch") {
  const Problem p;
  const auto expected = rp::loss_and_gradient(p.model, p.x, p.target, rp::SquaredError{});
  rp::Workspace<Model> workspace(p.model);
  const std::vector<MatrixXd> longer(5, MatrixXd::Random(2, 11)), longer_targets(5, MatrixXd::Random(3, 11));
  const rp::Sequence<double> other(longer), other_target(longer_targets);
  rp::loss_and_gradient(p.model, other, other_target, rp::SquaredError{}, workspace);
  for (int twice = 0; twice < 2; ++twice) {
    CHECK(rp::loss_and_gradient(p.model, p.x, p.target, rp::SquaredError{}, workspace) == expected.loss);
    CHECK(rp::flatten(workspace.gradient) == rp::flatten(expected.gradient));
  }
}

TEST_CASE("truncated BPTT: the state crosses the seam, the gradient stops there") {
  const Problem p;
  const auto whole = rp::loss_and_gradient(p.model, p.x, p.target, rp::SquaredError{});
  auto state = p.model.initial_state(4);
  double loss = 0;
  auto gradient = rp::zeros_like(p.model);
  for (rp::Index first = 0; first < p.x.steps(); first += 3) {
    const auto at_seam = state;
    const auto x = p.x.chunk(first, 3), target = p.target.chunk(first, 3);
    const auto chunk = rp::loss_and_gradient(p.model, x, target, rp::SquaredError{}, {.state = &state});
    // Its derivative where the state at the seam is a constant, by central differences.
    for (const rp::Index entry : {0, 7, 30}) {
      auto moved = p.model;
      const auto loss_at = [&](double distance) {
        moved.cell.W_hh(entry % 16, entry / 16) = p.model.cell.W_hh(entry % 16, entry / 16) + distance;
        auto constant = at_seam;
        return rp::evaluate(moved, x, target, rp::SquaredError{}, {.state = &constant});
      };
      const double numeric = (loss_at(1e-6) - loss_at(-1e-6)) / 2e-6;
      CHECK(chunk.gradient.cell.W_hh(entry % 16, entry / 16) == Approx(numeric).margin(1e-7));
    }
    loss += chunk.loss;
    rp::add(gradient, chunk.gradient);
  }
  CHECK(loss == Approx(whole.loss).epsilon(1e-14));
  CHECK((rp::flatten(gradient) - rp::flatten(whole.gradient)).norm() > 1e-3);  // it did stop

  auto through = p.model.initial_state(4);
  p.model.forward(p.x, through);
  CHECK((through.c - state.c).norm() < 1e-14);
}

TEST_CASE("what does not fit is refused, naming the record, and the state stays") {
  const Problem p;
  rp::Workspace<Model> workspace(p.model);
  auto state = p.model.initial_state(4);
  state.h.setConstant(0.25);
  const auto before = state;
  const auto run = [&](const auto& x, const auto& target) {
    rp::loss_and_gradient(p.model, x, target, rp::SquaredError{}, workspace, {.state = &state});
  };
  auto short_target = p.targets;
  short_target[1] = MatrixXd::Random(3, 7);
  CHECK_THROWS_WITH(run(p.x, rp::Sequence<double>(short_target)), "target: record 1 has 7 steps, x has 8");
  short_target.pop_back();
  CHECK_THROWS_WITH(run(p.x, rp::Sequence<double>(short_target)), "target has 3 records, this batch takes 4");
  CHECK_THROWS_AS(run(p.x, p.x), rp::shape_error);            // two rows, three outputs
  CHECK_THROWS_AS(run(p.target, p.target), rp::shape_error);  // three features, two inputs
  auto nan = p.x;
  nan.values()(0, 2) = std::nan("");
  CHECK_THROWS_AS(run(nan, p.target), rp::non_finite_error);
  CHECK(state.h == before.h);
  CHECK(state.c == before.c);
  const Model smaller{{.inputs = 2, .hidden = 3, .outputs = 3}};
  rp::Workspace<Model> of_another(smaller);
  CHECK_THROWS_WITH(rp::loss_and_gradient(p.model, p.x, p.target, rp::SquaredError{}, of_another),
                    "the workspace: cell.W_xh is 12 x 2, the model's is 16 x 2");
  state = p.model.initial_state(3);
  CHECK_THROWS_WITH(run(p.x, p.target), "the state has 3 columns, the batch takes 4");
}

TEST_CASE("dropout in a model: the same seed, the same gradient; no Rng, no training; none at inference") {
  using Net = rp::SequenceModel<rp::Stack<rp::Embedding<double>, rp::GRUCell<double>, rp::Dropout<double>>>;
  rp::Rng rng{2};
  const Net net{{.inputs = 6, .hidden = 5, .outputs = 6}, rng};
  const rp::Sequence<int> x{{1, 2, 3, 4}, {5, 0}};
  const auto gradient = [&](std::uint64_t seed) {
    rp::Rng masks{seed};
    return rp::flatten(rp::loss_and_gradient(net, x, x, rp::SoftmaxCrossEntropy{}, {.rng = &masks}).gradient);
  };
  CHECK(gradient(1) == gradient(1));
  CHECK(gradient(1) != gradient(2));
  CHECK_THROWS_AS(rp::loss_and_gradient(net, x, x, rp::SoftmaxCrossEntropy{}), rp::value_error);
  auto without = net;
  std::get<2>(without.layers).rate = 0;
  CHECK(rp::evaluate(net, x, x, rp::SoftmaxCrossEntropy{}) == rp::evaluate(without, x, x, rp::SoftmaxCrossEntropy{}));
}

TEST_CASE("no records and no steps: no loss, no gradient") {
  const Problem p;
  const rp::Sequence<double> none, empty{MatrixXd(2, 0)};
  for (const auto& [x, target] : {std::pair{none, rp::Sequence<double>(rp::Layout{}, 3)},
                                  std::pair{empty, rp::Sequence<double>{MatrixXd(3, 0)}}}) {
    const auto [loss, gradient] = rp::loss_and_gradient(p.model, x, target, rp::SquaredError{rp::Reduction::mean});
    CHECK(loss == 0);
    CHECK(rp::flatten(gradient).isZero(0));
  }
}

TEST_CASE("a used workspace sees the weights as they are now") {
  rp::Rng rng{11};
  rp::SequenceModel<rp::LSTMCell<double>> model{{.inputs = 2, .hidden = 6, .outputs = 1}, rng};
  const rp::Sequence<double> x{Eigen::MatrixXd(Eigen::MatrixXd::Random(2, 5)),
                               Eigen::MatrixXd(Eigen::MatrixXd::Random(2, 3))};
  const rp::Sequence<double> target(x.layout(), 1);
  rp::Workspace used(model);
  rp::loss_and_gradient(model, x, target, rp::SquaredError{}, used);
  rp::for_each_parameter([](auto& p) { p.array() *= -0.7; }, model);
  const auto loss = rp::loss_and_gradient(model, x, target, rp::SquaredError{}, used);
  const auto fresh = rp::loss_and_gradient(model, x, target, rp::SquaredError{});
  CHECK(loss == fresh.loss);
  CHECK((rp::flatten(used.gradient) == rp::flatten(fresh.gradient)));
}
