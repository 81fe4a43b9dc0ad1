#pragma once
// A cell's equations, entry by entry: one pass over all the blocks they name, instead of a pass for each expression.
//
//   elementwise([](auto& h, const auto& z, const auto& n) { h = n + z * (h - n); }, state.h, z, n);
//
// float and double come in packets, a register of rows at a time, other scalars one by one; the function is the same.
// A vector of the cell stands beside every column as `each_column(v)`.

#include <reprise/kernels/operand.hpp>
#include <reprise/kernels/packet.hpp>

#include <algorithm>
#include <utility>

namespace reprise {

/// A vector as a block whose columns are all that vector, for elementwise to read.
template <class V>
struct EachColumn {
  using Scalar = typename V::Scalar;
  const V& v;
  Index columns;
  static constexpr int RowsAtCompileTime = V::RowsAtCompileTime;

  Index rows() const { return v.size(); }
  Index cols() const { return columns; }
  const Scalar* data() const { return v.data(); }
  const Scalar& coeffRef(Index i, Index /*j*/) const { return v.coeffRef(i); }
};

/// `v` beside every column of `block`. Never the first argument of elementwise.
template <class V, class Block>
EachColumn<V> each_column(const V& v, const Block& block) {
  return {v, block.cols()};
}

namespace detail {

template <class V>
constexpr bool is_columns<EachColumn<V>> = true;
template <class V>
Index column_step(const EachColumn<V>& /*block*/) {
  return 0;
}

// As many lanes as fill a register, or fewer if the compiler knows that there are not so many rows.
template <class Scalar, int Rows>
constexpr int lanes_for_rows() {
  int n = lanes<Scalar>;
  while (Rows != Dynamic && n > Rows && n > 2) n /= 2;
  return n;
}

template <class P, class Scalar>
void store_back(Scalar* to, const P& packet, Index count) {
  if constexpr (!std::is_const_v<Scalar>) store_first(to, packet, count);
}

template <class P, class Scalar>
using PacketLike = std::conditional_t<std::is_const_v<Scalar>, const P, P>;

// f on `count` entries from each of the places.
template <class P, class F, class... Scalar>
[[gnu::always_inline]] inline void apply_to_packets(const F& f, Index count, Scalar*... places) {
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    P packets[]{load_first<P>(places, count)...};
    f(static_cast<PacketLike<P, Scalar>&>(packets[I])...);
    (store_back(places, packets[I], count), ...);
  }
  (std::index_sequence_for<Scalar...>{});
}

}  // namespace detail

/// f(x, y, ...) for all corresponding entries of blocks of one shape; it may change those of blocks that are not const.
template <class F, class First, class... Rest>
void elementwise(const F& f, First&& first, Rest&&... rest) {
  using Block = std::remove_cvref_t<First>;
  using Scalar = typename Block::Scalar;
  static_assert((std::is_same_v<Scalar, typename std::remove_cvref_t<Rest>::Scalar> && ...), "blocks of one scalar");
  const Index rows = first.rows(), cols = first.cols();
  eigen_assert(((rest.rows() == rows && rest.cols() == cols) && ...));
  if constexpr (packed_scalar<Scalar> && detail::is_columns<Block> &&
                (detail::is_columns<std::remove_cvref_t<Rest>> && ...)) {
    constexpr int L = detail::lanes_for_rows<Scalar, Block::RowsAtCompileTime>();
    for (Index j = 0; j < cols; ++j)
      for (Index i = 0; i < rows; i += L)
        detail::apply_to_packets<Packet<Scalar, L>>(f, std::min<Index>(L, rows - i),
                                                    first.data() + j * detail::column_step(first) + i,
                                                    rest.data() + j * detail::column_step(rest) + i...);
  } else {
    for (Index j = 0; j < cols; ++j)
      for (Index i = 0; i < rows; ++i) f(first.coeffRef(i, j), rest.coeffRef(i, j)...);
  }
}

}  // namespace reprise
