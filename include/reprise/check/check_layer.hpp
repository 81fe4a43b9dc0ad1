#pragma once
// The proof of a layer: any that takes numbers. Gradients are compared with dual numbers sent through its own forward, which
// are exact to rounding: no step width to choose. What is compared is L = sum_t <dy_t, y_t> + <ds, final state> with random
// dy and ds, over ragged records from a random initial state, so that every path of the gradient counts.

#include <reprise/check/passes.hpp>
#include <reprise/check/report.hpp>
#include <reprise/kernels/packed_matrix.hpp>
#include <reprise/layers/recurrent.hpp>

namespace reprise {

namespace detail {

// dL along the direction that the derivatives in `layer` and `given` hold.
template <Layer L>
double directional_derivative(const L& layer, const Given<L>& given, Rng* masks) {
  auto state = given.h0;
  typename L::Trace trace;
  forward(layer, given, false, masks, state, trace);
  const auto& y = L::output(trace);
  Dual loss = 0;
  for (Index j = 0; j < given.layout.columns(); ++j)
    for (Index i = 0; i < given.dy.rows(); ++i) loss += given.dy(i, j) * y(i, j);
  for_each_parameter(
      [&](const auto& part, const auto& d) {
        for (Index i = 0; i < part.size(); ++i) loss += d.reshaped()(i) * part.reshaped()(i);
      },
      state, given.ds);
  return loss.derivative;
}

// The derivative with respect to each entry of `variable`, which is part of what `derivative` reads.
template <class Variable>
Matrix<double> each_entry(Variable& variable, auto derivative) {
  Matrix<double> result(variable.rows(), variable.cols());
  for (Index j = 0; j < variable.cols(); ++j)
    for (Index i = 0; i < variable.rows(); ++i) {
      variable(i, j).derivative = 1;
      result(i, j) = derivative();
      variable(i, j).derivative = 0;
    }
  return result;
}

// With masks, every pass draws the same ones.
template <Layer L>
void check_gradients(const L& layer, const Given<L>& given, CheckReport& report, bool masks = false) {
  using DualLayer = typename L::template Rebind<Dual>;
  auto dual_layer = rebuild<DualLayer>(layer);
  auto dual = convert<DualLayer>(given);
  const auto derivative = [&] {
    Rng rng(7);
    return directional_derivative(dual_layer, dual, masks ? &rng : nullptr);
  };
  Rng rng(7);
  const auto outcome = run(layer, given, zeros_like(layer), masks ? &rng : nullptr);
  if (masks && rng() == Rng(7)()) return;  // nothing has been drawn: there are none
  const std::string with = masks ? ", with masks" : "";

  for_each_trained(
      [&](const std::string& name, auto& p, const auto& g) {
        report.compare("gradient of " + name + with, g, each_entry(p, derivative), 1e-10);
      },
      dual_layer, outcome.gradient);
  report.compare("gradient of x" + with, outcome.dx, each_entry(dual.x, derivative), 1e-10);
  for_each_parameter(
      [&](const std::string& name, auto& part, const auto& d) {
        report.compare("gradient of the initial " + name + with, d, each_entry(part, derivative), 1e-10);
      },
      dual.h0, outcome.dh0);
  if (masks) return;

  L constants = outcome.gradient;
  for_each_trained([](auto& p) { p.setZero(); }, constants);
  report.compare_modules("constants have no gradient", constants, zeros_like(layer), 0);

  L ones = layer;
  for_each_parameter([](auto& p) { p.setOnes(); }, ones);
  auto added = run(layer, given, ones).gradient;
  for_each_parameter([](auto& p) { p.array() -= 1; }, added);
  report.compare_modules("gradients are added to what is there", added, outcome.gradient, 1e-12);
}

// The record in one slot of a layout, alone.
template <Layer L>
Given<L> record(const Given<L>& all, Index slot) {
  const Index length = all.layout.length(all.layout.record(slot));
  Given<L> one{Layout({length}), {}, all.h0, {}, all.ds};
  one.x.resize(all.x.rows(), length);
  one.dy.resize(all.dy.rows(), length);
  for (Index t = 0; t < length; ++t) {
    one.x.col(t) = all.x.col(all.layout.offset(t) + slot);
    one.dy.col(t) = all.dy.col(all.layout.offset(t) + slot);
  }
  for_each_parameter([&](auto& part) { part = part.col(slot).eval(); }, one.h0);
  for_each_parameter([&](auto& part) { part = part.col(slot).eval(); }, one.ds);
  return one;
}

template <Layer L>
void check_records_alone(const L& layer, const Given<L>& given, CheckReport& report, const std::string& name) {
  const auto together = run(layer, given);
  auto sum = zeros_like(layer);
  for (Index slot = 0; slot < given.layout.batch(); ++slot) {
    const auto one = record(given, slot);
    const auto alone = run(layer, one);
    for (Index t = 0; t < one.layout.columns(); ++t) {
      const Index column = given.layout.offset(t) + slot;
      report.compare(name + ": y", together.y.col(column), alone.y.col(t), 1e-13);
      report.compare(name + ": dx", together.dx.col(column), alone.dx.col(t), 1e-12);
    }
    const auto compare_column = [&](const std::string& what, const auto& all, const auto& single, double tolerance) {
      for_each_parameter(
          [&](const auto& p, const auto& q) { report.compare(name + what, p.col(slot), q.col(0), tolerance); }, all,
          single);
    };
    compare_column(": final state", together.final_state, alone.final_state, 1e-13);
    compare_column(": gradient of the initial state", together.dh0, alone.dh0, 1e-12);
    add(sum, alone.gradient);
  }
  report.compare_modules(name + ": gradient", together.gradient, sum, 1e-12);
}

// Step by step as a stream: as a batch, as vectors, and as vectors with the weights packed.
template <Layer L>
void check_streaming(const L& layer, const Given<L>& given, CheckReport& report) {
  const auto whole = run(layer, given);
  const Index batch = given.layout.batch();
  auto state = given.h0;
  typename L::template StepTrace<Dynamic, AsTheyAre> step;
  for (Index t = 0; t < given.layout.steps(); ++t)
    report.compare("a stream of steps is the sequence",
                   layer.step(given.x.middleCols(t * batch, batch).eval(), state, step),
                   whole.y.middleCols(t * batch, batch), 1e-14);
  report.compare_modules("a stream of steps is the sequence", state, whole.final_state, 1e-14);

  const auto check_vectors = [&](const std::string& name, auto vector_step) {
    typename L::template State<Owned<1>> single;
    for_each_parameter([](const auto& part, auto& one) { one = part.col(0); }, given.h0, single);
    for (Index t = 0; t < given.layout.steps(); ++t)
      report.compare(name, layer.step(given.x.col(t * batch).eval(), single, vector_step), whole.y.col(t * batch),
                     1e-14);
  };
  check_vectors("a stream of vectors is the sequence", typename L::template StepTrace<1, AsTheyAre>{});
  check_vectors("a stream with packed weights is the sequence",
                typename L::template StepTrace<1, PackedWeights<typename L::Scalar>>{});
}

// Cut in two at step t: the state goes across, and its gradient comes back.
template <Layer L>
void check_split(const L& layer, const Given<L>& given, CheckReport& report) {
  const auto whole = run(layer, given);
  const Layout& layout = given.layout;
  for (Index t = 0; t <= layout.steps(); ++t) {
    std::vector<Index> before, after;
    for (Index slot = 0; slot < layout.batch(); ++slot) {
      const Index length = layout.length(layout.record(slot));
      before.push_back(std::min(length, t));
      after.push_back(std::max(length - t, Index{0}));
    }
    const Index seam = layout.offset(t), rest = layout.columns() - seam;
    Given<L> first{Layout(before), given.x.leftCols(seam), given.h0, given.dy.leftCols(seam), given.ds};
    Given<L> second{Layout(after), given.x.rightCols(rest), given.h0, given.dy.rightCols(rest), given.ds};
    second.h0 = run(layer, first).final_state;
    const auto tail = run(layer, second);
    first.ds = tail.dh0;
    const auto head = run(layer, first);

    report.compare("split at any step: y", head.y, whole.y.leftCols(seam), 1e-13);
    report.compare("split at any step: y", tail.y, whole.y.rightCols(rest), 1e-13);
    report.compare_modules("split at any step: final state", tail.final_state, whole.final_state, 1e-13);
    auto sum = head.gradient;
    add(sum, tail.gradient);
    report.compare_modules("split at any step: gradient", sum, whole.gradient, 1e-12);
    report.compare_modules("split at any step: gradient of the initial state", head.dh0, whole.dh0, 1e-12);
  }
}

// The same cell with its sizes, or its scalar, said in another way.
template <Layer Other, Layer L>
void check_same(const L& layer, const Given<L>& given, CheckReport& report, const std::string& name, double tolerance) {
  const auto other = rebuild<Other>(layer);
  const auto expected = run(layer, given);
  const auto actual = run(other, convert<Other>(given));
  report.compare(name + ": y", actual.y, expected.y, tolerance);
  report.compare(name + ": dx", actual.dx, expected.dx, 10 * tolerance);
  report.compare_modules(name + ": final state", actual.final_state, expected.final_state, tolerance);
  report.compare_modules(name + ": gradient", actual.gradient, expected.gradient, 10 * tolerance);
}

template <Layer L>
void check_nothing(const L& layer, const Given<L>& given, CheckReport& report, const std::string& name) {
  const auto outcome = run(layer, given);
  report.compare_modules(name + ": the state stays", outcome.final_state, given.h0, 0);
  report.compare_modules(name + ": its gradient stays", outcome.dh0, given.ds, 0);
  report.compare_modules(name + ": no gradient", outcome.gradient, zeros_like(layer), 0);
}

// All that holds for a layer whatever it is made of.
template <Layer L>
void check_all(const L& layer, Rng& rng, CheckReport& report) {
  check_gradients(layer, random_given(layer, {3, 0, 5, 1}, rng), report);
  check_gradients(layer, random_given(layer, {2, 2}, rng), report);
  check_gradients(layer, random_given(layer, {3, 0, 5, 1}, rng), report, true);
  check_records_alone(layer, random_given(layer, {3, 3, 3}, rng), report, "a batch is its records alone");
  check_records_alone(layer, random_given(layer, {1, 4, 0, 2, 6}, rng), report, "ragged is its records alone");
  if constexpr (Causal<L>) {
    check_streaming(layer, random_given(layer, {6, 6}, rng), report);
    check_split(layer, random_given(layer, {5, 1, 3}, rng), report);
  }
  check_nothing(layer, random_given(layer, {0, 0}, rng), report, "no steps");
  check_nothing(layer, random_given(layer, {}, rng), report, "no records");
  check_same<typename L::template Rebind<float>>(layer, random_given(layer, {4, 2}, rng), report,
                                                 "float is near double", 1e-5);
}

template <Module M>
void move_a_little(M& module, Rng& rng) {
  for_each_trained(
      [&](auto& p) {
        p += Matrix<double>::NullaryExpr(p.rows(), p.cols(), [&](Index, Index) { return rng.uniform(-0.1, 0.1); });
      },
      module);
}

}  // namespace detail

/// Proves a layer, at its own parameters moved a little so that no zero hides a term; masks are drawn as in training in one
/// of the checks. A layer that reads a record from its end, so that it is not Causal, is not checked as a stream. Returns what was compared; throws check_error if something does not hold. For H outputs and I inputs the
/// cost is about (H + I) H steps of dual numbers; small sizes, such as {3, 4}, find what large ones find.
template <Layer L>
CheckReport check_layer(L layer, std::uint64_t seed = 1) {
  static_assert(std::same_as<typename L::Scalar, double>, "check_layer takes a layer over double");
  Rng rng(seed);
  detail::move_a_little(layer, rng);
  CheckReport report;
  detail::check_all(layer, rng, report);
  report.require();
  return report;
}

}  // namespace reprise
