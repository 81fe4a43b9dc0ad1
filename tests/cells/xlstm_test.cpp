// sLSTM and mLSTM where their exponentials would overflow, against the equations of the paper without a stabiliser.
#include <reprise/cells/mlstm.hpp>
#include <reprise/cells/slstm.hpp>
#include <reprise/check/dual.hpp>
#include <reprise/layers/recurrent.hpp>

#include "catch.hpp"

namespace rp = reprise;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

constexpr rp::Index hidden = 3;

// Cells whose x_t is what their gates are made of: i~, f~, z~, o~, or q, k, v, o~, (i~, f~).
template <class Scalar>
rp::SLSTMCell<Scalar> transparent_slstm() {
  rp::SLSTMCell<Scalar> cell({4 * hidden, hidden});
  cell.W_xh.setIdentity();
  return cell;
}
template <class Scalar>
rp::MLSTMCell<Scalar> transparent_mlstm() {
  rp::MLSTMCell<Scalar> cell({4 * hidden + 2, hidden});
  cell.W_xh.setIdentity();
  cell.W_xh.middleRows(hidden, hidden) *= std::sqrt(Scalar(hidden));
  cell.W_if.rightCols(2).setIdentity();
  return cell;
}

template <class S>
rp::Matrix<S> slstm_without_stabiliser(const rp::Matrix<S>& x) {
  rp::Matrix<S> y(hidden, x.cols());
  rp::Vector<S> c = rp::Vector<S>::Zero(hidden), n = c;
  for (rp::Index t = 0; t < x.cols(); ++t)
    for (rp::Index u = 0; u < hidden; ++u) {
      const auto a = [&](rp::Index gate) { return x(gate * hidden + u, t); };
      const S i = exp(a(0)), f = rp::sigmoid(a(1));
      c(u) = f * c(u) + i * tanh(a(2));
      n(u) = f * n(u) + i;
      y(u, t) = rp::sigmoid(a(3)) * c(u) / n(u);
    }
  return y;
}

template <class S>
rp::Matrix<S> mlstm_without_stabiliser(const rp::Matrix<S>& x) {
  rp::Matrix<S> y(hidden, x.cols()), C = rp::Matrix<S>::Zero(hidden, hidden);
  rp::Vector<S> n = rp::Vector<S>::Zero(hidden);
  for (rp::Index t = 0; t < x.cols(); ++t) {
    const auto a = [&](rp::Index gate) { return x.col(t).segment(gate * hidden, hidden); };
    const rp::Vector<S> q = a(0), k = a(1), v = a(2);
    const S i = exp(x(4 * hidden, t)), f = rp::sigmoid(x(4 * hidden + 1, t));
    C = f * C + i * v * k.transpose();
    n = f * n + i * k;
    const rp::Vector<S> r = C * q / std::max(abs(n.dot(q)), S(1));
    for (rp::Index u = 0; u < hidden; ++u) y(u, t) = rp::sigmoid(a(3)(u)) * r(u);
  }
  return y;
}

// d(sum of y)/dx, exactly.
MatrixXd gradient_of_sum(const auto& equations, const MatrixXd& x) {
  rp::Matrix<rp::Dual> dual = x.cast<rp::Dual>();
  MatrixXd dx(x.rows(), x.cols());
  for (rp::Index k = 0; k < x.size(); ++k) {
    dual(k).derivative = 1;
    dx(k) = equations(dual).sum().derivative;
    dual(k).derivative = 0;
  }
  return dx;
}

// Binary fractions: a float sums them exactly, and what is compared is the cell.
double eighths(rp::Rng& rng, std::uint32_t below) { return rng.below(8 * below) / 8.0; }

