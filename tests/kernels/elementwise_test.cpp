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
