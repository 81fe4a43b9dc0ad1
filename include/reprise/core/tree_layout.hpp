#pragma once
// A batch of trees of any shapes as one matrix: (features, columns), a column for each node, grouped by height: leaves
// first, and then each node behind all that stand below it. What stands at one height is a contiguous block of columns,
// so a network that works from the leaves to the root takes it in one product, whatever trees it comes from:
//
//        0          0           height 0              1        2
//       / \         |           | 0:1  0:3  0:4  1:1 | 0:2  1:0 | 0:0 |        tree : node
//      1   2        1
//         / \                   edges                | 0:3  1:1  0:4 | 0:2  0:1 |      0:2 has two children, so it stands
//        3   4                                       |--k=0---|-k=1--|              before 1:0, which has one
//
// An edge is a node's way to one of its children. Within a height the nodes with most children stand first: those with
// a k-th child are the first `having(k)` of them, and the edges to these k-th children are a contiguous block, too, in the
// order of their parents. There is no padding and no mask. Callers neither sort nor see the order.

#include <reprise/core/errors.hpp>

#include <algorithm>
#include <initializer_list>
#include <numeric>
#include <span>
#include <vector>

namespace reprise {

/// The nodes of one height, as a cell sees them: columns 0 .. nodes-1 of what it is given of the nodes, and columns
/// 0 .. edges()-1 of what it is given of the edges to their children.
struct Level {
  Index column, nodes;             // the first in the layout, and how many
  Index edge;                      // the first in the layout
  std::span<const Index> offsets;  // of the edges to the k-th children, and where they end

  Index arity() const { return static_cast<Index>(offsets.size()) - 1; }  ///< most children of a node; 0 for leaves
  Index edges() const { return offsets.back(); }
  Index offset(Index k) const { return offsets[static_cast<std::size_t>(k)]; }
  Index having(Index k) const { return offset(k + 1) - offset(k); }  ///< nodes with a k-th child; k counts from 0

  /// The columns of the k-th children, of a matrix of the edges; and of the nodes that they are the children of.
  auto children(auto&& of_edges, Index k) const { return of_edges.middleCols(offset(k), having(k)); }
  auto parents(auto&& of_nodes, Index k) const { return of_nodes.leftCols(having(k)); }
};

/// The shapes of the trees, and where each node lies.
class TreeLayout {
 public:
  TreeLayout() : TreeLayout(std::vector<std::vector<Index>>{}) {}

  /// `parents`: of each tree, for each of its nodes, the number of the parent, -1 for the root. The children of a node are
  /// in the order of their numbers. A tree without nodes is legal, and has no root either. Throws value_error for a parent
  /// that is no node, shape_error for two roots or a cycle.
  explicit TreeLayout(std::vector<std::vector<Index>> parents) : parents_(std::move(parents)), first_{0} {
    std::vector<Index> children, heights;  // of each node, in the caller's order
    for (Index tree = 0; tree < trees(); ++tree) {
      first_.push_back(first_.back() + static_cast<Index>(this->parents(tree).size()));
      measure(tree, children, heights);
    }
    place(children, heights);
    connect(children);
  }

  /// The same from a list: TreeLayout{{-1, 0, 0}, {1, -1}}.
  TreeLayout(std::initializer_list<std::vector<Index>> parents) : TreeLayout(std::vector(parents)) {}

  Index trees() const { return static_cast<Index>(parents_.size()); }
  Index nodes(Index tree) const { return first(tree + 1) - first(tree); }
  Index columns() const { return first_.back(); }  ///< nodes of all trees
  Index edges() const { return static_cast<Index>(children_.size()); }
  Index most_children() const { return most_children_; }
  const std::vector<Index>& parents(Index tree) const { return parents_[static_cast<std::size_t>(tree)]; }

  /// In the caller's order the nodes of a tree follow those of the tree before: node i of it is number first(tree) + i.
  Index first(Index tree) const { return first_[static_cast<std::size_t>(tree)]; }
  /// Which number, in the caller's order, the node in a column of the layout has.
  Index node(Index column) const { return order_[static_cast<std::size_t>(column)]; }
  /// In which column the child lies that an edge leads to.
  Index child(Index edge) const { return children_[static_cast<std::size_t>(edge)]; }

  Index heights() const { return static_cast<Index>(levels_.size()); }
  Level level(Index height) const {
    const Stored& s = levels_[static_cast<std::size_t>(height)];
    return {s.column, s.nodes, s.edge, std::span(offsets_).subspan(s.offsets, s.arity + 1)};
  }

