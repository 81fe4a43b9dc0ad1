#pragma once
// A ragged batch of sequences as one matrix: (features, columns), time-major. Step t is a contiguous block of columns,
// one for each record that is still running, the longest record first, so that the batch shrinks as records end:
//
//   lengths 2, 3, 1       step 0     step 1   step 2
//                        | 1  0  2 | 1  0   | 1 |         (which record a column belongs to)
//
// There is no padding and no mask. Callers neither sort nor see the order: records are given and read back in theirs.

#include <reprise/core/errors.hpp>

#include <algorithm>
#include <initializer_list>
#include <numeric>
#include <ranges>
#include <vector>

namespace reprise {

/// How long each record is, and where each of its steps lies. A function of the lengths alone.
class Layout {
 public:
  Layout() : Layout(std::vector<Index>{}) {}

  /// `lengths`: of each record, in steps, in the caller's order; zero is a length. Throws shape_error if one is negative.
  explicit Layout(std::vector<Index> lengths)
      : lengths_(std::move(lengths)), order_(lengths_.size()), slots_(lengths_.size()), offsets_{0} {
    for (const Index length : lengths_)
      if (length < 0) detail::fail<shape_error>("a sequence of length ", length);
    std::iota(order_.begin(), order_.end(), Index{0});
    std::ranges::stable_sort(order_, [&](Index a, Index b) { return length(a) > length(b); });
    for (Index slot = 0; slot < batch(); ++slot) slots_[static_cast<std::size_t>(record(slot))] = slot;
    offsets_.reserve(static_cast<std::size_t>(batch() == 0 ? 1 : length(order_[0]) + 1));
    for (Index t = 0, running = batch();; ++t) {
      while (running > 0 && length(record(running - 1)) <= t) --running;
      if (running == 0) break;
      offsets_.push_back(offsets_.back() + running);
    }
  }

  Index batch() const { return static_cast<Index>(lengths_.size()); }      ///< number of records
  Index steps() const { return static_cast<Index>(offsets_.size()) - 1; }  ///< length of the longest
  Index columns() const { return offsets_.back(); }                        ///< sum of all lengths
  Index length(Index record) const { return lengths_[static_cast<std::size_t>(record)]; }
  const std::vector<Index>& lengths() const { return lengths_; }

  Index offset(Index t) const { return offsets_[static_cast<std::size_t>(t)]; }  ///< first column of step t
  Index running(Index t) const { return offset(t + 1) - offset(t); }             ///< records that have a step t
  /// Whose column comes `slot`-th in every step, and the other way round.
  Index record(Index slot) const { return order_[static_cast<std::size_t>(slot)]; }
  Index slot(Index record) const { return slots_[static_cast<std::size_t>(record)]; }
  bool in_order() const { return std::ranges::is_sorted(order_); }  ///< whether slots are records

  friend bool operator==(const Layout& a, const Layout& b) { return a.lengths_ == b.lengths_; }

 private:
  std::vector<Index> lengths_, order_, slots_, offsets_;
};

/// A batch of `Scalar` records of any lengths. `Sequence<int>` holds tokens, one feature.
template <class Scalar_, int Features = std::is_integral_v<Scalar_> ? 1 : Dynamic>
class Sequence {
 public:
  using Scalar = Scalar_;
  using Values = Matrix<Scalar, Features, Dynamic>;
  using Record = std::conditional_t<std::is_integral_v<Scalar>, std::vector<Scalar>, Matrix<Scalar>>;

  /// No record.
  Sequence() : Sequence(Layout{}, Features == Dynamic ? 0 : Features) {}

  /// Zeros. `features`: rows of every record.
  Sequence(Layout layout, Index features)
      : layout_(std::move(layout)),
        values_(Values::Zero(checked_size(features, Features, "features"), layout_.columns())) {}

  /// The same sequence with its features in the type, or not. Throws shape_error if they are others.
  template <int Other>
    requires(Other != Features)
  Sequence(const Sequence<Scalar, Other>& other)
      : Sequence(other.layout(), other.batch() == 0 && Features != Dynamic ? Features : other.features()) {
    if (other.batch() != 0) values_ = other.values();
  }

  /// From any range of records: (features, steps) matrices, or for tokens or one feature anything like std::vector.
  /// Throws shape_error, naming the record, if they do not all have the same number of features.
  template <std::ranges::forward_range Records>
    requires(!requires(const Records& r) { r.layout(); })
  explicit Sequence(const Records& records) : Sequence(layout_of(records), features_of(records)) {
    std::vector<std::ranges::iterator_t<const Records>> record;
    for (auto it = std::ranges::begin(records); it != std::ranges::end(records); ++it) record.push_back(it);
    for (Index t = 0; t < steps(); ++t)
      for (Index slot = 0; slot < layout_.running(t); ++slot)
        values_.col(layout_.offset(t) + slot) = column(*record[static_cast<std::size_t>(layout_.record(slot))], t);
  }

