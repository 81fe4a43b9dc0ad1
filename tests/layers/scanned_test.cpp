#include <reprise/cells/lru.hpp>
#include <reprise/cells/min_gru.hpp>
#include <reprise/cells/min_lstm.hpp>
#include <reprise/cells/qrnn.hpp>
#include <reprise/cells/sru.hpp>
#include <reprise/layers/scanned.hpp>
#include <reprise/losses/squared_error.hpp>
#include <reprise/train/loss_and_gradient.hpp>

#include "catch.hpp"

namespace rp = reprise;
using Eigen::MatrixXd;
using rp::Dynamic, rp::Index;

namespace {

// What a pass takes, and what it gives.
template <class L>
struct Given {
  rp::Layout layout;
  MatrixXd x, dy;
  typename L::template State<> state, dstate;
};
template <class L>
struct Result {
  MatrixXd y, dx;
  typename L::template State<> state, dstate;
  rp::Vector<double> gradient;
};

template <class L>
Given<L> random_given(const L& layer, const rp::Layout& layout, rp::Rng& rng) {
  Given<L> given{layout, MatrixXd(layer.inputs(), layout.columns()), MatrixXd(layer.outputs(), layout.columns()),
                 layer.template initial_state<Dynamic>(layout.batch()),
                 layer.template initial_state<Dynamic>(layout.batch())};
  rp::uniform(given.x, 1, rng);
  rp::uniform(given.dy, 1, rng);
  rp::for_each_parameter(
      [&](auto& p, auto& d) {
        rp::uniform(p, 1, rng);
        rp::uniform(d, 1, rng);
      },
      given.state, given.dstate);
  return given;
}

void poison(auto& m) { m.setConstant(std::numeric_limits<double>::quiet_NaN()); }

// Nothing may be read that has not been written: `before` of what is not part of the recurrence, for one.
template <class Layer, class L>
Result<L> run(const Layer& layer, const Given<L>& given) {
  typename Layer::Trace trace;
  rp::detail::reserve(trace.steps, layer.cell.trace_rows(), given.layout.columns());
  rp::detail::reserve(trace.before, layer.cell.state_rows(), given.layout.columns());
  rp::for_each_parameter([](auto& p) { poison(p); }, trace.steps);
  rp::for_each_parameter([](auto& p) { poison(p); }, trace.before);
  Result<L> result{{}, {}, given.state, given.dstate, {}};
  Layer gradient = rp::zeros_like(layer);
  const rp::Pass pass{given.layout, true};
  layer.forward(given.x, pass, result.state, trace);
  result.y = Layer::output(trace);
  layer.backward(given.x, given.dy, pass, trace, result.dstate, gradient, &result.dx);
  result.gradient = rp::flatten(gradient);
  return result;
}

bool near(const auto& a, const auto& b, double tolerance) {
  return a.rows() == b.rows() && a.cols() == b.cols() && ((a - b).array().abs() <= tolerance).all();  // false for nan
}
void check_states(const auto& a, const auto& b, double tolerance) {
  rp::for_each_parameter(
      [&](const std::string& name, const auto& p, const auto& q) {
        INFO("state " << name);
        CHECK(near(p, q, tolerance));
      },
      a, b);
}

template <class L>
void check_streams(const L& layer, const Given<L>& given, const Result<L>& whole) {
  for (Index slot = 0; slot < given.layout.batch(); ++slot) {
    typename L::template State<rp::Owned<1>> state, final_state;
    const auto column = [&](const auto& from, auto& to) { to = from.col(slot); };
    rp::for_each_parameter(column, given.state, state);
    rp::for_each_parameter(column, whole.state, final_state);
    typename L::template StepTrace<1, rp::AsTheyAre> trace;
    for (Index t = 0; t < given.layout.steps() && slot < given.layout.running(t); ++t) {
      const Index j = given.layout.offset(t) + slot;
      CHECK(near(layer.step(given.x.col(j).eval(), state, trace), whole.y.col(j), 1e-13));
    }
    check_states(state, final_state, 1e-13);
  }
}

// Step by step is Recurrent is Scanned: values, states, gradients, while training and not.
template <class C, int Block>
void check_scanned(rp::Sizes sizes, const rp::Layout& layout) {
  rp::Rng rng(static_cast<std::uint64_t>(Block));
  const rp::Recurrent<C> recurrent(sizes, rng);
  const rp::Scanned<C, Block> scanned(recurrent.cell);
  const auto given = random_given(recurrent, layout, rng);
  const auto expected = run(recurrent, given), actual = run(scanned, given);
  check_streams(recurrent, given, expected);
  CHECK(near(actual.y, expected.y, 1e-13));
  CHECK(near(actual.dx, expected.dx, 1e-12));
  CHECK(near(actual.gradient, expected.gradient, 1e-12 * std::max(1.0, expected.gradient.cwiseAbs().maxCoeff())));
  check_states(actual.state, expected.state, 1e-13);
  check_states(actual.dstate, expected.dstate, 1e-12);

  auto state = given.state;
  typename rp::Scanned<C, Block>::Trace trace;
  scanned.forward(given.x, rp::Pass{layout}, state, trace);
  CHECK(near(trace.y.leftCols(layout.columns()).eval(), actual.y, 1e-13));
  check_states(state, actual.state, 1e-13);
}

using MinGRU = rp::MinGRUCell<double>;
using MinLSTM = rp::MinLSTMCell<double>;
using SRU = rp::SRUCell<double>;
using QRNN = rp::QRNNCell<double>;
using QRNN2 = rp::QRNNCell<double, Dynamic, Dynamic, rp::Bias::present, 2>;
using LRU = rp::LRUCell<double>;
static_assert(rp::LooksBack<QRNN2> && !rp::LooksBack<QRNN>);

}  // namespace

