#pragma once
// How a layer is called by one that it stands in: hooks that not every layer has, and arguments that not every layer takes.

#include <reprise/core/layer.hpp>

namespace reprise::detail {

// What a pass begins with where the caller gives no state: zero, unless the layer has the hook set_initial, and with it
// initial_back(dstate, gradient), which adds to the gradient of what set_initial gave. States are in the order of the layout.
template <class L, class State>
void set_initial(const L& layer, State& state) {
  if constexpr (requires { layer.set_initial(state); })
    layer.set_initial(state);
  else
    set_zero(state);
}
template <class L, class State>
void initial_back(const L& layer, const State& dstate, L& gradient) {
  if constexpr (requires { layer.initial_back(dstate, gradient); }) layer.initial_back(dstate, gradient);
}

// Whether a layer has more than zero to begin with.
template <class L>
concept LearnsInitial = requires {
  requires L::learns_initial;
};

// A layer may read a memory beside x (core/memory.hpp): it comes after the other arguments of its hooks. These call a layer
// with it or without, as it takes it.
template <class L>
void forward(const L& layer, const auto& x, const Pass& pass, auto& state, auto& trace, const auto&... memory) {
  if constexpr (requires { layer.forward(x, pass, state, trace, memory...); })
    layer.forward(x, pass, state, trace, memory...);
  else
    layer.forward(x, pass, state, trace);
}
template <class L>
void backward(const L& layer, const auto& x, const auto& dy, const Pass& pass, auto& trace, auto& dstate, L& gradient,
              auto* dx, auto&... memory) {
  if constexpr (requires { layer.backward(x, dy, pass, trace, dstate, gradient, dx, memory...); })
    layer.backward(x, dy, pass, trace, dstate, gradient, dx, memory...);
  else
    layer.backward(x, dy, pass, trace, dstate, gradient, dx);
}
template <class L>
const auto& step(const L& layer, const auto& x_t, auto& state, auto& trace, const auto&... memory) {
  if constexpr (requires { layer.step(x_t, state, trace, memory...); })
    return layer.step(x_t, state, trace, memory...);
  else
    return layer.step(x_t, state, trace);
}

}  // namespace reprise::detail
