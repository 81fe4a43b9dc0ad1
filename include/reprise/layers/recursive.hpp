#pragma once
// Recursive<TreeCell>: a cell, and trees. What Recurrent is to time:
//
//   forward    h_j = join(project(x_j), states of j's children)          a height at a time, from the leaves to the roots
//   backward   dh_j += dy_j;  dh_k = join_back(dh_j) for children k        from the roots to the leaves
//
// (Goodfellow et al., Deep Learning, section 10.6.) `project`, `accumulate` and `project_back` do not depend on the children
// and take all nodes as one product. Every matrix of nodes is in the order of the TreeLayout; a node's children lie where
// their own heights are, so their states are copied to where the edges are before a height is joined.

#include <reprise/core/tree_cell.hpp>
#include <reprise/kernels/packed_matrix.hpp>

namespace reprise {

template <TreeCell C>
struct Recursive {
  using Scalar = typename C::Scalar;
  static constexpr int Inputs = C::Inputs, Outputs = C::Outputs;
  using Input = Matrix<Scalar, Inputs, Dynamic>;
  using Output = Matrix<Scalar, Outputs, Dynamic>;
  template <class Storage = Owned<>>
  using State = typename C::template State<Storage>;
  template <class S>
  using Rebind = Recursive<typename C::template Rebind<S, Inputs, Outputs>>;

  C cell;

  static constexpr auto fields() { return std::tuple{field("cell", &Recursive::cell)}; }

  struct Trace {
    typename C::template Trace<Owned<>> nodes;
    typename C::template EdgeTrace<Owned<>> edges;
    State<Owned<>> state;     // of every node; state.h is what the layer gives
    State<Owned<>> children;  // of every edge, the state of the child
    State<Owned<>> dstate, dchildren;
    PackedWeights<Scalar> packed;  // of this pass: backward finds what forward has packed
  };

  Recursive() = default;
  explicit Recursive(C cell_) : cell(std::move(cell_)) {}

  Index inputs() const { return cell.inputs(); }
  Index outputs() const { return cell.outputs(); }

  /// Throws shape_error if a node has more children than the cell takes.
  void require_layout(const TreeLayout& layout) const {
    if (C::Arity != Dynamic && layout.most_children() > C::Arity)
      detail::fail<shape_error>("a node has ", layout.most_children(), " children, the cell takes ", C::Arity);
  }

  /// Leaves h_j of every node in trace.state.h. `x` (inputs, at least layout.columns()).
  void forward(const Input& x, const TreeLayout& layout, Trace& trace) const {
    if (layout.columns() == 0) return;
    detail::reserve(trace.nodes, cell.trace_rows(), layout.columns());
    detail::reserve(trace.edges, cell.edge_trace_rows(), layout.edges());
    detail::reserve(trace.state, cell.state_rows(), layout.columns());
    detail::reserve(trace.children, cell.state_rows(), layout.edges());
    trace.packed.forget();
    auto all = columns(trace.nodes, 0, layout.columns());
    cell.project(trace.packed, x.leftCols(layout.columns()), all);
    for (Index height = 0; height < layout.heights(); ++height) {
      const Level level = layout.level(height);
      for_each_parameter(
          [&](auto& of_edges, const auto& of_nodes) {
            for (Index e = level.edge; e < level.edge + level.edges(); ++e)
              of_edges.col(e) = of_nodes.col(layout.child(e));
          },
          trace.children, trace.state);
      const auto children = columns(trace.children, level.edge, level.edges());
      auto edges = columns(trace.edges, level.edge, level.edges());
      auto nodes = columns(trace.nodes, level.column, level.nodes);
      auto state = columns(trace.state, level.column, level.nodes);
      cell.join(trace.packed, level, children, edges, nodes, state);
    }
  }

  /// Adds to `gradient`; dL/dx goes into *dx unless that is null. `dh` (outputs, at least layout.columns()).
  void backward(const Input& x, const Output& dh, const TreeLayout& layout, Trace& trace, Recursive& gradient,
                Input* dx) const {
    const Index count = layout.columns();
    if (count == 0) return;
    detail::reserve(trace.dstate, cell.state_rows(), count);
    detail::reserve(trace.dchildren, cell.state_rows(), layout.edges());
    for_each_parameter([&](auto& part) { part.leftCols(count).setZero(); }, trace.dstate);
    trace.dstate.h.leftCols(count) = dh.leftCols(count);
    for (Index height = layout.heights(); height-- > 0;) {
      const Level level = layout.level(height);
      const auto children = columns(trace.children, level.edge, level.edges());
      auto edges = columns(trace.edges, level.edge, level.edges());
      auto nodes = columns(trace.nodes, level.column, level.nodes);
      auto d = columns(trace.dstate, level.column, level.nodes);
      auto dchildren = columns(trace.dchildren, level.edge, level.edges());
      cell.join_back(trace.packed, level, children, edges, nodes, d, dchildren);
      cell.accumulate_children(level, children, edges, nodes, gradient.cell);
      for_each_parameter(
          [&](auto& of_nodes, const auto& of_edges) {
            for (Index e = level.edge; e < level.edge + level.edges(); ++e)
              of_nodes.col(layout.child(e)) += of_edges.col(e);
          },
          trace.dstate, trace.dchildren);
    }
    const auto all = columns(trace.nodes, 0, count);
    cell.accumulate(x.leftCols(count), all, gradient.cell);
    if (!dx) return;
    detail::reserve(*dx, inputs(), count);
    auto dx_all = dx->leftCols(count);
    cell.project_back(trace.packed, all, dx_all);
  }
};

}  // namespace reprise
