#pragma once
// A cell that looks at the memory after every step, and is told at the next one what it saw there (Luong, Pham and Manning,
// 2015, section 3.3, "input feeding"): with c_t the context that s_t finds in the memory of its record,
//
//   s_t = cell((x_t; h_{t-1}), s_{t-1})
//   c_t = attention(s_t)
//   h_t = tanh(W_c (c_t; s_t))
//
//   x_t (inputs, batch)   s_t, h_t (outputs, batch)   c_t (features, batch)   W_c (outputs, features + outputs)
//
// h_t is what the layer above reads, s_t the state of the cell, which has inputs + outputs inputs. Backward:
//
//   dz_t = (dy_t + dh_t) * (1 - h_t^2)                     dh_t: what step t+1 gives back of what it was fed
//   dW_c += dz_t (c_t; s_t)^T                              (dc_t; ds_t) += W_c^T dz_t      ds_t += the query's part of dc_t
//   (dx_t; dh_{t-1}) = what the cell gives back of ds_t

#include <reprise/layers/attention.hpp>
#include <reprise/layers/recurrent.hpp>

namespace reprise {

template <Cell C, class A>
struct InputFeeding {
  static_assert(!MaskedCell<C>,
                "a cell with random masks has no place in an InputFeeding; drop its outputs with Dropout");
  static_assert(!detail::takes_time<Recurrent<C>>,
                "the last input of this cell is the time; here it would be a row of h_{t-1}");
  using Scalar = typename C::Scalar;
  static constexpr int Inputs = Dynamic, Outputs = C::Outputs;
  using Input = Matrix<Scalar>;
  using Output = Matrix<Scalar, Outputs, Dynamic>;
  template <class S>
  using Rebind = InputFeeding<typename C::template Rebind<S, Dynamic, Outputs>, typename A::template Rebind<S>>;

  C cell;
  A attention;
  Matrix<Scalar, Outputs, Dynamic> W_c;

  static constexpr auto fields() {
    return std::tuple{field("cell", &InputFeeding::cell), field("attention", &InputFeeding::attention),
                      field("W_c", &InputFeeding::W_c)};
  }

  template <class Storage = Owned<>>
  struct State {
    typename C::template State<Storage> cell;
    Part<Storage, Scalar, Outputs> h;  // (outputs, batch): what is fed to the next step
    static constexpr auto fields() { return std::tuple{field("cell", &State::cell), field("h", &State::h)}; }
  };

  struct Trace {
    typename C::template Trace<Owned<>> steps;
    typename C::template State<Owned<>> before;  // the cell's state each step began with, aligned with its columns
    Matrix<Scalar> input, dinput;                // (inputs + outputs, columns): (x_t; h_{t-1})
    Matrix<Scalar> p, dp;                        // (units, columns): the projected queries
    Matrix<Scalar> cs, dcs;                      // (features + outputs, columns): (c_t; s_t)
    std::vector<Matrix<Scalar>> weights;         // of each record, in the order of the layout: (annotations, steps)
    detail::AttentionTrace<Scalar> attention;
    Output y, dz;  // (outputs, columns): h_t
    PackedWeights<Scalar> packed;
  };

  InputFeeding() = default;
  /// Annotations and attention are of `sizes.hidden`.
  explicit InputFeeding(Sizes sizes)
      : InputFeeding(C(Sizes{sizes.inputs + sizes.hidden, sizes.hidden, sizes.inner}),
                     A({sizes.hidden, sizes.hidden, sizes.hidden})) {}
  InputFeeding(Sizes sizes, Rng& rng)  // braces: the cell draws first, whatever the compiler
      : InputFeeding{C(Sizes{sizes.inputs + sizes.hidden, sizes.hidden, sizes.inner}, rng),
                     A({sizes.hidden, sizes.hidden, sizes.hidden}, rng), rng} {}
  /// W_c is zero. Throws shape_error unless the queries are as long as the cell's h, and its inputs at least as many.
  InputFeeding(C cell_, A attention_) : cell(std::move(cell_)), attention(std::move(attention_)) {
    detail::require_size(attention.sizes().query, cell.outputs(), "the attention", "rows of a query", "the cell");
    if (inputs() < 0)
      detail::fail<shape_error>("the cell has ", cell.inputs(), " inputs, what is fed alone has ", outputs());
    W_c.setZero(outputs(), features() + outputs());
  }
  InputFeeding(C cell_, A attention_, Rng& rng) : InputFeeding(std::move(cell_), std::move(attention_)) {
    glorot(W_c, rng);
  }

  void take_settings(const auto& other) {
    if constexpr (requires { cell.take_settings(other.cell); }) cell.take_settings(other.cell);
    if constexpr (requires { attention.take_settings(other.attention); }) attention.take_settings(other.attention);
  }

  Index inputs() const { return cell.inputs() - outputs(); }
  Index outputs() const { return cell.outputs(); }
  Index input_rows() const { return inputs(); }

  template <int Batch>
  State<Owned<Batch>> initial_state(Index batch) const {
    State<Owned<Batch>> state;
    detail::resize(state.cell, cell.state_rows(), batch);
    state.h.resize(outputs(), batch);
    set_zero(state);
    return state;
  }
  void require_state(const auto& state, Index batch) const {
    detail::require_state(cell, state.cell, batch);
    detail::require_size(state.h.rows(), outputs(), "the state", "rows", "the model");
    detail::require_size(state.h.cols(), batch, "the state", "columns", "the batch");
  }

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
    detail::reserve(trace.cs, W_c.cols(), count);
    detail::reserve(trace.y, outputs(), count);
    trace.weights.resize(static_cast<std::size_t>(layout.batch()));
    for (Index i = 0; i < layout.batch(); ++i)
      trace.weights[static_cast<std::size_t>(i)].resize(memory.length(i), layout.length(layout.record(i)));
    trace.packed.forget();
    if (count == 0) return;

