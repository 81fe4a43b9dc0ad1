#pragma once
// What the checks are made of: everything a layer takes, random, and everything it gives, from one pass forward and back.

#include <reprise/check/dual.hpp>
#include <reprise/core/initialise.hpp>
#include <reprise/core/layer.hpp>

#include <limits>

namespace reprise::detail {

// Everything a layer takes, in the order of the layout.
template <Layer L>
struct Given {
  Layout layout;
  typename L::Input x;
  typename L::template State<Owned<>> h0;
  typename L::Output dy;
  typename L::template State<Owned<>> ds;
};

// Everything it gives.
template <Layer L>
struct Outcome {
  typename L::Output y;
  typename L::template State<Owned<>> final_state;
  L gradient;
  typename L::Input dx;
  typename L::template State<Owned<>> dh0;
};

template <Layer L>
Given<L> random_given(const L& layer, std::vector<Index> lengths, Rng& rng) {
  Given<L> given{Layout(std::move(lengths)), {}, {}, {}, {}};
  given.x.resize(layer.input_rows(), given.layout.columns());
  given.dy.resize(layer.outputs(), given.layout.columns());
  uniform(given.x, 1, rng);
  uniform(given.dy, 1, rng);
  given.h0 = layer.template initial_state<Dynamic>(given.layout.batch());
  given.ds = given.h0;
  for_each_parameter([&](auto& part) { uniform(part, 0.5, rng); }, given.h0);
  for_each_parameter([&](auto& part) { uniform(part, 1, rng); }, given.ds);
  return given;
}

template <Layer To, Layer From>
Given<To> convert(const Given<From>& from) {
  Given<To> to{
      from.layout, from.x.template cast<typename To::Scalar>(), {}, from.dy.template cast<typename To::Scalar>(), {}};
  copy_parameters(from.h0, to.h0);
  copy_parameters(from.ds, to.ds);
  return to;
}

// The same cell or layer of another scalar or with other sizes in its type.
template <class To, class From>
To rebuild(const From& from) {
  To to(Sizes{from.inputs(), from.outputs()});
  copy_parameters(from, to);
  if constexpr (requires { to.take_settings(from); }) to.take_settings(from);
  return to;
}

// Without a generator a pass has no masks, though backward follows.
template <Layer L>
void forward(const L& layer, const Given<L>& given, bool training, Rng* masks,
             typename L::template State<Owned<>>& state, typename L::Trace& trace) {
  layer.forward(given.x, Pass{given.layout, training || masks, masks, masks != nullptr}, state, trace);
}

// A cell that reads what it has not written must not find a zero there by chance.
template <Layer L>
void spoil(const L& layer, Index columns, typename L::Trace& trace) {
  if constexpr (requires { layer.cell.trace_rows(); }) {
    reserve(trace.steps, layer.cell.trace_rows(), columns);
    for_each_parameter([](auto& part) { part.setConstant(std::numeric_limits<double>::quiet_NaN()); }, trace.steps);
  } else if constexpr (requires { layer.backwards.cell; }) {
    spoil(layer.forwards, columns, trace.forward);
    spoil(layer.backwards, columns, trace.backward);
  }
}

// `gradient` is what is there before: backward adds to it.
template <Layer L>
Outcome<L> run(const L& layer, const Given<L>& given, L gradient, Rng* masks = nullptr) {
  typename L::Trace trace;
  Outcome<L> outcome{{}, given.h0, std::move(gradient), {}, given.ds};
  spoil(layer, given.layout.columns(), trace);
  forward(layer, given, true, masks, outcome.final_state, trace);
  outcome.y = L::output(trace).leftCols(given.layout.columns());
  layer.backward(given.x, given.dy, Pass{given.layout, true, masks, masks != nullptr}, trace, outcome.dh0,
                 outcome.gradient, &outcome.dx);
  outcome.dx = outcome.dx.leftCols(given.layout.columns()).eval();
  return outcome;
}

template <Layer L>
Outcome<L> run(const L& layer, const Given<L>& given) {
  return run(layer, given, zeros_like(layer));
}

}  // namespace reprise::detail
