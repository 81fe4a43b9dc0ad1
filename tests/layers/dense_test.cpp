#include <reprise/layers/dense.hpp>

#include "catch.hpp"

namespace rp = reprise;
using Eigen::MatrixXd;

static_assert(rp::Layer<rp::Dense<float>>);
static_assert(rp::Layer<rp::Dense<float, 3, 4>>);
static_assert(rp::Layer<rp::Dense<float, 3, 4, rp::Tanh>>);

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

TEST_CASE("dense with an activation: y = f(W x + b), and its gradient") {
  rp::Rng rng{2};
  rp::Dense<double, rp::Dynamic, rp::Dynamic, rp::Sigmoid> dense{{3, 2}, rng};
  dense.b << 0.5, -1;
  const MatrixXd x = MatrixXd::Random(3, 5), dy = MatrixXd::Random(2, 5);
  const rp::Layout layout({4});  // the fifth column belongs to an earlier, longer sequence
  const rp::Pass pass{layout, true};
  rp::Stateless<> state;
  decltype(dense)::Trace trace;
  dense.forward(x, pass, state, trace);
  const MatrixXd a = (dense.W * x.leftCols(4)).colwise() + dense.b;
  const MatrixXd y = 1 / (1 + (-a.array()).exp());
  CHECK((trace.y - y).norm() < 1e-15);

  auto gradient = rp::zeros_like(dense);
  MatrixXd dx;
  dense.backward(x, dy, pass, trace, state, gradient, &dx);
  dense.backward(x, dy, pass, trace, state, gradient, nullptr);  // adds
  const MatrixXd da = dy.leftCols(4).array() * y.array() * (1 - y.array());
  CHECK((gradient.W - 2 * da * x.leftCols(4).transpose()).norm() < 1e-14);
  CHECK((gradient.b - 2 * da.rowwise().sum()).norm() < 1e-14);
  CHECK((dx - dense.W.transpose() * da).norm() < 1e-14);

  decltype(dense)::StepTrace<1, rp::AsTheyAre> step;
  rp::Stateless<rp::Owned<1>> none;
  CHECK((dense.step(x.col(1).eval(), none, step) - y.col(1)).norm() < 1e-15);
}
