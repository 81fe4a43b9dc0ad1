#include <reprise/layers/dense.hpp>

#include "catch.hpp"

namespace rp = reprise;
using Eigen::MatrixXd;

static_assert(rp::Layer<rp::Dense<float>>);
static_assert(rp::Layer<rp::Dense<float, 3, 4>>);

TEST_CASE("dense: y = W x + b, and its gradient") {
  rp::Rng rng{1};
  rp::Dense<double> dense{{3, 2}, rng};
  dense.b << 0.5, -1;
  const MatrixXd x = MatrixXd::Random(3, 4), dy = MatrixXd::Random(2, 4);
  const rp::Layout layout({4});
  const rp::Pass pass{layout, true};
  rp::Stateless<> state;
  rp::Dense<double>::Trace trace;
  dense.forward(x, pass, state, trace);
  for (int t = 0; t < 4; ++t) CHECK((trace.y.col(t) - (dense.W * x.col(t) + dense.b)).norm() < 1e-15);

  auto gradient = rp::zeros_like(dense);
  MatrixXd dx;
  dense.backward(x, dy, pass, trace, state, gradient, &dx);
  dense.backward(x, dy, pass, trace, state, gradient, nullptr);  // adds
  CHECK((gradient.W - 2 * dy * x.transpose()).norm() < 1e-14);
  CHECK((gradient.b - 2 * dy.rowwise().sum()).norm() < 1e-14);
  CHECK((dx - dense.W.transpose() * dy).norm() < 1e-14);

  const rp::Layout none;
  dense.forward(MatrixXd(0, 0), rp::Pass{none, true}, state, trace);  // no records, and so no features
  dense.backward(MatrixXd(0, 0), MatrixXd(2, 0), rp::Pass{none, true}, trace, state, gradient, nullptr);
}
