#pragma once
// Recurrent<Cell>: a cell, and time. Initial and final state, ragged lengths, back-propagation through time and streaming
// are written here once, for every cell:
//
//   forward    h_t = step(project(x_t), h_{t-1})             for t = 0 .. T-1, the batch shrinking as records end
//   backward   dh_t += dy_t;  dh_{t-1} = step_back(dh_t)      for t = T-1 .. 0, the batch growing again
//
// (Goodfellow et al., Deep Learning, section 10.2.2.) `project`, `accumulate` and `project_back` do not depend on h_{t-1}:
// they take a run of steps at once, as one matrix product, short enough that the steps find its columns in cache.
//
// Recurrent<Cell, Direction::backward> reads each record from its last step to its first (section 10.3 there):
//
//   forward    h_t = step(project(x_t), h_{t+1})             for t = T-1 .. 0, the batch growing as records begin
//   backward   dh_t += dy_t;  dh_{t+1} = step_back(dh_t)      for t = 0 .. T-1, the batch shrinking again
//
// The layout is the same and no data moves: a record's column of the state is its initial state until its last step comes.

#include <reprise/core/cell.hpp>
#include <reprise/core/layer.hpp>
#include <reprise/kernels/packed_matrix.hpp>

namespace reprise {

/// Which way a layer reads its records: from the first step to the last, or from the last to the first.
enum class Direction : bool { forward, backward };

template <Cell C, Direction direction = Direction::forward>
struct Recurrent {
  static constexpr bool causal = direction == Direction::forward;  // whether it runs step by step, too
  static constexpr bool entries_stand_alone = EntriesStandAlone<C>;
  static constexpr bool last_input_is_time = requires { requires C::last_input_is_time; };
  static_assert(
      causal || !last_input_is_time,
      "a cell whose last input is the time since the step before cannot run backward: there it comes from the "
      "step after, and the time between stands in another column");

  using Scalar = typename C::Scalar;
  static constexpr int Inputs = C::Inputs, Outputs = C::Outputs;
  using Input = Matrix<Scalar, Inputs, Dynamic>;
  using Output = Matrix<Scalar, Outputs, Dynamic>;
  template <class Storage = Owned<>>
  using State = typename C::template State<Storage>;
  template <class S>
  using Rebind = Recurrent<typename C::template Rebind<S, Inputs, Outputs>, direction>;

  C cell;

  static constexpr auto fields() { return std::tuple{field("cell", &Recurrent::cell)}; }

  struct Trace {
    typename C::template Trace<Owned<>> steps;  // of every step when training, else of one run
    State<Owned<>> before;                      // the state each step began with, aligned with its columns
    Output y;                                   // (outputs, columns): h_t
    PackedWeights<Scalar> packed;               // of this pass: backward finds what forward has packed
  };

  Recurrent() = default;
  explicit Recurrent(C cell_) : cell(std::move(cell_)) {}
  explicit Recurrent(Sizes sizes) : cell(sizes) {}
  Recurrent(Sizes sizes, Rng& rng) : cell(sizes, rng) {}

  void take_settings(const auto& other) {
    if constexpr (requires { cell.take_settings(other.cell); }) cell.take_settings(other.cell);
  }

  Index inputs() const { return cell.inputs(); }
  Index outputs() const { return cell.outputs(); }
  Index input_rows() const { return cell.inputs(); }
  /// How many of the last rows of y run from a record's last step to its first.
  Index reversed_rows() const { return causal ? 0 : outputs(); }

  /// Zero for each of `batch` records.
  template <int Batch>
  State<Owned<Batch>> initial_state(Index batch) const {
    State<Owned<Batch>> state;
    detail::resize(state, cell.state_rows(), batch);
    set_zero(state);
    return state;
  }

  static const Output& output(const Trace& trace) { return trace.y; }

  template <class Storage>
  void require_state(const State<Storage>& state, Index batch) const {
    detail::require_state(cell, state, batch);
  }

  /// Throws value_error if the cell has random masks and a training pass brings no Rng.
  void forward(const Input& x, const Pass& pass, State<>& state, Trace& trace) const {
    const Layout& layout = pass.layout;
    if constexpr (MaskedCell<C>)
      if (pass.training && pass.masks && !pass.rng && cell.draws())
        detail::fail<value_error>(
            "a cell with random masks needs an Rng while training: loss_and_gradient(..., {.rng = &rng})");
    detail::reserve(trace.y, outputs(), layout.columns());
    detail::reserve(trace.steps, cell.trace_rows(), pass.training ? layout.columns() : widest_run(layout));
    if (pass.training) detail::reserve(trace.before, cell.state_rows(), layout.columns());
    trace.packed.forget();

    each_run<causal>(layout, run_width(), [&](Index first, Index end) {
      const Index column = layout.offset(first), count = layout.offset(end) - column;
      const Index origin = pass.training ? 0 : column;  // the column of the sequence that lies in column 0 of the trace
      auto run = columns(trace.steps, column - origin, count);
      if constexpr (MaskedCell<C>) draw(pass, first, end, trace);
      cell.project(trace.packed, x.middleCols(column, count), run);
      each_step<causal>(first, end, [&](Index t) {
        auto h = columns(state, 0, layout.running(t));
        auto step = columns(trace.steps, layout.offset(t) - origin, layout.running(t));
        if (pass.training) detail::assign(columns(trace.before, layout.offset(t), layout.running(t)), h);
        cell.step(trace.packed, step, h);
        trace.y.middleCols(layout.offset(t), layout.running(t)) = h.h;
      });
    });
  }

