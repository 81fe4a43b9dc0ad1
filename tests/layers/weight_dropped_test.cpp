#include <reprise/layers/weight_dropped.hpp>

#include <reprise/cells/gru.hpp>
#include <reprise/cells/lstm.hpp>
#include <reprise/cells/zoneout.hpp>
#include <reprise/check/check_layer.hpp>
#include <reprise/losses/squared_error.hpp>
#include <reprise/train/loss_and_gradient.hpp>

#include "catch.hpp"

namespace rp = reprise;
using Eigen::MatrixXd;
using LSTM = rp::LSTMCell<double>;
using Dropped = rp::SequenceModel<rp::WeightDropped<LSTM>>;
using Plain = rp::SequenceModel<LSTM>;

static_assert(rp::Layer<rp::WeightDropped<rp::GRUCell<float, 2, 3>>>);

TEST_CASE("gradients with and without masks, ragged records and streams, of an LSTM and a cell with masks of its own") {
  rp::Rng rng{1};
  CHECK(rp::check_layer(rp::WeightDropped<LSTM>{{3, 5}, rng, 0.4}).lines.size() > 30);
  rp::check_layer(rp::WeightDropped<rp::Zoneout<rp::GRUCell<double>>>{{3, 4}, rng, 0.2});
}

TEST_CASE("a training pass is one of the plain layer with a masked W_hh, and dW_hh is masked alike") {
  rp::Rng rng{2};
  Dropped model{{.inputs = 2, .hidden = 30, .outputs = 1}, rng};
  model.rate = 0.3;
  Plain masked;
  rp::copy_parameters(model, masked);
  MatrixXd mask(120, 30);
  rp::Rng masks{5}, same{5};
  rp::draw_dropout(mask, 0.3, same);
  masked.cell.W_hh.array() *= mask.array();
  CHECK(double((mask.array() == 0).count()) / 3600 == Approx(0.3).margin(0.03));
  CHECK(mask.mean() == Approx(1).margin(0.03));

  const rp::Sequence<double> x{MatrixXd(MatrixXd::Random(2, 7)), MatrixXd(MatrixXd::Random(2, 4))};
  const rp::Sequence<double> target(x.layout(), 1);
  const auto expected = rp::loss_and_gradient(masked, x, target, rp::SquaredError{});
  rp::Workspace<Dropped> w(model);
  CHECK(rp::loss_and_gradient(model, x, target, rp::SquaredError{}, w, {.rng = &masks}) == expected.loss);
  CHECK(masks() == same());  // one mask, and nothing else
  CHECK(w.gradient.cell.W_hh == expected.gradient.cell.W_hh.cwiseProduct(mask));
  CHECK(w.gradient.cell.W_xh == expected.gradient.cell.W_xh);
  CHECK(w.gradient.cell.b_h == expected.gradient.cell.b_h);
  CHECK(w.gradient.W_hy == expected.gradient.W_hy);
}

TEST_CASE("without training, or at rate 0, it is the plain layer; the weights stay as they are") {
  rp::Rng rng{3};
  const Dropped model{{.inputs = 2, .hidden = 5, .outputs = 2}, rng};
  Plain plain;
  rp::copy_parameters(model, plain);
  const rp::Sequence<double> x{MatrixXd(MatrixXd::Random(2, 7))};
  CHECK(model.forward(x).values() == plain.forward(x).values());
  auto state = model.initial_state(), same = plain.initial_state();
  CHECK(model.step(x.values().col(0), state) == plain.step(x.values().col(0), same));
  auto never = model;
  never.rate = 0;
  const auto [loss, gradient] = rp::loss_and_gradient(never, x, x, rp::SquaredError{});
  CHECK(rp::flatten(gradient) == rp::flatten(rp::loss_and_gradient(plain, x, x, rp::SquaredError{}).gradient));
}

TEST_CASE("each pass has another mask; no Rng, no training; a rate is a probability") {
  rp::Rng rng{4};
  Dropped model{{.inputs = 2, .hidden = 5, .outputs = 2}, rng};
  const rp::Sequence<double> x{MatrixXd(MatrixXd::Random(2, 7))};
  rp::Workspace<Dropped> w(model);
  rp::Rng masks{1}, same{1};
  const auto pass = [&](rp::Rng& from) {
    return rp::loss_and_gradient(model, x, x, rp::SquaredError{}, w, {.rng = &from});
  };
  const double first = pass(masks);
  CHECK(first != pass(masks));
  CHECK(first == pass(same));
  CHECK_THROWS_AS(rp::loss_and_gradient(model, x, x, rp::SquaredError{}), rp::value_error);
  CHECK_THROWS_WITH(rp::WeightDropped<LSTM>({2, 3}, 1.5), "WeightDropped: rate = 1.5, a probability in [0, 1)");
  model.rate = -1;
  CHECK_THROWS_AS(pass(masks), rp::value_error);
}
