#include <reprise/cells/gru.hpp>
#include <reprise/cells/lstm.hpp>
#include <reprise/cells/rnn.hpp>
#include <reprise/layers/recurrent.hpp>

#include "catch.hpp"

namespace rp = reprise;
using Eigen::MatrixXd;

TEST_CASE("RNNCell without bias is h_t = tanh(W_hh h_{t-1} + W_xh x_t), to the letter") {
  using Cell = rp::RNNCell<double, rp::Dynamic, rp::Dynamic, rp::Bias::absent>;
  rp::Rng rng{1};
  const rp::Recurrent<Cell> layer{{2, 3}, rng};
  const MatrixXd x = MatrixXd::Random(2, 6);
  auto state = layer.initial_state<rp::Dynamic>(1);
  rp::Recurrent<Cell>::Trace trace;
  layer.forward(x, rp::Pass{rp::Layout({6})}, state, trace);

  Eigen::VectorXd h = Eigen::VectorXd::Zero(3);
  for (int t = 0; t < 6; ++t) {
    h = (layer.cell.W_hh * h + layer.cell.W_xh * x.col(t)).array().tanh();
    CHECK((trace.y.col(t) - h).norm() < 1e-15);
  }
  CHECK((state.h - h).norm() < 1e-15);
}

TEST_CASE("the LSTM and the GRU are their equations, one number at a time") {
  rp::Rng rng{2};
  const auto sigmoid = [](double v) { return 1 / (1 + std::exp(-v)); };
  rp::LSTMCell<double> lstm{{1, 1}, rng};
  lstm.b_h << 0.1, 0.2, 0.3, 0.4;
  double h = 0.5, c = -0.4;
  const double x = 0.7;
  const auto a = [&](int k) { return lstm.W_xh(k) * x + lstm.W_hh(k) * h + lstm.b_h(k); };
  const double c_new = sigmoid(a(1)) * c + sigmoid(a(0)) * std::tanh(a(2));
  rp::LSTMCell<double>::State<rp::Owned<1>> state{rp::Vector<double>::Constant(1, h),
                                                  rp::Vector<double>::Constant(1, c)};
  const double h_new = sigmoid(a(3)) * std::tanh(c_new);
  rp::Recurrent<rp::LSTMCell<double>>::StepTrace<1, rp::AsTheyAre> trace;
  rp::Recurrent<rp::LSTMCell<double>>(lstm).step(rp::Vector<double>::Constant(1, x).eval(), state, trace);
  CHECK(state.c(0) == Approx(c_new).epsilon(1e-15));
  CHECK(state.h(0) == Approx(h_new).epsilon(1e-15));

  rp::GRUCell<double> gru{{1, 1}, rng};
  gru.b_h << 0.1, 0.2, 0.3;
  gru.b_hn << -0.6;
  const double r = sigmoid(gru.W_xh(0) * x + gru.W_hh(0) * h + gru.b_h(0));
  const double z = sigmoid(gru.W_xh(1) * x + gru.W_hh(1) * h + gru.b_h(1));
  const double n = std::tanh(gru.W_xh(2) * x + gru.b_h(2) + r * (gru.W_hh(2) * h + gru.b_hn(0)));
  rp::GRUCell<double>::State<rp::Owned<1>> gru_state{rp::Vector<double>::Constant(1, h)};
  rp::Recurrent<rp::GRUCell<double>>::StepTrace<1, rp::AsTheyAre> gru_trace;
  rp::Recurrent<rp::GRUCell<double>>(gru).step(rp::Vector<double>::Constant(1, x).eval(), gru_state, gru_trace);
  CHECK(gru_state.h(0) == Approx((1 - z) * n + z * h).epsilon(1e-15));
}

namespace {

struct Result {
  MatrixXd y, dx;
  rp::LSTMCell<double> gradient;
};

Result run(const rp::LSTMCell<double>& cell, const rp::Layout& layout, const MatrixXd& x, const MatrixXd& dy) {
  const rp::Recurrent<rp::LSTMCell<double>> layer(cell);
  rp::Recurrent<rp::LSTMCell<double>> gradient(rp::zeros_like(cell));
  auto state = layer.initial_state<rp::Dynamic>(layout.batch());
  auto dstate = state;
  rp::Recurrent<rp::LSTMCell<double>>::Trace trace;
  const rp::Pass pass{layout, true};
  MatrixXd dx;
  layer.forward(x, pass, state, trace);
  layer.backward(x, dy, pass, trace, dstate, gradient, &dx);
  return {trace.y, dx, gradient.cell};
}

}  // namespace

TEST_CASE("runs of steps: many in a sequence give what one gives") {
  // 64 units: forward, a run holds 2^19 / (8 * 5 * 64) = 204 columns, backward 1024. The 1200 columns of 8 records of 150
  // steps take several; each record alone takes one.
  rp::Rng rng{3};
  const rp::LSTMCell<double> cell{{3, 64}, rng};
  const rp::Layout layout(std::vector<rp::Index>(8, 150));
  const MatrixXd x = MatrixXd::Random(3, layout.columns()), dy = MatrixXd::Random(64, layout.columns());
  const auto whole = run(cell, layout, x, dy);
  auto sum = rp::zeros_like(cell);
  for (rp::Index r = 0; r < 8; ++r) {
    MatrixXd x_r(3, 150), dy_r(64, 150);
    for (rp::Index t = 0; t < 150; ++t) {
      x_r.col(t) = x.col(8 * t + r);
      dy_r.col(t) = dy.col(8 * t + r);
    }
    const auto alone = run(cell, rp::Layout({150}), x_r, dy_r);
    for (rp::Index t = 0; t < 150; ++t) {
      CHECK((alone.y.col(t) - whole.y.col(8 * t + r)).norm() < 1e-12);
      CHECK((alone.dx.col(t) - whole.dx.col(8 * t + r)).norm() < 1e-12);
    }
    rp::add(sum, alone.gradient);
  }
  CHECK((rp::flatten(sum) - rp::flatten(whole.gradient)).norm() < 1e-11 * rp::flatten(sum).norm());
}

TEST_CASE("a trace can be reused for a shorter sequence, and inference gives what training gives") {
  rp::Rng rng{4};
  const rp::Recurrent<rp::GRUCell<double>> layer{{3, 70}, rng};
  const MatrixXd x = MatrixXd::Random(3, 1200);
  rp::Recurrent<rp::GRUCell<double>>::Trace used, fresh, training;
  auto s1 = layer.initial_state<rp::Dynamic>(3), s2 = layer.initial_state<rp::Dynamic>(2), s3 = s2, s4 = s2;
  layer.forward(x, rp::Pass{rp::Layout({400, 400, 400})}, s1, used);
  const rp::Layout layout({250, 300});
  layer.forward(x, rp::Pass{layout}, s2, used);
  layer.forward(x, rp::Pass{layout}, s3, fresh);
  layer.forward(x, rp::Pass{layout, true}, s4, training);
  CHECK(used.y.leftCols(550) == fresh.y.leftCols(550));
  CHECK((training.y.leftCols(550) - fresh.y.leftCols(550)).norm() < 1e-12);
  CHECK(s2.h == s3.h);
  CHECK((s4.h - s3.h).norm() < 1e-13);
  CHECK(fresh.steps.a.cols() < 550);  // inference keeps one run of the trace, not the sequence
}
