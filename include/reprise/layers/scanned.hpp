#pragma once
// Scanned<Cell>: Recurrent<Cell> for a cell whose recurrence is linear,
//
//   s_t = f_t * s_{t-1} + v_t        h_t = emit(s_t, ...)        f_t, v_t free of the state,
//
// which is scanned (kernels/scan.hpp) where Recurrent steps. All else a cell computes, its gates and h_t, is then free
// of time, too, and done for a run of steps at once. Outputs, states and gradients are those of Recurrent<Cell>, and so
// are fields, stream and backward; only forward is written here. Martin and Cundy, "Parallelizing linear recurrent
// neural nets over sequence length" (ICLR 2018, arXiv 1709.04057).
//
// A cell with such a recurrence says, besides the hooks of core/cell.hpp,
//
//   coefficients   f_t and v_t, for a run at once        trace: what project left in, the gates out, as from step
//   emit           h_t from s_t, for a run at once       trace: the rest of what step leaves
//   recurrent      which part of a state is s
//
// and its backward reads of the state before a step that part alone. Where s is complex: `using Numbers =
// ComplexNumbers`. A cell that also remembers what is free of the state, such as the input before, has
//
//   look_back      step by step, before coefficients     trace, state: what of step comes before the gates
//
// MinGRUCell is the shortest of them, QRNNCell looks back, LRUCell is complex.
//
// When to take it: for LRUCell with few records, whose product C s_t is then one for a run and not one a step.
// Elsewhere the product of `project`, the same in both layers, outweighs the steps, and on one core Scanned is as fast
// as Recurrent or a little slower. Blocks cost more there than they give; they could run on several cores.

#include <reprise/kernels/scan.hpp>
#include <reprise/layers/recurrent.hpp>

#include <limits>

namespace reprise {

template <class C>
concept LinearCell =
    Cell<C> && !MaskedCell<C> &&
    requires(const C& cell, typename C::template Trace<Columns>& trace, typename C::template State<Columns>& state,
             Matrix<typename C::Scalar>& f, Matrix<typename C::Scalar>& s, AsTheyAre& packed) {
  cell.coefficients(trace, f, s);
  cell.emit(packed, trace, s, f);
  C::recurrent(state);
};

template <class C>
concept LooksBack = LinearCell<C> &&
    requires(const C& cell, typename C::template Trace<Columns>& trace, typename C::template State<Columns>& state) {
  cell.look_back(trace, state);
};

namespace detail {
template <class C>
struct NumbersOf {
  using type = RealNumbers;
};
template <class C>
  requires requires { typename C::Numbers; }
struct NumbersOf<C> {
  using type = typename C::Numbers;
};
}  // namespace detail

/// `Block`: steps that are scanned one after another; with the default there is one block.
template <LinearCell C, int Block = std::numeric_limits<int>::max()>
struct Scanned : Recurrent<C> {
  static_assert(Block > 0, "a block has at least one step");
  using Base = Recurrent<C>;
  using typename Base::Input, typename Base::Scalar;
  template <class Storage = Owned<>>
  using State = typename Base::template State<Storage>;
  template <class S>
  using Rebind = Scanned<typename C::template Rebind<S, C::Inputs, C::Outputs>, Block>;

  struct Trace : Base::Trace {
    Matrix<Scalar> f, s;  // (rows of s, columns): of one run; s is v first
  };

  using Base::Base, Base::cell;

  void forward(const Input& x, const Pass& pass, State<>& state, Trace& trace) const {
    const Layout& layout = pass.layout;
    const Index widest = this->widest_run(layout);
    detail::reserve(trace.y, this->outputs(), layout.columns());
    detail::reserve(trace.steps, cell.trace_rows(), pass.training ? layout.columns() : widest);
    if (pass.training) detail::reserve(trace.before, cell.state_rows(), layout.columns());
    detail::reserve(trace.f, C::recurrent(state).rows(), widest);
    detail::reserve(trace.s, C::recurrent(state).rows(), widest);
    trace.packed.forget();

    for (Index first = 0, end; first < layout.steps(); first = end) {
      end = this->run_end(layout, first);
      const Index column = layout.offset(first), count = layout.offset(end) - column;
      const Index origin = pass.training ? 0 : column;  // as in Recurrent
      auto run = columns(trace.steps, column - origin, count);
      auto f = trace.f.leftCols(count), s = trace.s.leftCols(count);
      auto h = trace.y.middleCols(column, count);
      cell.project(trace.packed, x.middleCols(column, count), run);
      if constexpr (LooksBack<C>)
        for (Index t = first; t < end; ++t) {
          auto step = columns(trace.steps, layout.offset(t) - origin, layout.running(t));
          auto before = columns(state, 0, layout.running(t));
          cell.look_back(step, before);
        }
      cell.coefficients(run, f, s);
      blocked_scan<typename detail::NumbersOf<C>::type>(layout, first, end, Block, f, s, C::recurrent(state));
      cell.emit(trace.packed, run, s, h);
      if (pass.training) keep_before(layout, first, end, s, state, trace);
      keep_state(layout, first, end, s, h, state);
    }
  }

 private:
  // The state each step began with.
  static void keep_before(const Layout& layout, Index first, Index end, const auto& s, State<>& state, Trace& trace) {
    auto& before = C::recurrent(trace.before);
    const Index running = layout.running(first);
    before.middleCols(layout.offset(first), running) = C::recurrent(state).leftCols(running);
    for (Index t = first + 1; t < end; ++t)
      before.middleCols(layout.offset(t), layout.running(t)) =
          s.middleCols(layout.offset(t - 1) - layout.offset(first), layout.running(t));
  }

  // The state that each record ends the run with: of its last step.
  static void keep_state(const Layout& layout, Index first, Index end, const auto& s, const auto& h, State<>& state) {
    for (Index t = first; t < end; ++t) {
      const Index going_on = t + 1 < end ? layout.running(t + 1) : 0, ending = layout.running(t) - going_on;
      const Index column = layout.offset(t) - layout.offset(first) + going_on;
      if (ending == 0) continue;
      C::recurrent(state).middleCols(going_on, ending) = s.middleCols(column, ending);
      state.h.middleCols(going_on, ending) = h.middleCols(column, ending);
    }
  }
};

}  // namespace reprise
