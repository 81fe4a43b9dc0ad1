#include <reprise/check/dual.hpp>
#include <reprise/kernels/activation.hpp>
#include <reprise/kernels/elementwise.hpp>

#include "catch.hpp"

namespace rp = reprise;
using rp::sigmoid, rp::tanh;

namespace {
void tanh_in_place(auto& x) {
  rp::elementwise([](auto& v) { v = tanh(v); }, x);
}
void sigmoid_in_place(auto& x) {
  rp::elementwise([](auto& v) { v = sigmoid(v); }, x);
}
}  // namespace

TEMPLATE_TEST_CASE("elementwise reaches every entry once, whatever the rows, and none beside them", "", float, double) {
  using M = rp::Matrix<TestType>;
  for (rp::Index rows = 0; rows < 40; ++rows)
    for (const rp::Index cols : {0, 1, 3}) {
      const M x = M::Random(rows, cols), y = M::Random(rows, cols);
      M around = M::Zero(rows + 2, cols + 2), squares = M::Zero(rows, cols);
      rp::elementwise(
          [](const auto& a, const auto& b, auto& sum, auto& square) {
            sum += a - b;
            square = a * a;
          },
          x, y, around.block(1, 1, rows, cols), squares);
      M expected = M::Zero(rows + 2, cols + 2);
      expected.block(1, 1, rows, cols) = x - y;
      CHECK((around == expected));
      CHECK(squares.isApprox(x.cwiseAbs2()));
    }
}

TEST_CASE("elementwise on sizes known to the compiler, on views, and on what has no packets") {
  Eigen::Matrix<float, 5, 1> five = Eigen::Matrix<float, 5, 1>::LinSpaced(-2, 2);
  const Eigen::Matrix<float, 5, 1> before = five;
  tanh_in_place(five);
  CHECK((five - before.array().tanh().matrix()).norm() < 1e-6f);

  Eigen::Matrix<double, 2, 3, Eigen::RowMajor> row_major = Eigen::Matrix<double, 2, 3>::Constant(0.5);
  sigmoid_in_place(row_major);
  CHECK(std::abs(row_major(1, 2) - 1 / (1 + std::exp(-0.5))) < 1e-15);

  rp::Matrix<rp::Dual> dual(1, 1);
  dual(0, 0) = rp::Dual(0.3, 2);
  tanh_in_place(dual);
  CHECK(dual(0, 0).value == std::tanh(0.3));
  CHECK(std::abs(dual(0, 0).derivative - 2 * (1 - std::pow(std::tanh(0.3), 2))) < 1e-15);
}

TEST_CASE("an entry does not depend on where it stands in a register") {
  for (const rp::Index rows : {1, 3, 7, 8, 13, 16, 31}) {
    rp::Vector<float> x = rp::Vector<float>::Constant(rows, 0.7f);
    tanh_in_place(x);
    CHECK((x.array() == x(0)).all());
    rp::Matrix<float, 3, 1> three = rp::Matrix<float, 3, 1>::Constant(0.7f);
    tanh_in_place(three);
    CHECK(three(1) == x(0));
  }
}

TEST_CASE("each_column puts one vector beside every column") {
  for (const rp::Index rows : {1, 5, 16, 33}) {
    const rp::Vector<float> v = rp::Vector<float>::Random(rows);
    rp::Matrix<float> m = rp::Matrix<float>::Random(rows + 2, 3);
    rp::Matrix<float> expected = m;
    expected.middleRows(1, rows).array().colwise() *= v.array();
    auto block = m.middleRows(1, rows);
    rp::elementwise([](auto& x, const auto& v_i) { x = x * v_i; }, block, rp::each_column(v, block));
    CHECK((m == expected));
  }
  rp::Matrix<rp::Dual> dual = rp::Matrix<rp::Dual>::Constant(2, 2, rp::Dual(3));
  rp::Vector<rp::Dual> v(2);
  v << rp::Dual(1), rp::Dual(2);
  rp::elementwise([](auto& x, const auto& v_i) { x = x * v_i; }, dual, rp::each_column(v, dual));
  CHECK(dual(0, 1).value == 3);
  CHECK(dual(1, 1).value == 6);
}

TEST_CASE("the slope of an activation, given its value, is its derivative") {
  const auto check = []<class Activation>(Activation, double x) {
    INFO(x);
    const rp::Dual y = Activation::of(rp::Dual(x, 1));
    CHECK(std::abs(Activation::slope(y.value) - y.derivative) < 1e-15);
    CHECK(std::abs(Activation::of(x) - y.value) < 1e-15);
    rp::Vector<double> packet = rp::Vector<double>::Constant(9, x), slopes(9);
    rp::elementwise(
        [](auto& a, auto& slope) {
          a = Activation::of(a);
          slope = Activation::slope(a);
        },
        packet, slopes);
    CHECK((packet.array() - y.value).abs().maxCoeff() < 1e-15);
    CHECK((slopes.array() - y.derivative).abs().maxCoeff() < 1e-15);
  };
  for (const double x : {-4.0, -2.4, -0.3, 0.2, 2.3, 5.0}) {
    check(rp::Tanh{}, x);
    check(rp::Sigmoid{}, x);
    check(rp::Relu{}, x);
    check(rp::Identity{}, x);
    check(rp::HardSigmoid{}, x);
  }
  CHECK(rp::HardSigmoid::of(1.0) == 0.7);
  CHECK(std::isnan(rp::Relu::of(std::nan(""))));
}
