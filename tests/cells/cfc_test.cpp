#include <reprise/cells/cfc.hpp>
#include <reprise/check/check_cell.hpp>

#include "catch.hpp"

namespace rp = reprise;
using Eigen::ArrayXd;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

constexpr rp::Index inputs = 3, hidden = 4;  // two features and the time

struct Heads {
  ArrayXd g1, g2, A, B;
};

Heads heads(const rp::CfCCell<double>& cell, const VectorXd& u, const VectorXd& h) {
  const VectorXd a = cell.W_xh * u + cell.W_hh * h + cell.b_h;
  return {a.segment(0, hidden).array().tanh(), a.segment(hidden, hidden).array().tanh(), a.segment(2 * hidden, hidden),
          a.segment(3 * hidden, hidden)};
}

ArrayXd sigmoid(const ArrayXd& a) { return 1 / (1 + (-a).exp()); }

rp::CfCCell<double> random_cell() {
  rp::Rng rng{4};
  rp::CfCCell<double> cell{{inputs, hidden}, rng};
  rp::uniform(cell.b_h, 1, rng);
  return cell;
}

VectorXd random_vector(rp::Index size, std::uint64_t seed) {
  rp::Rng rng{seed};
  VectorXd v(size);
  rp::uniform(v, 1, rng);
  return v;
}

// h_t, `delta` after h_{t-1} = h.
VectorXd step(const rp::CfCCell<double>& cell, const VectorXd& u, double delta, const VectorXd& h) {
  const rp::Recurrent layer(cell);
  rp::CfCCell<double>::State<rp::Owned<1>> state{h};
  rp::Recurrent<rp::CfCCell<double>>::StepTrace<1, rp::AsTheyAre> trace;
  return layer.step((VectorXd(inputs) << u, delta).finished(), state, trace);
}

}  // namespace

TEST_CASE("CfC is its equation for steps of any length") {
  const auto cell = random_cell();
  const VectorXd u = random_vector(inputs - 1, 1), h = random_vector(hidden, 2);
  const Heads of = heads(cell, u, h);
  for (const double delta : {0.0, 0.1, 1.0, 7.5}) {
    const ArrayXd s = sigmoid(of.A * delta + of.B);
    CHECK((step(cell, u, delta, h).array() - ((1 - s) * of.g1 + s * of.g2)).matrix().norm() < 1e-15);
  }
}

TEST_CASE("CfC goes from a mixture of its heads to one of them as time passes") {
  auto cell = random_cell();
  const VectorXd u = random_vector(inputs - 1, 1), h = random_vector(hidden, 2);
  const Heads of = heads(cell, u, h);
  REQUIRE((of.A > 0.1).any());
  REQUIRE((of.A < -0.1).any());
  REQUIRE((of.g1 - of.g2).abs().minCoeff() > 0.1);

  const ArrayXd end = (of.A > 0).select(of.g2, of.g1);
  CHECK((step(cell, u, 1e6, h).array() - end).matrix().norm() < 1e-15);
  ArrayXd distance = (step(cell, u, 0, h).array() - end).abs();
  for (const double delta : {0.5, 1.0, 2.0, 4.0}) {  // no unit ever turns round
    const ArrayXd later = (step(cell, u, delta, h).array() - end).abs();
    CHECK((later < distance).all());
    distance = later;
  }

  const VectorXd now = step(cell, u, 0, h);
  cell.W_xh.middleRows(2 * hidden, hidden).setRandom();  // of A, which only time makes count
  CHECK(step(cell, u, 0, h) == now);
  CHECK((step(cell, u, 1, h) - now).norm() > 0.01);
}

TEST_CASE("CfC of the time alone, and of none") {
  rp::Rng rng{1};
  CHECK_NOTHROW(rp::check_cell(rp::CfCCell<double>{{1, 5}, rng}));
  const rp::CfCCell<double> dynamic{{1, hidden}, rng};
  rp::CfCCell<double, 1, hidden> fixed;
  CHECK(fixed.inputs() == 1);
  rp::copy_parameters(dynamic, fixed);
  rp::Recurrent<rp::CfCCell<double>>::StepTrace<1, rp::AsTheyAre> dynamic_trace;
  rp::Recurrent<rp::CfCCell<double, 1, hidden>>::StepTrace<1, rp::AsTheyAre> fixed_trace;
  rp::CfCCell<double>::State<rp::Owned<1>> dynamic_state{VectorXd::Ones(hidden)};
  rp::CfCCell<double, 1, hidden>::State<rp::Owned<1>> fixed_state{rp::Vector<double, hidden>::Ones()};
  const rp::Vector<double, 1> delta(0.3);
  const VectorXd h = rp::Recurrent(dynamic).step(VectorXd(delta), dynamic_state, dynamic_trace);
  CHECK((h - rp::Recurrent(fixed).step(delta, fixed_state, fixed_trace)).norm() < 1e-15);
  CHECK((h - VectorXd::Ones(hidden)).norm() > 0.1);

  CHECK_NOTHROW(rp::CfCCell<double>());
  CHECK_THROWS_WITH(rp::CfCCell<double>(rp::Sizes{0, 4}),
                    "inputs = 0: the last row of x_t is the time since the step before");
  CHECK_THROWS_WITH((rp::CfCCell<double, 3, 4>(rp::Sizes{2, 4})), "inputs = 2, the type says 3");
  CHECK_THROWS_AS(rp::CfCCell<double>(rp::Sizes{-1, 4}), rp::shape_error);
}
