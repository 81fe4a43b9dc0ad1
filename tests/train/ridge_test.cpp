#include <reprise/cells/echo_state.hpp>
#include <reprise/cells/gru.hpp>
#include <reprise/cells/lstm.hpp>
#include <reprise/cells/rnn.hpp>
#include <reprise/layers/dense.hpp>
#include <reprise/layers/embedding.hpp>
#include <reprise/train/ridge.hpp>

#include <Eigen/LU>

#include "catch.hpp"

namespace rp = reprise;
using Eigen::MatrixXd;

namespace {

template <class Scalar = double>
rp::Sequence<Scalar> random(const std::vector<rp::Index>& lengths, rp::Index features, rp::Rng& rng) {
  rp::Sequence<Scalar> sequence(rp::Layout(lengths), features);
  rp::uniform(sequence.values(), 1, rng);
  return sequence;
}

// The states of a model, (hidden, steps): what a readout of I gives.
template <class M>
MatrixXd states(const M& model, const typename M::InputSequence& x, rp::Index washout) {
  rp::SequenceModel<typename M::Body> same(model.body(), model.body().outputs());
  same.W_hy.setIdentity();
  const auto h = same.forward(x);
  MatrixXd all(model.body().outputs(), 0);
  for (rp::Index r = 0; r < x.batch(); ++r)
    for (rp::Index t = washout; t < x.length(r); ++t) {
      all.conservativeResize(Eigen::NoChange, all.cols() + 1);
      all.rightCols(1) = h[r].col(t).template cast<double>();
    }
  return all;
}

MatrixXd targets(const auto& target, rp::Index washout) {
  MatrixXd all(target.features(), 0);
  for (rp::Index r = 0; r < target.batch(); ++r)
    for (rp::Index t = washout; t < target.length(r); ++t) {
      all.conservativeResize(Eigen::NoChange, all.cols() + 1);
      all.rightCols(1) = target[r].col(t).template cast<double>();
    }
  return all;
}

}  // namespace

TEST_CASE("fit_readout finds the readout that made the target, whatever the body") {
  rp::Rng rng{1};
  using Model = rp::SequenceModel<rp::Stack<rp::GRUCell<double>, rp::LSTMCell<double>>>;
  Model truth{{.inputs = 3, .hidden = 6, .outputs = 2}, rng};
  truth.b_y << 0.5, -2;
  const auto x = random({70, 0, 40, 90}, 3, rng);
  const auto target = truth.forward(x);
  Model model(truth.body(), 2, rng);
  rp::fit_readout(model, x, target, {.ridge = 0, .washout = 5});
  CHECK((model.W_hy - truth.W_hy).norm() < 1e-8);
  CHECK((model.b_y - truth.b_y).norm() < 1e-8);
  CHECK(rp::flatten(model.body()) == rp::flatten(truth.body()));

  using Tokens = rp::SequenceModel<rp::Stack<rp::Embedding<float>, rp::GRUCell<float>>, rp::Dynamic, rp::Bias::absent>;
  const Tokens tokens{{.inputs = 5, .hidden = 4, .outputs = 1}, rng};
  std::vector<int> record(300);
  for (int& token : record) token = int(rng.below(5));
  const rp::Sequence<int> sentence({record});
  Tokens other(tokens.body(), 1);
  rp::fit_readout(other, sentence, tokens.forward(sentence), {.washout = 0});
  CHECK((other.W_hy - tokens.W_hy).norm() < 1e-3f);
}

