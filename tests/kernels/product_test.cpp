#include <reprise/kernels/product.hpp>

#include "catch.hpp"

namespace rp = reprise;
using Eigen::MatrixXd;
using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

namespace {

// C = A B and C += A B against one entry at a time.
void check_product(auto&& c, const auto& a, const auto& b) {
  MatrixXd expected = MatrixXd::Zero(c.rows(), c.cols());
  for (Eigen::Index i = 0; i < c.rows(); ++i)
    for (Eigen::Index j = 0; j < c.cols(); ++j)
      for (Eigen::Index k = 0; k < MatrixXd(a).cols(); ++k) expected(i, j) += MatrixXd(a)(i, k) * MatrixXd(b)(k, j);
  rp::product(c, a, b);
  CHECK((c - expected).norm() < 1e-13);
  rp::add_product(c, a, b);
  CHECK((c - 2 * expected).norm() < 1e-13);
}

}  // namespace

TEST_CASE("products of matrices, of blocks, and of transposes") {
  const MatrixXd a = MatrixXd::Random(7, 9), b = MatrixXd::Random(9, 5), big = MatrixXd::Random(20, 20);
  MatrixXd c(7, 5), large(20, 20);
  check_product(c, a, b);
  check_product(c, a.transpose().eval().transpose(), b);
  check_product(c, a, b.transpose().eval().transpose());
  check_product(c, MatrixXd(a.transpose()).transpose(), MatrixXd(b.transpose()).transpose());
  check_product(large.block(3, 2, 7, 5), big.block(1, 4, 7, 9), big.block(5, 5, 9, 5));
  check_product(large.block(3, 2, 7, 5), big.block(1, 4, 9, 7).transpose(), big.middleCols(2, 5).topRows(9));
  check_product(c.leftCols(1), a, b.leftCols(1));
}

TEST_CASE("what is stored otherwise gives the same: row-major, strided, an expression, fixed sizes") {
  const MatrixXd a = MatrixXd::Random(4, 6), b = MatrixXd::Random(6, 3), twice = MatrixXd::Random(12, 3);
  MatrixXd c(4, 3);
  check_product(c, RowMajor(a), b);
  check_product(c, a, RowMajor(b));
  check_product(c, RowMajor(a.transpose()).transpose(), b);
  check_product(c, a, Eigen::Map<const MatrixXd, 0, Eigen::Stride<12, 2>>(twice.data(), 6, 3));
  check_product(c, a, 2.0 * b);
  RowMajor row_major(4, 3);
  check_product(row_major, a, b);
  Eigen::Matrix<double, 4, 3> fixed;
  check_product(fixed, a, b);
  check_product(c, Eigen::Matrix<double, 4, 6>(a), b);
}

TEST_CASE("products without columns or without terms") {
  MatrixXd c = MatrixXd::Ones(3, 2), none(3, 0);
  rp::product(c, MatrixXd(3, 0), MatrixXd(0, 2));
  CHECK(c.isZero(0));
  rp::product(none, MatrixXd(3, 4), MatrixXd(4, 0));
  CHECK(none.cols() == 0);
}
