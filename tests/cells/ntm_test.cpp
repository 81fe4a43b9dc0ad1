// The neural Turing machine, given its gates one by one: what it writes, keeps, erases and finds again.
#include <reprise/cells/ntm.hpp>
#include <reprise/cells/recurrent_dropout.hpp>
#include <reprise/layers/recurrent.hpp>

#include "catch.hpp"

namespace rp = reprise;
using Eigen::MatrixXd;
using Eigen::VectorXd;
using rp::Index;

namespace {

constexpr Index hidden = 6, width = 3, units = 3, slots = 4, rows = units + 4 * width + 3 + slots;

// What a step is told, on an a_t of zeros but for the gates: nothing is erased nor written.
struct Step {
  VectorXd a = VectorXd::Zero(rows);

  Step() {
    a.segment(units + 2 * width, width).setConstant(-1000);
    number(2) = -1000;
  }
  auto key(Index which) { return a.segment(units + which * width, width); }
  double& number(Index which) { return a(units + 4 * width + which); }

  Step& write(Index slot, const Eigen::Vector3d& value) {
    key(3) = value;
    number(2) = 1000;
    a.tail(slots).setConstant(-1000);
    a.tail(slots)(slot) = 1000;
    return *this;
  }
  Step& erase(Index which, bool all) {
    key(2)(which) = all ? 1000 : -1000;
    return *this;
  }
  Step& read(const Eigen::Vector3d& like, double sharpness = 1000) {
    key(0) = like;
    number(0) = sharpness;
    return *this;
  }
};

// A cell whose x_t is a_t.
template <class Scalar>
rp::Recurrent<rp::NTMCell<Scalar>> transparent() {
  rp::Recurrent<rp::NTMCell<Scalar>> layer({rows, hidden, slots});
  layer.cell.W_xh.setIdentity();
  return layer;
}

template <class Scalar>
struct Result {
  MatrixXd r, M;  // (width, steps), (width, slots)
  rp::NTMCell<Scalar> gradient;
  MatrixXd dx;
  typename rp::NTMCell<Scalar>::template State<> dstate;
};

// From a fresh state, with the loss sum_t <1, h_t>.
template <class Scalar>
Result<Scalar> run(const rp::Recurrent<rp::NTMCell<Scalar>>& layer, const rp::Matrix<Scalar>& x) {
  const rp::Layout layout({x.cols()});
  const rp::Pass pass{layout, true};
  typename rp::Recurrent<rp::NTMCell<Scalar>>::Trace trace;
  auto state = layer.template initial_state<rp::Dynamic>(1);
  auto dstate = state;
  layer.forward(x, pass, state, trace);
  auto gradient = rp::zeros_like(layer);
  const rp::Matrix<Scalar> dy = rp::Matrix<Scalar>::Ones(layer.outputs(), x.cols());
  rp::Matrix<Scalar> dx;
  layer.backward(x, dy, pass, trace, dstate, gradient, &dx);
  return {trace.y.bottomRows(layer.cell.width()).template cast<double>(),
          state.M.reshaped(layer.cell.width(), layer.cell.slots()).template cast<double>(), gradient.cell,
          dx.template cast<double>(), dstate};
}

template <class Scalar = double>
Result<Scalar> run(const std::vector<Step>& steps) {
  rp::Matrix<Scalar> x(rows, static_cast<Index>(steps.size()));
  for (std::size_t t = 0; t < steps.size(); ++t) x.col(static_cast<Index>(t)) = steps[t].a.cast<Scalar>();
  return run(transparent<Scalar>(), x);
}

double difference(const MatrixXd& a, const MatrixXd& b) { return (a - b).cwiseAbs().maxCoeff(); }

const double one = std::tanh(1.0);

}  // namespace

TEST_CASE("NTM finds what was written by what it is like, from the step after on") {
  const auto all =
      run({Step().write(2, {1, 1, 0}), Step().write(0, {-1, 0, 1}), Step().write(3, {0, -1, -1}).read({1, 1, 0}),
           Step().read({0, 0, 5}), Step().read({0, -1, -1}), Step().read({3, 1, 0})});
  MatrixXd M(width, slots);
  M << -one, 0, one, 0,  //
      0, 0, one, -one,   //
      one, 0, 0, -one;
  CHECK(difference(all.M, M) < 1e-14);
  CHECK(all.r.col(0).isZero(0));  // a step reads before it writes
  CHECK(difference(all.r.col(2), M.col(2)) < 1e-14);
  CHECK(difference(all.r.col(3), M.col(0)) < 1e-14);
  CHECK(difference(all.r.col(4), M.col(3)) < 1e-14);
  CHECK(difference(all.r.col(5), M.col(2)) < 1e-14);
}

TEST_CASE("NTM writes over what it erases, adds to what it does not, and by content finds where") {
  const auto added = run({Step().write(1, {1, 1, 1}), Step().write(1, {1, 0, -1}), Step()});
  CHECK(difference(added.M.col(1), Eigen::Vector3d(2 * one, one, 0)) < 1e-14);
  const auto erased = run({Step().write(1, {1, 1, 1}), Step().write(1, {1, 0, -1}).erase(0, true).erase(1, true)});
  CHECK(difference(erased.M.col(1), Eigen::Vector3d(one, 0, 0)) < 1e-14);

  Step again = Step().write(0, {0, 0, 1});
  again.a.tail(slots).setZero();  // wherever there is something like (0, 1, 0)
  again.key(1) << 0, 1, 0;
  again.number(1) = 1000;
  const auto found = run({Step().write(3, {0, 1, 0}), Step().write(1, {1, 0, 0}), again});
  CHECK(difference(found.M.col(3), Eigen::Vector3d(0, one, one)) < 1e-14);
  CHECK(difference(found.M.col(1), Eigen::Vector3d(one, 0, 0)) < 1e-14);
}

