#pragma once
// The matrix products of the cells, each through one door. Whatever blocks and views a caller has, matrices of run-time
// sizes end in one compiled function per scalar and kind of product: instantiating Eigen's product for each kind of block
// would double the time it takes to compile a model. Sizes known to the compiler go straight to Eigen, which unrolls them.

#include <reprise/core/types.hpp>

#include <type_traits>

namespace reprise {

namespace detail {

template <class Scalar>
using ConstView = Eigen::Map<const Matrix<Scalar>, 0, Eigen::OuterStride<>>;
template <class Scalar>
using View = Eigen::Map<Matrix<Scalar>, 0, Eigen::OuterStride<>>;

// An operand that is the transpose of a matrix is stored as that matrix.
template <class M>
struct Operand {
  using Stored = M;
  static constexpr bool transposed = false;
  static const M& stored(const M& m) { return m; }
};
template <class M>
struct Operand<Eigen::Transpose<M>> {
  using Stored = std::remove_cvref_t<M>;
  static constexpr bool transposed = true;
  static const auto& stored(const Eigen::Transpose<M>& m) { return m.nestedExpression(); }
};

// Whether M is what a View describes: columns of contiguous entries in memory, of sizes known at run time only. A row-major
// matrix is not, nor is an expression yet to be evaluated.
template <class M>
constexpr bool is_viewable = M::RowsAtCompileTime == Dynamic&& M::ColsAtCompileTime == Dynamic && !M::IsRowMajor &&
                             (Eigen::internal::traits<M>::Flags & Eigen::DirectAccessBit) != 0 &&
                             Eigen::internal::inner_stride_at_compile_time<M>::ret == 1;

template <bool TransposeA, bool TransposeB, class Scalar>
[[gnu::noinline]] void add_product_of_views(View<Scalar> c, ConstView<Scalar> a, ConstView<Scalar> b) {
  if constexpr (TransposeA)
    c.noalias() += a.transpose() * b;
  else if constexpr (TransposeB)
    c.noalias() += a * b.transpose();
  else
    c.noalias() += a * b;
}

}  // namespace detail

/// C += A B. `a` or `b` may be a transpose; `c` shares no memory with them.
template <class C, class A, class B>
void add_product(C&& c, const A& a, const B& b) {
  using Scalar = typename std::remove_cvref_t<C>::Scalar;
  using StoredA = typename detail::Operand<A>::Stored;
  using StoredB = typename detail::Operand<B>::Stored;
  if constexpr (detail::is_viewable<std::remove_cvref_t<C>> && detail::is_viewable<StoredA> &&
                detail::is_viewable<StoredB> && !(detail::Operand<A>::transposed && detail::Operand<B>::transposed)) {
    const auto view = [](const auto& m) {
      return detail::ConstView<Scalar>(m.data(), m.rows(), m.cols(), Eigen::OuterStride<>(m.outerStride()));
    };
    detail::add_product_of_views<detail::Operand<A>::transposed, detail::Operand<B>::transposed, Scalar>(
        detail::View<Scalar>(c.data(), c.rows(), c.cols(), Eigen::OuterStride<>(c.outerStride())),
        view(detail::Operand<A>::stored(a)), view(detail::Operand<B>::stored(b)));
  } else {
    c.noalias() += a * b;
  }
}

/// C := A B.
template <class C, class A, class B>
void product(C&& c, const A& a, const B& b) {
  if constexpr (detail::is_viewable<std::remove_cvref_t<C>>) {
    c.setZero();
    add_product(c, a, b);
  } else {
    c.noalias() = a * b;
  }
}

}  // namespace reprise
