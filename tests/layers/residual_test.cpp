#include <reprise/layers/residual.hpp>

#include <reprise/cells/gru.hpp>
#include <reprise/cells/lstm.hpp>
#include <reprise/check/check_gradient.hpp>
#include <reprise/check/check_layer.hpp>
#include <reprise/layers/dense.hpp>
#include <reprise/layers/dropout.hpp>
#include <reprise/layers/stack.hpp>
#include <reprise/losses/squared_error.hpp>

#include "catch.hpp"

namespace rp = reprise;
using Eigen::MatrixXd;

static_assert(rp::Layer<rp::Residual<rp::GRUCell<float, 3, 3>>>);

TEST_CASE("a residual cell, layer and stack take every check of a layer") {
  rp::Rng rng{1};
  CHECK(rp::check_layer(rp::Residual<rp::LSTMCell<double>>{{4, 4}, rng}).lines.size() > 30);
  rp::check_layer(rp::Residual<rp::Dense<double>>{{4, 4}, rng});
  rp::check_layer(rp::Residual<rp::Stack<rp::GRUCell<double>, rp::Dropout<double>, rp::Dense<double>>>{{3, 3}, rng});
}

TEST_CASE("a deep stack of residual cells: the gradient") {
  using Model = rp::SequenceModel<rp::Stack<rp::Dense<double>, rp::Residual<rp::GRUCell<double>>,
                                            rp::Residual<rp::Residual<rp::LSTMCell<double>>>>>;
  rp::Rng rng{2};
  const Model model{{.inputs = 2, .hidden = 3, .outputs = 1}, rng};
  const rp::Sequence<double> x{MatrixXd(MatrixXd::Random(2, 4)), MatrixXd(2, 0), MatrixXd(MatrixXd::Random(2, 2))};
  rp::check_gradient(model, x, rp::Sequence<double>(x.layout(), 1), rp::SquaredError{});
}

TEST_CASE("the output is the sum, and the state that of the layer") {
  rp::Rng rng{3};
  const rp::Recurrent<rp::GRUCell<double>> plain{{3, 3}, rng};
  const rp::Residual<rp::GRUCell<double>> layer(plain);
  const MatrixXd x = MatrixXd::Random(3, 5);
  const rp::Layout layout({5});
  auto state = layer.initial_state<rp::Dynamic>(1), same = state;
  decltype(layer)::Trace trace;
  decltype(plain)::Trace inner;
  layer.forward(x, rp::Pass{layout}, state, trace);
  plain.forward(x, rp::Pass{layout}, same, inner);
  CHECK(layer.output(trace) == x + inner.y);
  CHECK(state.h == same.h);
}

TEST_CASE("no records, of no features: no loss, no gradient") {
  rp::Rng rng{4};
  const rp::SequenceModel<rp::Residual<rp::GRUCell<double>>> model{{.inputs = 3, .hidden = 3, .outputs = 2}, rng};
  const auto [loss, gradient] =
      rp::loss_and_gradient(model, rp::Sequence<double>(), rp::Sequence<double>(rp::Layout{}, 2), rp::SquaredError{});
  CHECK(loss == 0);
  CHECK(rp::flatten(gradient).isZero(0));
}

TEST_CASE("a layer of another number of outputs is refused") {
  using Layer = rp::Residual<rp::Dense<float>>;
  CHECK_THROWS_WITH(Layer(rp::Sizes{2, 3}), "Residual has 2 inputs, it has as many outputs and takes 3");
  CHECK(rp::Residual<rp::Dense<float>>().inputs() == 0);
}
