#include <reprise/cells/lstm.hpp>
#include <reprise/train/optimiser.hpp>
#include <reprise/train/sequence_model.hpp>

#include "catch.hpp"

namespace rp = reprise;

namespace {

struct Inner {
  using Scalar = double;
  Eigen::MatrixXd A;
  static constexpr auto fields() { return std::tuple{rp::field("A", &Inner::A)}; }
};

struct Outer {
  using Scalar = double;
  Inner inner;
  Eigen::VectorXd b;
  static constexpr auto fields() { return std::tuple{rp::field("inner", &Outer::inner), rp::field("b", &Outer::b)}; }
};

struct Partly {
  using Scalar = double;
  Eigen::VectorXd learned, given;
  static constexpr auto fields() {
    return std::tuple{rp::field("learned", &Partly::learned), rp::constant("given", &Partly::given)};
  }
};

Outer counted() {
  Outer outer{{Eigen::MatrixXd(2, 3)}, Eigen::VectorXd(2)};
  outer.inner.A << 1, 3, 5, 2, 4, 6;
  outer.b << 7, 8;
  return outer;
}

template <class M>
std::vector<std::string> names(const M& module) {
  std::vector<std::string> result;
  rp::for_each_parameter([&](const std::string& name, const auto&) { result.push_back(name); }, module);
  return result;
}

}  // namespace

TEST_CASE("for_each_parameter walks fields in order, with dotted names") {
  CHECK(names(counted()) == std::vector<std::string>{"inner.A", "b"});
  CHECK(names(rp::SequenceModel<rp::LSTMCell<float>>{}) ==
        std::vector<std::string>{"cell.W_xh", "cell.W_hh", "cell.b_h", "W_hy", "b_y"});
  CHECK(names(rp::SequenceModel<rp::Stack<rp::LSTMCell<float>, rp::LSTMCell<float>>>{}).at(4) == "layers.1.cell.W_hh");
}

TEST_CASE("for_each_parameter takes several modules, and a visitor without a name") {
  Outer a = counted(), b = counted(), c = counted();
  rp::for_each_parameter([](auto& p, const auto& q, const auto& r) { p += q + 2 * r; }, a, b, c);
  CHECK(a.inner.A(1, 2) == 6 * 4);
  CHECK(a.b(0) == 7 * 4);
}

TEST_CASE("for_each_run meets every entry once, whatever the shapes") {
  Outer a{{Eigen::MatrixXd::Random(41, 60)}, Eigen::VectorXd::Random(1024)}, b = a, c = a;
  rp::for_each_run([](auto p, auto q, auto r) { p += q + 2 * r; }, a, b, c);
  CHECK(a.inner.A.isApprox(4 * b.inner.A));
  CHECK(a.b.isApprox(4 * b.b));
}

TEST_CASE("require_finite names the parameter that is not") {
  Outer outer{{Eigen::MatrixXd::Random(41, 60)}, Eigen::VectorXd::Random(3)};
  rp::require_finite(outer, "");
  for (const double x :
       {std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity(), std::nan("")}) {
    outer.inner.A(40, 59) = x;
    CHECK_THROWS_WITH(rp::require_finite(outer, "the gradient of "), "the gradient of inner.A is not finite");
  }
}

TEST_CASE("zeros_like keeps shapes and leaves the original") {
  const Outer outer = counted();
  const Outer zeros = rp::zeros_like(outer);
  CHECK(zeros.inner.A == Eigen::MatrixXd::Zero(2, 3));
  CHECK(zeros.b == Eigen::VectorXd::Zero(2));
  CHECK(outer.b(1) == 8);
}

TEST_CASE("count_parameters counts entries") {
  CHECK(rp::count_parameters(counted()) == 8);
  const rp::SequenceModel<rp::LSTMCell<float>> model{{.inputs = 3, .hidden = 5, .outputs = 2}};
  CHECK(rp::count_parameters(model) == 4 * 5 * (3 + 5 + 1) + 2 * (5 + 1));
}

TEST_CASE("flatten and unflatten are each other's inverse, column by column") {
  Outer outer = counted();
  const Eigen::VectorXd flat = rp::flatten(outer);
  CHECK(flat == Eigen::VectorXd::LinSpaced(8, 1, 8));
  rp::unflatten(flat.reverse().eval(), outer);
  CHECK(outer.inner.A(0, 0) == 8);
  CHECK(outer.b(1) == 1);
  CHECK(rp::flatten(outer) == flat.reverse());
}

TEST_CASE("unflatten of the wrong size throws and changes nothing") {
  Outer outer = counted();
  CHECK_THROWS_WITH(rp::unflatten(Eigen::VectorXd::Zero(7), outer),
                    "the flat vector has 7 entries, the module takes 8");
  CHECK_THROWS_AS(rp::unflatten(Eigen::VectorXd::Zero(9), outer), rp::shape_error);
  CHECK(rp::flatten(outer) == rp::flatten(counted()));
}

TEST_CASE("require_like names the parameter that differs") {
  const Outer model = counted();
  Outer other = model;
  rp::require_like(model, other, "the gradient");
  other.inner.A.resize(2, 4);
  CHECK_THROWS_WITH(rp::require_like(model, other, "the gradient"),
                    "the gradient: inner.A is 2 x 4, the model's is 2 x 3");
}

TEST_CASE("copy_parameters converts the scalar and takes sizes over") {
  rp::Rng rng{3};
  const rp::SequenceModel<rp::LSTMCell<double>> from{{.inputs = 2, .hidden = 3, .outputs = 1}, rng};
  rp::SequenceModel<rp::LSTMCell<float>> to;
  rp::copy_parameters(from, to);
  CHECK(to.cell.W_xh == from.cell.W_xh.cast<float>());
  CHECK(to.W_hy == from.W_hy.cast<float>());
}

TEST_CASE("a module is a value: a copy has its own matrices") {
  rp::Rng rng{4};
  rp::SequenceModel<rp::LSTMCell<float>> model{{.inputs = 2, .hidden = 3, .outputs = 1}, rng};
  const auto copy = model;
  model.cell.W_xh.setZero();
  CHECK(copy.cell.W_xh.norm() > 0.1f);
}

TEST_CASE("a constant is copied and counted, but no optimiser moves it") {
  Partly model{Eigen::Vector2d(1, 2), Eigen::Vector2d(3, 4)};
  const Partly gradient{Eigen::Vector2d(1, 1), Eigen::Vector2d(1, 1)};
  CHECK(names(model) == std::vector<std::string>{"learned", "given"});
  CHECK(rp::count_parameters(model) == 4);
  Partly copy;
  rp::copy_parameters(model, copy);
  CHECK(copy.given == model.given);
  rp::Adam adam{model, {.learning_rate = 0.1, .weight_decay = 0.5}};
  adam.step(model, gradient);
  rp::SGD sgd{model, {.learning_rate = 0.1}};
  sgd.step(model, gradient);
  CHECK(model.given == Eigen::Vector2d(3, 4));
  CHECK(model.learned != copy.learned);
  rp::set_zero(copy);
  CHECK(copy.given.isZero(0));
}