// `inputs` rows of numbers in [0, 4), and in rows `from_i` and `from_f` the gates: -100, 0 or 100, mostly -4 .. 4.
MatrixXd extremes(rp::Index inputs, rp::Index from_i, rp::Index from_f, rp::Index gates, rp::Index steps) {
  rp::Rng rng{7};
  MatrixXd x(inputs, steps);
  for (rp::Index t = 0; t < steps; ++t) {
    for (rp::Index row = 0; row < inputs; ++row) x(row, t) = eighths(rng, 4);
    for (rp::Index u = 0; u < gates; ++u) {
      x(from_i + u, t) = 100.0 * rng.below(3) - 100;
      x(from_f + u, t) = rng.below(8) == 0 ? 200.0 * rng.below(2) - 100 : eighths(rng, 8) - 4;
    }
  }
  return x;
}

template <class Cell>
struct Result {
  MatrixXd y, dx;
  typename Cell::template State<> final_state, dstate;
  Cell gradient;
};

// From `state`, with the loss sum_t <dy_t, h_t>.
template <class Cell>
Result<Cell> run(const Cell& cell, const MatrixXd& x, typename Cell::template State<> state, const MatrixXd& dy) {
  using Scalar = typename Cell::Scalar;
  const rp::Recurrent<Cell> layer(cell);
  const rp::Layout layout({x.cols()});
  const rp::Pass pass{layout, true};
  typename rp::Recurrent<Cell>::Trace trace;
  rp::Recurrent<Cell> gradient(rp::zeros_like(cell));
  auto dstate = layer.template initial_state<rp::Dynamic>(1);
  const rp::Matrix<Scalar> x_ = x.cast<Scalar>(), dy_ = dy.cast<Scalar>();
  rp::Matrix<Scalar> dx;
  layer.forward(x_, pass, state, trace);
  layer.backward(x_, dy_, pass, trace, dstate, gradient, &dx);
  return {trace.y.template cast<double>(), dx.template cast<double>(), state, dstate, gradient.cell};
}

template <class Cell>
Result<Cell> run(const Cell& cell, const MatrixXd& x) {
  return run(cell, x, rp::Recurrent<Cell>(cell).template initial_state<rp::Dynamic>(1),
             MatrixXd::Ones(hidden, x.cols()));
}

double difference(const MatrixXd& a, const MatrixXd& b) { return (a - b).cwiseAbs().maxCoeff(); }

// The largest difference between gradients, relative to the largest entry of each parameter.
template <class Cell, class Other>
double gradient_difference(const Cell& a, const Other& b) {
  double most = 0;
  rp::for_each_parameter(
      [&](const auto& p, const auto& q) {
        if (q.size() == 0) return;
        const MatrixXd p_ = p.template cast<double>(), q_ = q.template cast<double>();
        const double here = difference(p_, q_) / std::max(q_.cwiseAbs().maxCoeff(), 1e-30);
        most = here <= most ? most : here;  // nan stays
      },
      a, b);
  return most;
}

}  // namespace

TEST_CASE("sLSTM in float is its unstabilised equations where exp overflows") {
  const MatrixXd x = extremes(4 * hidden, 0, hidden, hidden, 400), expected = slstm_without_stabiliser(x);
  const auto as_float = run(transparent_slstm<float>(), x);
  const auto as_double = run(transparent_slstm<double>(), x);
  CHECK(difference(as_float.y, expected) < 1e-6);
  CHECK(difference(as_double.y, expected) < 1e-14);
  CHECK(gradient_difference(as_float.gradient, as_double.gradient) < 1e-5);

  const MatrixXd few = x.leftCols(12);
  const auto equations = [](const auto& v) { return slstm_without_stabiliser(v); };
  CHECK(difference(run(transparent_slstm<double>(), few).dx, gradient_of_sum(equations, few)) < 1e-14);
}

