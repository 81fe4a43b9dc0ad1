// Where gradients vanish, and where a network is chaotic.
#include <reprise/cells/lstm.hpp>
#include <reprise/cells/rnn.hpp>
#include <reprise/check/dual.hpp>
#include <reprise/losses/squared_error.hpp>
#include <reprise/train/dynamics.hpp>

#include <numbers>

#include "catch.hpp"

namespace rp = reprise;
using Eigen::MatrixXd;
using Eigen::VectorXd;
using rp::Index;

namespace {

template <class Activation = rp::Tanh, class Scalar = double>
using RNN = rp::SequenceModel<rp::RNNCell<Scalar, rp::Dynamic, rp::Dynamic, rp::Bias::present, Activation>>;
using LSTM = rp::SequenceModel<rp::LSTMCell<double>>;

double difference(const MatrixXd& a, const MatrixXd& b) { return (a - b).cwiseAbs().maxCoeff(); }

rp::Sequence<double> random_sequence(const std::vector<Index>& lengths, Index features, rp::Rng& rng) {
  rp::Sequence<double> x(rp::Layout(lengths), features);
  rp::normal(x.values(), 1, rng);
  return x;
}

template <class Model>
Model random_model(rp::Rng& rng, Index inputs = 2, Index hidden = 4, Index outputs = 3) {
  Model model({.inputs = inputs, .hidden = hidden, .outputs = outputs}, rng);
  rp::for_each_parameter([&](auto& p) { rp::normal(p, 0.7, rng); }, model);
  return model;
}

// |dL/ds_t| by the gradient of the initial state of what follows, and the readout at t itself: for one record,
// (parts, steps).
template <class Model>
MatrixXd norms_by_splitting(const Model& model, const MatrixXd& x, const MatrixXd& target,
                            typename Model::template State<> state) {
  MatrixXd norms(static_cast<Index>(model.cell.state_rows().size()), x.cols());
  for (Index t = 0; t < x.cols(); ++t) {
    const rp::Sequence<double> x_t{MatrixXd(x.col(t))};
    const MatrixXd y = model.forward(x_t, state).values();
    rp::Workspace<Model> rest(model);
    const rp::Sequence<double> after{MatrixXd(x.rightCols(x.cols() - t - 1))},
        target_after{MatrixXd(target.rightCols(x.cols() - t - 1))};
    auto from = state;
    rp::loss_and_gradient(model, after, target_after, rp::SquaredError{}, rest, {.state = &from});
    rest.dh0.h += model.W_hy.transpose() * 2 * (y - target.col(t));
    rp::for_each_parameter([&, part = 0](const auto& d) mutable { norms(part++, t) = d.norm(); }, rest.dh0);
  }
  return norms;
}

template <class Model>
void check_norms(std::uint64_t seed) {
  rp::Rng rng{seed};
  const auto model = random_model<Model>(rng);
  const auto x = random_sequence({3, 0, 6, 1}, 2, rng), target = random_sequence({3, 0, 6, 1}, 3, rng);
  auto state = model.initial_state(4);
  rp::for_each_parameter([&](auto& part) { rp::normal(part, 1, rng); }, state);
  const auto kept = state;
  const auto norms = rp::gradient_norms(model, x, target, rp::SquaredError{}, {.state = &state});
  CHECK(state.h == kept.h);
  REQUIRE(norms.layout() == x.layout());
  for (const Index record : {0, 2, 3}) {
    auto own = model.initial_state(1);
    rp::for_each_parameter([&](auto& one, const auto& all) { one = all.col(record); }, own, kept);
    CHECK(difference(norms[record], norms_by_splitting(model, x[record], target[record], own)) < 1e-12);
  }
}

}  // namespace

TEST_CASE("gradient_norms are those of dL/dh_t, for every part of the state of ragged records") {
  check_norms<RNN<>>(1);
  check_norms<LSTM>(2);
}