    trace.input.topRows(inputs()).leftCols(count) = x.leftCols(count);
    for (Index t = 0; t < layout.steps(); ++t) {
      const Index first = layout.offset(t), running = layout.running(t);
      auto s = columns(state.cell, 0, running);
      auto step = columns(trace.steps, first, running);
      detail::assign(columns(trace.before, first, running), s);
      auto input = trace.input.middleCols(first, running);
      input.bottomRows(outputs()) = state.h.leftCols(running);
      cell.project(trace.packed, input, step);
      cell.step(trace.packed, step, s);

      auto p = trace.p.middleCols(first, running);
      auto cs = trace.cs.middleCols(first, running);
      attention.project(trace.packed, s.h, p);
      for (Index i = 0; i < running; ++i)
        detail::attend(attention, memory, i, p.middleCols(i, 1),
                       trace.weights[static_cast<std::size_t>(i)].middleCols(t, 1),
                       cs.topRows(features()).middleCols(i, 1), trace.attention);
      cs.bottomRows(outputs()) = s.h;
      auto h = trace.y.middleCols(first, running);
      product(h, trace.packed(W_c), cs);
      elementwise([](auto& h_) { h_ = tanh(h_); }, h);
      state.h.leftCols(running) = h;
    }
  }

  void backward(const Input& /*x*/, const Output& dy, const Pass& pass, Trace& trace, State<>& dstate,
                InputFeeding& gradient, Input* dx, const Memory<Scalar>& memory, Memory<Scalar>& dmemory) const {
    const Layout& layout = pass.layout;
    const Index count = layout.columns();
    if (count == 0) return;
    detail::reserve(trace.dinput, cell.inputs(), count);
    detail::reserve(trace.dcs, W_c.cols(), count);
    detail::reserve(trace.dz, outputs(), count);
    trace.dp.setZero(trace.p.rows(), count);
    trace.attention.dkeys.setZero(trace.attention.keys.rows(), trace.attention.keys.cols());

    for (Index t = layout.steps(); t-- > 0;) {
      const Index first = layout.offset(t), running = layout.running(t);
      auto dz = trace.dz.middleCols(first, running);
      dz = dy.middleCols(first, running) + dstate.h.leftCols(running);
      elementwise([](auto& dz_, const auto& h) { dz_ = dz_ * (1 - h * h); }, dz,
                  std::as_const(trace.y).middleCols(first, running));
      auto dcs = trace.dcs.middleCols(first, running);
      product(dcs, trace.packed(W_c.transpose()), dz);

      auto d = columns(dstate.cell, 0, running);
      const auto p = trace.p.middleCols(first, running);
      auto dp = trace.dp.middleCols(first, running);
      for (Index i = 0; i < running; ++i)
        detail::attend_back(attention, memory, i, p.middleCols(i, 1),
                            trace.weights[static_cast<std::size_t>(i)].middleCols(t, 1),
                            dcs.topRows(features()).middleCols(i, 1), dp.middleCols(i, 1), trace.attention,
                            gradient.attention, dmemory);
      d.h += dcs.bottomRows(outputs());
      attention.project_back(trace.packed, dp, d.h);

      auto step = columns(trace.steps, first, running);
      cell.step_back(trace.packed, columns(trace.before, first, running), step, d);
      auto dinput = trace.dinput.middleCols(first, running);
      cell.project_back(trace.packed, step, dinput);
      dstate.h.leftCols(running) = dinput.bottomRows(outputs());
    }
    const auto cs = trace.cs.leftCols(count);
    add_product(gradient.W_c, trace.dz.leftCols(count), cs.transpose());
    cell.accumulate(trace.input.leftCols(count), columns(trace.before, 0, count), columns(trace.steps, 0, count),
                    gradient.cell);
    attention.accumulate(cs.bottomRows(outputs()), trace.dp, gradient.attention);
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
    Matrix<Scalar> p, input, cs;
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
    trace.input.resize(cell.inputs(), batch);
    trace.p.resize(attention.sizes().units, batch);
    trace.cs.resize(W_c.cols(), batch);
    trace.weights.resize(reads.size());
    trace.input.topRows(inputs()) = x_t;
    trace.input.bottomRows(outputs()) = state.h;
    cell.project(trace.packed, trace.input, trace.cell);
    cell.step(trace.packed, trace.cell, state.cell);
    attention.project(trace.packed, state.cell.h, trace.p);
    for (Index k = 0; k < batch; ++k) {
      auto& weights = trace.weights[static_cast<std::size_t>(k)];
      const Index record = reads[static_cast<std::size_t>(k)];
      weights.resize(memory.length(record), 1);
      detail::attend(attention, memory, record, trace.p.middleCols(k, 1), weights,
                     trace.cs.topRows(features()).middleCols(k, 1), trace.attention);
    }
    trace.cs.bottomRows(outputs()) = state.cell.h;
    product(state.h, trace.packed(W_c), trace.cs);
    elementwise([](auto& h) { h = tanh(h); }, state.h);
    return state.h;
  }

 private:
  Index features() const { return attention.sizes().features; }
};

}  // namespace reprise
