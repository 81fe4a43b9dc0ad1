#pragma once
// The matrix products of the cells, all through one door: A may be packed, a matrix, or the transpose of one, B a matrix or
// the transpose of one. float and double take the kernel of multiply.hpp, whatever blocks and views a caller has, so that
// there is little to compile; every other scalar, and what is not columns in memory, takes Eigen's product.

#include <reprise/kernels/packed_matrix.hpp>

namespace reprise {

namespace detail {

template <class Scalar, class Stored, class B, class C>
void multiply_by(Left left, Index depth, const Stored* a, Index a_step, const B& b, C& c, bool add) {
  const auto& stored = Operand<B>::stored(b);
  const Index step = column_step(stored);
  multiply<Scalar, Stored>(left, c.rows(), c.cols(), depth, a, a_step, stored.data(), Operand<B>::transposed ? step : 1,
                           Operand<B>::transposed ? 1 : step, c.data(), column_step(c), add);
}

// A matrix of sizes known to the compiler, by a vector: a step of a small model.
template <class C, class A>
constexpr bool is_fixed_step =
    C::ColsAtCompileTime == 1 && !Operand<A>::transposed && A::RowsAtCompileTime != Dynamic &&
    A::ColsAtCompileTime != Dynamic && lanes_dividing<typename C::Scalar>(A::RowsAtCompileTime) > 1;

template <class C, class A, class B>
void product(C& c, const A& a, const B& b, bool add) {
  using Scalar = typename C::Scalar;
  using StoredA = typename Operand<A>::Stored;
  static_assert(std::is_same_v<Scalar, typename A::Scalar> && std::is_same_v<Scalar, typename B::Scalar>,
                "a product is of matrices of one scalar");
  constexpr bool all_columns =
      packed_scalar<Scalar> && is_columns<C> && is_columns<StoredA> && is_columns<typename Operand<B>::Stored>;
  eigen_assert(c.rows() == a.rows() && c.cols() == b.cols() && a.cols() == b.rows());
  if constexpr (all_columns && is_fixed_step<C, A> && !Operand<B>::transposed) {
    multiply_fixed<A::RowsAtCompileTime, A::ColsAtCompileTime>(a.data(), column_step(a), b.data(), c.data(), add);
  } else if constexpr (all_columns) {
    const auto& stored = Operand<A>::stored(a);
    multiply_by<Scalar>(Operand<A>::transposed ? Left::transpose : Left::matrix, a.cols(), stored.data(),
                        column_step(stored), b, c, add);
  } else if constexpr (!packed_scalar<Scalar>) {  // dual numbers: a plain loop is much less to compile
    if (a.cols() == 0) {                          // Eigen would form pointers into nothing
      if (!add) c.setZero();
    } else if (add)
      c.noalias() += a.lazyProduct(b);
    else
      c.noalias() = a.lazyProduct(b);
  } else if (add) {
    c.noalias() += a * b;
  } else {
    c.noalias() = a * b;
  }
}

template <class C, class Scalar, class Stored, class B>
void product(C& c, const PackedMatrix<Scalar, Stored>& a, const B& b, bool add) {
  eigen_assert(c.rows() == a.rows() && c.cols() == b.cols() && a.cols() == b.rows());
  static_assert(std::is_same_v<Scalar, typename C::Scalar> && std::is_same_v<Scalar, typename B::Scalar>,
                "a product is of matrices of one scalar");
  if constexpr (is_columns<C> && is_columns<typename Operand<B>::Stored>) {
    multiply_by<Scalar>(Left::panels, a.cols(), a.data(), 0, b, c, add);
  } else {  // rare: through copies that are columns
    const Matrix<Scalar> b_columns = b;
    Matrix<Scalar> c_columns = c;
    multiply_by<Scalar>(Left::panels, a.cols(), a.data(), 0, b_columns, c_columns, add);
    c = c_columns;
  }
}

}  // namespace detail

/// C := A B. `c` shares no memory with `a` or `b`.
template <class C, class A, class B>
void product(C&& c, const A& a, const B& b) {
  detail::product(c, a, b, false);
}

/// C += A B.
template <class C, class A, class B>
void add_product(C&& c, const A& a, const B& b) {
  detail::product(c, a, b, true);
}

}  // namespace reprise