TEST_CASE("gradient_norms of a layer of a Stack count what comes through the layers above it") {
  // Layer 0 by hand, so that its h_t is a variable; what is above it is a model of its own.
  using Model = rp::SequenceModel<rp::Stack<rp::RNNCell<double>, rp::LSTMCell<double>>>;
  rp::Rng rng{7};
  const auto model = random_model<Model>(rng);
  const auto x = random_sequence({3, 0, 6, 1}, 2, rng), target = random_sequence({3, 0, 6, 1}, 3, rng);
  const auto& first = std::get<0>(model.layers);
  LSTM above(std::get<1>(model.layers), 3);
  above.W_hy = model.W_hy;
  above.b_y = model.b_y;
  LSTM::Rebind<rp::Dual> dual;
  rp::copy_parameters(above, dual);

  const auto norms = rp::gradient_norms<0>(model, x, target, rp::SquaredError{}),
             norms_above = rp::gradient_norms<1>(model, x, target, rp::SquaredError{});
  for (const Index record : {0, 2, 3}) {
    const MatrixXd of_x = (first.cell.W_xh * x[record]).colwise() + first.cell.b_h;
    const auto run = [&](Index t, Index k) {  // h_0 .. h_T, dual in entry k of h_t
      rp::Matrix<rp::Dual> h(4, of_x.cols());
      rp::Vector<rp::Dual> before = rp::Vector<rp::Dual>::Zero(4);
      for (Index s = 0; s < h.cols(); ++s) {
        const rp::Vector<rp::Dual> a =
            first.cell.W_hh.cast<rp::Dual>().lazyProduct(before) + of_x.col(s).cast<rp::Dual>();
        for (Index i = 0; i < 4; ++i) h(i, s) = tanh(a(i));
        if (s == t) h(k, s).derivative = 1;
        before = h.col(s);
      }
      return h;
    };
    const rp::Sequence<double> goal{target[record]};
    for (Index t = 0; t < of_x.cols(); ++t) {
      VectorXd d(4);
      for (Index k = 0; k < 4; ++k)
        d(k) = rp::evaluate(dual, rp::Sequence<rp::Dual>{run(t, k)}, goal, rp::SquaredError{}).derivative;
      CHECK(norms[record](0, t) == Approx(d.norm()).epsilon(1e-12));
    }
    const MatrixXd h = run(-1, 0).unaryExpr([](const rp::Dual& v) { return v.value; });
    CHECK(difference(norms_above[record],
                     rp::gradient_norms(above, rp::Sequence<double>{h}, goal, rp::SquaredError{})[0]) < 1e-12);
  }
}

TEST_CASE("an error at the last step shrinks or grows as the powers of W_hh, in float, too, where its square is 0") {
  for (const double scale : {0.1, 1.0, 1.3}) {
    rp::Rng rng{3};
    RNN<rp::Identity, float> model({.inputs = 1, .hidden = 6, .outputs = 2}, rng);
    model.cell.W_hh *= float(scale);  // orthogonal before
    const Index steps = 31;
    rp::Sequence<float> x(rp::Layout({steps}), 1);
    rp::Sequence<double> dy(rp::Layout({steps}), 2);
    dy.values().col(steps - 1) << 1, -2;
    const auto norms = rp::gradient_norms(model, x, dy, [](const auto& y, const auto& target, auto&& dy_) {
      dy_ = target.template cast<float>();
      return (y.array() * dy_.array()).sum();
    });
    const double last = (model.W_hy.transpose() * Eigen::Vector2f(1, -2)).norm();
    for (Index t = 0; t < steps; ++t)
      CHECK(norms.values()(0, t) == Approx(last * std::pow(scale, steps - 1 - t)).epsilon(1e-4));
  }
}

namespace {

// ds_t/ds_{t-1} from dual numbers.
template <class Model>
MatrixXd jacobian_by_duals(const Model& model, const VectorXd& x, const typename Model::template State<>& state) {
  using DualModel = typename Model::template Rebind<rp::Dual>;
  DualModel dual;
  rp::copy_parameters(model, dual);
  auto from = dual.initial_state(1);
  rp::copy_parameters(state, from);
  std::vector<MatrixXd> columns;
  rp::for_each_parameter(
      [&](auto& part) {
        for (rp::Dual& entry : part.reshaped()) {
          entry.derivative = 1;
          auto now = from;
          dual.step(x.cast<rp::Dual>().eval(), now);
          MatrixXd derivatives(0, 1);
          rp::for_each_parameter(
              [&](const auto& p) {
                derivatives.conservativeResize(derivatives.rows() + p.rows(), 1);
                for (Index i = 0; i < p.rows(); ++i) derivatives(derivatives.rows() - p.rows() + i) = p(i).derivative;
              },
              now);
          columns.push_back(derivatives);
          entry.derivative = 0;
        }
      },
      from);
  const auto n = static_cast<Index>(columns.size());
  MatrixXd J(n, n);
  for (Index j = 0; j < n; ++j) J.col(j) = columns[static_cast<std::size_t>(j)];
  return J;
}

template <class Model>
void check_jacobian(std::uint64_t seed) {
  rp::Rng rng{seed};
  const auto model = random_model<Model>(rng);
  auto state = model.initial_state();
  auto batch = model.initial_state(1);
  rp::for_each_parameter([&](auto& one, auto& many) { rp::normal(one, 1, rng), many = one; }, state, batch);
  const VectorXd x = VectorXd::LinSpaced(2, -1, 0.5);
  CHECK(difference(rp::jacobian(model, x, state), jacobian_by_duals(model, x, batch)) < 1e-14);
}

}  // namespace

