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

namespace {

// A product of every kind against Eigen's, of sizes that leave every kind of rest: rows beyond the last register, columns
// beyond the last tile, a depth of more than one block. Entries are small whole numbers: float is exact.
template <class Scalar>
void check_kernel(rp::Index rows, rp::Index depth, rp::Index columns) {
  using M = rp::Matrix<Scalar>;
  const auto whole_numbers = [](rp::Index m, rp::Index n) {
    return M((M::Random(m, n) * Scalar(8)).array().round().matrix());
  };
  const M around = whole_numbers(rows + 5, depth + 3), a = around.block(2, 1, rows, depth), a_t = a.transpose();
  const M b = whole_numbers(depth, columns), b_t = b.transpose(), before = whole_numbers(rows, columns);
  const M expected = depth == 0 ? M(M::Zero(rows, columns)) : M(a.lazyProduct(b));
  const rp::PackedMatrix<Scalar> packed(a), packed_t(a_t.transpose());
  M c = before;
  const auto check = [&](const auto& left, const auto& right) {
    CAPTURE(rows, depth, columns);
    rp::product(c, left, right);
    REQUIRE((c == expected));
    c = before;
    rp::add_product(c, left, right);
    REQUIRE((c == before + expected));
  };
  check(a, b);
  check(a_t.transpose(), b);
  check(a, b_t.transpose());
  check(a_t.transpose(), b_t.transpose());
  check(packed, b);
  check(packed_t, b);
  check(packed, b_t.transpose());

  M large = M::Constant(rows + 4, columns + 2, Scalar(7));
  rp::product(large.block(1, 1, rows, columns), around.block(2, 1, rows, depth), b);
  REQUIRE((large.block(1, 1, rows, columns) == expected));
  large.block(1, 1, rows, columns).setConstant(Scalar(7));
  REQUIRE((large.array() == Scalar(7)).all());  // nothing was written beside it
}

}  // namespace

TEMPLATE_TEST_CASE("the kernel, of every size that leaves another rest", "", float, double) {
  for (const rp::Index rows : {1, 2, 3, 8, 15, 16, 17, 33, 48, 63, 65, 100})
    for (const rp::Index columns : {0, 1, 2, 3, 4, 5, 6, 7, 8, 11, 13})
      for (const rp::Index depth : {0, 1, 5, 129}) check_kernel<TestType>(rows, depth, columns);
  for (const rp::Index depth : {128, 300, 600, 1025}) check_kernel<TestType>(40, depth, 9);
}

TEMPLATE_TEST_CASE("a column of a product does not depend on its neighbours, nor on the form of A", "", float, double) {
  using M = rp::Matrix<TestType>;
  const M a = M::Random(70, 200), b = M::Random(200, 13);
  const rp::PackedMatrix<TestType> packed(a);
  M together(70, 13), direct(70, 13), alone(70, 1);
  rp::product(together, packed, b);
  rp::product(direct, a, b);
  CHECK((together == direct));
  for (rp::Index j = 0; j < 13; ++j) {
    rp::product(alone, packed, b.col(j));
    CHECK((alone == together.col(j)));
  }
}

TEST_CASE("PackedWeights packs each matrix and each transpose once, and again after forget") {
  MatrixXd w = MatrixXd::Random(6, 6), h = MatrixXd::Random(6, 2), c(6, 2), half(3, 2);
  rp::PackedWeights<double> packed;
  const MatrixXd before = w;
  rp::product(c, packed(w), h);
  w.setZero();
  rp::product(c, packed(w), h);
  CHECK((c - before * h).norm() < 1e-14);  // still the packed one
  rp::product(c, packed(w.transpose()), h);
  CHECK(c.isZero(0));  // another
  packed.forget();
  w = -before;
  rp::product(c, packed(w), h);
  CHECK((c + before * h).norm() < 1e-14);
  rp::product(c, packed(w.transpose()), h);
  CHECK((c + before.transpose() * h).norm() < 1e-14);
  rp::product(half, packed(w.topRows(3)), h);
  CHECK((half + before.topRows(3) * h).norm() < 1e-14);
  rp::product(half, packed(w.bottomRows(3)), h);
  CHECK((half + before.bottomRows(3) * h).norm() < 1e-14);
  const MatrixXd all = MatrixXd::Random(8, 8);
  const Eigen::Map<const MatrixXd> first(all.data(), 6, 6);  // begins where the corner does, and is another matrix
  rp::product(c, packed(all.topLeftCorner(6, 6)), h);
  CHECK((c - all.topLeftCorner(6, 6) * h).norm() < 1e-14);
  rp::product(c, packed(first), h);
  CHECK((c - first * h).norm() < 1e-14);
  rp::product(c, packed(2 * w), h);  // an expression has no packed form
  CHECK((c + 2 * before * h).norm() < 1e-14);
  CHECK(&packed(w) == &packed(w));
}

namespace {
template <class Scalar, int Rows, int Depth>
void check_step() {
  using M = Eigen::Matrix<Scalar, Rows, Depth>;
  using V = Eigen::Matrix<Scalar, Rows, 1>;
  const M a = (M::Random() * Scalar(8)).array().round().matrix();
  const Eigen::Matrix<Scalar, Depth, 1> b = Eigen::Matrix<Scalar, Depth, 1>::LinSpaced(1, Depth);
  const V before = V::LinSpaced(-1, 1).array().round().matrix();
  V c = before, expected = V::Zero();
  for (int k = 0; k < Depth; ++k) expected += a.col(k) * b(k);
  CAPTURE(Rows, Depth);
  rp::add_product(c, a, b);
  CHECK((c == before + expected));
  rp::product(c, a, b);
  CHECK((c == expected));
}
}  // namespace

TEMPLATE_TEST_CASE("a step of known sizes: one chain or several, one chunk of registers or several", "", float,
                   double) {
  check_step<TestType, 4, 1>();
  check_step<TestType, 4, 3>();
  check_step<TestType, 8, 7>();
  check_step<TestType, 16, 6>();
  check_step<TestType, 24, 5>();
  check_step<TestType, 48, 9>();
  check_step<TestType, 96, 11>();
  check_step<TestType, 256, 6>();
  check_step<TestType, 300, 2>();
  check_step<TestType, 7, 5>();
}
