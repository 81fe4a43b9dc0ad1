#pragma once
// What a layer is: something that turns one sequence into another, with a state that it carries from step to step.
// A layer is const; the state is a value of the caller's, and so is the trace, where a pass keeps what backward reads.
//
// In a pass every matrix is in the order of the layout and has at least layout.columns() columns; what is beyond them
// belongs to an earlier, longer sequence and is not read. States are in the order of the layout, too.

#include <reprise/core/parts.hpp>
#include <reprise/core/rng.hpp>
#include <reprise/core/sequence.hpp>

namespace reprise {

// A stream is the same, a step at a time: step(x_t, state, trace) returns y_t and takes the state from h_{t-1} to h_t. Its
// trace, StepTrace<Batch, Packed>, holds y_t and whatever else a step works in; `Packed` is the way to the weights, see
// core/cell.hpp.

/// What the layers of one pass have in common.
struct Pass {
  const Layout& layout;
  bool training = false;  ///< whether backward will follow; if not, a layer keeps no more of its trace than it needs
  Rng* rng = nullptr;     ///< where a training pass takes its random masks from
  bool masks = true;      ///< if false, a training pass takes none: the gradient of the model as it is at inference
};

/// A Pass before its layout is known: what a model with more than one layout hands to each of its parts.
struct Mode {
  bool training = false;
  Rng* rng = nullptr;
  bool masks = true;
  Pass pass(const Layout& layout) const { return {layout, training, rng, masks}; }
};

/// The state of a layer that has none.
template <class Storage = Owned<>>
struct Stateless {
  static constexpr auto fields() { return std::tuple{}; }
};

/// What layers without a state have in common.
struct StatelessLayer {
  template <class Y, class Packed>
  struct StepTraceOf {
    Y y;
    Packed packed;
  };

  template <class Storage = Owned<>>
  using State = Stateless<Storage>;

  template <int Batch>
  Stateless<Owned<Batch>> initial_state(Index /*batch*/) const {
    return {};
  }
  void require_state(const auto& /*state*/, Index /*batch*/) const {}
};

template <class L>
concept Layer = Module<L> &&
    requires(const L& layer, L& gradient, typename L::Input& x, typename L::Output& dy, const Pass& pass,
             typename L::template State<Owned<>>& state, typename L::Trace& trace) {
  { layer.inputs() } -> std::same_as<Index>;      // what Sizes calls so
  { layer.outputs() } -> std::same_as<Index>;     // rows of y
  { layer.input_rows() } -> std::same_as<Index>;  // rows of x: 1 for an embedding
  { layer.template initial_state<Dynamic>(Index{1}) } -> std::same_as<typename L::template State<Owned<>>>;
  // Throws shape_error unless `state` is one of this layer for a batch of that many records.
  layer.require_state(state, Index{1});
  // y_t for all t, into the trace; `state` goes from the initial to the final one.
  layer.forward(x, pass, state, trace);
  { L::output(trace) } -> std::same_as<const typename L::Output&>;
  // dL/dy_t -> dL/dx_t, into *dx unless that is null; adds to `gradient`; dL/dstate goes from the final to the initial one.
  layer.backward(x, dy, pass, trace, state, gradient, &x);
};

/// Whether a layer's y_t depends on no later x, so that it also runs step by step.
template <class L>
concept Causal = !requires {
  requires !L::causal;
};

}  // namespace reprise
