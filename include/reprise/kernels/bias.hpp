#pragma once
// A bias is added to every column of a batch, and its gradient is the sum over the columns. Without a bias (a vector of size
// zero in its type) both do nothing. A vector that multiplies every column (each_column) has a sum of products for gradient.

#include <reprise/kernels/operand.hpp>
#include <reprise/kernels/packet.hpp>

#include <algorithm>

namespace reprise {

namespace detail {

template <class Scalar>
[[gnu::noinline]] void add_bias(Scalar* m, Index rows, Index cols, Index step, const Scalar* b) {
  for (Index j = 0; j < cols; ++j)
    for (Index i = 0; i < rows; i += lanes<Scalar>) {
      const Index count = std::min<Index>(lanes<Scalar>, rows - i);
      using P = Packet<Scalar>;
      Scalar* const to = m + j * step + i;
      store_first(to, load_first<P>(to, count) + load_first<P>(b + i, count), count);
    }
}

template <class Scalar>
[[gnu::noinline]] void add_column_sum(Scalar* db, Index rows, Index cols, Index step, const Scalar* dm) {
  constexpr int together = 4;  // registers of rows, whose sums do not wait for each other
  for (Index row = 0; row < rows; row += together * lanes<Scalar>) {
    using P = Packet<Scalar>;
    P sum[together] = {};
    Index count[together];
    for (int r = 0; r < together; ++r) count[r] = std::clamp<Index>(rows - row - r * lanes<Scalar>, 0, lanes<Scalar>);
    for (Index j = 0; j < cols; ++j)
      for (int r = 0; r < together; ++r) sum[r] += load_first<P>(dm + j * step + row + r * lanes<Scalar>, count[r]);
    for (int r = 0; r < together; ++r) {
      Scalar* const to = db + row + r * lanes<Scalar>;
      store_first(to, load_first<P>(to, count[r]) + sum[r], count[r]);
    }
  }
}

}  // namespace detail

/// m_j += b for every column m_j.
template <class M, class B>
void add_bias(M&& m, const B& b) {
  using Block = std::remove_cvref_t<M>;
  using Scalar = typename Block::Scalar;
  eigen_assert(B::SizeAtCompileTime == 0 || b.size() == m.rows());
  if constexpr (B::SizeAtCompileTime == 0)
    return;
  else if constexpr (Block::ColsAtCompileTime == 1)
    m += b;
  else if constexpr (packed_scalar<Scalar> && detail::is_columns<Block> && detail::is_columns<B>)
    detail::add_bias<Scalar>(m.data(), m.rows(), m.cols(), detail::column_step(m), b.data());
  else
    m.colwise() += b;
}

/// db += the sum of the columns of dm.
template <class DB, class DM>
void add_bias_gradient(DB& db, const DM& dm) {
  using Scalar = typename DB::Scalar;
  eigen_assert(DB::SizeAtCompileTime == 0 || db.size() == dm.rows());
  if constexpr (DB::SizeAtCompileTime == 0)
    return;
  else if constexpr (packed_scalar<Scalar> && detail::is_columns<DM> && detail::is_columns<DB>)
    detail::add_column_sum<Scalar>(db.data(), dm.rows(), dm.cols(), detail::column_step(dm), dm.data());
  else
    db += dm.rowwise().sum();
}

/// dv += the sum of the columns of a * b: the gradient of a vector that a cell multiplies every column by.
template <class DV, class A, class B>
void add_sum_of_products(DV& dv, const A& a, const B& b) {
  for (Index j = 0; j < a.cols(); ++j) dv += a.col(j).cwiseProduct(b.col(j));
}

}  // namespace reprise