  /// The same from a list: Sequence<float>{a, b} of matrices, Sequence<int>{{1, 2, 3}, {4}} of tokens.
  template <class Given>
    requires requires(const Given& record) { record.cols(); }
  Sequence(std::initializer_list<Given> records) : Sequence(std::vector<Record>(records.begin(), records.end())) {}
  Sequence(std::initializer_list<std::vector<Scalar>> records) requires std::is_integral_v<Scalar>
      : Sequence(std::vector<Record>(records)) {}

  Index batch() const { return layout_.batch(); }
  Index steps() const { return layout_.steps(); }
  Index features() const { return values_.rows(); }
  Index length(Index record) const { return layout_.length(record); }
  const Layout& layout() const { return layout_; }

  /// Everything, (features, columns), as the layout orders it.
  const Values& values() const { return values_; }
  Values& values() { return values_; }

  /// Step t of all records that have one, the longest record first: (features, layout().running(t)).
  /// Throws shape_error unless there is such a step.
  auto view(Index t) const { return values_.middleCols(first_column(t), layout_.running(t)); }
  auto view(Index t) { return values_.middleCols(first_column(t), layout_.running(t)); }

  /// Record i in the caller's order: (features, length(i)).
  Values operator[](Index i) const {
    if (i < 0 || i >= batch()) detail::fail<shape_error>("record ", i, " of a batch of ", batch());
    Values record(features(), length(i));
    for (Index t = 0; t < record.cols(); ++t) record.col(t) = values_.col(layout_.offset(t) + layout_.slot(i));
    return record;
  }

  /// The same values in another scalar.
  template <class S>
  Sequence<S, Features> cast() const {
    Sequence<S, Features> other(layout_, features());
    other.values() = values_.template cast<S>();
    return other;
  }

  /// Some of the records, in the order asked for; one may be asked for twice. Throws shape_error if there is no such record.
  Sequence select(const std::vector<Index>& records) const {
    std::vector<Index> lengths;
    for (const Index record : records) {
      if (record < 0 || record >= batch()) detail::fail<shape_error>("record ", record, " of a batch of ", batch());
      lengths.push_back(length(record));
    }
    Sequence some(Layout(std::move(lengths)), features());
    for (Index t = 0; t < some.steps(); ++t)
      for (Index slot = 0; slot < some.layout().running(t); ++slot) {
        const Index record = records[static_cast<std::size_t>(some.layout().record(slot))];
        some.values_.col(some.layout().offset(t) + slot) = values_.col(layout_.offset(t) + layout_.slot(record));
      }
    return some;
  }

  /// Steps first .. first + count - 1 of every record; one that has ended by then has length zero there.
  Sequence chunk(Index first, Index count) const {
    if (first < 0 || count < 0) detail::fail<shape_error>("chunk(", first, ", ", count, "): a step is not negative");
    std::vector<Index> lengths = layout_.lengths();
    for (Index& length : lengths) length = std::clamp(length - first, Index{0}, count);
    Sequence part(Layout(std::move(lengths)), features());
    for (Index t = 0; t < part.steps(); ++t)
      for (Index slot = 0; slot < part.layout().running(t); ++slot) {
        const Index from = layout_.slot(part.layout().record(slot));
        part.values_.col(part.layout().offset(t) + slot) = values_.col(layout_.offset(first + t) + from);
      }
    return part;
  }

 private:
  Index first_column(Index t) const {
    if (t < 0 || t >= steps()) detail::fail<shape_error>("step ", t, " of a sequence of ", steps());
    return layout_.offset(t);
  }

  template <class R>
  static constexpr bool is_matrix = requires(const R& record) {
    record.cols();
  };

  template <class R>
  static auto column(const R& record, Index t) {
    if constexpr (is_matrix<R>)
      return record.col(t).template cast<Scalar>();
    else
      return Eigen::Matrix<Scalar, 1, 1>(static_cast<Scalar>(*(std::ranges::begin(record) + t)));
  }

  template <class Records>
  static Layout layout_of(const Records& records) {
    std::vector<Index> lengths;
    for (const auto& record : records)
      if constexpr (is_matrix<std::remove_cvref_t<decltype(record)>>)
        lengths.push_back(record.cols());
      else
        lengths.push_back(static_cast<Index>(std::ranges::size(record)));
    return Layout(std::move(lengths));
  }

  template <class Records>
  static Index features_of(const Records& records) {
    Index features = Features, r = 0;
    for (const auto& record : records) {
      Index rows = 1;
      if constexpr (is_matrix<std::remove_cvref_t<decltype(record)>>) {
        rows = record.rows();
        if (rows == 0 && record.cols() == 0) {  // Matrix(), no steps: says nothing of the features
          ++r;
          continue;
        }
      }
      if (features == Dynamic) features = rows;
      if (rows != features)
        detail::fail<shape_error>("record ", r, " has ", rows, " features, ",
                                  Features == Dynamic ? "record 0 has " : "the sequence takes ", features);
      ++r;
    }
    return features == Dynamic ? 0 : features;
  }

  Layout layout_;
  Values values_;
};

}  // namespace reprise
