#include <reprise/cells/echo_state.hpp>
#include <reprise/cells/indrnn.hpp>
#include <reprise/cells/leaky_rnn.hpp>
#include <reprise/cells/rnn.hpp>
#include <reprise/check/check_cell.hpp>
#include <reprise/io/safetensors.hpp>
#include <reprise/losses/squared_error.hpp>
#include <reprise/train/loss_and_gradient.hpp>
#include <reprise/train/optimiser.hpp>

#include <Eigen/Eigenvalues>
#include <filesystem>
#include <set>

#include "catch.hpp"

namespace rp = reprise;
using Cell = rp::EchoStateCell<double>;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

// h_t at every step of one record, from h0.
template <class C>
MatrixXd run(const C& cell, const MatrixXd& x, const VectorXd& h0) {
  const rp::Recurrent<C> layer(cell);
  auto state = layer.template initial_state<rp::Dynamic>(1);
  state.h = h0;
  typename rp::Recurrent<C>::Trace trace;
  layer.forward(x, rp::Pass{rp::Layout({x.cols()})}, state, trace);
  return trace.y;
}

MatrixXd random(rp::Index rows, rp::Index cols, rp::Rng& rng) {
  MatrixXd m(rows, cols);
  rp::uniform(m, 1, rng);
  return m;
}

}  // namespace

TEST_CASE("spectral_radius finds what is known of rotations, triangles, nilpotents and random matrices") {
  Eigen::Matrix2d rotation;
  rotation << 0.6, -0.8, 0.8, 0.6;
  CHECK(rp::spectral_radius(rotation) == Approx(1).epsilon(1e-6));
  CHECK(rp::spectral_radius(MatrixXd(0.37 * rotation)) == Approx(0.37).epsilon(1e-6));
  CHECK(rp::spectral_radius(MatrixXd(1e200 * rotation)) == Approx(1e200).epsilon(1e-6));
  CHECK(rp::spectral_radius(MatrixXd(1e-200 * rotation)) == Approx(1e-200).epsilon(1e-6));

  MatrixXd triangle = MatrixXd::Zero(3, 3);
  triangle << 0.5, 10, -7, 0, -2, 30, 0, 0, 1.5;
  CHECK(rp::spectral_radius(triangle) == Approx(2).epsilon(1e-5));
  Eigen::Matrix3f cycle;  // three eigenvalues of modulus 1/2
  cycle << 0, 0.5f, 0, 0, 0, 0.5f, 0.5f, 0, 0;
  CHECK(rp::spectral_radius(cycle) == Approx(0.5).epsilon(1e-5));
  CHECK(rp::spectral_radius((Eigen::Matrix2d() << 1, 5, 0, 1).finished()) == Approx(1).epsilon(3e-5));  // defective

  MatrixXd nilpotent = MatrixXd::Zero(5, 5);
  nilpotent.triangularView<Eigen::StrictlyUpper>() = MatrixXd::Constant(5, 5, 3);
  CHECK(rp::spectral_radius(nilpotent) == 0);
  CHECK(rp::spectral_radius(MatrixXd(0, 0)) == 0);

  rp::Rng rng{1};
  for (const rp::Index n : {1, 2, 7, 40}) {
    const MatrixXd W = random(n, n, rng);
    CHECK(rp::spectral_radius(W) == Approx(W.eigenvalues().cwiseAbs().maxCoeff()).epsilon(1e-5));
    CHECK(rp::spectral_radius(W, 0) == Approx(W.norm()));
  }
  CHECK_FALSE(std::isfinite(rp::spectral_radius(MatrixXd::Constant(2, 2, std::nan("")))));
  CHECK_FALSE(std::isfinite(rp::spectral_radius(MatrixXd::Constant(2, 2, HUGE_VAL))));
  CHECK_THROWS_WITH(rp::spectral_radius(MatrixXd(2, 3)), "spectral_radius: W is 2 x 3, a square matrix has one");
}

TEST_CASE("EchoStateCell takes every check of check_cell, whatever its options") {
  for (const std::uint64_t seed : {1u, 2u, 3u}) {
    rp::Rng rng(seed);
    rp::check_cell(Cell{{3, 5}, rng, {.spectral_radius = 1.2, .input_scale = 0.5, .leak = 0.3, .connections = 2}},
                   seed);
    using Without = rp::EchoStateCell<double, rp::Dynamic, rp::Dynamic, rp::Bias::absent>;
    rp::check_cell(Without{{3, 5}, rng, {.leak = 0.3, .connections = 2}}, seed);
  }
}