TEST_CASE("the Jacobian of a step is that of dual numbers") {
  check_jacobian<RNN<>>(1);
  check_jacobian<LSTM>(2);
}

TEST_CASE("the Lyapunov exponent of a linear network is the logarithm of its spectral radius") {
  rp::Rng rng{4};
  auto model = random_model<RNN<rp::Identity>>(rng, 2, 5);
  const auto x = random_sequence({1500, 700}, 2, rng);  // any: the Jacobian is W_hh everywhere
  const auto start = model.initial_state(2);

  model.cell.W_hh = (model.cell.W_hh + model.cell.W_hh.transpose()).eval() / 3;  // real eigenvalues
  double radius = rp::spectral_radius(model.cell.W_hh);
  for (const Index transient : {0, 10})
    CHECK(difference(rp::lyapunov_exponent(model, x, start, {.transient = transient, .alignment = 400}),
                     VectorXd::Constant(2, std::log(radius))) < 1e-12);

  rp::normal(model.cell.W_hh, 0.4, rng);
  model.cell.W_hh.topLeftCorner(2, 2) << 0.6, -1, 1, 0.6;
  model.cell.W_hh.topRightCorner(2, 3).setZero();
  model.cell.W_hh.bottomRightCorner(3, 3) *= 0.3;
  radius = std::hypot(0.6, 1);  // of a complex pair
  REQUIRE(rp::spectral_radius(model.cell.W_hh) == Approx(radius));
  const VectorXd exponent = rp::lyapunov_exponent(model, x, start);
  CHECK(std::abs(exponent(0) - std::log(radius)) < 2.0 / 1500);
  CHECK(std::abs(exponent(1) - std::log(radius)) < 2.0 / 700);
  CHECK(exponent(0) != exponent(1));

  model.cell.W_hh.setZero();
  CHECK(rp::lyapunov_exponent(model, x, start)(0) == -std::numeric_limits<double>::infinity());
}

TEST_CASE("at a fixed point the Lyapunov exponent of a tanh unit is log |w (1 - h^2)|") {
  RNN<> model({.inputs = 1, .hidden = 1, .outputs = 1});
  const rp::Sequence<double> x(rp::Layout({300}), 1);
  for (const double w : {2.0, -0.5, 1.2}) {
    model.cell.W_hh(0) = w;
    auto state = model.initial_state(1);
    state.h(0) = 0.3;
    double h = 0.3;
    for (int t = 0; t < 1000; ++t) h = std::tanh(w * h);
    const double slope = std::abs(w * (1 - h * h));
    const auto exponent = rp::lyapunov_exponent(model, x, state, {.transient = 200});
    CHECK(exponent(0) == Approx(std::log(slope)).epsilon(1e-12));
    auto fixed = model.initial_state();
    fixed.h(0) = h;
    CHECK(rp::spectral_radius(rp::jacobian(model, VectorXd::Zero(1), fixed)) == Approx(slope));
  }
}

TEST_CASE("each record begins in its own state, whatever the order of lengths") {
  RNN<> model({.inputs = 1, .hidden = 1, .outputs = 1});
  model.cell.W_hh(0) = 2;
  auto start = model.initial_state(3);
  start.h << 0, 0.3, -0.3;  // 0 is a fixed point, too, whose slope is 2
  const auto exponent =
      rp::lyapunov_exponent(model, rp::Sequence<double>(rp::Layout({80, 90, 100}), 1), start, {.transient = 50});
  CHECK(exponent(0) == Approx(std::log(2.0)));
  CHECK(exponent(1) < -0.4);
  CHECK(exponent(1) == Approx(exponent(2)));
}

namespace {

// h_t = tanh(g J h_{t-1}), J of independent normal entries of variance 1 / n.
RNN<> random_network(double g, Index n, rp::Rng& rng) {
  RNN<> model({.inputs = 1, .hidden = n, .outputs = 1});
  rp::normal(model.cell.W_hh, g / std::sqrt(double(n)), rng);
  return model;
}

// E f(z), z normal of that variance.
double mean_over_normal(double variance, auto f) {
  double sum = 0;
  for (double z = -10; z <= 10; z += 0.01)
    sum += 0.01 * f(std::sqrt(variance) * z) * std::exp(-z * z / 2) / std::sqrt(2 * std::numbers::pi);
  return sum;
}

}  // namespace

