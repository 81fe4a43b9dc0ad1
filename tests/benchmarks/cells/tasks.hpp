#pragma once
// The tasks. Each makes the batches to train on, and holds those to validate and to test with, the same for every cell.

#include <reprise/core/rng.hpp>
#include <reprise/core/sequence.hpp>
#include <reprise/losses/cross_entropy.hpp>

#include <string>
#include <variant>
#include <vector>

namespace compare {

using reprise::Index;
using reprise::Rng;

template <class Target>
struct Batch {
  reprise::Sequence<float> x;
  reprise::Sequence<Target> target;
};

/// Mean squared error at the last step alone, for records of `steps` steps each.
struct LastStepSquaredError {
  Index steps;

  template <class Y, class Target, class DY>
  float operator()(const Y& y, const Target& target, DY&& dy) const {
    const Index records = y.cols() / steps;
    const auto error = (y - target).rightCols(records).eval();
    dy.setZero();
    dy.rightCols(records) = error * (2 / static_cast<float>(records));
    return error.squaredNorm() / static_cast<float>(records);
  }
};

/// The adding problem (Hochreiter and Schmidhuber, 1997), in the form of Arjovsky, Shah and Bengio (2016).
/// At every step there are a number, uniform in [0, 1], and a mark, 1 at one step of each half and else 0. After the
/// last step the output is to be the sum of the two marked numbers. Who always says 1 has its variance for an error.
struct Adding {
  static constexpr const char* name = "adding";
  static constexpr Index steps = 200, inputs = 2, outputs = 1;
  static constexpr double trivial = 1.0 / 6, unit = 1;  // mean squared error
  using Batch = compare::Batch<float>;

  LastStepSquaredError loss{steps};
  std::vector<Batch> validation, test;

  explicit Adding(const Rng& rng);
  Batch batch(Index records, Rng& rng) const;
};

/// Copy memory (Hochreiter and Schmidhuber, 1997), in the form of Arjovsky, Shah and Bengio (2016): ten of eight
/// symbols, 99 blanks, a delimiter, ten blanks. The output is to be blank up to the delimiter, then the ten symbols.
/// Who remembers nothing pays 10 ln 8 nats over the 120 steps.
struct CopyMemory {
  static constexpr const char* name = "copy";
  static constexpr Index blanks = 100, symbols = 10, steps = blanks + 2 * symbols, inputs = 10, outputs = 9;
  static constexpr double trivial = 10 * 2.0794415416798357 / 120, unit = 1;  // nats per step
  using Batch = compare::Batch<int>;

  reprise::SoftmaxCrossEntropy loss{reprise::Reduction::mean};
  std::vector<Batch> validation, test;

  explicit CopyMemory(const Rng& rng);
  Batch batch(Index records, Rng& rng) const;
};

/// The next character of a text, whose records stand between blank lines: the bundled tunes, or a corpus. Of every ten
/// records one is for validation and one for the test; the others are learned from, tunes in seven keys. The trivial
/// level is that of the characters' frequencies.
struct Tunes {
  static constexpr const char* name = "tunes";
  static constexpr double unit = 1 / 0.6931471805599453;  // bits per character

  reprise::SoftmaxCrossEntropy loss{reprise::Reduction::mean};
  Index inputs, outputs;  // characters that there are, and one more, which begins and ends a record
  double trivial;
  using Batch = compare::Batch<int>;
  std::vector<std::vector<int>> training;
  std::vector<Batch> validation, test;

  /// Throws std::runtime_error if there is no such file, or fewer than ten records in it.
  explicit Tunes(const std::string& path);
  Batch batch(Index records, Rng& rng) const;
};

using Task = std::variant<Adding, CopyMemory, Tunes>;

}  // namespace compare
