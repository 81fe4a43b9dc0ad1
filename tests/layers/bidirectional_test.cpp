#include <reprise/layers/bidirectional.hpp>

#include <reprise/cells/gru.hpp>
#include <reprise/cells/lstm.hpp>
#include <reprise/cells/projected_lstm.hpp>
#include <reprise/cells/recurrent_dropout.hpp>
#include <reprise/check/check_gradient.hpp>
#include <reprise/check/check_layer.hpp>
#include <reprise/layers/learned_initial_state.hpp>
#include <reprise/layers/residual.hpp>
#include <reprise/losses/squared_error.hpp>

#include "catch.hpp"

namespace rp = reprise;
using Eigen::MatrixXd;
using rp::Index;

template <class C>
using Back = rp::Recurrent<C, rp::Direction::backward>;

static_assert(rp::Layer<Back<rp::LSTMCell<float>>> && !rp::Causal<Back<rp::LSTMCell<float>>>);
static_assert(rp::Layer<rp::Bidirectional<rp::GRUCell<float, 3, 2>>> &&
              !rp::Causal<rp::Bidirectional<rp::GRUCell<float>>>);
static_assert(rp::Causal<rp::Recurrent<rp::GRUCell<float>>> &&
              !rp::Causal<rp::Residual<rp::Bidirectional<rp::GRUCell<float>>>>);
static_assert(rp::Bidirectional<rp::GRUCell<float, 3, 2>>::Outputs == 4);
static_assert(rp::Bidirectional<rp::GRUCell<float, 3, 2>, rp::Merge::sum>::Outputs == 2);

namespace {

// The columns of each record in the reverse order.
MatrixXd reversed(const MatrixXd& m, const rp::Layout& layout) {
  MatrixXd r(m.rows(), layout.columns());
  for (Index slot = 0; slot < layout.batch(); ++slot) {
    const Index length = layout.length(layout.record(slot));
    for (Index t = 0; t < length; ++t) r.col(layout.offset(t) + slot) = m.col(layout.offset(length - 1 - t) + slot);
  }
  return r;
}

template <class M>
bool same(const M& a, const M& b) {
  bool all = true;
  rp::for_each_parameter([&](const auto& p, const auto& q) { all = all && p == q; }, a, b);
  return all;
}

// The backward direction against the forward one of the same cell on each record reversed: the same numbers.
template <class C>
void check_reversal(const C& cell, std::vector<Index> lengths, rp::Rng& rng) {
  const rp::Recurrent<C> ahead(cell);
  const Back<C> back(cell);
  const auto given = rp::detail::random_given(back, std::move(lengths), rng);
  const rp::Layout& layout = given.layout;
  const rp::detail::Given<rp::Recurrent<C>> mirrored{layout, reversed(given.x, layout), given.h0,
                                                     reversed(given.dy, layout), given.ds};
  const auto actual = rp::detail::run(back, given);
  const auto expected = rp::detail::run(ahead, mirrored);
  CHECK(actual.y == reversed(expected.y, layout));
  CHECK(actual.dx == reversed(expected.dx, layout));
  CHECK(same(actual.final_state, expected.final_state));
  CHECK(same(actual.dh0, expected.dh0));
  // A sum over columns in another order.
  CHECK((rp::flatten(actual.gradient) - rp::flatten(expected.gradient)).norm() <=
        1e-13 * rp::flatten(expected.gradient).norm());

  auto state = given.h0;
  typename Back<C>::Trace trace;
  back.forward(given.x, rp::Pass{layout}, state, trace);  // at inference, where the trace holds one run
  CHECK(trace.y.leftCols(layout.columns()) == actual.y);
  CHECK(same(state, actual.final_state));
}

}  // namespace