  void backward(const Input& x, const Output& dy, const Pass& pass, Trace& trace, State<>& dstate, Recurrent& gradient,
                Input* dx) const {
    const Layout& layout = pass.layout;
    if (dx) detail::reserve(*dx, inputs(), layout.columns());

    each_run<!causal>(layout, accumulated_columns, [&](Index first, Index end) {
      each_step<!causal>(first, end, [&](Index t) {
        auto dh = columns(dstate, 0, layout.running(t));
        auto step = columns(trace.steps, layout.offset(t), layout.running(t));
        dh.h += dy.middleCols(layout.offset(t), layout.running(t));
        cell.step_back(trace.packed, columns(trace.before, layout.offset(t), layout.running(t)), step, dh);
      });
      const Index column = layout.offset(first), count = layout.offset(end) - column;
      const auto run = columns(trace.steps, column, count);
      cell.accumulate(x.middleCols(column, count), columns(trace.before, column, count), run, gradient.cell);
      if (dx) {
        auto dx_run = dx->middleCols(column, count);
        cell.project_back(trace.packed, run, dx_run);
      }
    });
  }

  template <int Batch, class Packed>
  struct StepTrace {
    typename C::template Trace<Owned<Batch>> cell;
    Packed packed;
  };

  /// One step of a stream: x_t (inputs, batch); returns h_t, which is state.h.
  template <int Batch, class Packed>
  const auto& step(const auto& x_t, State<Owned<Batch>>& state, StepTrace<Batch, Packed>& trace) const requires causal {
    if (state.h.cols() == 0) return state.h;  // Eigen would form pointers into nothing
    detail::resize(trace.cell, cell.trace_rows(), state.h.cols());
    if constexpr (MaskedCell<C>) cell.draw(nullptr, static_cast<const decltype(trace.cell)*>(nullptr), trace.cell);
    cell.project(trace.packed, x_t, trace.cell);
    cell.step(trace.packed, trace.cell, state);
    return state.h;
  }

 protected:
  // Forward, a run is as many steps as keep its part of the trace within half a megabyte, and one at least.
  Index run_width() const {
    Index rows = 0;
    for (const Index r : cell.trace_rows()) rows += r;
    return (Index{1} << 19) / (static_cast<Index>(sizeof(Scalar)) * std::max(rows, Index{1}));
  }

  Index run_end(const Layout& layout, Index first) const { return run_end(layout, first, run_width()); }

  Index widest_run(const Layout& layout) const {
    return layout.steps() == 0 ? 0 : std::min(layout.columns(), std::max(run_width(), layout.running(0)));
  }

 private:
  // The masks of steps first .. end-1; without training these are column 0 and on of the trace.
  void draw(const Pass& pass, Index first, Index end, Trace& trace) const {
    const Layout& layout = pass.layout;
    if (!pass.training) {
      auto run = columns(trace.steps, 0, layout.offset(end) - layout.offset(first));
      cell.draw(nullptr, static_cast<const decltype(run)*>(nullptr), run);
      return;
    }
    Rng* const rng = pass.masks ? pass.rng : nullptr;
    each_step<causal>(first, end, [&](Index t) {
      // Records that come from another step have the masks they had there, if those are for a whole sequence; others begin.
      const Index from = causal ? t - 1 : t + 1, running = layout.running(t);
      const bool is_step = from >= 0 && from < layout.steps();
      const Index going_on = is_step ? std::min(running, layout.running(from)) : 0;
      if (going_on != 0) {
        auto step = columns(trace.steps, layout.offset(t), going_on);
        const auto step_before = columns(trace.steps, layout.offset(from), going_on);
        cell.draw(rng, &step_before, step);
      }
      if (going_on != running) {
        auto step = columns(trace.steps, layout.offset(t) + going_on, running - going_on);
        cell.draw(rng, static_cast<const decltype(step)*>(nullptr), step);
      }
    });
  }

  // Backward, a run is long: dW is read and written once in each, and may well be larger than its part of the trace.
  static constexpr Index accumulated_columns = 1024;

  // visit(first, end) for runs of steps of at most `width` columns, or of one step: from step 0 up, or the last step down.
  template <bool up>
  static void each_run(const Layout& layout, Index width, auto&& visit) {
    if constexpr (up) {
      for (Index first = 0, end; first < layout.steps(); first = end) {
        end = run_end(layout, first, width);
        visit(first, end);
      }
    } else {
      for (Index end = layout.steps(), first; end > 0; end = first) {
        first = run_begin(layout, end, width);
        visit(first, end);
      }
    }
  }

  template <bool up>
  static void each_step(Index first, Index end, auto&& visit) {
    if constexpr (up)
      for (Index t = first; t < end; ++t) visit(t);
    else
      for (Index t = end; t-- > first;) visit(t);
  }

  static Index run_end(const Layout& layout, Index first, Index width) {
    Index end = first + 1;
    while (end < layout.steps() && layout.offset(end + 1) - layout.offset(first) <= width) ++end;
    return end;
  }

  static Index run_begin(const Layout& layout, Index end, Index width) {
    Index first = end - 1;
    while (first > 0 && layout.offset(end) - layout.offset(first - 1) <= width) --first;
    return first;
  }
};

namespace detail {
// Whether the last input of a layer is the time since the step before.
template <class L>
inline constexpr bool takes_time = false;
template <class L>
  requires requires { L::last_input_is_time; }
inline constexpr bool takes_time<L> = L::last_input_is_time;

template <class L>
struct LayerOf {
  using type = L;
};
template <Cell C>
struct LayerOf<C> {
  using type = Recurrent<C>;
};
}  // namespace detail

/// A layer as it is, a cell as the recurrent layer of it.
template <class L>
using LayerOf = typename detail::LayerOf<L>::type;

}  // namespace reprise
