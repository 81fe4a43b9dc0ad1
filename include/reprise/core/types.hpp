#pragma once
// The few names everything is written in. Columns are the batch: x_t is (inputs, batch).

#include <Eigen/Core>

namespace reprise {

using Eigen::Dynamic;
using Eigen::Index;

template <class Scalar, int Rows = Dynamic, int Cols = Dynamic>
using Matrix = Eigen::Matrix<Scalar, Rows, Cols>;

template <class Scalar, int Rows = Dynamic>
using Vector = Eigen::Matrix<Scalar, Rows, 1>;

/// Whether a cell or a readout adds a bias. Part of the type; without one its vector is empty.
enum class Bias : bool { absent, present };

/// k times a size known to the compiler, or `Dynamic` if it is not known.
constexpr int times(int k, int size) { return size == Dynamic ? Dynamic : k * size; }

/// The size a type gives, where it gives one; else 0, the size of what has not been built yet.
constexpr Index known_or_zero(int size) { return size == Dynamic ? 0 : size; }

/// What every cell and layer is built from: features of x_t (for an embedding: the size of the vocabulary) and of h_t.
struct Sizes {
  Index inputs = 0;
  Index hidden = 0;
  Index inner = 0;  ///< where a cell's inner state has a size of its own (the cells of a projected LSTM); 0: hidden
  constexpr Index inner_or_hidden() const { return inner == 0 ? hidden : inner; }
};

}  // namespace reprise
