#pragma once
// What a product needs to know of its operands.

#include <reprise/core/types.hpp>

#include <type_traits>

namespace reprise::detail {

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

// Whether M is columns of contiguous entries in memory. A row-major matrix is not, unless it is a single row, nor is an
// expression yet to be evaluated.
template <class M>
constexpr bool is_columns = (Eigen::internal::traits<M>::Flags & Eigen::DirectAccessBit) != 0 &&
                            (M::IsRowMajor ? M::RowsAtCompileTime == 1
                                           : Eigen::internal::inner_stride_at_compile_time<M>::ret == 1);

// From one column to the next.
template <class M>
Index column_step(const M& m) {
  return M::IsRowMajor ? m.innerStride() : m.outerStride();
}

}  // namespace reprise::detail