TEMPLATE_TEST_CASE("Scanned gives what Recurrent gives, whatever the blocks", "", MinGRU, MinLSTM, SRU, QRNN, QRNN2,
                   LRU) {
  for (const auto& lengths : {std::vector<Index>{5, 5, 5}, {3, 0, 8, 1, 7, 7}, {1}, {0, 0}, {}}) {
    const rp::Layout layout(lengths);
    check_scanned<TestType, 1>({3, 5}, layout);
    check_scanned<TestType, 3>({3, 5}, layout);
    check_scanned<TestType, 1000>({3, 5}, layout);
  }
}

TEMPLATE_TEST_CASE("Scanned over many runs of steps, each going on from the one before", "", QRNN2, LRU) {
  // 48 units: a run is at most 2^19 / (8 * 48 * 10) = 136 columns; there are 900.
  check_scanned<TestType, 7>({3, 48}, rp::Layout({300, 0, 250, 200, 100, 50}));
}

TEST_CASE("Scanned is a layer: of a Stack, under a readout, of other scalars, and its weights are the cell's") {
  using Scanned = rp::Scanned<rp::MinGRUCell<float>, 4>;
  static_assert(rp::Layer<Scanned>);
  static_assert(std::is_same_v<Scanned::Rebind<double>, rp::Scanned<rp::MinGRUCell<double>, 4>>);
  rp::Rng rng(1), same(1);
  rp::SequenceModel<rp::Stack<Scanned, rp::Scanned<rp::LRUCell<float>>>> scanned{{3, 6, 2}, rng};
  rp::SequenceModel<rp::Stack<rp::MinGRUCell<float>, rp::LRUCell<float>>> recurrent{{3, 6, 2}, same};
  std::vector<std::string> names, expected_names;
  rp::for_each_parameter([&](const std::string& name, const auto&) { names.push_back(name); }, scanned);
  rp::for_each_parameter([&](const std::string& name, const auto&) { expected_names.push_back(name); }, recurrent);
  CHECK(names == expected_names);

  const rp::Layout layout({9, 2, 5});
  rp::Sequence<float> x(layout, 3), target(layout, 2);
  rp::uniform(x.values(), 1, rng);
  rp::uniform(target.values(), 1, rng);
  const auto [loss, gradient] = rp::loss_and_gradient(scanned, x, target, rp::SquaredError{});
  const auto [expected_loss, expected] = rp::loss_and_gradient(recurrent, x, target, rp::SquaredError{});
  CHECK(loss == Approx(expected_loss).epsilon(1e-5));
  CHECK((rp::flatten(gradient) - rp::flatten(expected)).norm() < 1e-5f * rp::flatten(expected).norm());
}

TEST_CASE("a trace of Scanned can be used again, for a shorter sequence and other weights") {
  rp::Rng rng(4);
  rp::Scanned<LRU, 3> layer({3, 24}, rng);
  rp::Scanned<LRU, 3>::Trace used, fresh;
  auto state = layer.initial_state<Dynamic>(2), first = state, second = state;
  const MatrixXd x = MatrixXd::Random(3, 60);
  layer.forward(x, rp::Pass{rp::Layout({30, 30})}, state, used);
  for (auto* weights : {&layer.cell.B, &layer.cell.C, &layer.cell.D}) *weights *= 2;
  const rp::Layout shorter({7, 11});
  layer.forward(x, rp::Pass{shorter}, first, used);
  layer.forward(x, rp::Pass{shorter}, second, fresh);
  CHECK(used.y.leftCols(18) == fresh.y.leftCols(18));
  check_states(first, second, 0);
}

TEST_CASE("an LRU starts on the ring it is given, and sizes of states other than the outputs' are kept") {
  rp::Rng rng(2);
  rp::LRUCell<double> cell({.inputs = 3, .hidden = 2, .inner = 500}, rng);
  rp::initialise_ring(cell, 0.9, 0.999, 0.3, rng);
  const Eigen::ArrayXd radius = (-cell.nu.array().exp()).exp(), phase = cell.theta.array().exp();
  CHECK(radius.minCoeff() > 0.9);
  CHECK(radius.maxCoeff() < 0.999);
  CHECK(phase.minCoeff() > 0);
  CHECK(phase.maxCoeff() < 0.3);
  CHECK(radius.square().mean() == Approx((0.9 * 0.9 + 0.999 * 0.999) / 2).epsilon(0.01));  // uniform over the area
  CHECK((cell.gamma_log.array().exp().square() + radius.square() - 1).abs().maxCoeff() < 1e-14);
  CHECK_THROWS_AS(rp::initialise_ring(cell, 0.9, 0.9, 0.3, rng), rp::value_error);
  CHECK_THROWS_AS(rp::initialise_ring(cell, 0.5, 1.1, 0.3, rng), rp::value_error);
  CHECK_THROWS_AS(rp::initialise_ring(cell, 0, 1, 0, rng), rp::value_error);
  check_scanned<LRU, 3>({3, 5, 2}, rp::Layout({4, 0, 6}));
  check_scanned<rp::LRUCell<double, Dynamic, Dynamic, 2>, 3>({3, 5}, rp::Layout({4, 0, 6}));
}

TEST_CASE("an SRU begins with x_t itself on its highway, where it fits") {
  rp::Rng rng(3);
  const rp::SRUCell<double> square({4, 4}, rng), other({3, 4}, rng);
  CHECK(square.W_xh.bottomRows(4) == MatrixXd::Identity(4, 4));
  CHECK(other.W_xh.bottomRows(4) != MatrixXd::Identity(4, 3));
}
