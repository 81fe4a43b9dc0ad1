#include <reprise/kernels/bias.hpp>

#include "catch.hpp"

namespace rp = reprise;

TEMPLATE_TEST_CASE("a bias goes to every column, its gradient comes from every column, whatever the sizes", "", float,
                   double) {
  using M = rp::Matrix<TestType>;
  using V = rp::Vector<TestType>;
  for (const rp::Index rows : {0, 1, 2, 5, 8, 16, 17, 40, 64, 100, 131})
    for (const rp::Index cols : {0, 1, 2, 7}) {
      M around = M::Random(rows + 2, cols + 2);
      const M before = around;
      const V b = V::Random(rows);
      rp::add_bias(around.block(1, 1, rows, cols), b);
      M expected = before;
      expected.block(1, 1, rows, cols).colwise() += b;
      CHECK((around == expected));

      V db = b;
      rp::add_bias_gradient(db, before.block(1, 1, rows, cols));
      CHECK((db - b - before.block(1, 1, rows, cols).rowwise().sum()).norm() <
            50 * std::numeric_limits<TestType>::epsilon());
    }
}

TEST_CASE("no bias, no work; one column; another storage") {
  rp::Matrix<float> m = rp::Matrix<float>::Ones(3, 2);
  rp::Vector<float, 0> none;
  rp::add_bias(m, none);
  rp::add_bias_gradient(none, m);
  CHECK(m.isOnes(0));
  rp::Vector<float> one = rp::Vector<float>::Ones(3);
  rp::add_bias(one, one.eval());
  CHECK((one.array() == 2).all());
  Eigen::Matrix<double, 1, rp::Dynamic> row = Eigen::RowVector3d(1, 2, 3);
  rp::Vector<double, 1> b(0.5);
  rp::add_bias(row, b);
  CHECK(row == Eigen::RowVector3d(1.5, 2.5, 3.5));
  rp::add_bias_gradient(b, row);
  CHECK(b(0) == 8);
}

TEST_CASE("add_sum_of_products adds the sum over the columns") {
  const rp::Matrix<double> a = rp::Matrix<double>::Random(5, 7), b = rp::Matrix<double>::Random(5, 7);
  rp::Vector<double> dv = rp::Vector<double>::Ones(5);
  rp::add_sum_of_products(dv, a, b);
  CHECK(dv.isApprox(rp::Vector<double>::Ones(5) + (a.array() * b.array()).rowwise().sum().matrix()));
}
