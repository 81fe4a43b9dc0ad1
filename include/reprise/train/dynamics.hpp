#pragma once
// A recurrent network as a dynamical system: what becomes of a gradient on its way back, and of a small difference on
// its way forward (Goodfellow et al., Deep Learning, sections 8.2.5 and 10.7; Pascanu, Mikolov and Bengio, 2013). Both
// go through the same matrices, the Jacobians of the steps,
//
//   J_t = ds_t / ds_{t-1}                 s_t: all of the state, such as (h_t, c_t)
//   dL/ds_{t-1} = J_t^T dL/ds_t + (what comes through y_{t-1})
//
// of which step_back is the product with J_t^T. What is measured here is
//
//   gradient_norms      |dL/dh_t| at every step of every record: where it vanishes, where it explodes
//   jacobian            J_t at one state and input
//   lyapunov_exponent   lim 1/T log |J_T ... J_2 J_1 v|, for almost every v: above 0 differences grow, which is chaos,
//                       below 0 they are forgotten
//
// and spectral_radius (core/spectral_radius.hpp) is that of W_hh, or of a Jacobian: a fixed point where that is below 1
// is stable.
//
// They take models whose body is a cell, and forward in time; gradient_norms<Layer> a layer of a Stack, too. Random masks are
// their means, but in gradient_norms those that the Rng among its options draws.

#include <reprise/core/spectral_radius.hpp>
#include <reprise/train/loss_and_gradient.hpp>

#include <cmath>

