#pragma once
// A readout at one stroke: ridge regression of the target on h_t, whatever the body is. It is how an echo state network
// is trained, and the best linear readout, in squares, of a trained network, too.
//
//   minimise  sum_t |y_t - W_hy h_t - b_y|^2 + ridge |W_hy|^2    over all steps but the first `washout` of each record
//
//   W_hy = Y H^T (H H^T + ridge I)^{-1}         b_y = mean(y) - W_hy mean(h)
//
//   H (hidden, steps), Y (outputs, steps): h_t and y_t less their means, so that b_y is not held back; as they are, if
//   the model has no b_y. (Lukosevicius 2012, section 4; Goodfellow et al., Deep Learning, section 7.1.1.)

#include <reprise/train/sequence_model.hpp>

#include <Eigen/Cholesky>

#include <cmath>
#include <limits>

namespace reprise {

struct RidgeOptions {
  double ridge = 1e-6;  ///< not negative, in squares of h, summed over the steps
  Index washout = 100;  ///< first steps of every record to be left out: there h_t still echoes the zero it began with
};

namespace detail {

// The sums over steps that the regression needs, in double.
struct Moments {
  Vector<double> h_mean, y_mean;
  Matrix<double> HH, YH;  // H H^T, Y H^T
};

template <bool centred>
Moments moments(const auto& h, const auto& y) {
  constexpr Index chunk = 1024;  // columns that are double at a time
  const Index count = h.cols();
  Moments m{Vector<double>::Zero(h.rows()), Vector<double>::Zero(y.rows()), Matrix<double>::Zero(h.rows(), h.rows()),
            Matrix<double>::Zero(y.rows(), h.rows())};
  const auto each_chunk = [&](auto take) {
    for (Index first = 0; first < count; first += chunk) {
      const Index columns = std::min(chunk, count - first);
      take(h.middleCols(first, columns).template cast<double>(), y.middleCols(first, columns).template cast<double>());
    }
  };
  if constexpr (centred)
    each_chunk([&](const auto& h_part, const auto& y_part) {
      m.h_mean += h_part.rowwise().sum() / static_cast<double>(count);
      m.y_mean += y_part.rowwise().sum() / static_cast<double>(count);
    });
  each_chunk([&](const auto& h_part, const auto& y_part) {
    const Matrix<double> H = h_part.colwise() - m.h_mean, Y = y_part.colwise() - m.y_mean;
    m.HH.noalias() += H * H.transpose();
    m.YH.noalias() += Y * H.transpose();
  });
  return m;
}

}  // namespace detail

/// Replaces W_hy and b_y; records begin with the initial state of the model. Throws shape_error if x or target does not fit,
/// value_error for a negative ridge or washout, or if what is left after the washout does not determine W_hy (with a
/// ridge one step does), non_finite_error if h_t or the target is not finite. The model is then unchanged.
template <Model M>
void fit_readout(M& model, const typename M::InputSequence& x, const typename M::OutputSequence& target,
                 RidgeOptions options = {}) {
  const auto [ridge, washout] = options;
  if (!(ridge >= 0) || std::isinf(ridge))
    detail::fail<value_error>("ridge = ", ridge, ", it must be finite and not negative");
  if (washout < 0) detail::fail<value_error>("washout = ", washout, ", it must not be negative");
  model.require_input(x);
  const Layout& layout = x.layout();
  detail::require_size(target.batch(), x.batch(), "target", "records", "this batch");
  for (Index r = 0; r < x.batch(); ++r)
    if (x.length(r) != target.length(r))
      detail::fail<shape_error>("target: record ", r, " has ", target.length(r), " steps, x has ", x.length(r));
  if (x.batch() != 0) detail::require_size(target.features(), model.outputs(), "target", "features", "the model");
  detail::require_size(target.values().cols(), layout.columns(), "target.values()", "columns", "its layout");

  // Time-major: all that comes after the washout is one block.
  const Index first = layout.offset(std::min(washout, layout.steps())), count = layout.columns() - first;
  constexpr bool centred = decltype(model.b_y)::SizeAtCompileTime != 0;
  const Index needed = ridge > 0 ? 1 : model.W_hy.cols() + centred;
  if (count < needed)
    detail::fail<value_error>(count, " steps are left after a washout of ", washout, " from each of ", x.batch(),
                              " records, fit_readout takes ", needed, " at least");

  auto state = model.initial_state(x.batch());
  typename M::Body::Trace trace;
  model.body().forward(x.values(), Pass{layout}, state, trace);
  auto m = detail::moments<centred>(M::Body::output(trace).middleCols(first, count),
                                    target.values().middleCols(first, count));
  if (!m.HH.allFinite() || !m.YH.allFinite()) detail::fail<non_finite_error>("h_t or the target is not finite");
  m.HH.diagonal().array() += ridge;
  const Eigen::LLT<Matrix<double>> cholesky(m.HH);
  const double least = ridge > 0 ? 0 : static_cast<double>(m.HH.rows()) * std::numeric_limits<double>::epsilon();
  if (m.HH.size() != 0 && (cholesky.info() != Eigen::Success || cholesky.rcond() < least))
    detail::fail<value_error>("ridge = ", ridge, ": the ", count,
                              " steps after the washout do not determine W_hy, with a larger ridge they would");
  const Matrix<double> W = cholesky.solve(m.YH.transpose()).transpose();
  const Vector<double> b = m.y_mean - W * m.h_mean;
  using Scalar = typename M::Scalar;
  model.W_hy = W.template cast<Scalar>();
  if constexpr (centred) model.b_y = b.template cast<Scalar>();
}

}  // namespace reprise
