#include <reprise/cells/rnn.hpp>
#include <reprise/check/check_gradient.hpp>
#include <reprise/layers/bidirectional.hpp>
#include <reprise/layers/learned_initial_state.hpp>
#include <reprise/losses/squared_error.hpp>
#include <reprise/train/sequence_to_one.hpp>

#include "../catch.hpp"

namespace rp = reprise;
using Catch::Matchers::Contains;
using rp::Index;

namespace {

using Values = rp::Matrix<double>;
using RNN = rp::RNNCell<double>;
using Recurrent = rp::Stack<rp::LearnedInitialState<RNN>>;
using TwoWays = rp::Stack<rp::Bidirectional<RNN>>;

const rp::Layout layout({3, 0, 1, 5, 2, 4});
const std::vector<Index> another_order{4, 2, 0, 5, 1, 3};

Values some(const Values& all, const std::vector<Index>& columns) {
  Values chosen(all.rows(), static_cast<Index>(columns.size()));
  for (Index i = 0; i < chosen.cols(); ++i) chosen.col(i) = all.col(columns[static_cast<std::size_t>(i)]);
  return chosen;
}

double distance(const Values& a, const Values& b) { return (a - b).cwiseAbs().maxCoeff(); }

// `pool`: of the outputs of the body for one record, (hidden, steps), not empty.
template <class Body, class Pool>
void prove(const auto& pool) {
  using Model = rp::SequenceToOne<Body, Pool>;
  rp::Rng rng(3);
  Model model({.inputs = 2, .hidden = 4, .outputs = 3}, rng);
  rp::for_each_trained([&](auto& p) { rp::uniform(p, 0.7, rng); }, model);
  rp::Sequence<double> x(layout, 2);
  rp::uniform(x.values(), 1, rng);
  Values target(3, layout.batch());
  rp::uniform(target, 1, rng);
  const rp::SquaredError loss;

  CHECK_NOTHROW(rp::check_gradient(model, x, target, loss));

  rp::Workspace<Model> whole(model), other(model);
  const double value = rp::loss_and_gradient(model, x, target, loss, whole);
  const Values y = rp::predict(model, x);
  CHECK(y == whole.trace.y);
  CHECK(rp::evaluate(model, x, target, loss, other) == value);
  const auto gradient = rp::flatten(whole.gradient);
  rp::Vector<double> added = rp::Vector<double>::Zero(gradient.size());
  for (Index r = 0; r < x.batch(); ++r) {
    CAPTURE(r);
    rp::loss_and_gradient(model, x.select({r}), some(target, {r}), loss, other);
    added += rp::flatten(other.gradient);
    CHECK(distance(other.trace.y, y.col(r)) < 1e-14);

    auto state = model.body().template initial_state<rp::Dynamic>(1);
    typename Model::Body::Trace trace;
    model.body().forward(x[r], rp::Pass{rp::Layout({x.length(r)})}, state, trace);
    Values expected = model.b_y;
    if (x.length(r) != 0) expected += model.W_hy * pool(Values(Model::Body::output(trace)));
    CHECK(distance(y.col(r), expected) < 1e-14);
  }
  CHECK(distance(added, gradient) < 1e-12);

  CHECK(std::abs(rp::loss_and_gradient(model, x.select(another_order), some(target, another_order), loss, other) -
                 value) < 1e-12 * value);
  CHECK(distance(other.trace.y, some(y, another_order)) < 1e-14);
  CHECK(distance(rp::flatten(other.gradient), gradient) < 1e-12);

  CHECK(rp::loss_and_gradient(model, x, target, loss, other) == value);  // with buffers of another batch
  CHECK(rp::flatten(other.gradient) == gradient);
}

}  // namespace

TEST_CASE("the last step") {
  prove<Recurrent, rp::Last>([](const Values& h) { return Values(h.rightCols(1)); });
}

TEST_CASE("the mean of all steps") {
  prove<Recurrent, rp::Mean>([](const Values& h) { return Values(h.rowwise().mean()); });
}

TEST_CASE("the largest of all steps") {
  prove<Recurrent, rp::Max>([](const Values& h) { return Values(h.rowwise().maxCoeff()); });
}

TEST_CASE("both directions: the last step of one, the first of the other") {
  prove<TwoWays, rp::Last>([](const Values& h) {
    Values q(4, 1);
    q << h.col(h.cols() - 1).head(2), h.col(0).tail(2);
    return q;
  });
}

TEST_CASE("of equal steps the first is the largest, and alone has a gradient") {
  Values h(1, 4), q(1, 1), dh = Values::Zero(1, 4);
  h << 1, 3, 3, 2;
  rp::Max::forward(h, rp::Layout({4}), 0, q);
  CHECK(q(0) == 3);
  rp::Max::backward(h, rp::Layout({4}), 0, Values::Ones(1, 1), dh);
  CHECK(dh == Eigen::RowVector4d(0, 1, 0, 0));
}

TEST_CASE("what does not fit is refused by name, and no record is no loss") {
  using Model = rp::SequenceToOne<Recurrent>;
  rp::Rng rng(1);
  const Model model({.inputs = 2, .hidden = 4, .outputs = 3}, rng);
  rp::Workspace workspace{model};
  const auto run = [&](const rp::Sequence<double>& x, const Values& target) {
    return rp::loss_and_gradient(model, x, target, rp::SquaredError{}, workspace);
  };
  const rp::Sequence<double> x(layout, 2);
  CHECK(run(x, Values::Zero(3, 6)) == 0);
  CHECK_THROWS_WITH(run(rp::Sequence<double>(layout, 3), Values::Zero(3, 6)), "x has 3 features, the model takes 2");
  CHECK_THROWS_WITH(run(x, Values::Zero(3, 5)), Contains("target has 5 columns"));
  CHECK_THROWS_WITH(run(x, Values::Zero(2, 6)), Contains("target has 2 rows"));
  auto cut = x;
  cut.values().conservativeResize(2, 3);
  CHECK_THROWS_WITH(run(cut, Values::Zero(3, 6)), Contains("x.values() has 3 columns"));
  workspace = rp::Workspace{Model({.inputs = 2, .hidden = 5, .outputs = 3}, rng)};
  CHECK_THROWS_WITH(run(x, Values::Zero(3, 6)), Contains("the workspace: layers.0.cell.W_xh is 5 x 2"));
  workspace = rp::Workspace{model};
  CHECK(run(x, Values::Ones(3, 6)) == 18);
  CHECK(run(rp::Sequence<double>(), Values(3, 0)) == 0);
  CHECK(rp::flatten(workspace.gradient).isZero(0));
}

TEST_CASE("with sizes in the type, a model that nobody has initialised is zero") {
  const rp::SequenceToOne<rp::RNNCell<double, 2, 3>, rp::Last, 2> model;
  rp::for_each_parameter([](const auto& p) { CHECK(p.isZero(0)); }, model);
}
