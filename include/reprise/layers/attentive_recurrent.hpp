#pragma once
// A cell that looks at the memory before every step (Bahdanau, Cho and Bengio, 2015, section 3.1 and appendix A.2): with c_t the
// context that h_{t-1} finds in the memory of its record,
//
//   c_t = attention(h_{t-1})
//   h_t = cell((x_t; c_t), h_{t-1})
//
//   x_t (inputs, batch)   c_t (features, batch)   h_t (outputs, batch)     the cell has inputs + features inputs
//
// Backward:  (dx_t; dc_t) = what the cell gives back     dh_{t-1} = the cell's own + the query's part of dc_t
//
// It stands in the decoder of an EncoderDecoder: Stack<Embedding<float>, AttentiveRecurrent<GRUCell<float>, AdditiveAttention<float>>>.
// What the cell is given to read of c_t depends on the step before, so it is projected step by step and not for a run.

#include <reprise/layers/attention.hpp>
#include <reprise/layers/recurrent.hpp>

namespace reprise {

template <Cell C, class A>
struct AttentiveRecurrent {
  static_assert(!MaskedCell<C>,
                "a cell with random masks has no place in an AttentiveRecurrent; drop its outputs with Dropout");
  static_assert(!detail::takes_time<Recurrent<C>>,
                "the last input of this cell is the time; here it would be a row of the context");
  using Scalar = typename C::Scalar;
  static constexpr int Inputs = Dynamic, Outputs = C::Outputs;
  using Input = Matrix<Scalar>;
  using Output = Matrix<Scalar, Outputs, Dynamic>;
  template <class Storage = Owned<>>
  using State = typename C::template State<Storage>;
  template <class S>
  using Rebind = AttentiveRecurrent<typename C::template Rebind<S, Dynamic, Outputs>, typename A::template Rebind<S>>;

  C cell;
  A attention;

  static constexpr auto fields() {
    return std::tuple{field("cell", &AttentiveRecurrent::cell), field("attention", &AttentiveRecurrent::attention)};
  }

  struct Trace {
    typename C::template Trace<Owned<>> steps;
    State<Owned<>> before;                // the state each step began with, aligned with its columns
    Matrix<Scalar> input, dinput;         // (inputs + features, columns): (x_t; c_t)
    Matrix<Scalar> p, dp;                 // (units, columns): the projected queries
    std::vector<Matrix<Scalar>> weights;  // of each record, in the order of the layout: (annotations, steps)
    detail::AttentionTrace<Scalar> attention;
    Output y;  // (outputs, columns): h_t
    PackedWeights<Scalar> packed;
  };

  AttentiveRecurrent() = default;
  /// Annotations and attention are of `sizes.hidden`.
  explicit AttentiveRecurrent(Sizes sizes)
      : AttentiveRecurrent(C(Sizes{sizes.inputs + sizes.hidden, sizes.hidden, sizes.inner}),
                           A({sizes.hidden, sizes.hidden, sizes.hidden})) {}
  AttentiveRecurrent(Sizes sizes, Rng& rng)  // braces: the cell draws first, whatever the compiler
      : AttentiveRecurrent{C(Sizes{sizes.inputs + sizes.hidden, sizes.hidden, sizes.inner}, rng),
                           A({sizes.hidden, sizes.hidden, sizes.hidden}, rng)} {}
  /// Throws shape_error unless the queries are as long as the cell's h, and its inputs at least as many as the features.
  AttentiveRecurrent(C cell_, A attention_) : cell(std::move(cell_)), attention(std::move(attention_)) {
    detail::require_size(attention.sizes().query, cell.outputs(), "the attention", "rows of a query", "the cell");
    if (inputs() < 0)
      detail::fail<shape_error>("the cell has ", cell.inputs(), " inputs, the context alone has ", features());
  }

  void take_settings(const auto& other) {
    if constexpr (requires { cell.take_settings(other.cell); }) cell.take_settings(other.cell);
    if constexpr (requires { attention.take_settings(other.attention); }) attention.take_settings(other.attention);
  }

  Index inputs() const { return cell.inputs() - features(); }
  Index outputs() const { return cell.outputs(); }
  Index input_rows() const { return inputs(); }

  template <int Batch>
  State<Owned<Batch>> initial_state(Index batch) const {
    State<Owned<Batch>> state;
    detail::resize(state, cell.state_rows(), batch);
    set_zero(state);
    return state;
  }
  void require_state(const auto& state, Index batch) const { detail::require_state(cell, state, batch); }

  static const Output& output(const Trace& trace) { return trace.y; }

