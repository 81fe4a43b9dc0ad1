#pragma once
// What the layers that read a memory through attention have in common, wherever in a step they do so. With q_t the queries
// of the records that run at step t, H the annotations of a record, and key and score those of layers/attention.hpp:
//
//   begin       k = key(H)
//   read        c_t = H a_t,  a_t = softmax(score(q_t, k))                     for t = 0 .. T-1
//   begin_back  dp = 0, dk = 0
//   read_back   from dc_t: dp_t and what it gives dq_t, dk, dH                 for t = T-1 .. 0
//   end_back    through dp and dk to dW, dU and dH, for all steps at once
//
// In a pass record i of the memory is the one in slot i of the layout; in a stream column k reads record reads[k].

#include <reprise/core/memory.hpp>
#include <reprise/layers/attention.hpp>
#include <reprise/layers/recurrent.hpp>

namespace reprise::detail {

template <class A, class Packed = AsTheyAre>
struct Reading {
  using Scalar = typename A::Scalar;

  // a: of each slot (annotations, steps); in a stream of each column (annotations, 1).
  std::vector<Matrix<Scalar>> weights;
  Matrix<Scalar> keys, dkeys;  // (units, memory columns)
  Matrix<Scalar> p, dp;        // (units, columns): the projected queries
  Packed packed;

  void begin(const A& attention, const Memory<Scalar>& memory) {
    require_size(memory.h.rows(), attention.sizes().features, "the memory", "rows", "its attention");
    keys.resize(attention.sizes().units, memory.h.cols());
    if (memory.h.cols() != 0) attention.keys(memory.h, keys);
  }
  void begin(const A& attention, const Memory<Scalar>& memory, const Layout& layout) {
    require_size(memory.records(), layout.batch(), "the memory", "records", "the batch");
    begin(attention, memory);
    reserve(p, attention.sizes().units, layout.columns());
    weights.resize(static_cast<std::size_t>(layout.batch()));
    for (Index i = 0; i < layout.batch(); ++i) of(i).resize(memory.length(i), layout.length(layout.record(i)));
  }

  void read(const A& attention, const auto& q_t, const Memory<Scalar>& memory, const Layout& layout, Index t,
            auto&& c_t) {
    auto p_t = p.middleCols(layout.offset(t), layout.running(t));
    attention.project(packed, q_t, p_t);
    for (Index i = 0; i < layout.running(t); ++i)
      read_record(attention, memory, i, p_t.middleCols(i, 1), of(i).middleCols(t, 1), c_t.middleCols(i, 1));
  }
  void read(const A& attention, const auto& q_t, const Memory<Scalar>& memory, const Reads& reads, auto&& c_t) {
    p.resize(attention.sizes().units, q_t.cols());
    attention.project(packed, q_t, p);
    weights.resize(reads.size());
    for (Index k = 0; k < q_t.cols(); ++k) {
      const Index record = reads[static_cast<std::size_t>(k)];
      of(k).resize(memory.length(record), 1);
      read_record(attention, memory, record, p.middleCols(k, 1), of(k), c_t.middleCols(k, 1));
    }
  }

  void begin_back(Index columns) {
    dp.setZero(p.rows(), columns);
    dkeys.setZero(keys.rows(), keys.cols());
  }
  // Adds to dq_t.
  void read_back(const A& attention, const auto& dc_t, const Memory<Scalar>& memory, const Layout& layout, Index t,
                 auto&& dq_t, A& gradient, Memory<Scalar>& dmemory) {
    const Index first = layout.offset(t), running = layout.running(t);
    auto dp_t = dp.middleCols(first, running);
    for (Index i = 0; i < running; ++i)
      read_record_back(attention, memory, i, p.middleCols(first + i, 1), of(i).middleCols(t, 1), dc_t.middleCols(i, 1),
                       dp_t.middleCols(i, 1), gradient, dmemory);
    attention.project_back(packed, dp_t, dq_t);
  }
  void end_back(const A& attention, const auto& q, const Memory<Scalar>& memory, A& gradient, Memory<Scalar>& dmemory) {
    attention.accumulate(q, dp, gradient);
    if (memory.h.cols() != 0) attention.keys_back(memory.h, dkeys, gradient, dmemory.h);
  }

