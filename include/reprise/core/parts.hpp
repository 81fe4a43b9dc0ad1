#pragma once
// A cell's state (h, or h and c) and its trace (what backward reads) are structs of matrices, all with one column per
// record. The same struct lives in three ways, which its `Storage` parameter says:
//
//   Owned<1>         one record, a vector; with sizes known to the compiler it needs no heap
//   Owned<Dynamic>   a matrix per part, (rows, batch)
//   Columns          a view of a run of columns of the latter: one step of a sequence, or several
//
//   template <class Storage> struct State {
//     Part<Storage, Scalar, Hidden> h;   // (hidden, batch)
//     static constexpr auto fields() { return std::tuple{field("h", &State::h)}; }
//   };

#include <reprise/core/module.hpp>

#include <array>
#include <utility>

namespace reprise {

template <int Batch = Dynamic>
struct Owned {
  template <class Scalar, int Rows>
  using Part = Matrix<Scalar, Rows, Batch>;
};

struct Columns {
  template <class Scalar, int Rows>
  using Part = typename Matrix<Scalar, Rows, Dynamic>::ColsBlockXpr;
};

template <class Storage, class Scalar, int Rows>
using Part = typename Storage::template Part<Scalar, Rows>;

/// Columns first .. first + count - 1 of every part. Parts<Columns> must list its fields in the order of its members.
template <template <class> class Parts>
Parts<Columns> columns(Parts<Owned<>>& parts, Index first, Index count) {
  return std::apply(
      [&](auto... fields) { return Parts<Columns>{std::invoke(fields.access, parts).middleCols(first, count)...}; },
      Parts<Owned<>>::fields());
}

/// Block k of a stack of blocks of `rows` rows each, as W_xh of a cell stacks its gates. `Rows` is `rows` where the
/// compiler knows it, else `Dynamic`.
template <int Rows>
auto row_block(auto&& stacked, Index k, Index rows) {
  return stacked.template middleRows<Rows>(k * rows, rows);
}

/// One of two ways to the weights, which whoever calls a cell or a layer chooses: `packed(W_hh)` is W_hh itself. With the
/// other, PackedWeights, it is a copy in the order in which products read it.
struct AsTheyAre {
  template <class M>
  M operator()(M&& m) const {
    return std::forward<M>(m);
  }
};

namespace detail {

/// Gives every part its rows and `batch` columns. Contents are kept only where a shape does not change.
template <class Parts, std::size_t N>
void resize(Parts& parts, const std::array<Index, N>& rows, Index batch) {
  std::size_t i = 0;
  for_each_parameter([&](auto& part) { part.resize(rows[i++], batch); }, parts);
}

/// At least `columns` columns: a workspace grows to the largest sequence it has met and then stays.
template <class M>
void reserve(M& matrix, Index rows, Index columns) {
  if (matrix.rows() != rows || matrix.cols() < columns) matrix.resize(rows, columns);
}

template <class Parts, std::size_t N>
void reserve(Parts& parts, const std::array<Index, N>& rows, Index columns) {
  std::size_t i = 0;
  for_each_parameter([&](auto& part) { reserve(part, rows[i++], columns); }, parts);
}

}  // namespace detail
}  // namespace reprise