TEST_CASE("NTM reads the mean of its slots where it is not sharp, by a softmax where it is a little") {
  const std::vector<Step> memory{Step().write(0, {1, 0, 0}), Step().write(2, {0, 1, 0})};
  auto steps = memory;
  steps.push_back(Step().read({1, 0, 0}, -1000));
  CHECK(difference(run(steps).r.col(2), Eigen::Vector3d(one, one, 0) / 4) < 1e-14);
  steps.back() = Step().read({1, 0, 0}, std::log(std::exp(2.0) - 1));  // softplus is 2
  const double like = std::exp(2 * one / std::sqrt((1 + 0.01) * (one * one + 0.01))) / 1,
               all = like + 3;  // of four slots
  CHECK(difference(run(steps).r.col(2), Eigen::Vector3d(like * one, one, 0) / all) < 1e-14);
}

TEST_CASE("without a place to write to, the slots of an empty memory stay alike for ever") {
  rp::Rng rng{1};
  rp::Recurrent<rp::NTMCell<double>> layer({3, hidden, slots}, rng);
  rp::Matrix<double> x(3, 20);
  rp::normal(x, 1, rng);
  const auto apart = [](const MatrixXd& M) { return (M.colwise() - M.col(0)).norm(); };
  CHECK(apart(run(layer, x).M) > 0.1);
  layer.cell.W_xh.bottomRows(slots).setZero();
  layer.cell.W_hh.bottomRows(slots).setZero();
  const auto alike = run(layer, x);
  CHECK(apart(alike.M) < 1e-12);
  CHECK(alike.M.norm() > 0.1);
}

TEST_CASE("NTM in float is finite however large its a_t, and near double") {
  rp::Rng rng{2};
  for (const double scale : {1.0, 100.0, 1e4}) {
    std::vector<Step> steps(12);
    for (Step& step : steps)
      for (Index i = 0; i < rows; ++i) step.a(i) = static_cast<float>(scale * rng.uniform(-1, 1));
    const auto as_float = run<float>(steps);
    const auto as_double = run<double>(steps);
    CHECK(difference(as_float.r, as_double.r) < 1e-4);
    CHECK(difference(as_float.M, as_double.M) < 1e-4);
    CHECK(as_float.dx.allFinite());
    CHECK(difference(as_float.dx, as_double.dx) < 1e-3);
    CHECK(as_float.dstate.M.allFinite());
  }
}

TEST_CASE("NTM is of the sizes it is told") {
  const rp::NTMCell<float> cell({2, 7, 5});
  CHECK(cell.width() == 3);
  CHECK(cell.units() == 4);
  CHECK(cell.slots() == 5);
  CHECK(cell.W_hh.rows() == 4 + 4 * 3 + 3 + 5);
  CHECK(cell.state_rows() == std::array<Index, 2>{7, 15});
  CHECK(rp::NTMCell<float>({2, 7}).slots() == 7);
  CHECK(rp::NTMCell<float>().slots() == 0);

  using Fixed = rp::NTMCell<float, 2, 7, rp::Bias::present, 5>;
  CHECK(Fixed().slots() == 5);
  CHECK(decltype(Fixed::W_hh)::RowsAtCompileTime == 24);
  CHECK(decltype(Fixed::State<>::M)::RowsAtCompileTime == 15);
  CHECK_THROWS_AS(Fixed({2, 7, 4}), rp::shape_error);
  CHECK_THROWS_AS(Fixed({2, 6, 5}), rp::shape_error);
  CHECK_THROWS_AS((rp::NTMCell<float>({2, 7, -1})), rp::shape_error);
  CHECK_THROWS_AS((rp::NTMCell<float>({2, -7, 5})), rp::shape_error);
}

TEST_CASE("a new NTM addresses sharply, with weights in every block") {
  rp::Rng rng{3};
  const rp::NTMCell<double> cell({2, hidden, slots}, rng);
  VectorXd b = VectorXd::Zero(rows);
  b.segment(units + 4 * width, 2).setConstant(3);
  CHECK(cell.b_h == b);
  CHECK(cell.W_xh.cwiseAbs().minCoeff() > 0);
  CHECK(cell.W_hh.cwiseAbs().minCoeff() > 0);
  CHECK(difference(cell.W_hh.topRows(units) * cell.W_hh.topRows(units).transpose(), MatrixXd::Identity(units, units)) <
        1e-14);
  CHECK(cell.W_hh.middleRows(units, width).cwiseAbs().maxCoeff() <= std::sqrt(6.0 / (width + hidden)));
}

TEST_CASE("NTM without slots is the RNN of its controller, and its step is that of a gated cell") {
  rp::Rng rng{4};
  rp::Recurrent<rp::NTMCell<double>> layer({2, 4, 1}, rng);
  layer.cell.W_xh.conservativeResize(layer.cell.W_xh.rows() - 1, 2);
  layer.cell.W_hh.conservativeResize(layer.cell.W_hh.rows() - 1, 4);
  layer.cell.b_h.conservativeResize(layer.cell.b_h.size() - 1);
  REQUIRE(layer.cell.slots() == 0);
  const rp::Matrix<double> x = MatrixXd::Random(2, 3);
  const auto result = run(layer, x);
  CHECK(result.r.isZero());
  CHECK(result.dx.allFinite());
  CHECK(rp::steps_by_hooks<rp::NTMCell<double>>);
}
