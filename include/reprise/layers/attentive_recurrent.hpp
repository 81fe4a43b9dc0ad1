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

#include <reprise/layers/reading.hpp>

namespace reprise {

template <Cell C, class A>
struct AttentiveRecurrent : detail::CellWithAttention<C, A, &AttentionSizes::features> {
  using Base = detail::CellWithAttention<C, A, &AttentionSizes::features>;
  using Base::attention, Base::beside, Base::cell, Base::Outputs;
  using typename Base::Input, typename Base::Output, typename Base::Scalar, typename Base::Trace;
  template <class Storage = Owned<>>
  using State = typename C::template State<Storage>;
  template <int Batch, class Packed>
  using StepTrace = typename Base::template StepTrace<Batch, Packed>;
  template <class S>
  using Rebind = AttentiveRecurrent<typename C::template Rebind<S, Dynamic, Outputs>, typename A::template Rebind<S>>;

  using Base::Base;

  template <int Batch>
  State<Owned<Batch>> initial_state(Index batch) const {
    State<Owned<Batch>> state;
    detail::resize(state, cell.state_rows(), batch);
    set_zero(state);
    return state;
  }
  void require_state(const auto& state, Index batch) const { detail::require_state(cell, state, batch); }

  void forward(const Input& x, const Pass& pass, State<>& state, Trace& trace, const Memory<Scalar>& memory) const {
    const Layout& layout = pass.layout;
    this->begin_pass(x, pass, trace, memory);
    for (Index t = 0; t < layout.steps(); ++t) {
      const Index first = layout.offset(t), running = layout.running(t);
      auto s = columns(state, 0, running);
      auto step = this->step_of(pass, t, trace);
      auto input = trace.input.middleCols(first, running);
      if (pass.training) detail::assign(columns(trace.before, first, running), s);
      trace.read(attention, s.h, memory, layout, t, input.bottomRows(beside()));
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
    trace.begin_back(count);
    for (Index t = layout.steps(); t-- > 0;) {
      auto d = columns(dstate, 0, layout.running(t));
      d.h += dy.middleCols(layout.offset(t), layout.running(t));
      const auto dinput = this->cell_back(layout, t, trace, d);
      trace.read_back(attention, dinput.bottomRows(beside()), memory, layout, t, d.h, gradient.attention, dmemory);
    }
    this->end_back(count, columns(trace.before, 0, count).h, trace, gradient, dx, memory, dmemory);
  }

  /// One step of a stream whose column k reads record reads[k] of the memory; returns h_t, which is state.h.
  template <int Batch, class Packed>
  const auto& step(const auto& x_t, State<Owned<Batch>>& state, StepTrace<Batch, Packed>& trace,
                   const Memory<Scalar>& memory, const Reads& reads) const {
    if (state.h.cols() == 0) return state.h;
    this->begin_step(x_t, trace);
    trace.read(attention, state.h, memory, reads, trace.input.bottomRows(beside()));
    cell.project(trace.packed, trace.input, trace.cell);
    cell.step(trace.packed, trace.cell, state);
    return state.h;
  }
};

}  // namespace reprise