  // Of one record any number n of queries at once: p (units, n), a (S, n), c (features, n).
  void read_record(const A& attention, const Memory<Scalar>& memory, Index record, const auto& p_n, auto&& a,
                   auto&& c) {
    if (memory.length(record) == 0) {
      c.setZero();
      return;
    }
    attention.scores(p_n, memory.columns(keys, record), a, s_);
    for (Index n = 0; n < a.cols(); ++n) {
      auto a_n = a.col(n);
      const auto largest = a_n.maxCoeff();
      a_n = (a_n.array() - largest).exp().matrix();
      a_n /= a_n.sum();
    }
    record_product(c, memory.columns(memory.h, record), a);
  }
  // From dc: adds to dp, dkeys, dmemory.h and the gradient.
  void read_record_back(const A& attention, const Memory<Scalar>& memory, Index record, const auto& p_n, const auto& a,
                        const auto& dc, auto&& dp_n, A& gradient, Memory<Scalar>& dmemory) {
    if (memory.length(record) == 0) return;
    add_record_product(memory.columns(dmemory.h, record), dc, a.transpose());
    de_.resize(a.rows(), a.cols());
    record_product(de_, memory.columns(memory.h, record).transpose(), dc);  // da
    for (Index n = 0; n < a.cols(); ++n) {
      const auto mean = a.col(n).dot(de_.col(n));
      de_.col(n).array() = a.col(n).array() * (de_.col(n).array() - mean);
    }
    attention.scores_back(p_n, memory.columns(keys, record), de_, dp_n, memory.columns(dkeys, record), s_, gradient);
  }

 private:
  auto& of(Index slot) { return weights[static_cast<std::size_t>(slot)]; }

  Matrix<Scalar> s_, de_;  // to work in
};

/// A cell and the attention that serves it. The cell reads x_t and beside it as many rows as one of the attention's sizes
/// says.
template <Cell C, class A, Index AttentionSizes::*Beside>
struct CellWithAttention {
  static_assert(!MaskedCell<C>,
                "a cell with random masks has no place beside an attention; drop its outputs with Dropout");
  static_assert(!takes_time<Recurrent<C>>, "the last input of this cell is the time; here it would be another's row");
  using Scalar = typename C::Scalar;
  static constexpr bool entries_stand_alone = EntriesStandAlone<C>;
  static constexpr int Inputs = Dynamic, Outputs = C::Outputs;
  using Input = Matrix<Scalar>;
  using Output = Matrix<Scalar, Outputs, Dynamic>;

  C cell;
  A attention;

  static constexpr auto fields() {
    return std::tuple{field("cell", &CellWithAttention::cell), field("attention", &CellWithAttention::attention)};
  }

  // A pass without training keeps one step of `steps` and nothing in `before`. The weights, and the contexts they gave,
  // in `input` or the like, it keeps for whoever wants to see where the layer looked.
  struct Trace : Reading<A, PackedWeights<Scalar>> {
    typename C::template Trace<Owned<>> steps;
    typename C::template State<Owned<>> before;  // the cell's state each step began with, aligned with its columns
    Matrix<Scalar> input, dinput;                // (inputs + beside, columns): what the cell reads
    Output y;                                    // (outputs, columns): h_t
  };
  template <int Batch, class Packed>
  struct StepTrace : Reading<A, Packed> {
    typename C::template Trace<Owned<Batch>> cell;
    Matrix<Scalar> input;
  };

