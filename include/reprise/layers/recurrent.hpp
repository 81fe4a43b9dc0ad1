#pragma once
// Recurrent<Cell>: a cell, and time. Initial and final state, ragged lengths, back-propagation through time and streaming
// are written here once, for every cell:
//
//   forward    h_t = step(project(x_t), h_{t-1})             for t = 0 .. T-1, the batch shrinking as records end
//   backward   dh_t += dy_t;  dh_{t-1} = step_back(dh_t)      for t = T-1 .. 0, the batch growing again
//
// (Goodfellow et al., Deep Learning, section 10.2.2.) `project`, `accumulate` and `project_back` do not depend on h_{t-1}:
// they take a run of steps at once, as one matrix product, short enough that the steps find its columns in cache.

#include <reprise/core/cell.hpp>
#include <reprise/core/layer.hpp>
#include <reprise/kernels/packed_matrix.hpp>

namespace reprise {

template <Cell C>
struct Recurrent {
  using Scalar = typename C::Scalar;
  static constexpr int Inputs = C::Inputs, Outputs = C::Outputs;
  using Input = Matrix<Scalar, Inputs, Dynamic>;
  using Output = Matrix<Scalar, Outputs, Dynamic>;
  template <class Storage = Owned<>>
  using State = typename C::template State<Storage>;
  template <class S>
  using Rebind = Recurrent<typename C::template Rebind<S, Inputs, Outputs>>;

  static constexpr bool last_input_is_time = requires { requires C::last_input_is_time; };

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
    std::size_t i = 0;
    for_each_parameter(
        [&, rows = cell.state_rows()](const auto& part) {
          detail::require_size(part.rows(), rows[i++], "the state", "rows", "the model");
          detail::require_size(part.cols(), batch, "the state", "columns", "the batch");
        },
        state);
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

    for (Index first = 0, end; first < layout.steps(); first = end) {
      end = run_end(layout, first);
      const Index column = layout.offset(first), count = layout.offset(end) - column;
      const Index origin = pass.training ? 0 : column;  // the column of the sequence that lies in column 0 of the trace
      auto run = columns(trace.steps, column - origin, count);
      if constexpr (MaskedCell<C>) draw(pass, first, end, trace);
      cell.project(trace.packed, x.middleCols(column, count), run);
      for (Index t = first; t < end; ++t) {
        auto h = columns(state, 0, layout.running(t));
        auto step = columns(trace.steps, layout.offset(t) - origin, layout.running(t));
        if (pass.training) assign(columns(trace.before, layout.offset(t), layout.running(t)), h);
        cell.step(trace.packed, step, h);
        trace.y.middleCols(layout.offset(t), layout.running(t)) = h.h;
      }
    }
  }

  void backward(const Input& x, const Output& dy, const Pass& pass, Trace& trace, State<>& dstate, Recurrent& gradient,
                Input* dx) const {
    const Layout& layout = pass.layout;
    if (dx) detail::reserve(*dx, inputs(), layout.columns());

    for (Index end = layout.steps(), first; end > 0; end = first) {
      first = run_begin(layout, end);
      for (Index t = end; t-- > first;) {
        auto dh = columns(dstate, 0, layout.running(t));
        auto step = columns(trace.steps, layout.offset(t), layout.running(t));
        dh.h += dy.middleCols(layout.offset(t), layout.running(t));
        cell.step_back(trace.packed, columns(trace.before, layout.offset(t), layout.running(t)), step, dh);
      }
      const Index column = layout.offset(first), count = layout.offset(end) - column;
      const auto run = columns(trace.steps, column, count);
      cell.accumulate(x.middleCols(column, count), columns(trace.before, column, count), run, gradient.cell);
      if (dx) {
        auto dx_run = dx->middleCols(column, count);
        cell.project_back(trace.packed, run, dx_run);
      }
    }
  }

  template <int Batch, class Packed>
  struct StepTrace {
    typename C::template Trace<Owned<Batch>> cell;
    Packed packed;
  };

  /// One step of a stream: x_t (inputs, batch); returns h_t, which is state.h.
  template <int Batch, class Packed>
  const auto& step(const auto& x_t, State<Owned<Batch>>& state, StepTrace<Batch, Packed>& trace) const {
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

  Index run_end(const Layout& layout, Index first) const {
    Index end = first + 1;
    while (end < layout.steps() && layout.offset(end + 1) - layout.offset(first) <= run_width()) ++end;
    return end;
  }

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
    for (Index t = first; t < end; ++t) {
      auto step = columns(trace.steps, layout.offset(t), layout.running(t));
      const auto first_step = columns(trace.steps, 0, layout.running(t));
      cell.draw(pass.masks ? pass.rng : nullptr, t == 0 ? nullptr : &first_step, step);
    }
  }

  static void assign(State<Columns> to, const State<Columns>& from) {
    for_each_parameter([](auto& p, const auto& q) { p = q; }, to, from);
  }

  // Backward, a run is long: dW is read and written once in each, and may well be larger than its part of the trace.
  static constexpr Index accumulated_columns = 1024;

  static Index run_begin(const Layout& layout, Index end) {
    Index first = end - 1;
    while (first > 0 && layout.offset(end) - layout.offset(first - 1) <= accumulated_columns) --first;
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
