// What wraps a cell, beyond check_cell: that masks are what the papers say, and that without them the cell is what it was.
#include <reprise/cells/clockwork.hpp>
#include <reprise/cells/gru.hpp>
#include <reprise/cells/layer_normed.hpp>
#include <reprise/cells/lstm.hpp>
#include <reprise/cells/min_gru.hpp>
#include <reprise/cells/mlstm.hpp>
#include <reprise/cells/recurrent_dropout.hpp>
#include <reprise/cells/rnn.hpp>
#include <reprise/cells/slstm.hpp>
#include <reprise/cells/zoneout.hpp>
#include <reprise/losses/squared_error.hpp>
#include <reprise/parallel/loss_and_gradient.hpp>

#include "catch.hpp"

namespace rp = reprise;
using Eigen::MatrixXd;
using rp::Index;
using LSTM = rp::LSTMCell<double>;

static_assert(rp::MaskedCell<rp::Zoneout<rp::MinGRUCell<float>>> && rp::MaskedCell<rp::RecurrentDropout<LSTM>>);
static_assert(rp::Cell<rp::LayerNormed<LSTM>> && !rp::MaskedCell<rp::LayerNormed<LSTM>>);

// A wrapper that takes a step apart refuses a cell whose step is something else.
static_assert(rp::steps_by_hooks<rp::GRUCell<float>> && rp::steps_by_hooks<rp::LayerNormed<rp::RNNCell<float, 2, 3>>>);
static_assert(!rp::steps_by_hooks<rp::MinGRUCell<float>> && !rp::steps_by_hooks<rp::RecurrentDropout<LSTM>>);
static_assert(!rp::steps_by_hooks<rp::Zoneout<LSTM>> && !rp::steps_by_hooks<rp::Zoneout<rp::LayerNormed<LSTM>>>);
static_assert(rp::PlainGatedCell<LSTM> && rp::PlainGatedCell<rp::RNNCell<float, 2, 3>>);
static_assert(!rp::PlainGatedCell<rp::GRUCell<float>> && !rp::PlainGatedCell<rp::MinGRUCell<float>>);
static_assert(!rp::PlainGatedCell<rp::LayerNormed<LSTM>> && !rp::PlainGatedCell<rp::Zoneout<LSTM>>);

namespace {

// The trace of a pass from a random state, and the states each step began and the last one ended with.
template <class C>
struct Run {
  typename rp::Recurrent<C>::Trace trace;
  typename C::template State<rp::Owned<>> state;
};
template <class C>
Run<C> run(const C& cell, const rp::Layout& layout, const MatrixXd& x, bool training, std::uint64_t seed = 1) {
  const rp::Recurrent<C> layer(cell);
  Run<C> result{{}, layer.template initial_state<rp::Dynamic>(layout.batch())};
  rp::Rng states{99}, masks{seed};
  rp::for_each_parameter([&](auto& part) { rp::uniform(part, 0.9, states); }, result.state);
  layer.forward(x, rp::Pass{layout, training, training ? &masks : nullptr}, result.state, result.trace);
  return result;
}

// One step of a cell, without masks.
template <class C>
auto step(const C& cell, const MatrixXd& x, typename C::template State<rp::Owned<>> state) {
  typename rp::Recurrent<C>::template StepTrace<rp::Dynamic, rp::AsTheyAre> trace;
  rp::Recurrent<C>(cell).step(x, state, trace);
  return state;
}

double share(const auto& booleans) { return double(booleans.count()) / double(booleans.size()); }

}  // namespace

TEST_CASE("zoneout keeps a share of h and of c, each by itself, and the rest is the step of the cell") {
  rp::Rng rng{1};
  const LSTM plain{{2, 100}, rng};
  const rp::Zoneout<LSTM> cell(plain, 0.3);
  const MatrixXd x = MatrixXd::Random(2, 150);
  const rp::Layout layout({30, 30, 30, 30, 30});
  const auto result = run(cell, layout, x, true);
  const MatrixXd &h = result.trace.before.h, &c = result.trace.before.c;
  const auto next = step(plain, x.leftCols(145), {h.leftCols(145), c.leftCols(145)});
  const auto h_kept = (h.rightCols(145).array() == h.leftCols(145).array()).eval();
  const auto c_kept = (c.rightCols(145).array() == c.leftCols(145).array()).eval();
  CHECK((h_kept || (h.rightCols(145) - next.h).array().abs() < 1e-14).all());
  CHECK((c_kept || (c.rightCols(145) - next.c).array().abs() < 1e-14).all());
  CHECK(share(h_kept) == Approx(0.3).margin(0.01));
  CHECK(share(c_kept) == Approx(0.3).margin(0.01));
  CHECK(share(h_kept && c_kept) == Approx(0.09).margin(0.01));
  CHECK(share(h_kept.leftCols(100) && h_kept.middleCols(5, 100)) == Approx(0.09).margin(0.01));  // anew at each step
  CHECK(share(h_kept.leftCols(100) && h_kept.middleCols(1, 100)) == Approx(0.09).margin(0.01));  // and for each record
}

