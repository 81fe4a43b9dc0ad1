#include <reprise/cells/clockwork.hpp>
#include <reprise/layers/recurrent.hpp>

#include "catch.hpp"

namespace rp = reprise;
using Eigen::MatrixXd;

namespace {

using Cell = rp::ClockworkCell<double>;
using Layer = rp::Recurrent<Cell>;

// Unit `u` of `hidden` is in the last of 4 groups that begins at or before it.
int group(rp::Index u, rp::Index hidden) {
  int g = 3;
  while (g * hidden / 4 > u) --g;
  return g;
}

// The paper's equation, unit by unit, of a record whose first step is number `first`.
MatrixXd by_hand(const Cell& cell, const MatrixXd& x, Eigen::VectorXd h, int first) {
  const rp::Index hidden = h.size();
  MatrixXd y(hidden, x.cols());
  for (rp::Index t = 0; t < x.cols(); ++t) {
    const Eigen::VectorXd before = h, input = cell.W_xh * x.col(t) + cell.b_h;
    for (rp::Index u = 0; u < hidden; ++u) {
      if ((first + t) % (1 << group(u, hidden)) != 0) continue;
      double a = input(u);
      for (rp::Index k = 0; k < hidden; ++k)
        if (group(k, hidden) >= group(u, hidden)) a += cell.W_hh(u, k) * before(k);
      h(u) = std::tanh(a);
    }
    y.col(t) = h;
  }
  return y;
}

}  // namespace

TEST_CASE("a clockwork RNN is its equation, whatever the clock of a record says when it begins") {
  for (const rp::Index hidden : {4, 5, 7, 8, 11}) {
    rp::Rng rng{static_cast<std::uint64_t>(hidden)};
    const Layer layer{{3, hidden}, rng};
    const MatrixXd x = MatrixXd::Random(3, 8 * 20);
    auto state = layer.initial_state<rp::Dynamic>(8);
    state.h.setRandom();
    for (int record = 0; record < 8; ++record) state.t(0, record) = record;
    const auto initial = state;
    Layer::Trace trace;
    layer.forward(x, rp::Pass{rp::Layout(std::vector<rp::Index>(8, 20))}, state, trace);
    for (int record = 0; record < 8; ++record) {
      MatrixXd x_record(3, 20), y(hidden, 20);
      for (rp::Index t = 0; t < 20; ++t) {
        x_record.col(t) = x.col(8 * t + record);
        y.col(t) = trace.y.col(8 * t + record);
      }
      CHECK((y - by_hand(layer.cell, x_record, initial.h.col(record), record)).norm() < 1e-13);
      CHECK(state.t(0, record) == (record + 20) % 8);
    }
  }
}

TEST_CASE("a clock between two numbers does what the one below it does") {
  rp::Rng rng{4};
  const Layer layer{{3, 8}, rng};
  const MatrixXd x = MatrixXd::Random(3, 20);
  const auto from = [&](double clock, rp::Index steps) {
    auto state = layer.initial_state<rp::Dynamic>(1);
    state.t(0, 0) = clock;
    Layer::Trace trace;
    layer.forward(x.leftCols(steps), rp::Pass{rp::Layout({steps})}, state, trace);
    return MatrixXd(trace.y.leftCols(steps));
  };
  CHECK(from(2.5, 20) == from(2, 20));
  CHECK(from(7.9, 20) == from(7, 20));
  CHECK(from(-0.3, 20) == from(-1, 20));
  CHECK(from(2, 20) != from(3, 20));
  CHECK(from(-1e-30, 1) == from(-1, 1));  // where t - floor(t) rounds to 1
}

TEST_CASE("a clockwork RNN neither reads nor trains what would go from a fast group to a slower one") {
  constexpr rp::Index hidden = 9;  // groups of 2, 2, 2 and 3
  rp::Rng rng{2};
  Layer layer{{3, hidden}, rng};
  const auto dead = [](rp::Index row, rp::Index column) { return group(column, hidden) < group(row, hidden); };
  for (rp::Index j = 0; j < hidden; ++j)
    for (rp::Index i = 0; i < hidden; ++i) {
      CHECK((layer.cell.W_hh(i, j) == 0) == dead(i, j));
      if (dead(i, j)) layer.cell.W_hh(i, j) = std::numeric_limits<double>::quiet_NaN();
    }

  const rp::Layout layout({9, 12});
  const rp::Pass pass{layout, true};
  auto state = layer.initial_state<rp::Dynamic>(2), dstate = state;
  Layer::Trace trace;
  Layer gradient(rp::zeros_like(layer.cell));
  const MatrixXd x = MatrixXd::Random(3, 21), dy = MatrixXd::Random(hidden, 21);
  MatrixXd dx;
  layer.forward(x, pass, state, trace);
  layer.backward(x, dy, pass, trace, dstate, gradient, &dx);
  CHECK(trace.y.allFinite());
  CHECK(dx.allFinite());
  CHECK(dstate.h.allFinite());
  for (rp::Index j = 0; j < hidden; ++j)
    for (rp::Index i = 0; i < hidden; ++i) CHECK((gradient.cell.W_hh(i, j) == 0) == dead(i, j));
}

TEST_CASE("a clockwork RNN of one group is the RNN, and of more groups than units none") {
  rp::Rng rng{3};
  const rp::ClockworkCell<double, rp::Dynamic, rp::Dynamic, rp::Bias::present, 1> one{{2, 3}, rng};
  const rp::Recurrent layer(one);
  auto state = layer.initial_state<1>(1);
  rp::Recurrent<std::remove_const_t<decltype(one)>>::StepTrace<1, rp::AsTheyAre> trace;
  Eigen::VectorXd h = Eigen::VectorXd::Zero(3);
  for (int t = 0; t < 5; ++t) {
    const Eigen::VectorXd x = Eigen::VectorXd::Random(2);
    h = (one.W_xh * x + one.W_hh * h + one.b_h).array().tanh();
    CHECK((layer.step(x, state, trace) - h).norm() < 1e-15);
  }
  CHECK_THROWS_AS(Cell(rp::Sizes{2, 3}), rp::shape_error);
  CHECK_THROWS_WITH(Cell(rp::Sizes{2, 3}), "hidden = 3: 4 groups take at least that many units");
  CHECK_NOTHROW(Cell());
}