TEST_CASE("fit_readout solves the normal equations, the bias free of the ridge") {
  rp::Rng rng{2};
  const rp::Index washout = 7;
  const double ridge = 3;
  const auto x = random({30, 4, 25, 1200, 7, 0}, 2, rng), target = random({30, 4, 25, 1200, 7, 0}, 3, rng);
  const rp::Recurrent<rp::LSTMCell<double>> body({2, 5}, rng);

  rp::SequenceModel<rp::LSTMCell<double>> model(body, 3);
  const MatrixXd H = states(model, x, washout), Y = targets(target, washout);
  REQUIRE(H.cols() == 23 + 18 + 1193);
  MatrixXd augmented(6, H.cols());
  augmented << H, Eigen::RowVectorXd::Ones(H.cols());
  MatrixXd A = augmented * augmented.transpose();
  A.diagonal().head(5).array() += ridge;
  const MatrixXd W = A.fullPivLu().solve(augmented * Y.transpose()).transpose();
  rp::fit_readout(model, x, target, {.ridge = ridge, .washout = washout});
  CHECK((model.W_hy - W.leftCols(5)).norm() < 1e-10);
  CHECK((model.b_y - W.rightCols(1)).norm() < 1e-10);

  rp::SequenceModel<rp::LSTMCell<double>, 3, rp::Bias::absent> without(body, 3);
  rp::fit_readout(without, x, target, {.ridge = ridge, .washout = washout});
  MatrixXd B = H * H.transpose();
  B.diagonal().array() += ridge;
  CHECK((without.W_hy - B.fullPivLu().solve(H * Y.transpose()).transpose()).norm() < 1e-10);
}

TEST_CASE("a mean far from zero costs no digits") {
  rp::Rng rng{3};
  rp::SequenceModel<rp::GRUCell<double>> model{{.inputs = 2, .hidden = 4, .outputs = 1}, rng};
  const auto x = random({400}, 2, rng);
  auto target = model.forward(x);
  const auto W = model.W_hy;
  target.values().array() += 1e9;
  rp::fit_readout(model, x, target, {.ridge = 0, .washout = 10});
  CHECK((model.W_hy - W).norm() < 1e-4);  // 1e9 has 1e-7 to its last digit
  CHECK(model.b_y(0) == Approx(1e9).epsilon(1e-12));
}

TEST_CASE("the washout leaves out the first steps of every record, and no others") {
  rp::Rng rng{4};
  const rp::SequenceModel<rp::GRUCell<double>> model{{.inputs = 2, .hidden = 4, .outputs = 1}, rng};
  const auto x = random({20, 9, 31}, 2, rng);
  const auto target = random({20, 9, 31}, 1, rng);
  const auto fitted = [&](const auto& to) {
    auto fit = model;
    rp::fit_readout(fit, x, to, {.washout = 9});
    return rp::flatten(fit);
  };
  const auto original = fitted(target);
  for (rp::Index t = 0; t < 12; ++t)
    for (rp::Index slot = 0; slot < target.layout().running(t); ++slot) {
      auto changed = target;
      changed.view(t)(0, slot) += 1;
      CHECK((fitted(changed) == original) == (t < 9));
    }
}

TEST_CASE("fit_readout refuses what does not fit or does not determine the readout, and the model stays") {
  rp::Rng rng{5};
  rp::SequenceModel<rp::GRUCell<double>> model{{.inputs = 2, .hidden = 4, .outputs = 3}, rng};
  const auto before = rp::flatten(model);
  const auto x = random({8, 5}, 2, rng), target = random({8, 5}, 3, rng);
  const auto fit = [&](const rp::Sequence<double>& to, rp::RidgeOptions options) {
    rp::fit_readout(model, x, to, options);
  };
  CHECK_THROWS_WITH(fit(target, {.ridge = -1}), "ridge = -1, it must be finite and not negative");
  CHECK_THROWS_WITH(fit(target, {.ridge = std::nan(""), .washout = 1}),
                    "ridge = nan, it must be finite and not negative");
  CHECK_THROWS_WITH(fit(target, {.ridge = HUGE_VAL, .washout = 1}), "ridge = inf, it must be finite and not negative");
  CHECK_THROWS_WITH(fit(target, {.washout = -1}), "washout = -1, it must not be negative");
  CHECK_THROWS_WITH(fit(target, {}),
                    "0 steps are left after a washout of 100 from each of 2 records, fit_readout takes 1 at least");
  CHECK_THROWS_WITH(fit(target, {.ridge = 0, .washout = 5}),
                    "3 steps are left after a washout of 5 from each of 2 records, fit_readout takes 5 at least");
  CHECK_THROWS_WITH(fit(random({8, 5}, 2, rng), {.washout = 1}), "target has 2 features, the model takes 3");
  CHECK_THROWS_WITH(fit(random({8}, 3, rng), {.washout = 1}), "target has 1 records, this batch takes 2");
  CHECK_THROWS_WITH(fit(random({8, 6}, 3, rng), {.washout = 1}), "target: record 1 has 6 steps, x has 5");
  CHECK_THROWS_WITH(rp::fit_readout(model, random({8, 5}, 1, rng), target), "x has 1 features, the model takes 2");
  CHECK_THROWS_AS(rp::fit_readout(model, rp::Sequence<double>{}, rp::Sequence<double>{}), rp::value_error);
  auto nan = target;
  nan.view(7)(0, 0) = std::nan("");
  CHECK_THROWS_AS(fit(nan, {.washout = 1}), rp::non_finite_error);
  CHECK(rp::flatten(model) == before);

  fit(target, {.washout = 7});  // one step and a ridge: the best constant
  CHECK(model.W_hy.norm() < 1e-12);
  CHECK((model.b_y - target[0].col(7)).norm() < 1e-12);
}