  friend bool operator==(const TreeLayout& a, const TreeLayout& b) { return a.parents_ == b.parents_; }

 private:
  struct Stored {
    Index column, nodes, edge;
    std::size_t offsets, arity;
  };

  // Appends how many children each node of a tree has, and its height: a node is done when all its children are.
  void measure(Index tree, std::vector<Index>& children, std::vector<Index>& heights) const {
    const std::vector<Index>& parent = parents(tree);
    const auto n = static_cast<Index>(parent.size()), start = static_cast<Index>(children.size());
    children.resize(static_cast<std::size_t>(start + n), 0);
    heights.resize(children.size(), 0);
    const std::span count = std::span(children).subspan(static_cast<std::size_t>(start));
    const std::span height = std::span(heights).subspan(static_cast<std::size_t>(start));
    Index root = -1;
    for (Index i = 0; i < n; ++i) {
      const Index p = parent[static_cast<std::size_t>(i)];
      if (p < -1 || p >= n)
        detail::fail<value_error>("tree ", tree, ": node ", i, " has parent ", p, ", the tree has ", n, " nodes");
      if (p >= 0) {
        ++count[static_cast<std::size_t>(p)];
      } else if (root >= 0) {
        detail::fail<shape_error>("tree ", tree, " has two roots, nodes ", root, " and ", i);
      } else {
        root = i;
      }
    }
    std::vector<Index> waiting(count.begin(), count.end()), done;
    for (Index i = 0; i < n; ++i)
      if (waiting[static_cast<std::size_t>(i)] == 0) done.push_back(i);
    for (std::size_t next = 0; next < done.size(); ++next) {
      const auto i = static_cast<std::size_t>(done[next]);
      if (parent[i] < 0) continue;
      const auto p = static_cast<std::size_t>(parent[i]);
      height[p] = std::max(height[p], height[i] + 1);
      if (--waiting[p] == 0) done.push_back(parent[i]);
    }
    const auto stuck = std::ranges::find_if(waiting, [](Index children_left) { return children_left > 0; });
    if (stuck != waiting.end())
      detail::fail<shape_error>("tree ", tree, " has a cycle through node ", stuck - waiting.begin());
  }

  // The order of the layout, and the levels without their edges.
  void place(const std::vector<Index>& children, const std::vector<Index>& heights) {
    const auto of = [](const std::vector<Index>& v, Index i) { return v[static_cast<std::size_t>(i)]; };
    order_.resize(children.size());
    std::iota(order_.begin(), order_.end(), Index{0});
    std::ranges::stable_sort(order_, [&](Index a, Index b) {
      return of(heights, a) != of(heights, b) ? of(heights, a) < of(heights, b) : of(children, a) > of(children, b);
    });
    for (Index column = 0; column < columns(); ++column) {
      const auto height = static_cast<std::size_t>(of(heights, node(column)));
      if (height == levels_.size())
        levels_.push_back({column, 0, 0, 0, static_cast<std::size_t>(of(children, node(column)))});
      ++levels_[height].nodes;
      most_children_ = std::max(most_children_, of(children, node(column)));
    }
  }

  // The edges of every level.
  void connect(const std::vector<Index>& children) {
    std::vector<Index> column(order_.size());
    for (Index j = 0; j < columns(); ++j) column[static_cast<std::size_t>(node(j))] = j;
    std::vector<std::vector<Index>> below(order_.size());  // the columns of each node's children
    for (Index tree = 0; tree < trees(); ++tree)
      for (Index i = 0; i < nodes(tree); ++i)
        if (const Index p = parents(tree)[static_cast<std::size_t>(i)]; p >= 0)
          below[static_cast<std::size_t>(first(tree) + p)].push_back(column[static_cast<std::size_t>(first(tree) + i)]);
    for (Stored& level : levels_) {
      level.edge = edges();
      level.offsets = offsets_.size();
      offsets_.push_back(0);
      for (std::size_t k = 0; k < level.arity; ++k) {
        for (Index j = level.column; j < level.column + level.nodes; ++j) {
          const auto i = static_cast<std::size_t>(node(j));
          if (children[i] <= static_cast<Index>(k)) break;
          children_.push_back(below[i][k]);
        }
        offsets_.push_back(edges() - level.edge);
      }
    }
  }

  std::vector<std::vector<Index>> parents_;
  std::vector<Index> first_, order_, children_, offsets_;
  std::vector<Stored> levels_;
  Index most_children_ = 0;
};

}  // namespace reprise