TEST_CASE("sLSTM keeps its memory while the input gate is shut for long") {
  // e^100 2^-t, the memory of step 0, meets e^-100 of the steps after it at t = 288.
  MatrixXd x = MatrixXd::Zero(4 * hidden, 400);
  x.topRows(hidden).setConstant(-100);
  x.topLeftCorner(hidden, 1).setConstant(100);
  x.middleRows(2 * hidden, hidden).setConstant(-1);
  x.col(0).segment(2 * hidden, hidden).setConstant(2);
  const MatrixXd expected = slstm_without_stabiliser(x);
  REQUIRE(expected(0, 280) > 0.4);
  REQUIRE(expected(0, 300) < -0.3);
  const auto as_float = run(transparent_slstm<float>(), x);
  CHECK(difference(as_float.y, expected) < 1e-5);
  CHECK(as_float.final_state.n.minCoeff() >= 0.25f);
  CHECK(gradient_difference(as_float.gradient, run(transparent_slstm<double>(), x).gradient) < 1e-4);
}

TEST_CASE("sLSTM begins with what is smallest, too: a fresh state counts for nothing") {
  MatrixXd x = MatrixXd::Zero(4 * hidden, 1);
  x.topRows(hidden).setConstant(-1000);
  x.middleRows(2 * hidden, hidden).setConstant(2);
  const auto first = run(transparent_slstm<float>(), x);
  CHECK(difference(first.y, MatrixXd::Constant(hidden, 1, std::tanh(2.0) / 2)) < 1e-7);
  CHECK(rp::flatten(first.gradient).allFinite());
  CHECK(rp::flatten(first.gradient).norm() > 0.1f);
}

TEST_CASE("mLSTM in float is its unstabilised equations where exp overflows") {
  const MatrixXd x = extremes(4 * hidden + 2, 4 * hidden, 4 * hidden + 1, 1, 400);
  const MatrixXd expected = mlstm_without_stabiliser(x);
  const auto as_float = run(transparent_mlstm<float>(), x);
  const auto as_double = run(transparent_mlstm<double>(), x);
  CHECK(difference(as_float.y, expected) < 1e-5);
  CHECK(difference(as_double.y, expected) < 1e-13);
  CHECK(gradient_difference(as_float.gradient, as_double.gradient) < 1e-4);

  const MatrixXd few = x.leftCols(12);
  const auto equations = [](const auto& v) { return mlstm_without_stabiliser(v); };
  CHECK(difference(run(transparent_mlstm<double>(), few).dx, gradient_of_sum(equations, few)) < 1e-13);
}

TEST_CASE("mLSTM stays finite where nothing worth keeping ever came") {
  MatrixXd x = extremes(4 * hidden + 2, 4 * hidden, 4 * hidden + 1, 1, 100);
  x.row(4 * hidden).setConstant(-100);
  x.row(4 * hidden + 1).setConstant(-4);  // m_t sinks to -100, where exp(-m_t) is no float
  const auto as_float = run(transparent_mlstm<float>(), x);
  CHECK(as_float.final_state.m(0) == -100);
  CHECK(difference(as_float.y, mlstm_without_stabiliser(x)) < 1e-30);
  CHECK(rp::flatten(as_float.gradient).allFinite());
  rp::for_each_parameter([](const auto& part) { CHECK(part.allFinite()); }, as_float.dstate);
}

TEST_CASE("mLSTM answers a query with the value whose key it is") {
  MatrixXd x = MatrixXd::Zero(4 * hidden + 2, 3);
  x.row(4 * hidden + 1).setConstant(50);               // forgets nothing
  x.middleRows(3 * hidden, hidden).setConstant(50);    // o = 1
  x.row(4 * hidden) << 2, 3, -100;                     // stores twice, then asks
  x.col(0).segment(hidden, hidden) << 1, 0, 0;         // a key
  x.col(0).segment(2 * hidden, hidden) << 1, -2, 3;    // its value
  x.col(1).segment(hidden, hidden) << 0, 1, 0;         // another key
  x.col(1).segment(2 * hidden, hidden) << -4, 5, 0.5;  // its value
  x.col(2).head(hidden) << 2, 0, 0;                    // asks for the first
  const auto y = run(transparent_mlstm<double>(), x).y;
  CHECK(difference(y.col(2), x.col(0).segment(2 * hidden, hidden)) < 1e-14);
}