TEST_CASE("at inference zoneout mixes by its rate") {
  rp::Rng rng{2};
  const LSTM plain{{2, 6}, rng};
  const MatrixXd x = MatrixXd::Random(2, 3), h = MatrixXd::Random(6, 3), c = MatrixXd::Random(6, 3);
  const auto next = step(plain, x, {h, c}), mixed = step(rp::Zoneout<LSTM>(plain, 0.2), x, {h, c});
  CHECK((mixed.h - (0.2 * h + 0.8 * next.h)).norm() < 1e-15);
  CHECK((mixed.c - (0.2 * c + 0.8 * next.c)).norm() < 1e-15);
}

TEST_CASE("recurrent dropout: one mask for each record, the same at every step, on the way into W_hh only") {
  rp::Rng rng{3};
  const rp::GRUCell<double> plain{{2, 400}, rng};
  const rp::RecurrentDropout<rp::GRUCell<double>> cell(plain, 0.25);
  const rp::Layout layout({3, 90, 40});
  const MatrixXd x = MatrixXd::Random(2, layout.columns());
  const auto result = run(cell, layout, x, true);
  const MatrixXd mask = result.trace.steps.h_mask.leftCols(3);
  for (Index t = 0; t < layout.steps(); ++t)
    REQUIRE(result.trace.steps.h_mask.middleCols(layout.offset(t), layout.running(t)) ==
            mask.leftCols(layout.running(t)));
  CHECK((mask.array() == 0 || (mask.array() - 1 / 0.75).abs() < 1e-15).all());
  CHECK(share(mask.array() == 0) == Approx(0.25).margin(0.04));
  CHECK(mask.mean() == Approx(1).margin(0.05));
  CHECK(share(mask.col(0).array() == 0 && mask.col(1).array() == 0) == Approx(0.0625).margin(0.04));

  // Step 1 by hand: columns 3 to 5.
  const auto sigmoid = [](const auto& a) { return (1 + (-a.array()).exp()).inverse().matrix().eval(); };
  const MatrixXd h = result.trace.before.h.middleCols(3, 3);
  const MatrixXd u = plain.W_hh * mask.cwiseProduct(h), w = plain.W_xh * x.middleCols(3, 3);
  const MatrixXd r = sigmoid(w.topRows(400) + u.topRows(400)),
                 z = sigmoid(w.middleRows(400, 400) + u.middleRows(400, 400));
  const MatrixXd n = (w.bottomRows(400) + r.cwiseProduct(u.bottomRows(400))).array().tanh();
  CHECK((result.trace.y.middleCols(3, 3) - (n + z.cwiseProduct(h - n))).norm() < 1e-12);
}

TEST_CASE("at inference recurrent dropout does nothing") {
  rp::Rng rng{4};
  const LSTM plain{{2, 6}, rng};
  const rp::Layout layout({4, 2});
  const MatrixXd x = MatrixXd::Random(2, 6);
  CHECK(run(rp::RecurrentDropout<LSTM>(plain, 0.5), layout, x, false).trace.y == run(plain, layout, x, false).trace.y);
}

TEST_CASE("layer normalisation: each half of a_t has its mean and variance taken over all gates") {
  rp::Rng rng{5};
  rp::LayerNormed<LSTM> cell{{3, 4}, rng};
  CHECK(cell.gain_x.isOnes(0));
  CHECK(cell.gain_h.isOnes(0));
  cell.gain_x = MatrixXd::Random(16, 1);
  cell.gain_h = MatrixXd::Random(16, 1);
  cell.b_h = MatrixXd::Random(16, 1);
  const Eigen::VectorXd x = MatrixXd::Random(3, 1), h = MatrixXd::Random(4, 1), c = MatrixXd::Random(4, 1);
  const auto normal = [](const Eigen::VectorXd& v) {
    const Eigen::VectorXd centred = v.array() - v.sum() / 16;
    return (centred / std::sqrt(centred.squaredNorm() / 16 + 1e-5)).eval();
  };
  LSTM gates{{16, 4}};  // whose a_t is its x
  gates.W_xh.setIdentity();
  const Eigen::VectorXd a =
      cell.gain_x.cwiseProduct(normal(cell.W_xh * x)) + cell.gain_h.cwiseProduct(normal(cell.W_hh * h)) + cell.b_h;
  const auto expected = step(gates, a, {h, c}), actual = step(cell, x, {h, c});
  CHECK((actual.h - expected.h).norm() < 1e-14);
  CHECK((actual.c - expected.c).norm() < 1e-14);

  cell.W_hh *= 1000;  // which a normalised cell hardly sees
  CHECK((step(cell, x, {h, c}).h - expected.h).norm() < 1e-4);
}

