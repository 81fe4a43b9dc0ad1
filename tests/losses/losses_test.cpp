#include <reprise/losses/cross_entropy.hpp>
#include <reprise/losses/squared_error.hpp>

#include <limits>

#include "catch.hpp"

namespace rp = reprise;
using Eigen::MatrixXd;
using Eigen::MatrixXf;
using Tokens = Eigen::RowVectorXi;

namespace {

// The gradient a loss gives against central differences of the loss it gives.
template <class Loss, class Target>
void check_gradient(const Loss& loss, MatrixXd y, const Target& target) {
  MatrixXd dy(y.rows(), y.cols()), scratch = dy;
  loss(y, target, dy);
  for (Eigen::Index i = 0; i < y.size(); ++i) {
    const double kept = y(i), h = 1e-6;
    y(i) = kept + h;
    const double above = loss(y, target, scratch);
    y(i) = kept - h;
    const double below = loss(y, target, scratch);
    y(i) = kept;
    CHECK(dy(i) == Approx((above - below) / (2 * h)).margin(1e-8));
  }
}

}  // namespace

TEST_CASE("squared error is the sum of squares, without a half") {
  const MatrixXd y = (MatrixXd(2, 2) << 1, 2, 3, 4).finished(), target = (MatrixXd(2, 2) << 0, 2, 5, 1).finished();
  MatrixXd dy(2, 2);
  CHECK(rp::SquaredError{}(y, target, dy) == 1 + 0 + 4 + 9);
  CHECK(dy == (MatrixXd(2, 2) << 2, 0, -4, 6).finished());
  CHECK(rp::SquaredError{rp::Reduction::mean}(y, target, dy) == 14 / 2.0);  // two steps
  CHECK(dy(1, 1) == 3);
  check_gradient(rp::SquaredError{}, y, target);
}

TEST_CASE("softmax cross-entropy is -log p of the target") {
  const MatrixXd y = (MatrixXd(3, 2) << 0.1, -2, 0.7, 0.4, -0.3, 1.5).finished();
  const Tokens target = Eigen::RowVector2i(2, 0);
  MatrixXd dy(3, 2);
  const double expected = -std::log(std::exp(-0.3) / (std::exp(0.1) + std::exp(0.7) + std::exp(-0.3))) -
                          std::log(std::exp(-2) / (std::exp(-2) + std::exp(0.4) + std::exp(1.5)));
  CHECK(rp::SoftmaxCrossEntropy{}(y, target, dy) == Approx(expected).epsilon(1e-14));
  CHECK((dy.colwise().sum()).norm() < 1e-15);
  CHECK(rp::SoftmaxCrossEntropy{rp::Reduction::mean}(y, target, dy) == Approx(expected / 2).epsilon(1e-14));
  check_gradient(rp::SoftmaxCrossEntropy{}, y, target);
  check_gradient(rp::SoftmaxCrossEntropy{rp::Reduction::mean}, y, target);
}

TEST_CASE("a smoothed target is worth 1 - s + s/K, every other output s/K") {
  const MatrixXd y = (MatrixXd(3, 2) << 0.1, -2, 0.7, 0.4, -0.3, 1.5).finished();
  const Tokens target = Eigen::RowVector2i(2, 0);
  MatrixXd dy(3, 2);
  MatrixXd p = y.array().exp().matrix();
  for (int j = 0; j < 2; ++j) p.col(j) /= p.col(j).sum();
  double expected = 0;
  for (int j = 0; j < 2; ++j)
    for (int k = 0; k < 3; ++k) expected -= (k == target(j) ? 0.8 + 0.2 / 3 : 0.2 / 3) * std::log(p(k, j));
  const rp::SoftmaxCrossEntropy loss{.smoothing = 0.2};
  CHECK(loss(y, target, dy) == Approx(expected).epsilon(1e-14));
  check_gradient(loss, y, target);
  check_gradient(rp::SoftmaxCrossEntropy{.reduction = rp::Reduction::mean, .ignore = 0, .smoothing = 0.2}, y, target);
  CHECK_THROWS_AS((rp::SoftmaxCrossEntropy{.smoothing = 1}(y, target, dy)), rp::value_error);
  CHECK_THROWS_AS((rp::SoftmaxCrossEntropy{.smoothing = -0.1}(y, target, dy)), rp::value_error);
}

TEST_CASE("an ignored target costs nothing, moves nothing, and does not count in the mean") {
  const MatrixXd y = MatrixXd::Random(4, 3);
  MatrixXd dy(4, 3), alone(4, 1);
  const rp::SoftmaxCrossEntropy loss{rp::Reduction::mean, -1};
  const double two = loss(y, Tokens(Eigen::RowVector3i(1, -1, 3)), dy);
  CHECK(dy.col(1).isZero(0));
  const double first = loss(y.col(0).eval(), Tokens(Tokens::Constant(1, 1)), alone);
  const double last = loss(y.col(2).eval(), Tokens(Tokens::Constant(1, 3)), alone);
  CHECK(two == Approx((first + last) / 2).epsilon(1e-14));
  CHECK(loss(y, Tokens(Eigen::RowVector3i(-1, -1, -1)), dy) == 0);
  CHECK(dy.isZero(0));
}

