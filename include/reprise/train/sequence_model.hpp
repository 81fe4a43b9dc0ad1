#pragma once
// A recurrent body and a linear readout at every step (Goodfellow et al., equation 10.10):
//
//   h_t = body(x_t, h_{t-1})
//   y_t = W_hy h_t + b_y          y_t (outputs, batch); train/readout.hpp has the shapes of W_hy and b_y, and the gradient

#include <reprise/layers/stack.hpp>
#include <reprise/train/readout.hpp>

namespace reprise {

template <class Body_, int Outputs_ = Dynamic, Bias bias = Bias::present>
struct SequenceModel : WithReadout<LayerOf<Body_>, Outputs_, bias> {
  using Base = WithReadout<LayerOf<Body_>, Outputs_, bias>;
  using Body = LayerOf<Body_>;
  using Scalar = typename Body::Scalar;
  static constexpr int Outputs = Outputs_;
  using Input = typename Body::Input;
  using InputSequence = Sequence<typename Input::Scalar, Input::RowsAtCompileTime>;
  using OutputSequence = Sequence<Scalar, Outputs>;
  template <class Storage = Owned<>>
  using State = typename Body::template State<Storage>;
  template <class S>
  using Rebind = SequenceModel<typename Body::template Rebind<S>, Outputs, bias>;

  using Base::Base;  // of Sizes{.inputs, .hidden, .outputs}, with an Rng or all zero; of a body
  using Base::body, Base::outputs, Base::readout, Base::W_hy, Base::b_y;

  /// What one stream, or a batch, begins with: zero, or what the body has learned.
  State<Owned<1>> initial_state() const { return body().template initial_state<1>(1); }
  State<> initial_state(Index batch) const { return body().template initial_state<Dynamic>(batch); }

  template <int Batch, class Packed>
  struct StepTrace {
    typename Body::template StepTrace<Batch, Packed> body;
    Matrix<Scalar, Outputs, Batch> y;
    Packed packed;
  };

  /// One step of a stream: `x_t` (inputs, batch), or a token; `state` goes from h_{t-1} to h_t; returns y_t (outputs, batch).
  /// Throws shape_error if x_t or `state` does not fit, value_error for a token beyond the vocabulary; `state` is then
  /// unchanged. Prepared does the same faster, where the sizes are not in the type.
  template <int Batch>
  Matrix<Scalar, Outputs, Batch> step(const auto& x_t, State<Owned<Batch>>& state) const {
    static_assert(Causal<Body>,
                  "a model that reads its records from the end, too, has no step: it needs the whole record");
    StepTrace<Batch, AsTheyAre> trace;
    step(x_t, state, trace);
    return std::move(trace.y);
  }

  /// The same in a trace of the caller's, which y_t is returned from; `memory` is what the body reads besides, if it does.
  template <class X, int Batch, class Packed>
  const auto& step(const X& x_t, State<Owned<Batch>>& state, StepTrace<Batch, Packed>& trace,
                   const auto&... memory) const {
    static_assert(Causal<Body>,
                  "a model that reads its records from the end, too, has no step: it needs the whole record");
    static_assert(!std::is_floating_point_v<X>, "x_t is a column, (inputs, batch), or a token: not a number");
    if constexpr (!std::is_integral_v<X>) {
      constexpr int given = X::RowsAtCompileTime, taken = Input::RowsAtCompileTime;
      static_assert(given == Dynamic || taken == Dynamic || given == taken,
                    "x_t does not have as many rows as the model has inputs");
      detail::require_size(x_t.rows(), this->input_rows(), "x_t", "rows", "the model");
      body().require_state(state, x_t.cols());
    } else {
      body().require_state(state, 1);
    }
    const auto& h_t = detail::step(body(), x_t, state, trace.body, memory...);
    trace.y.resize(outputs(), h_t.cols());
    product(trace.y, trace.packed(W_hy), h_t);
    add_bias(trace.y, b_y);
    return trace.y;
  }

  /// y_t at every step of every record, from the initial state. Throws as `step` does.
  OutputSequence forward(const InputSequence& x) const {
    auto state = initial_state(x.batch());
    return forward(x, state);
  }

  /// The same from `state`, one column for each record; it goes to the state after each record's last step.
  OutputSequence forward(const InputSequence& x, State<>& state) const {
    require_input(x);
    body().require_state(state, x.batch());
    State<> ordered;
    to_layout_order(state, x.layout(), ordered);
    typename Body::Trace trace;
    body().forward(x.values(), Pass{x.layout()}, ordered, trace);
    OutputSequence y(x.layout(), outputs());
    readout(Body::output(trace), x.layout().columns(), y.values());
    to_record_order(ordered, x.layout(), state);
    return y;
  }

  void require_input(const InputSequence& x) const {
    if (x.batch() != 0) detail::require_size(x.features(), this->input_rows(), "x", "features", "the model");
    detail::require_size(x.values().cols(), x.layout().columns(), "x.values()", "columns", "its layout");
  }

  /// The columns of `from`, in the caller's order, into that of the layout; and back.
  static void to_layout_order(const State<>& from, const Layout& layout, State<>& to) {
    permute(from, to, layout, [](const auto& p, auto& q, Index record, Index slot) { q.col(slot) = p.col(record); });
  }
  static void to_record_order(const State<>& from, const Layout& layout, State<>& to) {
    permute(from, to, layout, [](const auto& p, auto& q, Index record, Index slot) { q.col(record) = p.col(slot); });
  }

 private:
  static void permute(const State<>& from, State<>& to, const Layout& layout, auto copy) {
    to = from;
    if (layout.in_order()) return;
    for_each_parameter(
        [&](const auto& p, auto& q) {
          for (Index slot = 0; slot < layout.batch(); ++slot) copy(p, q, layout.record(slot), slot);
        },
        from, to);
  }
};

template <class M>
concept Model = Module<M> && requires {
  typename M::Body;
  typename M::InputSequence;
  typename M::OutputSequence;
};

}  // namespace reprise