  CellWithAttention() = default;
  /// Annotations and attention are of `sizes.hidden`.
  explicit CellWithAttention(Sizes sizes)
      : CellWithAttention(C(of_cell(sizes)), A({sizes.hidden, sizes.hidden, sizes.hidden})) {}
  CellWithAttention(Sizes sizes, Rng& rng)  // braces: the cell draws first, whatever the compiler
      : CellWithAttention{C(of_cell(sizes), rng), A({sizes.hidden, sizes.hidden, sizes.hidden}, rng)} {}
  /// Throws shape_error unless the queries are as long as the cell's h, and its inputs no fewer than stand beside x.
  CellWithAttention(C cell_, A attention_) : cell(std::move(cell_)), attention(std::move(attention_)) {
    require_size(attention.sizes().query, cell.outputs(), "the attention", "rows of a query", "the cell");
    if (inputs() < 0) fail<shape_error>("the cell has ", cell.inputs(), " inputs, those beside x alone are ", beside());
  }

  void take_settings(const auto& other) {
    if constexpr (requires { cell.take_settings(other.cell); }) cell.take_settings(other.cell);
    if constexpr (requires { attention.take_settings(other.attention); }) attention.take_settings(other.attention);
  }

  Index inputs() const { return cell.inputs() - beside(); }
  Index outputs() const { return cell.outputs(); }
  Index input_rows() const { return inputs(); }

  static const Output& output(const Trace& trace) { return trace.y; }

  void begin(const Memory<Scalar>& memory, auto& trace) const { trace.begin(attention, memory); }

 protected:
  Index beside() const { return attention.sizes().*Beside; }

  void begin_pass(const Input& x, const Pass& pass, Trace& trace, const Memory<Scalar>& memory) const {
    const Layout& layout = pass.layout;
    const Index count = layout.columns();
    trace.begin(attention, memory, layout);
    trace.packed.forget();
    reserve(trace.steps, cell.trace_rows(), pass.training || count == 0 ? count : layout.running(0));
    if (pass.training) reserve(trace.before, cell.state_rows(), count);
    reserve(trace.input, cell.inputs(), count);
    reserve(trace.y, outputs(), count);
    if (count != 0) trace.input.topRows(inputs()).leftCols(count) = x.leftCols(count);
  }
  // What the cell writes step t into.
  auto step_of(const Pass& pass, Index t, Trace& trace) const {
    return columns(trace.steps, pass.training ? pass.layout.offset(t) : 0, pass.layout.running(t));
  }
  // Step t of the cell, back: d from after to before it. Returns what comes back of the input.
  auto cell_back(const Layout& layout, Index t, Trace& trace, auto& d) const {
    const Index first = layout.offset(t), running = layout.running(t);
    auto step = columns(trace.steps, first, running);
    auto dinput = trace.dinput.middleCols(first, running);
    cell.step_back(trace.packed, columns(trace.before, first, running), step, d);
    cell.project_back(trace.packed, step, dinput);
    return dinput;
  }
  // What is left to do for all steps at once; q are the queries.
  void end_back(Index count, const auto& q, Trace& trace, CellWithAttention& gradient, Input* dx,
                const Memory<Scalar>& memory, Memory<Scalar>& dmemory) const {
    cell.accumulate(trace.input.leftCols(count), columns(trace.before, 0, count), columns(trace.steps, 0, count),
                    gradient.cell);
    trace.end_back(attention, q, memory, gradient.attention, dmemory);
    if (!dx) return;
    reserve(*dx, inputs(), count);
    dx->leftCols(count) = trace.dinput.topRows(inputs()).leftCols(count);
  }

  void begin_step(const auto& x_t, auto& trace) const {
    detail::resize(trace.cell, cell.trace_rows(), x_t.cols());
    trace.input.resize(cell.inputs(), x_t.cols());
    trace.input.topRows(inputs()) = x_t;
  }

 private:
  static Sizes of_cell(Sizes sizes) { return {sizes.inputs + sizes.hidden, sizes.hidden, sizes.inner}; }
};

}  // namespace reprise::detail