namespace reprise {

namespace detail {

template <class L>
inline constexpr bool is_recurrent = false;
template <Cell C>
inline constexpr bool is_recurrent<Recurrent<C>> = true;

// The part of Recurrent::backward that goes from step t to t - 1: d := J_t^T d.
template <Cell C>
void step_back(const Recurrent<C>& layer, const Layout& layout, Index t, typename Recurrent<C>::Trace& trace,
               typename C::template State<Columns>& d) {
  const auto before = columns(trace.before, layout.offset(t), layout.running(t));
  auto step = columns(trace.steps, layout.offset(t), layout.running(t));
  layer.cell.step_back(trace.packed, before, step, d);
}

// From dL/dy_t of a layer, `dh`, what comes through y_t alone: |dL/ds_t|, part by part. `d` begins as zero.
template <Cell C>
Sequence<double> gradient_norms(const Recurrent<C>& layer, const Layout& layout, const auto& dh,
                                typename Recurrent<C>::Trace& trace,
                                typename Recurrent<C>::template State<Owned<>>& d_all) {
  Sequence<double> norms(layout, static_cast<Index>(layer.cell.state_rows().size()));
  for (Index t = layout.steps(); t-- > 0;) {
    auto d = columns(d_all, 0, layout.running(t));
    d.h += dh.middleCols(layout.offset(t), layout.running(t));
    for_each_parameter(
        [&, part = Index{0}](const auto& of_part) mutable {  // in double: what is tiny in float has a square that is 0
          norms.view(t).row(part++) = of_part.template cast<double>().colwise().norm();
        },
        d);
    step_back(layer, layout, t, trace, d);
  }
  return norms;
}

}  // namespace detail

/// A model whose body is the recurrent layer of a cell.
template <class M>
concept RecurrentModel = Model<M> && detail::is_recurrent<typename M::Body>;

/// |dL/dh_t| at every step t of every record, as a sequence with the lengths of x: a row for each part of the state, h
/// first. dL/dh_t is total: through y_t and through all that follows. The row of another part, such as an LSTM's c, is
/// |dL/dc_t| without the path from c_t through h_t of the same step. With a loss that leaves another dL/dy in its last
/// argument, of that. Throws as loss_and_gradient does; a state among the options is read and left as it is.
template <RecurrentModel M, class Target, class Loss>
Sequence<double> gradient_norms(const M& model, const typename M::InputSequence& x, const Target& target,
                                const Loss& loss, std::type_identity_t<PassOptions<M>> options = {}) {
  Workspace<M> w(model);
  detail::forward_and_loss(model, x, target, loss, w, Pass{x.layout(), true, options.rng}, options);
  detail::readout_back(model, w, x.layout().columns());
  return detail::gradient_norms(model.body(), x.layout(), w.dh, w.trace, w.dstate);
}

/// The same of layer `Layer` of a model whose body is a Stack, counted from 0: its dL/dh_t is through all the layers above it.
template <std::size_t Layer, Model M, class Target, class Loss>
  requires requires { M::Body::Count; }
Sequence<double> gradient_norms(const M& model, const typename M::InputSequence& x, const Target& target,
                                const Loss& loss, std::type_identity_t<PassOptions<M>> options = {}) {
  static_assert(Layer < M::Body::Count, "the Stack does not have so many layers");
  static_assert(detail::is_recurrent<typename M::Body::template LayerAt<Layer>>,
                "gradient_norms takes the recurrent layer of a cell, forward in time");
  Workspace<M> w(model);
  const Pass pass{x.layout(), true, options.rng};
  detail::forward_and_loss(model, x, target, loss, w, pass, options);
  detail::readout_back(model, w, x.layout().columns());
  const auto& dy =
      model.body().template backward_to<Layer>(x.values(), w.dh, pass, w.trace, w.dstate, w.gradient.body());
  return detail::gradient_norms(std::get<Layer>(model.layers), x.layout(), dy, std::get<Layer>(w.trace.layers),
                                std::get<Layer>(w.dstate.layers));
}

/// J = ds_t / ds_{t-1} at s_{t-1} = `state` and `x_t`: (n, n), where n counts all of the state, part after part. It is
/// found from n unit vectors at once, each of which step_back takes to a row of J.
template <Cell C>
Matrix<typename C::Scalar> jacobian(const Recurrent<C>& layer, const auto& x_t,
                                    const typename Recurrent<C>::template State<Owned<1>>& state) {
  using Scalar = typename C::Scalar;
  detail::require_size(x_t.rows(), layer.inputs(), "x_t", "rows", "the model");
  detail::require_size(x_t.cols(), 1, "x_t", "columns", "jacobian");
  layer.require_state(state, 1);
  Index n = 0;
  for (const Index rows : layer.cell.state_rows()) n += rows;

  typename Recurrent<C>::Trace trace;
  detail::resize(trace.steps, layer.cell.trace_rows(), n);
  detail::resize(trace.before, layer.cell.state_rows(), n);
  for_each_parameter([](auto& many, const auto& one) { many.colwise() = one; }, trace.before, state);
  auto after = trace.before, d = trace.before;
  for_each_parameter(
      [&, first = Index{0}](auto& part) mutable {
        part = Matrix<Scalar>::Identity(n, n).middleRows(first, part.rows());
        first += part.rows();
      },
      d);

  const Layout layout(std::vector<Index>(static_cast<std::size_t>(n), 1));
  const typename Recurrent<C>::Input x = x_t.replicate(1, n);
  layer.forward(x, Pass{layout, true, nullptr, false}, after, trace);
  auto rows = columns(d, 0, n);
  if (n > 0) detail::step_back(layer, layout, 0, trace, rows);

  Matrix<Scalar> J(n, n);
  for_each_parameter(
      [&, first = Index{0}](const auto& part) mutable {
        J.middleCols(first, part.rows()) = part.transpose();
        first += part.rows();
      },
      rows);
  return J;
}

struct LyapunovOptions {
  Index transient = 0;     ///< so many steps at the beginning do not count: on the way to the attractor
  Index alignment = 0;     ///< nor so many at the end, while the random vector turns into the direction that grows most
  std::uint64_t seed = 1;  ///< of that vector, the same for every record
};

/// The largest Lyapunov exponent, in nats per step, of each record's trajectory from `state`, driven by x; with x zero
/// it is that of the network alone. A random unit vector u, to begin with the same for every record, goes back through
/// all steps of the trajectory, u := J_t^T u, and is made a unit vector again after each; the exponent is the mean of
/// the logarithms of its growth. Forward or back, the product of the Jacobians has the same singular values, so over T
/// steps that count the result is that of a vector going forward but for O(1/T), and it is the rate at which a gradient
/// grows or vanishes on its way. -infinity if the product takes u to zero.
/// Throws shape_error if x or `state` does not fit, or a record has no step that counts.
template <RecurrentModel M>
Vector<double> lyapunov_exponent(const M& model, const typename M::InputSequence& x,
                                 const typename M::template State<>& state, LyapunovOptions options = {}) {
  const Layout& layout = x.layout();
  model.require_input(x);
  model.body().require_state(state, x.batch());
  checked_size(options.transient, Dynamic, "transient");
  checked_size(options.alignment, Dynamic, "alignment");
  for (Index r = 0; r < x.batch(); ++r)
    if (x.length(r) - options.transient - options.alignment < 1)
      detail::fail<shape_error>("lyapunov_exponent: record ", r, " has ", x.length(r), " steps, of which ",
                                options.transient, " + ", options.alignment, " do not count");

  typename M::template State<> now, u = state;
  typename M::Body::Trace trace;
  M::to_layout_order(state, layout, now);
  model.body().forward(x.values(), Pass{layout, true, nullptr, false}, now, trace);

  Rng rng(options.seed);
  auto one = model.initial_state();
  for_each_parameter([&](auto& part) { normal(part, 1, rng); }, one);
  for_each_parameter([](auto& many, const auto& part) { many.colwise() = part; }, u, one);
  // The norm that column `slot` had.
  const auto normalise = [&](Index slot) {
    double square = 0;
    for_each_parameter([&](const auto& p) { square += p.col(slot).template cast<double>().squaredNorm(); }, u);
    const double norm = std::sqrt(square);
    if (norm > 0) for_each_parameter([&](auto& p) { p.col(slot) /= static_cast<typename M::Scalar>(norm); }, u);
    return norm;
  };
  for (Index slot = 0; slot < layout.batch(); ++slot) normalise(slot);

  Vector<double> exponent = Vector<double>::Zero(layout.batch());
  for (Index t = layout.steps(); t-- > 0;) {
    auto running = columns(u, 0, layout.running(t));
    detail::step_back(model.body(), layout, t, trace, running);
    for (Index slot = 0; slot < layout.running(t); ++slot) {
      const double growth = normalise(slot);
      const Index record = layout.record(slot), end = layout.length(record) - options.alignment;
      if (t >= options.transient && t < end)
        exponent(record) += std::log(growth) / static_cast<double>(end - options.transient);
    }
  }
  return exponent;
}

}  // namespace reprise
