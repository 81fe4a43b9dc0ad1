#pragma once
// The same proof for a whole model and a loss: dual numbers against loss_and_gradient.

#include <reprise/check/dual.hpp>
#include <reprise/check/report.hpp>
#include <reprise/train/whole_model.hpp>

namespace reprise {

namespace detail {

// d(value)/d(variable), entry by entry: `value` evaluated with each made dual in turn.
inline Matrix<double> derivatives(const auto& value, auto& variable) {
  Matrix<double> d(variable.rows(), variable.cols());
  for (Index j = 0; j < variable.cols(); ++j)
    for (Index i = 0; i < variable.rows(); ++i) {
      variable(i, j).derivative = 1;
      d(i, j) = value().derivative;
      variable(i, j).derivative = 0;
    }
  return d;
}

template <class DualX>
auto dual_input(const auto& x) {
  if constexpr (std::is_same_v<std::remove_cvref_t<decltype(x)>, DualX>)
    return x;  // tokens
  else
    return x.template cast<Dual>();
}

// The same model of dual numbers.
template <class M>
auto dual_model(const M& model) {
  static_assert(std::same_as<typename M::Scalar, double>, "check_gradient takes a model over double");
  typename M::template Rebind<Dual> dual;
  copy_parameters(model, dual);
  if constexpr (requires { dual.take_settings(model); }) dual.take_settings(model);
  return dual;
}

// Every trained parameter: that of `gradient` against d(value)/d(that of `dual`).
void compare_gradients(const auto& value, auto& dual, const auto& gradient, double tolerance, CheckReport& report) {
  for_each_trained([&](const std::string& name, auto& p,
                       const auto& g) { report.compare("gradient of " + name, g, derivatives(value, p), tolerance); },
                   dual, gradient);
}

}  // namespace detail

/// Compares every entry of the gradient of what is trained, to `tolerance`, with dual numbers sent through forward and loss.
/// Random masks must have the rate 0.
/// Returns what was compared; throws check_error if something does not hold.
template <Model M, class Target, class Loss>
CheckReport check_gradient(const M& model, const typename M::InputSequence& x, const Target& target, const Loss& loss,
                           double tolerance = 1e-10) {
  Workspace<M> workspace(model);
  loss_and_gradient(model, x, target, loss, workspace, {.input_gradient = true});

  auto dual = detail::dual_model(model);
  using DualModel = decltype(dual);
  auto dual_x = detail::dual_input<typename DualModel::InputSequence>(x);
  Workspace<DualModel> dual_workspace(dual);
  const auto value = [&] { return evaluate(dual, dual_x, target, loss, dual_workspace); };
  CheckReport report;
  detail::compare_gradients(value, dual, workspace.gradient, tolerance, report);
  if constexpr (std::same_as<typename DualModel::Input::Scalar, Dual>)
    report.compare("gradient of x", workspace.dx.leftCols(x.layout().columns()),
                   detail::derivatives(value, dual_x.values()), tolerance);
  report.require();
  return report;
}

/// The same for a model of whole records: every trained parameter.
template <WholeModel M, class Target, class Loss>
CheckReport check_gradient(const M& model, const typename M::Examples& x, const Target& target, const Loss& loss,
                           double tolerance = 1e-10) {
  Workspace<M> workspace(model);
  loss_and_gradient(model, x, target, loss, workspace);

  auto dual = detail::dual_model(model);
  using DualModel = decltype(dual);
  const auto dual_x = detail::dual_input<typename DualModel::Examples>(x);
  Workspace<DualModel> dual_workspace(dual);
  CheckReport report;
  detail::compare_gradients([&] { return evaluate(dual, dual_x, target, loss, dual_workspace); }, dual,
                            workspace.gradient, tolerance, report);
  report.require();
  return report;
}

}  // namespace reprise
