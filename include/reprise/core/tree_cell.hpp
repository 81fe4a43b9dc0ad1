#pragma once
// What a cell of a recursive network is. It knows its equations and nothing of trees: `Recursive<TreeCell>` calls its hooks,
// from the leaves to the root, for all nodes of a height at once. Columns are nodes, or edges, a node's ways to its children;
// a Level says which edges are whose.
//
//   project       what is free of the children, for all nodes at once       a = W_xh x + b
//   join          the children's states -> the nodes' states                traces: a in, what backward reads out
//   join_back     dL/d(node's state) -> dL/d(children's states)             traces: what join left in, dL/da out
//   accumulate    dL/dW += ..., of what `project` reads, for all nodes at once
//   accumulate_children  dL/dU += ..., of what `join` reads, a height at a time
//   project_back  dL/dx, for all nodes at once
//
// `packed` is as in core/cell.hpp. A leaf has no children: a level of leaves has no edges, and `join` says what it becomes.

#include <reprise/core/parts.hpp>
#include <reprise/core/rng.hpp>
#include <reprise/core/tree_layout.hpp>

#include <concepts>

namespace reprise {

template <class C>
concept TreeCell = Module<C> && std::constructible_from<C, Sizes> && std::constructible_from<C, Sizes, Rng&> &&
    requires(const C& cell, C& gradient, typename C::template State<Columns>& state,
             typename C::template Trace<Columns>& nodes, typename C::template EdgeTrace<Columns>& edges,
             const Level& level, const Matrix<typename C::Scalar>& x, Matrix<typename C::Scalar>& dx,
             AsTheyAre& packed) {
  { C::Inputs } -> std::convertible_to<int>;
  { C::Outputs } -> std::convertible_to<int>;  // rows of state.h
  { C::Arity } -> std::convertible_to<int>;    // most children of a node; Dynamic: any number
  { cell.inputs() } -> std::same_as<Index>;
  { cell.outputs() } -> std::same_as<Index>;
  cell.state_rows();       // std::array: rows of each part of the state
  cell.trace_rows();       // of the trace that has a column for each node
  cell.edge_trace_rows();  // of the trace that has a column for each edge
  cell.project(packed, x, nodes);
  cell.join(packed, level, state, edges, nodes, state);  // the children's states, one for each edge; the nodes'
  cell.join_back(packed, level, state, edges, nodes, state,
                 state);  // the children's; dL/d(the nodes'), d(the children's)
  cell.accumulate(x, nodes, gradient);
  cell.accumulate_children(level, state, edges, nodes, gradient);
  cell.project_back(packed, nodes, dx);
  state.h;
};

}  // namespace reprise