TEST_CASE("backward is forward on each record reversed, to the last bit") {
  rp::Rng rng{1};
  const rp::LSTMCell<double> cell{{3, 4}, rng};
  for (const auto& lengths : std::vector<std::vector<Index>>{
           {3, 0, 5, 1}, {1, 4, 0, 2, 6}, {7, 7, 7}, {1}, {1, 1}, {0}, {0, 0, 2}, {2, 0, 2}, {9}, {}})
    check_reversal(cell, lengths, rng);
}

TEST_CASE("backward over many runs of steps, with records that begin in each") {
  // 64 units: a run of steps holds 204 columns at most where the cell steps, 1024 where it accumulates; see recurrent_test.
  rp::Rng rng{2};
  const rp::LSTMCell<double> cell{{3, 64}, rng};
  std::vector<Index> lengths;
  for (Index r = 0; r < 30; ++r) lengths.push_back(r * 37 % 101);
  REQUIRE(rp::Layout(lengths).columns() > 1200);
  check_reversal(cell, lengths, rng);
}

TEST_CASE("the backward direction and both take every check of a layer") {
  rp::Rng rng{3};
  CHECK(rp::check_layer(Back<rp::RecurrentDropout<rp::GRUCell<double>>>{{3, 4}, rng}).lines.size() > 15);
  rp::check_layer(rp::LearnedInitialState<rp::Residual<rp::Bidirectional<rp::GRUCell<double>>>>{{4, 4}, rng});
}

TEST_CASE("a mask for a whole sequence is one for each record, drawn where the record begins: at its last step") {
  using Cell = rp::RecurrentDropout<rp::GRUCell<double>>;
  rp::Rng rng{4};
  const Back<Cell> layer(Cell({2, 40}, rng, 0.5));
  const rp::Layout layout({4, 0, 9, 4, 1, 7});
  const MatrixXd x = MatrixXd::Random(2, layout.columns());
  auto state = layer.initial_state<rp::Dynamic>(layout.batch());
  Back<Cell>::Trace trace;
  rp::Rng masks{5}, same{5};
  layer.forward(x, rp::Pass{layout, true, &masks}, state, trace);
  for (int drawn = 0; drawn < 5 * 40; ++drawn) same();  // for each record that has a step
  CHECK(masks() == same());

  const auto& mask = trace.steps.h_mask;
  CHECK(((mask.array() == 0) || (mask.array() == 2)).all());
  for (Index t = 1; t < layout.steps(); ++t)
    CHECK(mask.middleCols(layout.offset(t), layout.running(t)) == mask.leftCols(layout.running(t)));
  for (Index slot = 1; slot < layout.running(0); ++slot) CHECK(mask.col(slot) != mask.col(slot - 1));

  CHECK_THROWS_AS(layer.forward(x, rp::Pass{layout, true}, state, trace), rp::value_error);
}