  void forward(const Input& x, const Pass& pass, State<>& state, Trace& trace, const Memory<Scalar>& memory) const {
    const Layout& layout = pass.layout;
    const Index count = layout.columns();
    detail::require_size(memory.records(), layout.batch(), "the memory", "records", "the batch");
    detail::begin_reading(attention, memory, trace.attention);
    detail::reserve(trace.steps, cell.trace_rows(), count);
    detail::reserve(trace.before, cell.state_rows(), count);
    detail::reserve(trace.input, cell.inputs(), count);
    detail::reserve(trace.p, attention.sizes().units, count);
    detail::reserve(trace.y, outputs(), count);
    trace.weights.resize(static_cast<std::size_t>(layout.batch()));
    for (Index i = 0; i < layout.batch(); ++i)
      trace.weights[static_cast<std::size_t>(i)].resize(memory.length(i), layout.length(layout.record(i)));
    trace.packed.forget();
    if (count == 0) return;

    trace.input.topRows(inputs()).leftCols(count) = x.leftCols(count);
    for (Index t = 0; t < layout.steps(); ++t) {
      const Index first = layout.offset(t), running = layout.running(t);
      auto s = columns(state, 0, running);
      auto step = columns(trace.steps, first, running);
      detail::assign(columns(trace.before, first, running), s);
      auto p = trace.p.middleCols(first, running);
      attention.project(trace.packed, s.h, p);
      auto input = trace.input.middleCols(first, running);
      for (Index i = 0; i < running; ++i)
        detail::attend(attention, memory, i, p.middleCols(i, 1),
                       trace.weights[static_cast<std::size_t>(i)].middleCols(t, 1),
                       input.bottomRows(features()).middleCols(i, 1), trace.attention);
      cell.project(trace.packed, input, step);
      cell.step(trace.packed, step, s);
      trace.y.middleCols(first, running) = s.h;
    }
  }

  void backward(const Input& /*x*/, const Output& dy, const Pass& pass, Trace& trace, State<>& dstate,
                AttentiveRecurrent& gradient, Input* dx, const Memory<Scalar>& memory, Memory<Scalar>& dmemory) const {
    const Layout& layout = pass.layout;
    const Index count = layout.columns();
    if (count == 0) return;
    detail::reserve(trace.dinput, cell.inputs(), count);
    trace.dp.setZero(trace.p.rows(), count);
    trace.attention.dkeys.setZero(trace.attention.keys.rows(), trace.attention.keys.cols());

    for (Index t = layout.steps(); t-- > 0;) {
      const Index first = layout.offset(t), running = layout.running(t);
      auto d = columns(dstate, 0, running);
      auto step = columns(trace.steps, first, running);
      d.h += dy.middleCols(first, running);
      cell.step_back(trace.packed, columns(trace.before, first, running), step, d);
      auto dinput = trace.dinput.middleCols(first, running);
      cell.project_back(trace.packed, step, dinput);
      const auto p = trace.p.middleCols(first, running);
      auto dp = trace.dp.middleCols(first, running);
      for (Index i = 0; i < running; ++i)
        detail::attend_back(attention, memory, i, p.middleCols(i, 1),
                            trace.weights[static_cast<std::size_t>(i)].middleCols(t, 1),
                            dinput.bottomRows(features()).middleCols(i, 1), dp.middleCols(i, 1), trace.attention,
                            gradient.attention, dmemory);
      attention.project_back(trace.packed, dp, d.h);
    }
    const auto before = columns(trace.before, 0, count);
    cell.accumulate(trace.input.leftCols(count), before, columns(trace.steps, 0, count), gradient.cell);
    attention.accumulate(before.h, trace.dp, gradient.attention);
    if (memory.h.cols() != 0) attention.keys_back(memory.h, trace.attention.dkeys, gradient.attention, dmemory.h);
    if (!dx) return;
    detail::reserve(*dx, inputs(), count);
    dx->leftCols(count) = trace.dinput.topRows(inputs()).leftCols(count);
  }

  template <int Batch, class Packed>
  struct StepTrace {
    typename C::template Trace<Owned<Batch>> cell;
    detail::AttentionTrace<Scalar> attention;
    std::vector<Matrix<Scalar>> weights;  // of each column: (annotations, 1)
    Matrix<Scalar> p, input;
    Packed packed;
  };

  void begin(const Memory<Scalar>& memory, auto& trace) const {
    detail::begin_reading(attention, memory, trace.attention);
  }

  /// One step of a stream whose column k reads record reads[k] of the memory; returns h_t, which is state.h.
  template <int Batch, class Packed>
  const auto& step(const auto& x_t, State<Owned<Batch>>& state, StepTrace<Batch, Packed>& trace,
                   const Memory<Scalar>& memory, const Reads& reads) const {
    const Index batch = state.h.cols();
    if (batch == 0) return state.h;
    detail::resize(trace.cell, cell.trace_rows(), batch);
    trace.p.resize(attention.sizes().units, batch);
    trace.input.resize(cell.inputs(), batch);
    trace.weights.resize(reads.size());
    attention.project(trace.packed, state.h, trace.p);
    trace.input.topRows(inputs()) = x_t;
    for (Index k = 0; k < batch; ++k) {
      auto& weights = trace.weights[static_cast<std::size_t>(k)];
      const Index record = reads[static_cast<std::size_t>(k)];
      weights.resize(memory.length(record), 1);
      detail::attend(attention, memory, record, trace.p.middleCols(k, 1), weights,
                     trace.input.bottomRows(features()).middleCols(k, 1), trace.attention);
    }
    cell.project(trace.packed, trace.input, trace.cell);
    cell.step(trace.packed, trace.cell, state);
    return state.h;
  }

 private:
  Index features() const { return attention.sizes().features; }
};

}  // namespace reprise
