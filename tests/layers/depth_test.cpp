// The ways of Goodfellow et al., section 10.5, figure 10.13, to make a recurrent network deep: (a) a stack of states is in
// stack_test; (b) deep ways into the state, from state to state, and out of it; (c) skip connections past them.
#include <reprise/cells/deep_transition.hpp>
#include <reprise/cells/rnn.hpp>
#include <reprise/check/check_cell.hpp>
#include <reprise/layers/dense.hpp>
#include <reprise/layers/skip.hpp>
#include <reprise/layers/stack.hpp>

#include "catch.hpp"

namespace rp = reprise;
using Eigen::MatrixXd;
using Eigen::VectorXd;
using rp::Dynamic;

template <class S, rp::Shortcut shortcut>
using Deep = rp::DeepTransitionRNNCell<S, Dynamic, Dynamic, shortcut>;

static_assert(rp::Cell<Deep<float, rp::Shortcut::absent>> && rp::Cell<rp::DeepTransitionRNNCell<float, 3, 4>>);
static_assert(rp::Skip<rp::RNNCell<float, 3, 4>>::Outputs == 7);

TEST_CASE("a transition through a layer, with a shortcut past it, takes every check of a cell") {
  rp::Rng rng{1};
  CHECK(rp::check_cell(Deep<double, rp::Shortcut::present>{{3, 4, 5}, rng}).lines.size() > 20);
}

TEST_CASE("deep transition: its equations, one step at a time") {
  rp::Rng rng{2};
  Deep<double, rp::Shortcut::present> cell{{3, 4, 5}, rng};
  rp::uniform(cell.b_h, 1, rng);
  rp::uniform(cell.b_zh, 1, rng);
  CHECK(cell.W_zh.rows() == 4);
  CHECK(cell.W_zh.cols() == 5);
  CHECK((cell.W_skip.transpose() * cell.W_skip - MatrixXd::Identity(4, 4)).norm() < 1e-14);
  const rp::Recurrent layer(cell);
  const MatrixXd x = MatrixXd::Random(3, 6);
  auto state = layer.initial_state<Dynamic>(1);
  state.h.setConstant(0.3);
  VectorXd h = state.h;
  decltype(layer)::Trace trace;
  layer.forward(x, rp::Pass{rp::Layout({6})}, state, trace);
  for (int t = 0; t < 6; ++t) {
    const VectorXd z = (cell.W_xh * x.col(t) + cell.W_hh * h + cell.b_h).array().tanh();
    h = (cell.W_zh * z + cell.W_skip * h + cell.b_zh).array().tanh();
    CHECK((trace.y.col(t) - h).norm() < 1e-15);
  }
}

TEST_CASE("without the shortcut it is a deep transition whose W_skip is zero, forward and back") {
  rp::Rng rng{3};
  Deep<double, rp::Shortcut::present> with{{3, 4, 5}, rng};
  with.W_skip.setZero();
  Deep<double, rp::Shortcut::absent> without(rp::Sizes{3, 4, 5});
  CHECK(without.W_skip.size() == 0);
  without.W_xh = with.W_xh;
  without.W_hh = with.W_hh;
  without.W_zh = with.W_zh;
  const rp::Recurrent layer(without);
  const rp::Recurrent same(with);
  const auto given = rp::detail::random_given(layer, {3, 0, 4}, rng);
  const auto a = rp::detail::run(layer, given);
  const auto b = rp::detail::run(same, rp::detail::Given<std::remove_const_t<decltype(same)>>{
                                           given.layout, given.x, {given.h0.h}, given.dy, {given.ds.h}});
  CHECK(a.y == b.y);
  CHECK(a.dx == b.dx);
  CHECK(a.dh0.h == b.dh0.h);
  CHECK(a.gradient.cell.W_hh == b.gradient.cell.W_hh);
  CHECK(a.gradient.cell.W_zh == b.gradient.cell.W_zh);
  CHECK(a.gradient.cell.b_zh == b.gradient.cell.b_zh);
  CHECK(!b.gradient.cell.W_skip.isZero());
}

TEST_CASE("a deep transition refuses sizes that are not its type's, and takes the inner one from it") {
  using Cell = rp::DeepTransitionRNNCell<float, 3, 4, rp::Shortcut::absent, rp::Bias::present, rp::Tanh, 6>;
  static_assert(decltype(Cell::Rebind<double>().W_zh)::ColsAtCompileTime == 6);
  static_assert(
      std::is_same_v<rp::DeepTransitionRNNCell<float, 3, 4>::Rebind<double>, Deep<double, rp::Shortcut::absent>>);
  CHECK(Cell().W_xh.rows() == 6);
  CHECK(Cell(rp::Sizes{3, 4}).W_zh.cols() == 6);
  CHECK_THROWS_WITH(Cell(rp::Sizes{3, 4, 5}), "inner = 5, the type says 6");
  CHECK_THROWS_WITH(Cell(rp::Sizes{3, 5}), "hidden = 5, the type says 4");
}

TEST_CASE(
    "dense layers with an activation below and above a cell: deep from input to state, and from state to output") {
  using Dense = rp::Dense<double, Dynamic, Dynamic, rp::Tanh>;
  using Layer = rp::Stack<Dense, rp::RNNCell<double>, Dense>;
  rp::Rng rng{4};
  const Layer layer{{2, 3}, rng};
  rp::check_layer(layer);

  const auto& [below, recurrent, above] = layer.layers;
  const auto& cell = recurrent.cell;
  const MatrixXd x = MatrixXd::Random(2, 5);
  auto state = layer.initial_state<Dynamic>(1);
  Layer::Trace trace;
  layer.forward(x, rp::Pass{rp::Layout({5})}, state, trace);
  VectorXd h = VectorXd::Zero(3);
  for (int t = 0; t < 5; ++t) {
    const VectorXd in = (below.W * x.col(t) + below.b).array().tanh();
    h = (cell.W_xh * in + cell.W_hh * h + cell.b_h).array().tanh();
    const VectorXd y = (above.W * h + above.b).array().tanh();
    CHECK((Layer::output(trace).col(t) - y).norm() < 1e-15);
  }
}

TEST_CASE("a skip connection: the inputs, and below them the outputs of the layer") {
  using Layer = rp::Skip<rp::RNNCell<double>>;
  rp::Rng rng{5};
  const Layer layer{{2, 5}, rng};
  CHECK(layer.cell.outputs() == 3);
  rp::check_layer(layer);
  const auto given = rp::detail::random_given(layer, {2, 4}, rng);
  const MatrixXd y = rp::detail::run(layer, given).y;
  CHECK(y.topRows(2) == given.x);
  const rp::Recurrent inner(layer.cell);
  const auto of_inner = rp::detail::run(inner, rp::detail::Given<rp::Recurrent<rp::RNNCell<double>>>{
                                                   given.layout, given.x, given.h0, given.dy.bottomRows(3), given.ds});
  CHECK(y.bottomRows(3) == of_inner.y);

  CHECK_THROWS_WITH(Layer(rp::Sizes{4, 4}), "Skip: hidden = 4, it has its 4 inputs and then the outputs of its layer");
  const rp::Stack<Layer, rp::Skip<rp::Dense<double>>> stack(layer, rp::Skip<rp::Dense<double>>(rp::Sizes{5, 6}));
  CHECK(stack.outputs() == 6);
}