TEST_CASE("a bidirectional layer is its two directions, one above the other or added") {
  rp::Rng rng{6};
  using Cell = rp::GRUCell<double>;
  const rp::Bidirectional<Cell> both{{3, 8}, rng};
  const auto given = rp::detail::random_given(both, {2, 5, 0, 3}, rng);
  const auto run = [&](const auto& layer, auto state, MatrixXd dy) {
    using L = std::remove_cvref_t<decltype(layer)>;
    return rp::detail::run(layer, rp::detail::Given<L>{given.layout, given.x, state, std::move(dy), state});
  };
  const auto ahead = run(both.forwards, given.h0.forward, given.dy.topRows(4));
  const Back<Cell> from_the_end(both.backwards.cell);
  const auto back = run(from_the_end, given.h0.backward, given.dy.bottomRows(4));
  const auto y = run(both, given.h0, given.dy);
  CHECK(same(y.dh0.forward, ahead.dh0));
  CHECK(same(y.dh0.backward, back.dh0));
  CHECK(both.forwards.cell.W_hh != both.backwards.cell.W_hh);
  CHECK(y.y.topRows(4) == ahead.y);
  CHECK(y.y.bottomRows(4) == back.y);
  CHECK(y.final_state.forward.h == ahead.final_state.h);
  CHECK(y.final_state.backward.h == back.final_state.h);
  CHECK(y.dx == ahead.dx + back.dx);
  CHECK(same(y.gradient.forwards, ahead.gradient));
  CHECK(same(y.gradient.backwards, back.gradient));

  const rp::Bidirectional<Cell, rp::Merge::sum> sum(both.forwards.cell, both.backwards.cell);
  const MatrixXd dy = given.dy.topRows(4);
  const auto back_of_sum = run(from_the_end, given.h0.backward, dy);
  const auto added = run(sum, decltype(sum)::State<>{given.h0.forward, given.h0.backward}, dy);
  CHECK(added.y == ahead.y + back.y);
  CHECK(added.dx == ahead.dx + back_of_sum.dx);
  CHECK(same(added.gradient.forwards, ahead.gradient));
  CHECK(same(added.gradient.backwards, back_of_sum.gradient));
  CHECK(same(added.final_state.backward, back.final_state));
  CHECK(same(added.dh0.forward, ahead.dh0));
  CHECK(same(added.dh0.backward, back_of_sum.dh0));

  CHECK(both.reversed_rows() == 4);
  CHECK(sum.reversed_rows() == 0);
  CHECK(both.backwards.reversed_rows() == 4);
  CHECK(both.forwards.reversed_rows() == 0);
}

TEST_CASE("hidden is what a bidirectional layer gives, so that it stands in a stack like any other") {
  using Layer = rp::Bidirectional<rp::GRUCell<double>>;
  const Layer layer(rp::Sizes{3, 6});
  CHECK(layer.outputs() == 6);
  CHECK(layer.backwards.cell.W_hh.cols() == 3);
  CHECK(rp::Bidirectional<rp::GRUCell<double>, rp::Merge::sum>(rp::Sizes{3, 5}).outputs() == 5);
  CHECK(rp::Bidirectional<rp::ProjectedLSTMCell<double>>(rp::Sizes{3, 4, 9}).forwards.cell.W_hr.cols() == 9);
  CHECK_THROWS_WITH(Layer(rp::Sizes{3, 5}), "hidden = 5: the two directions of a Bidirectional have half each");
  CHECK_THROWS_WITH((rp::Bidirectional<rp::GRUCell<double, 3, 2>>(rp::Sizes{3, 2})), "hidden = 2, the type says 4");
  using Cell = rp::GRUCell<double>;
  CHECK_THROWS_AS(Layer(Cell({3, 4}), Cell({3, 5})), rp::shape_error);
  CHECK_THROWS_AS(Layer(Cell({3, 4}), Cell({2, 4})), rp::shape_error);

  using Model = rp::SequenceModel<rp::Stack<Layer, Layer, rp::GRUCell<double>>>;
  rp::Rng rng{7};
  const Model model{{.inputs = 2, .hidden = 4, .outputs = 1}, rng};
  const rp::Sequence<double> x{MatrixXd(MatrixXd::Random(2, 4)), MatrixXd(2, 0), MatrixXd(MatrixXd::Random(2, 2))};
  rp::check_gradient(model, x, rp::Sequence<double>(x.layout(), 1), rp::SquaredError{});
  std::string names;
  rp::for_each_parameter([&](const std::string& name, const auto&) { names += name + " "; }, model);
  CHECK(names.find("layers.1.backward.cell.W_hh ") != names.npos);

  // With sizes in the type the same, in the order of the records.
  using Fixed = rp::SequenceModel<rp::Bidirectional<rp::GRUCell<double, 2, 2>>, 1>;
  const Fixed fixed{{}, rng};
  rp::SequenceModel<rp::Bidirectional<rp::GRUCell<double>>> sized;
  rp::copy_parameters(fixed, sized);
  CHECK((fixed.forward(x).values() - sized.forward(x).values()).norm() < 1e-14);
}
