#pragma once
// Bidirectional<C>: the cell C twice, with weights of their own, once from each record's first step to its last and once
// from its last to its first, so that y_t knows what comes before t and what comes after (Schuster and Paliwal,
// "Bidirectional recurrent neural networks", 1997; Goodfellow et al., Deep Learning, section 10.3):
//
//   h_t = C(x_t, h_{t-1})         for t = 0 .. T-1         g_t = C'(x_t, g_{t+1})         for t = T-1 .. 0
//
//   concat    y_t = (h_t; g_t)         x_t (inputs, batch)   h_t, g_t (outputs / 2, batch)   y_t (outputs, batch)
//   sum       y_t = h_t + g_t          h_t, g_t, y_t (outputs, batch)
//
// Backward: dh_t and dg_t are the halves of dy_t, or each dy_t; dx_t is the sum of what both send back.
//
// A record's output depends on all of it, so there is no step. `state` is what each direction begins with, and where it
// ends: state.forward after the last step, state.backward after the first.

#include <reprise/layers/recurrent.hpp>

namespace reprise {

/// What a Bidirectional makes of its two directions. Part of the type.
enum class Merge : bool { concat, sum };

/// `Sizes::hidden` is the number of outputs, as of any layer: with concat each direction has half of them.
template <Cell C, Merge merge = Merge::concat>
struct Bidirectional {
  using Forward = Recurrent<C, Direction::forward>;
  using Backward = Recurrent<C, Direction::backward>;
  using Scalar = typename C::Scalar;
  static constexpr bool causal = false;
  static constexpr bool entries_stand_alone = EntriesStandAlone<C>;
  static constexpr int Inputs = C::Inputs, Outputs = merge == Merge::concat ? times(2, C::Outputs) : C::Outputs;
  using Input = Matrix<Scalar, Inputs, Dynamic>;
  using Output = Matrix<Scalar, Outputs, Dynamic>;
  template <class S>
  using Rebind = Bidirectional<typename C::template Rebind<S, Inputs, C::Outputs>, merge>;

  Forward forwards;
  Backward backwards;

  static constexpr auto fields() {
    return std::tuple{field("forward", &Bidirectional::forwards), field("backward", &Bidirectional::backwards)};
  }

  template <class Storage = Owned<>>
  struct State {
    typename Forward::template State<Storage> forward;
    typename Backward::template State<Storage> backward;
    static constexpr auto fields() {
      return std::tuple{field("forward", &State::forward), field("backward", &State::backward)};
    }
  };

  struct Trace {
    typename Forward::Trace forward;
    typename Backward::Trace backward;
    Output y;                    // (outputs, columns)
    typename Forward::Output d;  // (outputs / 2, columns): with concat dh_t, then dg_t
    Input dx;                    // (inputs, columns): what the backward direction sends back
  };

  Bidirectional() = default;
  /// Throws shape_error unless both have the same sizes.
  explicit Bidirectional(C forward, C backward) : forwards(std::move(forward)), backwards(std::move(backward)) {
    detail::require_size(backwards.inputs(), forwards.inputs(), "the backward direction", "inputs", "the forward one");
    detail::require_size(backwards.outputs(), forwards.outputs(), "the backward direction", "outputs",
                         "the forward one");
  }
  /// Throws shape_error if the sizes are not those of the type, or two directions cannot share the outputs evenly.
  explicit Bidirectional(Sizes sizes) : forwards(of_each(sizes)), backwards(of_each(sizes)) {}
  Bidirectional(Sizes sizes, Rng& rng) : forwards(of_each(sizes), rng), backwards(of_each(sizes), rng) {}

  void take_settings(const auto& other) {
    forwards.take_settings(other.forwards);
    backwards.take_settings(other.backwards);
  }

  Index inputs() const { return forwards.inputs(); }
  Index outputs() const { return (merge == Merge::concat ? 2 : 1) * forwards.outputs(); }
  Index input_rows() const { return forwards.input_rows(); }
  /// How many of the last rows of y run from a record's last step to its first; in a sum none can be told apart.
  Index reversed_rows() const { return merge == Merge::concat ? backwards.outputs() : 0; }

  template <int Batch>
  State<Owned<Batch>> initial_state(Index batch) const {
    return {forwards.template initial_state<Batch>(batch), backwards.template initial_state<Batch>(batch)};
  }

  template <class Storage>
  void require_state(const State<Storage>& state, Index batch) const {
    forwards.require_state(state.forward, batch);
    backwards.require_state(state.backward, batch);
  }

  static const Output& output(const Trace& trace) { return trace.y; }

  void forward(const Input& x, const Pass& pass, State<>& state, Trace& trace) const {
    forwards.forward(x, pass, state.forward, trace.forward);
    backwards.forward(x, pass, state.backward, trace.backward);
    const Index count = pass.layout.columns();
    detail::reserve(trace.y, outputs(), count);
    if (count == 0) return;
    const auto h = trace.forward.y.leftCols(count), g = trace.backward.y.leftCols(count);
    if constexpr (merge == Merge::concat) {
      half(trace.y, 0).leftCols(count) = h;
      half(trace.y, 1).leftCols(count) = g;
    } else {
      trace.y.leftCols(count) = h + g;
    }
  }

  void backward(const Input& x, const Output& dy, const Pass& pass, Trace& trace, State<>& dstate,
                Bidirectional& gradient, Input* dx) const {
    const Index count = pass.layout.columns();
    if (count == 0) return;  // a dy of no columns need not have the features
    Input* const dx_of_backward = dx ? &trace.dx : nullptr;
    if constexpr (merge == Merge::concat) {
      detail::reserve(trace.d, forwards.outputs(), count);
      trace.d.leftCols(count) = half(dy, 0).leftCols(count);
      forwards.backward(x, trace.d, pass, trace.forward, dstate.forward, gradient.forwards, dx);
      trace.d.leftCols(count) = half(dy, 1).leftCols(count);
      backwards.backward(x, trace.d, pass, trace.backward, dstate.backward, gradient.backwards, dx_of_backward);
    } else {
      forwards.backward(x, dy, pass, trace.forward, dstate.forward, gradient.forwards, dx);
      backwards.backward(x, dy, pass, trace.backward, dstate.backward, gradient.backwards, dx_of_backward);
    }
    if (dx) dx->leftCols(count) += trace.dx.leftCols(count);
  }

 private:
  // The sizes of each direction.
  static Sizes of_each(Sizes sizes) {
    checked_size(sizes.hidden, Outputs, "hidden");
    if constexpr (merge == Merge::concat) {
      if (sizes.hidden % 2 != 0)
        detail::fail<shape_error>("hidden = ", sizes.hidden, ": the two directions of a Bidirectional have half each");
      sizes.hidden /= 2;
    }
    return sizes;
  }

  // Rows of y or dy: 0 of the forward direction, 1 of the backward one.
  auto half(auto& y, Index k) const { return row_block<C::Outputs>(y, k, forwards.outputs()); }
};

}  // namespace reprise