namespace {

// A state that says the same with another m.
template <class State>
State rescaled(State state, double by) {
  rp::for_each_parameter(
      [by](const std::string& name, auto& part) {
        if (name == "m")
          part.array() += by;
        else if (name != "h")
          part *= std::exp(-by);
      },
      state);
  return state;
}

// What of dL/dm is left, where L is a loss of the h alone: the memory and exp(m) count only as a product.
template <class State>
MatrixXd memory_gradient(const State& state, const State& d) {
  if constexpr (requires { state.C; })
    return d.m - (state.C.cwiseProduct(d.C).colwise().sum() + state.n.cwiseProduct(d.n).colwise().sum());
  else
    return d.m - state.c.cwiseProduct(d.c) - state.n.cwiseProduct(d.n);
}

template <class Cell>
void check_m_is_not_felt() {
  rp::Rng rng{5};
  const Cell cell({4, hidden}, rng);
  const MatrixXd x = MatrixXd::Random(4, 6), dy = MatrixXd::Random(hidden, 6);
  auto state = rp::Recurrent<Cell>(cell).template initial_state<rp::Dynamic>(1);
  rp::for_each_parameter([&](auto& part) { part = MatrixXd::Random(part.rows(), 1); }, state);
  state.n.array() += 2;
  const auto one = run(cell, x, state, dy);
  for (const double by : {-3.0, 0.7, 40.0}) {
    const auto other = run(cell, x, rescaled(state, by), dy);
    CHECK(difference(one.y, other.y) < 1e-13);
    CHECK(gradient_difference(other.gradient, one.gradient) < 1e-12);
  }
  CHECK(one.dstate.m.cwiseAbs().minCoeff() > 1e-6);
  CHECK(memory_gradient(state, one.dstate).norm() < 1e-13);
}

}  // namespace

TEST_CASE("h does not feel m") {
  check_m_is_not_felt<rp::SLSTMCell<double>>();
  check_m_is_not_felt<rp::MLSTMCell<double>>();
}

TEST_CASE("a new cell remembers: its forget gate is open") {
  rp::Rng rng{1};
  const rp::SLSTMCell<double> slstm({2, hidden}, rng);
  CHECK(slstm.b_h.segment(hidden, hidden) == VectorXd::Ones(hidden));
  CHECK(slstm.b_h.sum() == hidden);
  const rp::MLSTMCell<double> mlstm({2, hidden}, rng);
  CHECK(mlstm.b_if == Eigen::Vector2d(0, 3));
  CHECK(mlstm.b_h.isZero());
  CHECK(mlstm.W_if.isZero());
  CHECK(mlstm.W_xh.cwiseAbs().minCoeff() > 0);
}

TEST_CASE("mLSTM: a query at a right angle to all keys finds nothing, however large the input gate") {
  for (const float gate : {1.0f, 100.0f, 110.0f, 1000.0f}) {
    rp::Recurrent<rp::MLSTMCell<float>> layer({1, 2});
    layer.cell.b_h << 1, 0, 0, 1, 1, 1, 0, 0;  // q = (1, 0), k = (0, 1), v = (1, 1)
    layer.cell.b_if << gate, 0;
    const Eigen::MatrixXf x = Eigen::MatrixXf::Ones(1, 2), dy = Eigen::MatrixXf::Ones(2, 2);
    const rp::Layout layout({2});
    auto state = layer.initial_state<rp::Dynamic>(1);
    rp::Recurrent<rp::MLSTMCell<float>>::Trace trace;
    layer.forward(x, rp::Pass{layout, true}, state, trace);
    CHECK(trace.y.isZero(0));
    auto gradient = rp::zeros_like(layer);
    auto ds = state;
    rp::set_zero(ds);
    layer.backward(x, dy, rp::Pass{layout, true}, trace, ds, gradient, nullptr);
    CHECK_NOTHROW(rp::require_finite(gradient, ""));
  }
}
