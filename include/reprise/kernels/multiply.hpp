#pragma once
// C = A B or C += A B on plain memory, for float and double. Everything rests on `tile`, which keeps a block of C in the
// registers of the processor while it runs through the depth k:
//
//   C[i, j] += A[i, k] * B[k, j]      i: up to tile_rows registers of rows, j: up to tile_columns columns
//
// (Goto and van de Geijn, "Anatomy of high-performance matrix multiplication", 2008, section 4, without the packing of B: a
// batch is narrow.) A tile reads A register by register, so a panel of A, tile_rows registers of rows, is best stored k
// after k: see PackedMatrix. In `multiply` each entry of C is the sum over k in order, whatever the batch beside it and
// however the depth is cut.

#include <reprise/kernels/packet.hpp>

#include <algorithm>
#include <array>
#include <bit>

namespace reprise::detail {

// 24 of 32 registers, or 12 of 16, for C; the others hold a column of A and an entry of B.
inline constexpr int tile_rows = registers == 32 ? 4 : 3, tile_columns = registers == 32 ? 6 : 4;

// How much of the depth is done before the next columns: a panel of that depth stays in the second-level cache.
inline constexpr Index packed_depth = 512, buffered_depth = 128;

/// Whether panels of `Stored` can be multiplied into `Scalar`: the same, or for float its upper half.
template <class Scalar, class Stored>
inline constexpr bool storable = std::is_same_v<Scalar, Stored> ||
                                 (std::is_same_v<Scalar, float> && std::is_same_v<Stored, Eigen::bfloat16> &&
                                  std::endian::native == std::endian::little);

/// The left operand: `panels` as PackedMatrix stores them, a matrix of columns `step` apart, or the transpose of one.
enum class Left { panels, matrix, transpose };

template <class Scalar, class Stored, int Rows, int Columns>
[[gnu::noinline]] void tile(Index depth, const Stored* a, Index a_step, const Scalar* b, Index b_row, Index b_column,
                            Scalar* c, Index c_step, bool add) {
  static_assert(storable<Scalar, Stored>);
  using P = Packet<Scalar>;
  constexpr Index L = lanes<Scalar>;
  P sum[Columns][Rows];
  REPRISE_UNROLL for (int j = 0; j < Columns; ++j) REPRISE_UNROLL for (int i = 0; i < Rows; ++i) sum[j][i] =
      add ? load<P>(c + j * c_step + i * L) : P{};
  P column[Rows];
  const auto add_column = [&]() REPRISE_INLINE {
    REPRISE_UNROLL for (int j = 0; j < Columns; ++j) {
      const Scalar entry = b[j * b_column];
      REPRISE_UNROLL for (int i = 0; i < Rows; ++i) sum[j][i] += column[i] * entry;
    }
    b += b_row;
  };
  if constexpr (std::is_same_v<Stored, Scalar>) {
    for (; depth > 0; --depth, a += a_step) {
      REPRISE_UNROLL for (int i = 0; i < Rows; ++i) column[i] = load<P>(a + i * L);
      add_column();
    }
  } else {  // a bfloat16 is the upper half of a float; two columns lie in each word
    using Words = Packet<std::uint32_t, lanes<float>>;
    for (; depth > 0; depth -= 2, a += 2 * a_step) {
      Words words[Rows];
      REPRISE_UNROLL for (int i = 0; i < Rows; ++i) {
        words[i] = load<Words>(a + 2 * i * L);
        column[i] = std::bit_cast<P>(words[i] << 16);
      }
      add_column();
      if (depth == 1) break;
      REPRISE_UNROLL for (int i = 0; i < Rows; ++i) column[i] = std::bit_cast<P>(words[i] & 0xffff0000u);
      add_column();
    }
  }
  REPRISE_UNROLL for (int j = 0; j < Columns; ++j) REPRISE_UNROLL for (int i = 0; i < Rows; ++i)
      store(c + j * c_step + i * L, sum[j][i]);
}

template <class Scalar, class Stored>
using Tile = void (*)(Index, const Stored*, Index, const Scalar*, Index, Index, Scalar*, Index, bool);

// tiles[rows - 1][columns - 1]
template <class Scalar, class Stored>
inline constexpr auto tiles = []<int... Rows>(std::integer_sequence<int, Rows...>) {
  const auto row = []<int R, int... Columns>(std::integral_constant<int, R>, std::integer_sequence<int, Columns...>) {
    return std::array<Tile<Scalar, Stored>, sizeof...(Columns)>{tile<Scalar, Stored, R, Columns + 1>...};
  };
  return std::array{row(std::integral_constant<int, Rows + 1>{}, std::make_integer_sequence<int, tile_columns>{})...};
}
(std::make_integer_sequence<int, tile_rows>{});

/// The depth of a panel in memory: bfloat16 stand in pairs, k beside k + 1, so that a word of memory has both.
template <class Stored>
constexpr Index panel_depth(Index depth) {
  return std::is_same_v<Stored, Eigen::bfloat16> ? (depth + 1) / 2 * 2 : depth;
}

/// `rows` rows of A, or of the transpose of a matrix, as a panel: for each k `width` entries, zeros beyond the last row.
template <class Scalar, class Stored>
void pack_panel(Stored* to, Index width, Index rows, Index depth, const Scalar* a, Index a_step, bool transpose) {
  const Index padded = panel_depth<Stored>(depth), a_row = transpose ? a_step : 1, a_column = transpose ? 1 : a_step;
  if (rows < width || depth < padded) std::fill_n(to, width * padded, Stored(0));
  if constexpr (std::is_same_v<Stored, Scalar>)
    if (!transpose) {
      for (Index k = 0; k < depth; ++k) std::copy_n(a + k * a_step, rows, to + k * width);
      return;
    }
  const auto place = [width](Index i, Index k) {
    return std::is_same_v<Stored, Scalar> ? k * width + i : (k / 2 * width + i) * 2 + k % 2;
  };
  constexpr Index together = 16;  // entries of a cache line: a row of the transpose is read a line at a time
  for (Index first = 0; first < depth; first += together)
    for (Index i = 0; i < rows; ++i)
      for (Index k = first; k < std::min(depth, first + together); ++k)
        to[place(i, k)] = static_cast<Stored>(a[i * a_row + k * a_column]);
}

/// C (rows, columns) = A (rows, depth) B (depth, columns), or += if `add`. B's entries stand b_row and b_column apart.
template <class Scalar, class Stored>
[[gnu::noinline]] void multiply(Left left, Index rows, Index columns, Index depth, const Stored* a, Index a_step,
                                const Scalar* b, Index b_row, Index b_column, Scalar* c, Index c_step, bool add) {
  constexpr Index L = lanes<Scalar>;
  const Index blocks = (columns + tile_columns - 1) / tile_columns;
  if (depth == 0 && !add)
    for (Index j = 0; j < columns; ++j) std::fill_n(c + j * c_step, rows, Scalar(0));
  for (Index row = 0; row < rows;) {
    const Index rest = rows - row;
    // Only what is stored in panels may be read beyond its last row.
    Index height = std::min<Index>((rest + L - 1) / L, tile_rows);
    if (left == Left::matrix && rest < height * L && rest > L) --height;
    const bool buffered = left == Left::transpose || (left == Left::matrix && rest < L);
    const Index width = height * L, step = left == Left::matrix && !buffered ? a_step : width;
    for (Index k = 0, deep; k < depth; k += deep) {
      deep = std::min(depth - k, buffered ? buffered_depth : packed_depth);
      alignas(register_bytes) Stored buffer[buffered_depth * tile_rows * L];
      const Stored* panel =
          left == Left::panels ? a + row * panel_depth<Stored>(depth) + k * width : a + row + k * a_step;
      if (buffered) {
        if (left == Left::transpose) panel = a + row * a_step + k;
        pack_panel(buffer, width, std::min(rest, width), deep, panel, a_step, left == Left::transpose);
        panel = buffer;
      }
      for (Index j = 0, block = 0; block < blocks; ++block) {
        // As even as they can be; without a division where there is one.
        const Index wide = blocks == 1 ? columns : (columns - j + blocks - block - 1) / (blocks - block);
        const auto run = [&](Scalar* to, Index to_step) {
          tiles<Scalar, Stored>[static_cast<std::size_t>(height - 1)][static_cast<std::size_t>(wide - 1)](
              deep, panel, step, b + k * b_row + j * b_column, b_row, b_column, to, to_step, add || k > 0);
        };
        Scalar* const to = c + row + j * c_step;
        if (rest >= width) {
          run(to, c_step);
        } else {  // the panel reaches beyond the last row of C
          alignas(register_bytes) Scalar edge[tile_columns * tile_rows * L];
          std::fill_n(edge, wide * width, Scalar(0));
          if (add || k > 0)
            for (Index column = 0; column < wide; ++column)
              std::copy_n(to + column * c_step, rest, edge + column * width);
          run(edge, width);
          for (Index column = 0; column < wide; ++column)
            std::copy_n(edge + column * width, rest, to + column * c_step);
        }
        j += wide;
      }
    }
    row += width;
  }
}

/// c (Rows) = A (Rows, Depth) b (Depth), or += if `add`: a step of a small model, its loops unrolled. The sum over k is taken
/// in several parts where few rows would make it one long chain of additions, each waiting for the last.
template <int Rows, int Depth, class Scalar>
void multiply_fixed(const Scalar* a, Index a_step, const Scalar* b, Scalar* c, bool add) {
  constexpr int L = lanes_dividing<Scalar>(Rows), all = Rows / L, most = registers / 2;
  using P = Packet<Scalar, L>;
  [&]<int... Chunk>(std::integer_sequence<int, Chunk...>) {
    const auto chunk = [&]<int First>(std::integral_constant<int, First>) {
      constexpr int R = std::min(most, all - First), parts = R >= 4 ? 1 : std::clamp(Depth, 1, 4);
      P sum[parts][R] = {};
      const auto add_column = [&](int s, Index k) {
        REPRISE_UNROLL for (int i = 0; i < R; ++i) sum[s][i] += load<P>(a + k * a_step + (First + i) * L) * b[k];
      };
      for (Index k = 0; k < Depth / parts * parts; k += parts)
        REPRISE_UNROLL for (int s = 0; s < parts; ++s) add_column(s, k + s);
      for (Index k = Depth / parts * parts; k < Depth; ++k) add_column(0, k);
      REPRISE_UNROLL for (int i = 0; i < R; ++i) {
        REPRISE_UNROLL for (int s = 1; s < parts; ++s) sum[0][i] += sum[s][i];
        Scalar* const to = c + (First + i) * L;
        store(to, add ? load<P>(to) + sum[0][i] : sum[0][i]);
      }
    };
    (chunk(std::integral_constant<int, Chunk * most>{}), ...);
  }
  (std::make_integer_sequence<int, (all + most - 1) / most>{});
}

}  // namespace reprise::detail