TEMPLATE_TEST_CASE("masks come from the caller's Rng: the same seed, the same gradient", "", rp::Zoneout<LSTM>,
                   rp::RecurrentDropout<rp::GRUCell<double>>,
                   rp::Zoneout<rp::RecurrentDropout<rp::LayerNormed<LSTM>>>) {
  using Model = rp::SequenceModel<TestType>;
  rp::Rng rng{6};
  const Model model{{.inputs = 2, .hidden = 8, .outputs = 2}, rng};
  const rp::Sequence<double> x{MatrixXd(MatrixXd::Random(2, 9)), MatrixXd(MatrixXd::Random(2, 4))};
  const auto gradient = [&](std::uint64_t seed) {
    rp::Rng masks{seed};
    return rp::flatten(rp::loss_and_gradient(model, x, x, rp::SquaredError{}, {.rng = &masks}).gradient);
  };
  CHECK(gradient(1) == gradient(1));
  CHECK(gradient(1) != gradient(2));
  CHECK_THROWS_AS(rp::loss_and_gradient(model, x, x, rp::SquaredError{}), rp::value_error);
  rp::Workspace<Model> one(model);
  rp::ParallelWorkspace<Model> several(model, {.threads = 2, .parts = 2});
  CHECK(rp::evaluate(model, x, x, rp::SquaredError{}, one) == rp::evaluate(model, x, x, rp::SquaredError{}, several));
}

TEST_CASE("wrappers keep the parameters of the cell under their names, and their settings are taken over") {
  std::vector<std::string> names, wrapped;
  rp::for_each_parameter([&](const std::string& name, const auto&) { names.push_back(name); }, LSTM{{2, 3}});
  using Twice = rp::Zoneout<rp::RecurrentDropout<LSTM>>;
  Twice cell(rp::RecurrentDropout<LSTM>({2, 3}, 0.4), 0.2);
  rp::for_each_parameter([&](const std::string& name, const auto&) { wrapped.push_back(name); }, cell);
  names.push_back("rate");  // of zoneout
  CHECK(wrapped == names);
  Twice::Rebind<float> other({2, 3});
  rp::copy_parameters(cell, other);
  other.take_settings(cell);
  CHECK(other.rate(0) == 0.2f);
  CHECK(static_cast<rp::RecurrentDropout<rp::LSTMCell<float>>&>(other).rate == 0.4);
}

TEST_CASE("a rate that is no probability is refused, also if it was set later") {
  CHECK_THROWS_WITH(rp::Zoneout<LSTM>({2, 3}, 1), "Zoneout: rate = 1, a probability in [0, 1)");
  CHECK_THROWS_WITH(rp::RecurrentDropout<LSTM>({2, 3}, -0.5), "RecurrentDropout: rate = -0.5, a probability in [0, 1)");
  rp::Zoneout<LSTM> cell({2, 3});
  cell.rate(0) = 2;
  CHECK_THROWS_AS(run(cell, rp::Layout({1}), MatrixXd::Zero(2, 1), true), rp::value_error);
}

// Parts that count together only: to keep one and not the other would be another state.
static_assert(rp::EntriesStandAlone<LSTM> && rp::EntriesStandAlone<rp::Zoneout<LSTM>>);
static_assert(!rp::EntriesStandAlone<rp::SLSTMCell<float>> && !rp::EntriesStandAlone<rp::MLSTMCell<float>>);
static_assert(!rp::EntriesStandAlone<rp::ClockworkCell<float>>);

TEST_CASE("zoneout counts at inference, and so its rate is saved with the weights and not trained") {
  rp::Rng rng{1};
  const rp::Zoneout<LSTM> cell({2, 3}, rng, 0.5);
  rp::Zoneout<LSTM> other({2, 3});
  rp::copy_parameters(cell, other);
  CHECK(other.rate(0) == 0.5);
  rp::Index trained = 0;
  rp::for_each_trained([&](const auto& p) { trained += p.size(); }, cell);
  CHECK(trained == rp::count_parameters(cell) - 1);
}

TEST_CASE("at a rate of 0 a training pass needs no Rng") {
  rp::Rng rng{1};
  const MatrixXd x = MatrixXd::Random(2, 6);
  const rp::Layout layout({3, 3});
  const auto train = [&](const auto& cell) {
    const rp::Recurrent layer(cell);
    auto state = layer.template initial_state<rp::Dynamic>(2);
    typename std::remove_cvref_t<decltype(layer)>::Trace trace;
    layer.forward(x, rp::Pass{layout, true}, state, trace);
  };
  CHECK_NOTHROW(train(rp::Zoneout<LSTM>({2, 3}, rng, 0)));
  CHECK_NOTHROW(train(rp::RecurrentDropout<LSTM>({2, 3}, rng, 0)));
  CHECK_THROWS_AS(train(rp::Zoneout<rp::RecurrentDropout<LSTM>>(rp::RecurrentDropout<LSTM>({2, 3}, rng, 0.1), 0)),
                  rp::value_error);
}
