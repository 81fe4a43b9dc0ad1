#pragma once
// What a decoder answers with, and what all of them share: log-probabilities from logits,
//
//   log softmax(y)_k = (y_k - m) - log sum_i exp(y_i - m),   m = max_i y_i
//
// in double whatever the model's scalar is, finite however large the logits are. It is never positive.

#include <reprise/decode/sampling.hpp>
#include <reprise/kernels/elementary.hpp>
#include <reprise/kernels/elementwise.hpp>

#include <optional>
#include <utility>
#include <vector>

namespace reprise {

/// y_1 .. y_n, or y_1 .. y_{n-1} and the end of sequence.
struct Hypothesis {
  std::vector<int> tokens;     ///< without the first token it was given, and without the end of sequence
  double log_probability = 0;  ///< of all that was chosen, the end of sequence included: log P(tokens)
  double score = 0;            ///< what hypotheses are compared by: log_probability, normalised by length if asked for
  bool ended = false;          ///< by the end of sequence, not by the maximum length

  Index length() const { return static_cast<Index>(tokens.size()) + (ended ? 1 : 0); }  ///< choices made: |Y|
  friend bool operator==(const Hypothesis&, const Hypothesis&) = default;
};

/// An option that is one for all sources of a batch, or one for each.
template <class T>
class PerSource {
 public:
  PerSource(T all) : values_{all}, each_(false) {}
  PerSource(std::vector<T> each) : values_(std::move(each)), each_(true) {}

  T operator[](Index source) const { return values_[each_ ? static_cast<std::size_t>(source) : 0]; }

  /// Throws shape_error unless there is a value for each of `sources`, value_error if one is negative.
  void require(Index sources, const char* what) const {
    if (each_) detail::require_size(static_cast<Index>(values_.size()), sources, what, "entries", "the batch");
    for (const T value : values_)
      if (value < 0) detail::fail<value_error>(what, " = ", value, ", it must not be negative");
  }

 private:
  std::vector<T> values_;
  bool each_;
};

namespace detail {

/// log softmax of one column at a time; the same whatever columns stand beside it.
class LogSoftmax {
 public:
  /// Throws non_finite_error if a logit is nan, or the largest is infinite.
  template <class Logits>
  void read(const Eigen::MatrixBase<Logits>& y) {
    require_logits(y);
    exp_ = y.template cast<double>();
    largest_ = exp_.maxCoeff();
    exp_.array() -= largest_;
    elementwise([](auto& e) { e = exp(e); }, exp_);
    log_total_ = std::log(exp_.sum());
  }
  double operator()(auto y_k) const { return (static_cast<double>(y_k) - largest_) - log_total_; }

 private:
  Vector<double> exp_;
  double largest_ = 0, log_total_ = 0;
};

/// Throws value_error for options out of their range, before there is anything to sample from.
inline void require_sampling(const SamplingOptions& options) { distribution(Vector<double, 1>(0.0), options); }

inline void require_end(const std::optional<int>& end, Index vocabulary) {
  if (end && (*end < 0 || *end >= vocabulary))
    fail<value_error>("end = ", *end, ", the vocabulary has ", vocabulary, " (0 to ", vocabulary - 1, ")");
}

}  // namespace detail
}  // namespace reprise