TEST_CASE("Bernoulli cross-entropy is the sum over the outputs") {
  const MatrixXd y = (MatrixXd(2, 2) << 0.3, -1, 2, 0).finished(),
                 target = (MatrixXd(2, 2) << 1, 0, 0.25, 1).finished();
  MatrixXd dy(2, 2);
  double expected = 0;
  for (Eigen::Index i = 0; i < 4; ++i) {
    const double p = 1 / (1 + std::exp(-y(i)));
    expected -= target(i) * std::log(p) + (1 - target(i)) * std::log(1 - p);
  }
  CHECK(rp::BernoulliCrossEntropy{}(y, target, dy) == Approx(expected).epsilon(1e-14));
  check_gradient(rp::BernoulliCrossEntropy{}, y, target);
}

TEST_CASE("huge logits: finite, and the loss is the logit that was wrong") {
  MatrixXf dy(2, 1);
  const MatrixXf right = Eigen::Vector2f(1e30f, -1e30f), wrong = Eigen::Vector2f(-1e30f, 1e30f);
  const Tokens target = Tokens::Zero(1);
  CHECK(rp::SoftmaxCrossEntropy{}(right, target, dy) == 0);
  CHECK(dy.isZero(0));
  CHECK(rp::SoftmaxCrossEntropy{}(wrong, target, dy) == 2e30f);
  CHECK(dy == Eigen::Vector2f(-1, 1));

  const MatrixXf sure = Eigen::Vector2f(1e30f, -1e30f);
  CHECK(rp::BernoulliCrossEntropy{}(sure, MatrixXf(Eigen::Vector2f(1, 0)), dy) == 0);
  CHECK(dy.isZero(0));
  CHECK(rp::BernoulliCrossEntropy{}(sure, MatrixXf(Eigen::Vector2f(0, 1)), dy) == 2e30f);
  CHECK(dy == Eigen::Vector2f(1, -1));
}

TEST_CASE("float losses add up in double") {
  const MatrixXf y = MatrixXf::Constant(1, 1 << 22, 0.1f), target = MatrixXf::Zero(1, 1 << 22);
  MatrixXf dy(1, 1 << 22);
  CHECK(rp::SquaredError{}(y, target, dy) == Approx(double(1 << 22) * double(0.1f) * double(0.1f)).epsilon(1e-7));
}

TEST_CASE("unequal shapes throw: nothing broadcasts") {
  const MatrixXd y = MatrixXd::Random(2, 3);
  MatrixXd dy(2, 3);
  CHECK_THROWS_WITH(rp::SquaredError{}(y, MatrixXd(MatrixXd::Zero(1, 3)), dy),
                    "target has 1 rows, SquaredError of this model takes 2");
  CHECK_THROWS_AS(rp::SquaredError{}(y, MatrixXd(MatrixXd::Zero(2, 1)), dy), rp::shape_error);
  CHECK_THROWS_AS(rp::SoftmaxCrossEntropy{}(y, Tokens(Tokens::Zero(2)), dy), rp::shape_error);
  CHECK_THROWS_AS(rp::SoftmaxCrossEntropy{}(y, Eigen::MatrixXi(Eigen::MatrixXi::Zero(2, 3)), dy), rp::shape_error);
  CHECK_THROWS_AS(rp::BernoulliCrossEntropy{}(y, MatrixXd(MatrixXd::Zero(3, 2)), dy), rp::shape_error);
}

TEST_CASE("targets out of range throw, by value") {
  const MatrixXd y = MatrixXd::Random(2, 1);
  MatrixXd dy(2, 1);
  CHECK_THROWS_WITH(rp::SoftmaxCrossEntropy{}(y, Tokens(Tokens::Constant(1, 2)), dy),
                    "target 2, the model has 2 outputs (0 to 1)");
  CHECK_THROWS_AS(rp::SoftmaxCrossEntropy{}(y, Tokens(Tokens::Constant(1, -1)), dy), rp::value_error);
  CHECK_THROWS_AS(rp::BernoulliCrossEntropy{}(y, MatrixXd(Eigen::Vector2d(0.5, 1.5)), dy), rp::value_error);
  CHECK_THROWS_AS(rp::BernoulliCrossEntropy{}(y, MatrixXd(Eigen::Vector2d(0.5, std::nan(""))), dy), rp::value_error);
}
