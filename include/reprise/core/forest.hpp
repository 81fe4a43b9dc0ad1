#pragma once
// A batch of trees with something at every node: what Sequence is to records that are chains.
//
//   rp::Forest<int> forest(rp::TreeLayout{{1, -1, 1}, {-1}}, {{4, 7, 0}, {2}});        // 4 <- 7 -> 0, and 2 alone
//
// Values are given, kept and read back in the caller's order: the nodes of tree 0 as it numbers them, then those of tree 1.
// In a forest of tokens a node without one, such as what stands above the words of a sentence, has no_token: its input is
// the zero vector. (With features, give it a column of zeros.)

#include <reprise/core/tree_layout.hpp>

namespace reprise {

/// In place of a token, at a node that has none.
inline constexpr int no_token = -1;

template <class Scalar_, int Features = std::is_integral_v<Scalar_> ? 1 : Dynamic>
class Forest {
 public:
  using Scalar = Scalar_;
  using Values = Matrix<Scalar, Features, Dynamic>;
  using Record = std::conditional_t<std::is_integral_v<Scalar>, std::vector<Scalar>, Matrix<Scalar>>;

  /// No tree.
  Forest() : Forest(TreeLayout{}, Features == Dynamic ? 0 : Features) {}

  /// Zeros.
  Forest(TreeLayout layout, Index features)
      : layout_(std::move(layout)),
        values_(Values::Zero(checked_size(features, Features, "features"), layout_.columns())) {}

  /// For each tree a (features, nodes) matrix or, of tokens, a vector; without nodes, a matrix without columns, such as
  /// Matrix(), whose rows do not count. Throws shape_error, naming the tree, if one has not as many columns as the tree
  /// has nodes, or not as many rows as the others.
  Forest(TreeLayout layout, const std::vector<Record>& records) : Forest(std::move(layout), rows_of(records)) {
    detail::require_size(static_cast<Index>(records.size()), layout_.trees(), "the records", "trees", "the layout");
    for (Index tree = 0; tree < trees(); ++tree) {
      const Record& record = records[static_cast<std::size_t>(tree)];
      const std::string name = "the record of tree " + std::to_string(tree);
      auto to = values_.middleCols(layout_.first(tree), nodes(tree));
      if constexpr (std::is_integral_v<Scalar>) {
        detail::require_size(static_cast<Index>(record.size()), nodes(tree), name.c_str(), "nodes", "the tree");
        std::ranges::copy(record, to.data());
      } else {
        detail::require_size(record.cols(), nodes(tree), name.c_str(), "columns", "the tree");
        if (record.cols() == 0) continue;
        detail::require_size(record.rows(), features(), name.c_str(), "rows", "the forest");
        to = record;
      }
    }
  }

  /// The same forest with its features in the type, or not. Throws shape_error if they are others.
  template <int Other>
    requires(Other != Features)
  Forest(const Forest<Scalar, Other>& other) : Forest(other.layout(), other.features()) { values_ = other.values(); }

  Index trees() const { return layout_.trees(); }
  Index nodes(Index tree) const { return layout_.nodes(tree); }
  Index features() const { return values_.rows(); }
  const TreeLayout& layout() const { return layout_; }

  /// Everything, (features, nodes of all trees), in the caller's order.
  const Values& values() const { return values_; }
  Values& values() { return values_; }

  /// What is at the nodes of tree i: (features, nodes(i)). Throws shape_error unless there is such a tree.
  Values operator[](Index i) const {
    if (i < 0 || i >= trees()) detail::fail<shape_error>("tree ", i, " of a forest of ", trees());
    return values_.middleCols(layout_.first(i), nodes(i));
  }

  /// The same values in another scalar.
  template <class S>
  Forest<S, Features> cast() const {
    Forest<S, Features> other(layout_, features());
    other.values() = values_.template cast<S>();
    return other;
  }

 private:
  static Index rows_of(const std::vector<Record>& records) {
    if constexpr (std::is_integral_v<Scalar>) {
      return 1;
    } else {
      if (Features != Dynamic) return Features;
      const auto first = std::ranges::find_if(records, [](const Record& record) { return record.cols() != 0; });
      return first == records.end() ? 0 : first->rows();
    }
  }

  TreeLayout layout_;
  Values values_;
};

}  // namespace reprise
