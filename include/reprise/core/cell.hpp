#pragma once
// What a cell is. A cell knows its equations and nothing of time: `Recurrent<Cell>` calls its five hooks, over steps and
// over runs of steps. Columns are records or, in a run, records of several steps one after another.
//
//   project       what is free of h, for a run at once           z = W_xh x + b
//   step          h_{t-1} -> h_t                                 trace: z_t in, what backward reads out
//   step_back     dL/dh_t -> dL/dh_{t-1}                         trace: what step left in, dL/da_t out
//   accumulate    dL/dW += ..., for a run at once                one product per matrix
//   project_back  dL/dx, for a run at once                       one product
//
// `packed(W)` is W in the order in which products read it fastest, if the caller of the hook has packed it for the whole
// sequence, else W itself: what the hooks multiply by at every step goes through it.
//
// A cell with random masks keeps them in its trace and has a sixth hook:
//
//   draw          the masks of one step, before it               trace.mask
//
// draw(rng, first, trace): without an Rng (at inference) a mask is its mean. `first` is null, or the trace of the pass's
// first step for the same records: what is drawn once for a whole sequence is copied from there. draws() says whether it
// takes numbers from the Rng at all, as it does not at a rate of 0.
//
// docs/adding_a_cell.md writes one from start to end; check/check_cell.hpp proves it.

#include <reprise/core/parts.hpp>
#include <reprise/core/rng.hpp>

#include <concepts>

namespace reprise {

template <class C>
concept Cell = Module<C> && std::constructible_from<C, Sizes> && std::constructible_from<C, Sizes, Rng&> &&
    requires(const C& cell, C& gradient, typename C::template State<Columns>& state,
             typename C::template Trace<Columns>& trace, const Matrix<typename C::Scalar>& x,
             Matrix<typename C::Scalar>& dx, AsTheyAre& packed) {
  { C::Inputs } -> std::convertible_to<int>;
  { C::Outputs } -> std::convertible_to<int>;  // rows of state.h, which is what the layer above sees
  { cell.inputs() } -> std::same_as<Index>;
  { cell.outputs() } -> std::same_as<Index>;
  cell.state_rows();  // std::array: rows of each part of the state
  cell.trace_rows();  // std::array: rows of each part of the trace
  cell.project(packed, x, trace);
  cell.step(packed, trace, state);
  cell.step_back(packed, state, trace, state);
  cell.accumulate(x, state, trace, gradient);
  cell.project_back(packed, trace, dx);
  state.h;
};

namespace detail {

// Throws shape_error unless `state` is one of this cell for a batch of that many records.
template <class C, class State>
void require_state(const C& cell, const State& state, Index batch) {
  std::size_t i = 0;
  for_each_parameter(
      [&, rows = cell.state_rows()](const auto& part) {
        require_size(part.rows(), rows[i++], "the state", "rows", "the model");
        require_size(part.cols(), batch, "the state", "columns", "the batch");
      },
      state);
}

// What two views of columns see.
template <class State>
void assign(State to, const State& from) {
  for_each_parameter([](auto& p, const auto& q) { p = q; }, to, from);
}

}  // namespace detail

/// Whether a cell has random masks.
template <class C>
concept MaskedCell = Cell<C> && requires(const C& cell, Rng* rng, const typename C::template Trace<Columns>* first,
                                         typename C::template Trace<Columns>& trace) {
  cell.draw(rng, first, trace);
  { cell.draws() } -> std::same_as<bool>;
};

/// Whether every entry of the state of a cell or layer means something by itself, so that Zoneout may keep some and not others,
/// and any values may begin a sequence. A cell where parts count together only says
/// `static constexpr bool entries_stand_alone = false`.
template <class C>
concept EntriesStandAlone = !requires {
  requires !C::entries_stand_alone;
};

}  // namespace reprise