TEST_CASE("the reservoir is h_t = (1 - leak) h_{t-1} + leak tanh(W_xh x_t + W h_{t-1} + b_h), to the letter") {
  rp::Rng rng{2};
  const Cell cell{{2, 20}, rng, {.leak = 0.3, .connections = 4}};
  const MatrixXd x = random(2, 6, rng), W = cell.dense();
  VectorXd h = random(20, 1, rng);
  const MatrixXd y = run(cell, x, h);
  for (int t = 0; t < 6; ++t) {
    const VectorXd n = (cell.W_xh * x.col(t) + W * h + cell.b_h).array().tanh();
    h = 0.7 * h + 0.3 * n;
    CHECK((y.col(t) - h).norm() < 1e-14);
  }
}

TEST_CASE("a reservoir is random, sparse, and of the spectral radius that was asked for") {
  rp::Rng rng{3};
  const Cell cell{{2, 60}, rng, {.spectral_radius = 0.8, .input_scale = 0.25, .connections = 7}};
  const MatrixXd W = cell.dense();
  for (rp::Index i = 0; i < 60; ++i) {
    const std::set<double> from(cell.from.col(i).begin(), cell.from.col(i).end());
    CHECK(from.size() == 7);
    CHECK((W.row(i).array() != 0).count() == 7);
    for (rp::Index c = 0; c < 7; ++c) CHECK(W(i, rp::Index(cell.from(c, i))) == cell.W_hh(c, i));
  }
  CHECK((W.array() != 0).colwise().any().all());  // every unit is heard by some other
  const double radius = W.eigenvalues().cwiseAbs().maxCoeff();
  CHECK(radius <= 0.8);
  CHECK(radius > 0.8 * (1 - 2e-3));
  CHECK(cell.W_xh.cwiseAbs().maxCoeff() == Approx(0.25).epsilon(0.05));
  CHECK(cell.b_h.cwiseAbs().maxCoeff() == Approx(0.25).epsilon(0.05));

  CHECK(Cell({1, 300}, rng).W_hh.rows() == 10);
  CHECK((Cell({1, 4}, rng).dense().array() != 0).all());
  CHECK(Cell({1, 30}, rng, {.spectral_radius = 0}).dense().norm() == 0);
  CHECK(Cell({0, 0}, rng).outputs() == 0);
  CHECK(Cell({1, 30}).W_hh.rows() == 10);
}

TEST_CASE("below a spectral radius of 1 a reservoir forgets the state it began with, above it need not") {
  rp::Rng rng{4};
  const MatrixXd x = random(1, 200, rng);
  const VectorXd a = random(50, 1, rng), b = random(50, 1, rng);
  const Cell echo{{1, 50}, rng, {.spectral_radius = 0.8}};
  CHECK((run(echo, x, a) - run(echo, x, b)).rightCols(1).norm() < 1e-6);
  const Cell chaos{{1, 50}, rng, {.spectral_radius = 3, .input_scale = 0.1}};
  CHECK((run(chaos, x, a) - run(chaos, x, b)).rightCols(1).norm() > 0.1);
}

TEST_CASE("a reservoir is never trained, and a layer below it is") {
  rp::Rng rng{5};
  using Model = rp::SequenceModel<rp::Stack<rp::RNNCell<double>, Cell>>;
  Model model{{.inputs = 2, .hidden = 12, .outputs = 1}, rng};
  const rp::Sequence<double> x{random(2, 9, rng)}, target{random(1, 9, rng)};
  auto [loss, gradient] = rp::loss_and_gradient(model, x, target, rp::SquaredError{});
  const auto before = model;
  rp::Adam adam{model, {.learning_rate = 0.01}};
  adam.step(model, gradient);
  const auto reservoir = [](const Model& m) { return rp::flatten(std::get<1>(m.layers)); };
  CHECK(reservoir(model) == reservoir(before));
  CHECK(reservoir(gradient).norm() == 0);
  CHECK((std::get<0>(model.layers).cell.W_xh.array() != std::get<0>(before.layers).cell.W_xh.array()).all());
  CHECK(rp::evaluate(model, x, target, rp::SquaredError{}) < loss);
}

