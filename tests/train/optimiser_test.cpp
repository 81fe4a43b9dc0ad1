#include <reprise/cells/rnn.hpp>
#include <reprise/train/clip.hpp>
#include <reprise/train/optimiser.hpp>
#include <reprise/train/sequence_model.hpp>

#include "catch.hpp"

namespace rp = reprise;

namespace {

struct Point {
  using Scalar = double;
  Eigen::VectorXd p;
  static constexpr auto fields() { return std::tuple{rp::field("p", &Point::p)}; }
};

Point at(double a, double b) { return {Eigen::Vector2d(a, b)}; }

}  // namespace

// Trajectories against PyTorch are in reference/reference_test.cpp; here, the arithmetic by hand.

TEST_CASE("SGD: v = momentum v + g, p -= rate v") {
  Point p = at(1, 2);
  rp::SGD sgd{p, {.learning_rate = 0.1, .momentum = 0.5}};
  sgd.step(p, at(1, -2));
  CHECK(p.p.isApprox(Eigen::Vector2d(0.9, 2.2), 1e-15));
  sgd.step(p, at(1, 0));
  CHECK(p.p.isApprox(Eigen::Vector2d(0.9 - 0.15, 2.2 + 0.1), 1e-15));
}

TEST_CASE("RMSProp: the first step is rate / sqrt(1 - decay), whatever the size of the gradient") {
  Point p = at(0, 0);
  rp::RMSProp rms{p, {.learning_rate = 0.1, .decay = 0.75, .epsilon = 0}};
  rms.step(p, at(5, -1e-3));
  CHECK(p.p.isApprox(Eigen::Vector2d(-0.2, 0.2), 1e-12));
}

TEST_CASE("Adam: bias-corrected, so that the first step is the learning rate; decay is decoupled") {
  Point p = at(1, 1);
  rp::Adam adam{p, {.learning_rate = 0.1, .epsilon = 0}};
  adam.step(p, at(7, -1e-4));
  CHECK(p.p.isApprox(Eigen::Vector2d(0.9, 1.1), 1e-12));

  Point q = at(1, 1);
  rp::Adam decayed{q, {.learning_rate = 0.1, .epsilon = 0, .weight_decay = 0.5}};
  decayed.step(q, at(7, -1e-4));
  CHECK(q.p.isApprox(Eigen::Vector2d(0.85, 1.05), 1e-12));
}

TEST_CASE("every optimiser finds the minimum of a badly scaled bowl") {
  const auto descend = [](auto make) {
    Point p = at(3, -2);
    auto optimiser = make(p);
    for (int i = 0; i < 4000; ++i) optimiser.step(p, at(p.p(0), 30 * p.p(1)));
    return p.p.norm();
  };
  CHECK(descend([](const Point& p) { return rp::SGD{p, {.learning_rate = 0.01, .momentum = 0.9}}; }) < 1e-6);
  CHECK(descend([](const Point& p) { return rp::RMSProp{p, {.learning_rate = 0.002}}; }) < 0.01);
  CHECK(descend([](const Point& p) { return rp::Adam{p, {.learning_rate = 0.01}}; }) < 1e-3);
}

TEST_CASE("a gradient that is not finite, or not the model's, is refused and changes nothing") {
  Point p = at(1, 2);
  rp::Adam adam{p};
  CHECK_THROWS_WITH(adam.step(p, at(1, std::nan(""))), "the gradient of p is not finite");
  CHECK_THROWS_AS(adam.step(p, Point{Eigen::Vector3d(1, 2, 3)}), rp::shape_error);
  CHECK(p.p == Eigen::Vector2d(1, 2));
  CHECK(adam.t == 0);
  CHECK(adam.m.p.isZero(0));
  Point other{Eigen::Vector3d(1, 2, 3)};
  CHECK_THROWS_WITH(adam.step(other, other), "the optimiser: p is 2 x 1, the model's is 3 x 1");
}

TEST_CASE("options out of their range are refused") {
  Point p = at(1, 2);
  rp::Adam adam{p, {.beta1 = 1}};
  CHECK_THROWS_WITH(adam.step(p, p), "beta1 = 1 is out of its range");
  CHECK_THROWS_AS((rp::SGD{p, {.learning_rate = std::nan("")}}.step(p, p)), rp::value_error);
  CHECK_THROWS_AS((rp::RMSProp{p, {.decay = -0.1}}.step(p, p)), rp::value_error);
  CHECK(p.p == Eigen::Vector2d(1, 2));
}

TEST_CASE("clip_norm scales the whole gradient, and only if it is longer") {
  Point g = at(3, 4);
  CHECK(rp::clip_norm(g, 10) == 5);
  CHECK(g.p == Eigen::Vector2d(3, 4));
  CHECK(rp::clip_norm(g, 1) == 5);
  CHECK(g.p.isApprox(Eigen::Vector2d(0.6, 0.8), 1e-15));
  CHECK_THROWS_AS(rp::clip_norm(g, std::nan("")), rp::value_error);
  g = at(std::numeric_limits<double>::infinity(), 1);
  CHECK_THROWS_AS(rp::clip_norm(g, 1), rp::non_finite_error);
  CHECK(g.p(1) == 1);
}

TEST_CASE("the norm is over every entry, however many") {
  for (int n = 0; n < 20; ++n)
    CHECK(rp::norm(Point{Eigen::VectorXd::LinSpaced(n, 1, n)}) == Approx(std::sqrt(n * (n + 1) * (2 * n + 1) / 6.0)));
}

TEST_CASE("clip_value bounds every entry") {
  Point g = at(-3, 0.5);
  rp::clip_value(g, 1);
  CHECK(g.p == Eigen::Vector2d(-1, 0.5));
  CHECK_THROWS_AS(rp::clip_value(g, -1), rp::value_error);
  g = at(std::nan(""), 2);
  CHECK_THROWS_AS(rp::clip_value(g, 1), rp::non_finite_error);
  CHECK(g.p(1) == 2);
}
