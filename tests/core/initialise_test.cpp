#include <reprise/cells/gru.hpp>
#include <reprise/cells/lstm.hpp>
#include <reprise/cells/rnn.hpp>

#include "catch.hpp"

namespace rp = reprise;
using Eigen::MatrixXd;

TEST_CASE("orthogonal: orthonormal columns of a tall matrix, rows of a wide one") {
  rp::Rng rng{1};
  MatrixXd tall(7, 4), wide(3, 6), square(32, 32);
  for (MatrixXd* m : {&tall, &wide, &square}) rp::orthogonal(*m, rng);
  CHECK((tall.transpose() * tall - MatrixXd::Identity(4, 4)).norm() < 1e-14);
  CHECK((wide * wide.transpose() - MatrixXd::Identity(3, 3)).norm() < 1e-14);
  CHECK((square * square.transpose() - MatrixXd::Identity(32, 32)).norm() < 1e-13);
}

TEST_CASE("glorot: the variance of Glorot and Bengio, within the limit") {
  rp::Rng rng{2};
  MatrixXd w(200, 100);
  rp::glorot(w, rng);
  CHECK(w.cwiseAbs().maxCoeff() <= std::sqrt(6.0 / 300));
  CHECK(w.squaredNorm() / 20000 == Approx(2.0 / 300).epsilon(0.03));
}

TEST_CASE("uniform and identity") {
  rp::Rng rng{3};
  MatrixXd w(50, 50);
  rp::uniform(w, 0.25, rng);
  CHECK(w.cwiseAbs().maxCoeff() <= 0.25);
  CHECK(w.cwiseAbs().maxCoeff() > 0.24);
  rp::identity(w, 0.5);
  CHECK(w == 0.5 * MatrixXd::Identity(50, 50));
}

TEST_CASE("a new LSTM remembers: forget bias 1, other biases 0, each gate orthogonal") {
  rp::Rng rng{4};
  const rp::LSTMCell<double> cell{{3, 5}, rng};
  CHECK(cell.b_h.segment(5, 5) == Eigen::VectorXd::Ones(5));
  CHECK(cell.b_h.sum() == 5);
  for (int gate = 0; gate < 4; ++gate) {
    const MatrixXd W = cell.W_hh.middleRows(5 * gate, 5);
    CHECK((W * W.transpose() - MatrixXd::Identity(5, 5)).norm() < 1e-14);
  }
  CHECK(rp::GRUCell<double>{{3, 5}, rng}.b_h.isZero());
}

TEST_CASE("the same seed initialises the same cell") {
  rp::Rng a{5}, b{5};
  CHECK(rp::flatten(rp::GRUCell<float>{{3, 5}, a}) == rp::flatten(rp::GRUCell<float>{{3, 5}, b}));
}

TEST_CASE("normal: mean 0 and the deviation asked for; an IRNN begins by copying its state") {
  rp::Rng rng(3);
  Eigen::MatrixXd W(100, 100);
  rp::normal(W, 0.5, rng);
  CHECK(std::abs(W.mean()) < 0.02);
  CHECK(std::abs(std::sqrt(W.array().square().mean()) - 0.5) < 0.02);

  rp::RNNCell<float, rp::Dynamic, rp::Dynamic, rp::Bias::present, rp::Relu> cell({2, 3}, rng);
  rp::initialise_irnn(cell, rng);
  CHECK(cell.W_hh.isIdentity(0));
  CHECK(cell.b_h.isZero(0));
  CHECK(cell.W_xh.cwiseAbs().maxCoeff() < 0.01f);
  CHECK(cell.W_xh.cwiseAbs().minCoeff() > 0);
}
