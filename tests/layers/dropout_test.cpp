#include <reprise/layers/dropout.hpp>

#include "catch.hpp"

namespace rp = reprise;
using Eigen::MatrixXd;

static_assert(rp::Layer<rp::Dropout<float>>);

namespace {
MatrixXd dropped(const rp::Dropout<double>& dropout, const MatrixXd& x, rp::Rng* rng, bool training,
                 MatrixXd* dx = nullptr) {
  const rp::Layout layout({x.cols()});
  const rp::Pass pass{layout, training, rng};
  rp::Stateless<> state;
  rp::Dropout<double>::Trace trace;
  dropout.forward(x, pass, state, trace);
  rp::Dropout<double> gradient = dropout;
  if (dx) dropout.backward(x, MatrixXd::Ones(x.rows(), x.cols()), pass, trace, state, gradient, dx);
  return trace.y;
}
}  // namespace

TEST_CASE("dropout drops the given share, scales the rest, and sends gradients the same way") {
  const rp::Dropout<double> dropout({100, 100}, 0.3);
  const MatrixXd ones = MatrixXd::Ones(100, 200);
  rp::Rng rng{1};
  MatrixXd dx;
  const MatrixXd y = dropped(dropout, ones, &rng, true, &dx);
  CHECK(double((y.array() == 0).count()) / 20000 == Approx(0.3).margin(0.015));
  CHECK(((y.array() == 0) || (y.array() - 1 / 0.7).abs() < 1e-12).all());
  CHECK(dx == y);
}

TEST_CASE("dropout is off at inference, and at rate zero") {
  const MatrixXd x = MatrixXd::Random(4, 5);
  rp::Rng rng{1};
  MatrixXd dx;
  CHECK(dropped(rp::Dropout<double>({4, 4}, 0.9), x, &rng, false) == x);
  CHECK(dropped(rp::Dropout<double>({4, 4}, 0), x, nullptr, true, &dx) == x);
  CHECK(dx == MatrixXd::Ones(4, 5));
}

TEST_CASE("the caller's Rng seeds dropout: same seed, same mask") {
  const MatrixXd x = MatrixXd::Random(40, 50);
  const rp::Dropout<double> dropout({40, 40}, 0.5);
  rp::Rng a{7}, b{7}, c{8};
  const MatrixXd y = dropped(dropout, x, &a, true);
  CHECK(y == dropped(dropout, x, &b, true));
  CHECK(y != dropped(dropout, x, &c, true));
  CHECK(y != dropped(dropout, x, &a, true));  // the next mask is another
}

TEST_CASE("each entry takes one number of the Rng, column by column") {
  rp::Rng rng{7}, same{7};
  const MatrixXd y = dropped(rp::Dropout<double>({40, 40}, 0.25), MatrixXd::Ones(40, 50), &rng, true);
  for (int j = 0; j < 50; ++j)
    for (int i = 0; i < 40; ++i) REQUIRE(y(i, j) == (same() < 0xC0000000u ? 1 / 0.75 : 0.0));
  CHECK(rng() == same());
}

TEST_CASE("training with dropout and without an Rng is refused, and so is a rate that is no probability") {
  const MatrixXd x = MatrixXd::Random(4, 5);
  CHECK_THROWS_AS(dropped(rp::Dropout<double>({4, 4}, 0.5), x, nullptr, true), rp::value_error);
  CHECK_THROWS_WITH(rp::Dropout<double>({4, 4}, 1.0), "Dropout: rate = 1, a probability in [0, 1)");
  CHECK_THROWS_AS(rp::Dropout<double>({4, 4}, -0.1), rp::value_error);
  CHECK_THROWS_AS(rp::Dropout<double>({4, 5}, 0.1), rp::shape_error);
}
