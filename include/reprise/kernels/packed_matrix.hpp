#pragma once
// A matrix, or the transpose of one, copied into the order in which products read it: panels of some registers of rows,
// each k after k, zeros beyond the last row. Weights do not change while a sequence runs: packed once, they are read in
// one stream at every step.

#include <reprise/core/cell.hpp>
#include <reprise/kernels/multiply.hpp>
#include <reprise/kernels/operand.hpp>

#include <deque>
#include <utility>

namespace reprise {

/// `Stored` may be shorter than `Scalar`: PackedMatrix<float, bfloat16> halves the memory that a step has to read.
template <class Scalar, class Stored = Scalar>
class PackedMatrix {
  static_assert(!packed_scalar<Scalar> || detail::storable<Scalar, Stored>,
                "weights are stored as what they are, or float as bfloat16 on a little-endian machine");

 public:
  PackedMatrix() = default;
  explicit PackedMatrix(const auto& m) { pack(m); }

  /// Takes the values of `m`, a matrix of columns in memory or the transpose of one; its memory is used again if it has the same size.
  template <class M>
  void pack(const M& m) {
    using detail::Operand;
    rows_ = m.rows();
    cols_ = m.cols();
    constexpr Index L = lanes<Scalar>;
    const Index padded = (rows_ + L - 1) / L * L;
    const Index depth = detail::panel_depth<Stored>(cols_);
    panels_.resize(padded * depth);
    if (cols_ == 0) return;
    const auto& stored = Operand<M>::stored(m);
    const Index step = detail::column_step(stored);
    for (Index row = 0; row < rows_;) {
      const Index width = std::min<Index>(padded - row, detail::tile_rows * L);
      detail::pack_panel(panels_.data() + row * depth, width, std::min(rows_ - row, width), cols_,
                         stored.data() + row * (Operand<M>::transposed ? step : 1), step, Operand<M>::transposed);
      row += width;
    }
  }

  Index rows() const { return rows_; }
  Index cols() const { return cols_; }
  const Stored* data() const { return panels_.data(); }

 private:
  Index rows_ = 0, cols_ = 0;
  Vector<Stored> panels_;
};

/// Gives a cell's hooks the packed copies of its weights, each made when a hook first asks for it: `packed(W_hh)`,
/// `packed(W_hh.transpose())`. What has no packed form (another scalar, an expression) it gives as it is, and what has sizes
/// known to the compiler: such a product is unrolled, and needs no heap. What it has packed it knows by its place in memory: a
/// weight, or a block of one, not something just computed.
template <class Scalar, class Stored = Scalar>
class PackedWeights {
 public:
  /// To be called when the weights may have changed; memory is kept.
  void forget() { used_ = 0; }

  template <class M>
  decltype(auto) operator()(M&& m) {
    using Matrix_ = std::remove_cvref_t<M>;
    static_assert(std::is_lvalue_reference_v<M> || !std::is_base_of_v<Eigen::PlainObjectBase<Matrix_>, Matrix_>,
                  "packed(W) takes a matrix that stays where it is while the sequence runs");
    constexpr bool fixed = Matrix_::RowsAtCompileTime != Dynamic && Matrix_::ColsAtCompileTime != Dynamic;
    if constexpr (packed_scalar<Scalar> && !fixed && detail::is_columns<typename detail::Operand<Matrix_>::Stored>)
      return find(m);
    else
      return AsTheyAre{}(std::forward<M>(m));
  }

 private:
  struct Entry {
    const Scalar* data;
    Index rows, cols, step;
    bool transposed;
    PackedMatrix<Scalar, Stored> matrix;
  };

  template <class M>
  const PackedMatrix<Scalar, Stored>& find(const M& m) {
    using detail::Operand;
    const Scalar* const data = Operand<M>::stored(m).data();
    const Index step = detail::column_step(Operand<M>::stored(m));
    for (std::size_t i = 0; i < used_; ++i) {
      const Entry& e = entries_[i];
      if (e.data == data && e.rows == m.rows() && e.cols == m.cols() && e.step == step &&
          e.transposed == Operand<M>::transposed)
        return e.matrix;
    }
    if (used_ == entries_.size()) entries_.emplace_back();
    Entry& entry = entries_[used_++];
    entry.data = data;
    entry.rows = m.rows();
    entry.cols = m.cols();
    entry.step = step;
    entry.transposed = Operand<M>::transposed;
    entry.matrix.pack(m);
    return entry.matrix;
  }

  std::deque<Entry> entries_;  // whose entries stay where they are when one is added
  std::size_t used_ = 0;
};

}  // namespace reprise
