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

#include <reprise/layers/reading.hpp>

namespace reprise {

template <Cell C, class A>
struct InputFeeding : detail::CellWithAttention<C, A, &AttentionSizes::query> {
  using Base =
      detail::CellWithAttention<C, A, &AttentionSizes::query>;  // beside x the cell reads h, as long as a query
  using Base::attention, Base::cell, Base::outputs, Base::Outputs;
  using typename Base::Input, typename Base::Output, typename Base::Scalar;
  template <class S>
  using Rebind = InputFeeding<typename C::template Rebind<S, Dynamic, Outputs>, typename A::template Rebind<S>>;

  Matrix<Scalar, Outputs, Dynamic> W_c;

  static constexpr auto fields() {
    return std::tuple_cat(Base::fields(), std::tuple{field("W_c", &InputFeeding::W_c)});
  }

  template <class Storage = Owned<>>
  struct State {
    typename C::template State<Storage> cell;
    Part<Storage, Scalar, Outputs> h;  // (outputs, batch): what is fed to the next step
    static constexpr auto fields() { return std::tuple{field("cell", &State::cell), field("h", &State::h)}; }
  };

  struct Trace : Base::Trace {
    Matrix<Scalar> cs, dcs;  // (features + outputs, columns): (c_t; s_t)
    Output dz;               // (outputs, columns)
  };
  template <int Batch, class Packed>
  struct StepTrace : Base::template StepTrace<Batch, Packed> {
    Matrix<Scalar> cs;
  };

  InputFeeding() = default;
  /// Of Sizes, or of a cell and an attention. W_c is zero.
  explicit InputFeeding(Sizes sizes) : InputFeeding(Base(sizes)) {}
  InputFeeding(C cell_, A attention_) : InputFeeding(Base(std::move(cell_), std::move(attention_))) {}
  /// W_c after Glorot; a cell and an attention are as given.
  InputFeeding(Sizes sizes, Rng& rng) : InputFeeding(Base(sizes, rng)) { glorot(W_c, rng); }
  InputFeeding(C cell_, A attention_, Rng& rng) : InputFeeding(std::move(cell_), std::move(attention_)) {
    glorot(W_c, rng);
  }

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

  void forward(const Input& x, const Pass& pass, State<>& state, Trace& trace, const Memory<Scalar>& memory) const {
    const Layout& layout = pass.layout;
    this->begin_pass(x, pass, trace, memory);
    detail::reserve(trace.cs, W_c.cols(), layout.columns());
    for (Index t = 0; t < layout.steps(); ++t) {
      const Index first = layout.offset(t), running = layout.running(t);
      auto s = columns(state.cell, 0, running);
      auto step = this->step_of(pass, t, trace);
      auto input = trace.input.middleCols(first, running);
      if (pass.training) detail::assign(columns(trace.before, first, running), s);
      input.bottomRows(outputs()) = state.h.leftCols(running);
      cell.project(trace.packed, input, step);
      cell.step(trace.packed, step, s);

      auto cs = trace.cs.middleCols(first, running);
      trace.read(attention, s.h, memory, layout, t, cs.topRows(features()));
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
    trace.begin_back(count);
    for (Index t = layout.steps(); t-- > 0;) {
      const Index first = layout.offset(t), running = layout.running(t);
      auto dz = trace.dz.middleCols(first, running);
      dz = dy.middleCols(first, running) + dstate.h.leftCols(running);
      elementwise([](auto& dz_, const auto& h) { dz_ = dz_ * (1 - h * h); }, dz,
                  std::as_const(trace.y).middleCols(first, running));
      auto dcs = trace.dcs.middleCols(first, running);
      product(dcs, trace.packed(W_c.transpose()), dz);

      auto d = columns(dstate.cell, 0, running);
      d.h += dcs.bottomRows(outputs());
      trace.read_back(attention, dcs.topRows(features()), memory, layout, t, d.h, gradient.attention, dmemory);
      dstate.h.leftCols(running) = this->cell_back(layout, t, trace, d).bottomRows(outputs());
    }
    const auto cs = trace.cs.leftCols(count);
    add_product(gradient.W_c, trace.dz.leftCols(count), cs.transpose());
    this->end_back(count, cs.bottomRows(outputs()), trace, gradient, dx, memory, dmemory);
  }

  /// One step of a stream whose column k reads record reads[k] of the memory; returns h_t, which is state.h.
  template <int Batch, class Packed>
  const auto& step(const auto& x_t, State<Owned<Batch>>& state, StepTrace<Batch, Packed>& trace,
                   const Memory<Scalar>& memory, const Reads& reads) const {
    if (state.h.cols() == 0) return state.h;
    this->begin_step(x_t, trace);
    trace.input.bottomRows(outputs()) = state.h;
    cell.project(trace.packed, trace.input, trace.cell);
    cell.step(trace.packed, trace.cell, state.cell);
    trace.cs.resize(W_c.cols(), x_t.cols());
    trace.read(attention, state.cell.h, memory, reads, trace.cs.topRows(features()));
    trace.cs.bottomRows(outputs()) = state.cell.h;
    product(state.h, trace.packed(W_c), trace.cs);
    elementwise([](auto& h) { h = tanh(h); }, state.h);
    return state.h;
  }

 private:
  explicit InputFeeding(Base of) : Base(std::move(of)) { W_c.setZero(outputs(), features() + outputs()); }

  Index features() const { return attention.sizes().features; }
};

}  // namespace reprise
