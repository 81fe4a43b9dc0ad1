#include <reprise/decode/sampling.hpp>

#include "catch.hpp"

namespace rp = reprise;
using Eigen::Vector4d;

namespace {
const Eigen::VectorXd logits = Vector4d(0.1, 0.4, 0.2, 0.3).array().log();  // token 1, then 3, 2, 0
}

TEST_CASE("greedy: the most likely, the first of equals") {
  CHECK(rp::greedy(logits) == 1);
  CHECK(rp::greedy(Vector4d(1, 2, 2, 0)) == 1);
  CHECK(rp::greedy(Vector4d(-INFINITY, -3, -INFINITY, -2)) == 3);
}

TEST_CASE("temperature: 1 is softmax, lower is sharper, 0 is greedy") {
  CHECK((rp::distribution(logits) - Vector4d(0.1, 0.4, 0.2, 0.3)).norm() < 1e-15);
  const Vector4d squared = Vector4d(0.01, 0.16, 0.04, 0.09) / 0.30;
  CHECK((rp::distribution(logits, {.temperature = 0.5}) - squared).norm() < 1e-15);
  CHECK(rp::distribution(logits, {.temperature = 0}) == Vector4d(0, 1, 0, 0));
}

TEST_CASE("top-k keeps the k most likely") {
  CHECK((rp::distribution(logits, {.top_k = 2}) - Vector4d(0, 4, 0, 3) / 7).norm() < 1e-15);
  CHECK(rp::distribution(logits, {.top_k = 1}) == Vector4d(0, 1, 0, 0));
  CHECK((rp::distribution(logits, {.top_k = 9}) - rp::distribution(logits)).norm() < 1e-15);
}

TEST_CASE("top-p keeps the fewest that have the probability together") {
  CHECK((rp::distribution(logits, {.top_p = 0.65}) - Vector4d(0, 4, 0, 3) / 7).norm() < 1e-15);
  CHECK((rp::distribution(logits, {.top_p = 0.75}) - Vector4d(0, 4, 2, 3) / 9).norm() < 1e-15);
  CHECK(rp::distribution(logits, {.top_p = 0.01}) == Vector4d(0, 1, 0, 0));
  // The nucleus is taken of what top-k left: 4/7 is enough for half.
  CHECK(rp::distribution(logits, {.top_k = 2, .top_p = 0.5}) == Vector4d(0, 1, 0, 0));
}

TEST_CASE("sample draws from the distribution, reproducibly") {
  rp::Rng rng{1};
  Vector4d counts = Vector4d::Zero();
  for (int i = 0; i < 100000; ++i) ++counts(rp::sample(logits, {}, rng));
  CHECK((counts / 100000 - Vector4d(0.1, 0.4, 0.2, 0.3)).cwiseAbs().maxCoeff() < 0.007);
  for (int i = 0; i < 1000; ++i) REQUIRE(rp::sample(logits, {.top_k = 2}, rng) % 2 == 1);
  rp::Rng a{9}, b{9};
  for (int i = 0; i < 100; ++i) REQUIRE(rp::sample(logits, {}, a) == rp::sample(logits, {}, b));
}

TEST_CASE("huge logits do not overflow") {
  CHECK(rp::distribution(Eigen::Vector2f(1e30f, -1e30f)) == Eigen::Vector2d(1, 0));
  CHECK((rp::distribution(Eigen::Vector2d(1000, 1000)) - Eigen::Vector2d(0.5, 0.5)).norm() < 1e-15);
}

TEST_CASE("options out of range, and logits that are none, are refused") {
  CHECK_THROWS_WITH(rp::distribution(logits, {.temperature = -1}), "temperature = -1, it must not be negative");
  CHECK_THROWS_AS(rp::distribution(logits, {.top_k = -1}), rp::value_error);
  CHECK_THROWS_AS(rp::distribution(logits, {.top_p = 0}), rp::value_error);
  CHECK_THROWS_AS(rp::distribution(logits, {.top_p = 1.5}), rp::value_error);
  CHECK_THROWS_AS(rp::greedy(Eigen::MatrixXd::Zero(2, 2)), rp::shape_error);
  CHECK_THROWS_AS(rp::greedy(Eigen::VectorXd()), rp::shape_error);
  CHECK_THROWS_AS(rp::greedy(Vector4d(0, std::nan(""), 0, 0)), rp::non_finite_error);
  CHECK_THROWS_AS(rp::distribution(Vector4d(0, INFINITY, 0, 0)), rp::non_finite_error);
  CHECK_THROWS_AS(rp::distribution(Vector4d::Constant(-INFINITY)), rp::non_finite_error);
  CHECK(rp::distribution(Vector4d(0, -INFINITY, 0, 0))(1) == 0);
}