TEST_CASE(
    "a random network is chaotic for g above 1, and forgets for g below (Sompolinsky, Crisanti and Sommers, 1988)") {
  const rp::Sequence<double> silence(rp::Layout({1200}), 1);
  for (const double g : {0.5, 0.8, 2.0, 3.0}) {
    rp::Rng rng{5};
    const auto model = random_network(g, 200, rng);
    auto state = model.initial_state(1);
    rp::normal(state.h, 1, rng);
    const double exponent = rp::lyapunov_exponent(model, silence, state, {.transient = 200, .alignment = 100})(0);
    INFO("g = " << g << ": " << exponent);
    if (g < 1) {  // the state dies away; what is left is the linear network
      CHECK(exponent < -0.1);
      CHECK(exponent == Approx(std::log(rp::spectral_radius(model.cell.W_hh))).margin(2e-3));
    } else {
      CHECK(exponent > 0.1);
      // Of infinitely many units: a_t is normal of variance q = g^2 E tanh^2, and |J_t v|^2 = g^2 E tanh'^2 |v|^2.
      double q = g * g;
      for (int i = 0; i < 200; ++i) q = g * g * mean_over_normal(q, [](double a) { return std::pow(std::tanh(a), 2); });
      const double slope = mean_over_normal(q, [](double a) { return std::pow(std::cosh(a), -4); });
      CHECK(exponent == Approx(0.5 * std::log(g * g * slope)).margin(0.02));
    }
  }
}

TEST_CASE("the Lyapunov exponent is that of a difference that goes forward, one record at a time") {
  rp::Rng rng{6};
  LSTM model = random_model<LSTM>(rng);
  rp::for_each_parameter([](auto& p) { p *= 2; }, model);
  const auto x = random_sequence({400, 900}, 2, rng);
  const auto together = rp::lyapunov_exponent(model, x, model.initial_state(2));
  for (const Index record : {0, 1}) {
    const auto alone = rp::lyapunov_exponent(model, rp::Sequence<double>{x[record]}, model.initial_state(1));
    auto state = model.initial_state();
    VectorXd v = VectorXd::Ones(8);
    double sum = 0;
    const MatrixXd steps = x[record];
    for (Index t = 0; t < steps.cols(); ++t) {
      v = rp::jacobian(model, steps.col(t), state) * v;
      sum += std::log(v.norm());
      v.normalize();
      model.step(steps.col(t), state);
    }
    const double most = 8.0 / static_cast<double>(steps.cols());  // either vector may miss a factor of e^4
    CHECK(std::abs(together(record) - sum / static_cast<double>(steps.cols())) < most);
    CHECK(std::abs(together(record) - alone(0)) < most);
  }
}

namespace {

template <class Model>
void check_alone(Index hidden, std::uint64_t seed) {
  rp::Rng rng{seed};
  const auto model = random_model<Model>(rng, 2, hidden);
  const auto x = random_sequence({30, 7, 45, 30, 12}, 2, rng);
  auto start = model.initial_state(5);
  rp::for_each_parameter([&](auto& part) { rp::normal(part, 1, rng); }, start);
  const auto together = rp::lyapunov_exponent(model, x, start, {.transient = 2, .seed = 9});
  for (Index record = 0; record < 5; ++record) {
    auto own = model.initial_state(1);
    rp::for_each_parameter([&](auto& one, const auto& all) { one = all.col(record); }, own, start);
    CHECK(rp::lyapunov_exponent(model, x.select({record}), own, {.transient = 2, .seed = 9})(0) == together(record));
  }
  CHECK(rp::lyapunov_exponent(model, x, start, {.transient = 2, .seed = 10})(0) != together(0));
}

}  // namespace

TEST_CASE("the Lyapunov exponent of a record does not depend on the records beside it") {
  check_alone<RNN<>>(4, 8);
  check_alone<LSTM>(5, 9);
}

TEST_CASE("what the dynamics cannot be measured of is refused") {
  rp::Rng rng{7};
  const auto model = random_model<RNN<>>(rng);
  const auto x = random_sequence({5, 3}, 2, rng);
  const auto start = model.initial_state(2);
  CHECK_THROWS_WITH(rp::lyapunov_exponent(model, x, start, {.transient = 2, .alignment = 1}),
                    "lyapunov_exponent: record 1 has 3 steps, of which 2 + 1 do not count");
  CHECK_THROWS_AS(rp::lyapunov_exponent(model, x, start, {.transient = -1}), rp::shape_error);
  CHECK_THROWS_AS(rp::lyapunov_exponent(model, x, model.initial_state(3)), rp::shape_error);
  CHECK_THROWS_AS(rp::jacobian(model, VectorXd::Zero(3), model.initial_state()), rp::shape_error);
  CHECK_THROWS_AS(rp::gradient_norms(model, x, random_sequence({5, 2}, 3, rng), rp::SquaredError{}), rp::shape_error);
}