TEST_CASE("a reservoir is copied and saved with its connections") {
  rp::Rng rng{6};
  const Cell cell{{2, 8}, rng, {.leak = 0.5, .connections = 3}};
  const MatrixXd x = random(2, 20, rng);
  const VectorXd h0 = VectorXd::Zero(8);
  rp::EchoStateCell<double, 2, 8> fixed;
  rp::copy_parameters(cell, fixed);
  CHECK((run(fixed, x, h0) - run(cell, x, h0)).norm() < 1e-13);

  const auto path = std::filesystem::temp_directory_path() / "reprise_echo_state_test.safetensors";
  rp::save(path, cell);
  Cell other{{2, 8}, 3};
  rp::load(path, other);
  std::filesystem::remove(path);
  CHECK(run(other, x, h0) == run(cell, x, h0));
}

TEST_CASE("a reservoir refuses options out of their range, and connections from nowhere") {
  rp::Rng rng{7};
  CHECK_THROWS_WITH(Cell({2, 8}, rng, {.spectral_radius = -1}),
                    "spectral_radius = -1, it must be finite and not negative");
  CHECK_THROWS_WITH(Cell({2, 8}, rng, {.input_scale = HUGE_VAL}),
                    "input_scale = inf, it must be finite and not negative");
  CHECK_THROWS_WITH(Cell({2, 8}, rng, {.leak = 0}), "leak = 0, it must be above 0 and at most 1");
  CHECK_THROWS_WITH(Cell({2, 8}, rng, {.leak = 1.5}), "leak = 1.5, it must be above 0 and at most 1");
  CHECK_THROWS_AS(Cell({2, 8}, rng, {.leak = std::nan("")}), rp::value_error);
  CHECK_THROWS_WITH(Cell({2, 8}, rng, {.connections = 0}), "connections = 0, it must be at least 1");
  CHECK_THROWS_AS(Cell({2, 8}, -1), rp::shape_error);

  Cell cell{{2, 8}, rng};
  for (const double nowhere : {8.0, -1.0, std::nan("")}) {
    cell.from(7, 7) = nowhere;
    rp::SequenceModel<Cell> model{rp::Recurrent<Cell>(cell), 1};
    auto state = model.initial_state();
    state.h.setConstant(0.5);
    CHECK_THROWS_AS(model.step(VectorXd(VectorXd::Ones(2)), state), rp::value_error);
    CHECK(state.h == VectorXd::Constant(8, 0.5));
  }
}

TEST_CASE("a LeakyRNNCell with one leak for all units is a reservoir with all connections") {
  rp::Rng rng{8};
  const Cell reservoir{{2, 6}, rng, {.leak = 0.3}};
  rp::LeakyRNNCell<double> leaky{{2, 6}};
  leaky.W_xh = reservoir.W_xh;
  leaky.W_hh = reservoir.dense();
  leaky.b_h = reservoir.b_h;
  leaky.s.setConstant(std::log(0.3 / 0.7));
  const MatrixXd x = random(2, 20, rng);
  const VectorXd h0 = random(6, 1, rng);
  CHECK((run(leaky, x, h0) - run(reservoir, x, h0)).norm() < 1e-13);

  const rp::LeakyRNNCell<double> fresh{{2, 1000}, rng};
  const Eigen::ArrayXd tau = 1 + (-fresh.s.array()).exp();
  CHECK(tau.minCoeff() >= 2);
  CHECK(tau.minCoeff() < 2.1);
  CHECK(tau.maxCoeff() < 101);
  CHECK(tau.maxCoeff() > 95);
}

TEST_CASE("an IndRNNCell is an RNNCell with relu whose W_hh is diagonal") {
  rp::Rng rng{9};
  rp::IndRNNCell<double> independent{{2, 40}, rng};
  rp::uniform(independent.b_h, 0.3, rng);
  CHECK(independent.u.minCoeff() >= 0);
  CHECK(independent.u.maxCoeff() < 1);
  CHECK(independent.u.maxCoeff() - independent.u.minCoeff() > 0.8);
  rp::RNNCell<double, rp::Dynamic, rp::Dynamic, rp::Bias::present, rp::Relu> rnn{{2, 40}};
  rnn.W_xh = independent.W_xh;
  rnn.W_hh = independent.u.asDiagonal();
  rnn.b_h = independent.b_h;
  const MatrixXd x = random(2, 20, rng);
  const VectorXd h0 = random(40, 1, rng);
  CHECK((run(independent, x, h0) - run(rnn, x, h0)).norm() < 1e-13);
}
