#pragma once
// What a decoder reads beside its own input: of each record the annotations h_1 .. h_S of its source, record after record,
// and one summary of them. Its gradient is the same struct.
//
//   h (features, columns)     record i: columns begin[i] .. begin[i + 1] - 1, none for an empty source
//   summary (features, records)
//
// A layer that reads a memory has its hooks with a memory as last arguments: forward(x, pass, state, trace, memory), where
// record i is the one in slot i of the layout, backward(x, dy, pass, trace, dstate, gradient, dx, memory, dmemory), and
// step(x_t, state, trace, memory, reads), where column k of x_t reads record reads[k]. begin(memory, trace) comes before a
// stream's first step.

#include <reprise/core/types.hpp>

#include <vector>

namespace reprise {

template <class Scalar>
struct Memory {
  Matrix<Scalar> h, summary;
  std::vector<Index> begin{0};

  Index records() const { return static_cast<Index>(begin.size()) - 1; }
  Index first(Index record) const { return begin[static_cast<std::size_t>(record)]; }
  Index length(Index record) const { return first(record + 1) - first(record); }

  /// The columns of a record, of h or of a matrix that has a column for each of h's.
  auto columns(auto& matrix, Index record) const { return matrix.middleCols(first(record), length(record)); }
};

/// Which record each column of a stream reads.
using Reads = std::vector<Index>;

}  // namespace reprise