TEST_CASE("states that depend on each other need a ridge") {
  using Body = rp::Stack<rp::GRUCell<double>, rp::Dense<double>>;
  for (const std::uint64_t seed : {1u, 2u, 3u, 4u, 5u, 6u, 7u, 8u}) {
    rp::Rng rng{seed};
    const Body body(rp::Recurrent<rp::GRUCell<double>>({2, 3}, rng), rp::Dense<double>({3, 4}, rng));  // 4 of rank 3
    rp::SequenceModel<Body> model(body, 1, rng);
    const auto x = random({200}, 2, rng), target = model.forward(x);
    const auto before = rp::flatten(model);
    CHECK_THROWS_WITH(
        rp::fit_readout(model, x, target, {.ridge = 0}),
        "ridge = 0: the 100 steps after the washout do not determine W_hy, with a larger ridge they would");
    CHECK(rp::flatten(model) == before);
    rp::fit_readout(model, x, target);
    CHECK((model.forward(x).values() - target.values()).cwiseAbs().maxCoeff() < 1e-4);
  }
}

TEST_CASE("an echo state network computes NARMA-10, of products ten steps back, better than any linear memory of it") {
  // y_{t+1} = 0.3 y_t + 0.05 y_t (y_t + ... + y_{t-9}) + 1.5 u_{t-9} u_t + 0.1, u in [0, 0.5] (Atiya and Parlos 2000)
  rp::Rng rng{7};
  const auto record = [&](rp::Index steps) {
    MatrixXd u(1, steps), y = MatrixXd::Zero(1, steps);
    for (rp::Index t = 0; t < steps; ++t) u(t) = rng.uniform(0, 0.5);
    for (rp::Index t = 9; t + 1 < steps; ++t)
      y(t + 1) = 0.3 * y(t) + 0.05 * y(t) * y.middleCols(t - 9, 10).sum() + 1.5 * u(t - 9) * u(t) + 0.1;
    return std::pair{MatrixXd(u.leftCols(steps - 1)), MatrixXd(y.rightCols(steps - 1))};  // at u_t it says y_{t+1}
  };
  const auto known = record(2000), unseen = record(1000);
  const auto error = [&](auto model) {  // of the unseen; 1 is no better than the mean
    rp::fit_readout(model, rp::Sequence<double>{known.first}, rp::Sequence<double>{known.second});
    const Eigen::ArrayXd expected = unseen.second.rightCols(900).reshaped();
    const Eigen::ArrayXd said = model.forward(rp::Sequence<double>{unseen.first})[0].rightCols(900).reshaped();
    return std::sqrt((said - expected).square().mean() / (expected - expected.mean()).square().mean());
  };
  using Echo = rp::EchoStateCell<double>;
  const Echo echo{{1, 200}, rng, {.input_scale = 0.3}};
  // A delay line: unit i holds u_{t-i}.
  using Line = rp::RNNCell<double, rp::Dynamic, rp::Dynamic, rp::Bias::absent, rp::Identity>;
  Line line{{1, 40}};
  line.W_xh(0) = 1;
  line.W_hh.diagonal(-1).setOnes();
  const double linear = error(rp::SequenceModel<Line>(rp::Recurrent<Line>(line), 1));
  const double reservoir = error(rp::SequenceModel<Echo>(rp::Recurrent<Echo>(echo), 1));
  CHECK(linear < 1);
  CHECK(reservoir < 0.75 * linear);
}
