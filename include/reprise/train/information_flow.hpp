#pragma once
// A soft constraint against vanishing gradients: Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent
// neural networks" (2013), equations 9 and 10; Goodfellow et al., Deep Learning, section 10.11.2. The error is to keep
// its norm on its way back. The paper's state is what comes before the activation, our a_t: a_{t+1} = W_hh f(a_t) + ...
//
//   Omega = sum_t (rho_t - 1)^2           over all t of all records that have a step t + 1
//   rho_t = |da_{t+1} J| / |da_{t+1}|     J = d a_{t+1} / d a_t = W_hh diag(f'(a_t))           da_t = dL/da_t
//
// As in the paper, its gradient is the immediate one: a_t and da_{t+1} are held fixed, and W_hh changes only where it
// stands in J. (The full one would need second derivatives of the whole recurrence.) With u = f'(a_t) * W_hh^T da_{t+1}
// of one t, so that rho = |u| / |da|,
//
//   d Omega = 2 (rho - 1) d rho           d rho = u . du / (|u| |da|)          du = f'(a_t) * dW_hh^T da
//   dW_hh  += 2 (rho - 1) / (|u| |da|)  da (f'(a_t) * u)^T
//
// which for all t and records is one product. rho does not feel how long da is, so neither a scale of the loss nor its
// reduction counts, but Omega grows with the number of steps. Where da_{t+1} is zero, past the last target of a record,
// there is no term; where u is zero, as with units of Relu that are all off, rho has no gradient and the term is 1.
//
// Nothing has to be computed again: once loss_and_gradient is done, the trace in the workspace holds da_t, in the place
// of a_t, and h_t as the state before step t + 1, column under column. f'(a_t) * u is activate_back of the cell at h_t,
// with u for dh_t.

#include <reprise/train/loss_and_gradient.hpp>

#include <algorithm>
#include <cmath>

namespace reprise {

namespace detail {

template <class Parts>
inline constexpr std::size_t field_count = std::tuple_size_v<decltype(Parts::fields())>;

// Whether C is h_t = f(a_t), a_t = W_xh x_t + W_hh h_{t-1} + b_h, and no more.
template <class C>
concept PlainRecurrentCell = Cell<C> && C::Gates == 1 && !C::activate_reads_h && field_count<C> == 3 &&
                             field_count<typename C::template State<Owned<>>> == 1 &&
                             field_count<typename C::template Trace<Owned<>>> == 1 && requires(const C& cell) {
  cell.W_hh;
};

template <class L>
inline constexpr bool is_plain_recurrent = false;
template <PlainRecurrentCell C>
inline constexpr bool is_plain_recurrent<Recurrent<C>> = true;

}  // namespace detail

/// To be called after loss_and_gradient, with the same model and workspace. Adds `weight` times the immediate gradient
/// of Omega to workspace.gradient and returns Omega. The model's body is RNNCell, of any activation.
///
///   rp::loss_and_gradient(model, x, target, loss, workspace);
///   rp::information_flow(model, workspace, 0.1f);
///   adam.step(model, workspace.gradient);
///
/// Throws value_error if `weight` is negative or not a number, or if the workspace's last call was not a
/// loss_and_gradient that succeeded; shape_error if the workspace is of another model. The gradient is then unchanged.
template <Model M>
typename M::Scalar information_flow(const M& model, Workspace<M>& workspace,
                                    std::type_identity_t<typename M::Scalar> weight) {
  static_assert(detail::is_plain_recurrent<typename M::Body>, "information_flow takes a SequenceModel of an RNNCell");
  using Scalar = typename M::Scalar;
  using C = decltype(M::Body::cell);
  using std::sqrt;
  if (!(weight >= Scalar(0)))
    detail::fail<value_error>("information_flow: weight = ", weight, ", it must not be negative");
  require_like(model, workspace.gradient, "the workspace");
  if (!workspace.after_backward)
    detail::fail<value_error>(
        "information_flow: the last call with this workspace is not a loss_and_gradient that succeeded");
  const Layout& layout = workspace.layout;
  if (layout.steps() < 2) return Scalar(0);

  const Index first = layout.offset(1), count = layout.columns() - first;
  const auto h = columns(workspace.trace.before, first, count);
  typename C::template State<Owned<>> u;
  typename C::template Trace<Owned<>> slope;
  detail::resize(u, model.cell.state_rows(), count);
  detail::resize(slope, model.cell.trace_rows(), count);
  const auto times_slope = [&] {  // u := f'(a_t) * u
    slope.a = h.h;
    auto a = columns(slope, 0, count);
    auto d = columns(u, 0, count);
    model.cell.activate_back(h, a, d);
    u.h = slope.a;
  };

  // da_{t+1}, each of norm 1 or 0; its largest entry first becomes 1, since the square of a tiny number is 0.
  Matrix<Scalar> da = workspace.trace.steps.a.middleCols(first, count);
  for (Index j = 0; j < count; ++j) {
    Scalar largest{};
    for (Index i = 0; i < da.rows(); ++i) largest = std::max({largest, da(i, j), Scalar(-da(i, j))});
    if (largest == Scalar(0)) continue;
    da.col(j) /= largest;
    da.col(j) /= sqrt(da.col(j).dot(da.col(j)));
  }

  product(u.h, model.cell.W_hh.transpose(), da);
  times_slope();
  Scalar omega{};
  for (Index j = 0; j < count; ++j) {
    if (da.col(j).isZero(Scalar(0))) continue;
    const Scalar square = u.h.col(j).dot(u.h.col(j));
    const Scalar rho = square == Scalar(0) ? Scalar(0) : sqrt(square);
    omega += (rho - Scalar(1)) * (rho - Scalar(1));
    da.col(j) *= rho == Scalar(0) ? Scalar(0) : Scalar(weight * Scalar(2) * (rho - Scalar(1)) / rho);
  }
  times_slope();
  add_product(workspace.gradient.cell.W_hh, da, u.h.transpose());
  return omega;
}

}  // namespace reprise
