#include <reprise/kernels/scan.hpp>

#include <complex>

#include "catch.hpp"

namespace rp = reprise;
using Eigen::MatrixXd;
using rp::Index;

namespace {

// What an entry of Numbers is to the compiler, and how to read and write it.
template <class Numbers>
struct Entry;
template <>
struct Entry<rp::RealNumbers> {
  using type = double;
  static type get(const MatrixXd& m, Index i, Index j) { return m(i, j); }
  static void set(MatrixXd& m, Index i, Index j, type value) { m(i, j) = value; }
  static Index count(const MatrixXd& m) { return m.rows(); }
};
template <>
struct Entry<rp::ComplexNumbers> {
  using type = std::complex<double>;
  static type get(const MatrixXd& m, Index i, Index j) { return {m(i, j), m(count(m) + i, j)}; }
  static void set(MatrixXd& m, Index i, Index j, type value) {
    m(i, j) = value.real();
    m(count(m) + i, j) = value.imag();
  }
  static Index count(const MatrixXd& m) { return m.rows() / 2; }
};

// s_t = f_t s_{t-1} + v_t, one record and one entry after another.
template <class Numbers>
MatrixXd by_hand(const rp::Layout& layout, Index first, Index end, const MatrixXd& f, MatrixXd s,
                 const MatrixXd& start) {
  using E = Entry<Numbers>;
  for (Index slot = 0; slot < layout.batch(); ++slot)
    for (Index i = 0; i < E::count(s); ++i) {
      auto state = E::get(start, i, slot);
      for (Index t = first; t < end && slot < layout.running(t); ++t) {
        const Index column = layout.offset(t) - layout.offset(first) + slot;
        state = E::get(f, i, column) * state + E::get(s, i, column);
        E::set(s, i, column, state);
      }
    }
  return s;
}

}  // namespace

TEMPLATE_TEST_CASE("a scan is its recurrence, record by record, whatever the blocks", "", rp::RealNumbers,
                   rp::ComplexNumbers) {
  const rp::Layout layouts[] = {rp::Layout({9, 9, 9}), rp::Layout({1, 11, 0, 4, 11, 2}), rp::Layout({7}),
                                rp::Layout({1, 1})};
  for (const auto& layout : layouts)
    for (const Index rows : {2, 6, 14})
      for (const Index first : {Index{0}, layout.steps() / 2})
        for (const Index end : {layout.steps() - 1, layout.steps()}) {
          if (first >= end) continue;
          const Index columns = layout.offset(end) - layout.offset(first);
          const MatrixXd f = MatrixXd::Random(rows, columns), v = MatrixXd::Random(rows, columns);
          const MatrixXd start = MatrixXd::Random(rows, layout.batch());
          const MatrixXd expected = by_hand<TestType>(layout, first, end, f, v, start);
          MatrixXd s = v;
          rp::scan<TestType>(layout, first, end, f, s, start);
          CHECK((s - expected).norm() < 1e-13);
          for (const Index block : {1, 2, 3, 5, 100}) {
            MatrixXd products = f;
            s = v;
            rp::blocked_scan<TestType>(layout, first, end, block, products, s, start);
            CHECK((s - expected).norm() < 1e-13);
          }
        }
}

TEST_CASE("a record that ends within a block leaves the others alone, and views are scanned in place") {
  const rp::Layout layout({5, 2});
  MatrixXd f = MatrixXd::Constant(3, layout.columns() + 2, 2), s = MatrixXd::Constant(3, layout.columns() + 2, 1);
  auto f_view = f.middleCols(1, layout.columns()), s_view = s.middleCols(1, layout.columns());
  rp::blocked_scan<rp::RealNumbers>(layout, 0, 5, 3, f_view, s_view, MatrixXd::Zero(3, 2).eval());
  Eigen::RowVectorXd expected(9);
  expected << 1, 1, 1, 3, 3, 7, 15, 31, 1;  // 2^t - 1 after t steps, between what is not its own
  for (Index i = 0; i < 3; ++i) CHECK(s.row(i) == expected);
  CHECK(f(0, 0) == 2);
  CHECK(f(0, layout.columns() + 1) == 2);
}
