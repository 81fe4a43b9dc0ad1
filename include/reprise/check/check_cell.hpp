#pragma once
// The proof of a cell, for those of the library and for yours:
//
//   std::cout << rp::check_cell(MyCell<double>{{3, 4}, rng});      // throws check_error, with the same text, if one fails
//
// Gradients are compared with dual numbers sent through the cell's own forward, which are exact to rounding: no step width
// to choose. What is compared is L = sum_t <dy_t, y_t> + <ds, final state> with random dy and ds, over ragged records from
// a random initial state, so that every path of the gradient counts.

#include <reprise/check/dual.hpp>
#include <reprise/check/report.hpp>
#include <reprise/core/initialise.hpp>
#include <reprise/layers/recurrent.hpp>

namespace reprise {

namespace detail {

// Everything a recurrent layer takes, in the order of the layout.
template <Cell C>
struct Given {
  Layout layout;
  Matrix<typename C::Scalar, C::Inputs, Dynamic> x;
  typename C::template State<Owned<>> h0;
  Matrix<typename C::Scalar, C::Outputs, Dynamic> dy;
  typename C::template State<Owned<>> ds;
};

// Everything it gives.
template <Cell C>
struct Outcome {
  Matrix<typename C::Scalar, C::Outputs, Dynamic> y;
  typename C::template State<Owned<>> final_state;
  C gradient;
  Matrix<typename C::Scalar, C::Inputs, Dynamic> dx;
  typename C::template State<Owned<>> dh0;
};

template <Cell C>
Given<C> random_given(const C& cell, std::vector<Index> lengths, Rng& rng) {
  Given<C> given{Layout(std::move(lengths)), {}, {}, {}, {}};
  given.x.resize(cell.inputs(), given.layout.columns());
  given.dy.resize(cell.outputs(), given.layout.columns());
  uniform(given.x, 1, rng);
  uniform(given.dy, 1, rng);
  resize(given.h0, cell.state_rows(), given.layout.batch());
  resize(given.ds, cell.state_rows(), given.layout.batch());
  for_each_parameter([&](auto& part) { uniform(part, 0.5, rng); }, given.h0);
  for_each_parameter([&](auto& part) { uniform(part, 1, rng); }, given.ds);
  return given;
}

template <Cell To, Cell From>
Given<To> convert(const Given<From>& from) {
  Given<To> to{
      from.layout, from.x.template cast<typename To::Scalar>(), {}, from.dy.template cast<typename To::Scalar>(), {}};
  copy_parameters(from.h0, to.h0);
  copy_parameters(from.ds, to.ds);
  return to;
}

// `gradient` is what is there before: backward adds to it.
template <Cell C>
Outcome<C> run(const C& cell, const Given<C>& given, C gradient) {
  const Recurrent<C> layer(cell);
  const Pass pass{given.layout, true};
  typename Recurrent<C>::Trace trace;
  Outcome<C> outcome{{}, given.h0, C(cell), {}, given.ds};
  // A cell that reads what it has not written must not find a zero there by chance.
  reserve(trace.steps, cell.trace_rows(), given.layout.columns());
  for_each_parameter([](auto& part) { part.setConstant(std::numeric_limits<double>::quiet_NaN()); }, trace.steps);
  layer.forward(given.x, pass, outcome.final_state, trace);
  outcome.y = trace.y.leftCols(given.layout.columns());
  Recurrent<C> total(std::move(gradient));
  layer.backward(given.x, given.dy, pass, trace, outcome.dh0, total, &outcome.dx);
  outcome.gradient = std::move(total.cell);
  outcome.dx = outcome.dx.leftCols(given.layout.columns()).eval();
  return outcome;
}

template <Cell C>
Outcome<C> run(const C& cell, const Given<C>& given) {
  return run(cell, given, zeros_like(cell));
}

// dL along the direction that the derivatives in `layer` and `given` hold.
template <class C>
double directional_derivative(const Recurrent<C>& layer, const Given<C>& given) {
  auto state = given.h0;
  typename Recurrent<C>::Trace trace;
  layer.forward(given.x, Pass{given.layout}, state, trace);
  Dual loss = 0;
  for (Index j = 0; j < given.layout.columns(); ++j)
    for (Index i = 0; i < given.dy.rows(); ++i) loss += given.dy(i, j) * trace.y(i, j);
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

template <Cell C>
void check_gradients(const C& cell, const Given<C>& given, CheckReport& report) {
  using DualCell = typename C::template Rebind<Dual>;
  Recurrent<DualCell> layer(DualCell(Sizes{cell.inputs(), cell.outputs()}));
  copy_parameters(cell, layer.cell);
  auto dual = convert<DualCell>(given);
  const auto derivative = [&] { return directional_derivative(layer, dual); };
  const auto outcome = run(cell, given);

  for_each_parameter([&](const std::string& name, auto& p,
                         const auto& g) { report.compare("gradient of " + name, g, each_entry(p, derivative), 1e-10); },
                     layer.cell, outcome.gradient);
  report.compare("gradient of x", outcome.dx, each_entry(dual.x, derivative), 1e-10);
  for_each_parameter(
      [&](const std::string& name, auto& part, const auto& d) {
        report.compare("gradient of the initial " + name, d, each_entry(part, derivative), 1e-10);
      },
      dual.h0, outcome.dh0);

  C ones = cell;
  for_each_parameter([](auto& p) { p.setOnes(); }, ones);
  auto added = run(cell, given, ones).gradient;
  for_each_parameter([](auto& p) { p.array() -= 1; }, added);
  report.compare_modules("gradients are added to what is there", added, outcome.gradient, 1e-12);
}

// The record in one slot of a layout, alone.
template <Cell C>
Given<C> record(const Given<C>& all, Index slot) {
  const Index length = all.layout.length(all.layout.record(slot));
  Given<C> one{Layout({length}), {}, all.h0, {}, all.ds};
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

template <Cell C>
void check_records_alone(const C& cell, const Given<C>& given, CheckReport& report, const std::string& name) {
  const auto together = run(cell, given);
  auto sum = zeros_like(cell);
  for (Index slot = 0; slot < given.layout.batch(); ++slot) {
    const auto one = record(given, slot);
    const auto alone = run(cell, one);
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
template <Cell C>
void check_streaming(const C& cell, const Given<C>& given, CheckReport& report) {
  const auto whole = run(cell, given);
  const Recurrent<C> layer(cell);
  const Index batch = given.layout.batch();
  auto state = given.h0;
  typename Recurrent<C>::template StepTrace<Dynamic, AsTheyAre> step;
  for (Index t = 0; t < given.layout.steps(); ++t)
    report.compare("a stream of steps is the sequence",
                   layer.step(given.x.middleCols(t * batch, batch).eval(), state, step),
                   whole.y.middleCols(t * batch, batch), 1e-14);
  report.compare_modules("a stream of steps is the sequence", state, whole.final_state, 1e-14);

  const auto check_vectors = [&](const std::string& name, auto vector_step) {
    typename C::template State<Owned<1>> single;
    for_each_parameter([](const auto& part, auto& one) { one = part.col(0); }, given.h0, single);
    for (Index t = 0; t < given.layout.steps(); ++t)
      report.compare(name, layer.step(given.x.col(t * batch).eval(), single, vector_step), whole.y.col(t * batch),
                     1e-14);
  };
  check_vectors("a stream of vectors is the sequence", typename Recurrent<C>::template StepTrace<1, AsTheyAre>{});
  check_vectors("a stream with packed weights is the sequence",
                typename Recurrent<C>::template StepTrace<1, PackedWeights<typename C::Scalar>>{});
}

// Cut in two at step t: the state goes across, and its gradient comes back.
template <Cell C>
void check_split(const C& cell, const Given<C>& given, CheckReport& report) {
  const auto whole = run(cell, given);
  const Layout& layout = given.layout;
  for (Index t = 0; t <= layout.steps(); ++t) {
    std::vector<Index> before, after;
    for (Index slot = 0; slot < layout.batch(); ++slot) {
      const Index length = layout.length(layout.record(slot));
      before.push_back(std::min(length, t));
      after.push_back(std::max(length - t, Index{0}));
    }
    const Index seam = layout.offset(t), rest = layout.columns() - seam;
    Given<C> first{Layout(before), given.x.leftCols(seam), given.h0, given.dy.leftCols(seam), given.ds};
    Given<C> second{Layout(after), given.x.rightCols(rest), given.h0, given.dy.rightCols(rest), given.ds};
    second.h0 = run(cell, first).final_state;
    const auto tail = run(cell, second);
    first.ds = tail.dh0;
    const auto head = run(cell, first);

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
template <Cell Other, Cell C>
void check_same(const C& cell, const Given<C>& given, CheckReport& report, const std::string& name, double tolerance) {
  Other other(Sizes{cell.inputs(), cell.outputs()});
  copy_parameters(cell, other);
  const auto expected = run(cell, given);
  const auto actual = run(other, convert<Other>(given));
  report.compare(name + ": y", actual.y, expected.y, tolerance);
  report.compare(name + ": dx", actual.dx, expected.dx, 10 * tolerance);
  report.compare_modules(name + ": final state", actual.final_state, expected.final_state, tolerance);
  report.compare_modules(name + ": gradient", actual.gradient, expected.gradient, 10 * tolerance);
}

template <Cell C>
void check_nothing(const C& cell, const Given<C>& given, CheckReport& report, const std::string& name) {
  const auto outcome = run(cell, given);
  report.compare_modules(name + ": the state stays", outcome.final_state, given.h0, 0);
  report.compare_modules(name + ": its gradient stays", outcome.dh0, given.ds, 0);
  report.compare_modules(name + ": no gradient", outcome.gradient, zeros_like(cell), 0);
}

}  // namespace detail

/// Proves a cell, at its own parameters moved a little so that no zero hides a term. Returns what was compared; throws
/// check_error if something does not hold. For a cell of hidden size H and I inputs the cost is about (H + I) H steps of
/// dual numbers; small sizes, such as {3, 4}, find what large ones find.
template <Cell C>
CheckReport check_cell(C cell, std::uint64_t seed = 1) {
  static_assert(std::same_as<typename C::Scalar, double>, "check_cell takes a cell over double");
  static_assert(
      requires { typename C::template Rebind<Dual>; },
      "check_cell takes a cell with `template <class S, int I = Dynamic, int H = Dynamic> using Rebind`");
  using Dynamic_ = typename C::template Rebind<double>;
  using Fixed = typename C::template Rebind<double, 3, 4>;
  using Float = typename C::template Rebind<float>;

  Rng rng(seed);
  const auto move_a_little = [&](auto& any) {
    for_each_parameter(
        [&](auto& p) {
          p += Matrix<double>::NullaryExpr(p.rows(), p.cols(), [&](Index, Index) { return rng.uniform(-0.1, 0.1); });
        },
        any);
  };
  move_a_little(cell);

  CheckReport report;
  detail::check_gradients(cell, detail::random_given(cell, {3, 0, 5, 1}, rng), report);
  detail::check_gradients(cell, detail::random_given(cell, {2, 2}, rng), report);
  detail::check_records_alone(cell, detail::random_given(cell, {3, 3, 3}, rng), report, "a batch is its records alone");
  detail::check_records_alone(cell, detail::random_given(cell, {1, 4, 0, 2, 6}, rng), report,
                              "ragged is its records alone");
  detail::check_streaming(cell, detail::random_given(cell, {6, 6}, rng), report);
  detail::check_split(cell, detail::random_given(cell, {5, 1, 3}, rng), report);
  detail::check_nothing(cell, detail::random_given(cell, {0, 0}, rng), report, "no steps");
  detail::check_nothing(cell, detail::random_given(cell, {}, rng), report, "no records");
  detail::check_same<Float>(cell, detail::random_given(cell, {4, 2}, rng), report, "float is near double", 1e-5);

  Dynamic_ sized(Sizes{3, 4}, rng);
  move_a_little(sized);
  detail::check_same<Fixed>(sized, detail::random_given(sized, {4, 2}, rng), report, "fixed sizes are Dynamic", 1e-14);

  report.require();
  return report;
}

}  // namespace reprise
