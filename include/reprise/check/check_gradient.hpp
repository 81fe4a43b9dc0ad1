#pragma once
// The same proof for a whole model and a loss: dual numbers against loss_and_gradient.

#include <reprise/check/dual.hpp>
#include <reprise/check/report.hpp>
#include <reprise/train/whole_model.hpp>

namespace reprise {

/// Compares every entry of the gradient, to `tolerance`, with dual numbers sent through forward and loss. A
/// Dropout in the model must have the rate 0.
/// Returns what was compared; throws check_error if something does not hold.
template <Model M, class Target, class Loss>
CheckReport check_gradient(const M& model, const typename M::InputSequence& x, const Target& target, const Loss& loss,
                           double tolerance = 1e-10) {
  static_assert(std::same_as<typename M::Scalar, double>, "check_gradient takes a model over double");
  using DualModel = typename M::template Rebind<Dual>;
  DualModel dual;
  copy_parameters(model, dual);
  auto dual_x = [&] {
    if constexpr (std::is_same_v<typename M::InputSequence, typename DualModel::InputSequence>)
      return x;
    else
      return x.template cast<Dual>();
  }();

  Workspace<M> workspace(model);
  loss_and_gradient(model, x, target, loss, workspace, {.input_gradient = true});

  CheckReport report;
  Workspace<DualModel> dual_workspace(dual);
  const auto derivatives = [&](auto& variable) {
    Matrix<double> d(variable.rows(), variable.cols());
    for (Index j = 0; j < variable.cols(); ++j)
      for (Index i = 0; i < variable.rows(); ++i) {
        variable(i, j).derivative = 1;
        d(i, j) = evaluate(dual, dual_x, target, loss, dual_workspace).derivative;
        variable(i, j).derivative = 0;
      }
    return d;
  };
  for_each_parameter([&](const std::string& name, auto& p,
                         const auto& g) { report.compare("gradient of " + name, g, derivatives(p), tolerance); },
                     dual, workspace.gradient);
  if constexpr (std::same_as<typename DualModel::Input::Scalar, Dual>)
    report.compare("gradient of x", workspace.dx.leftCols(x.layout().columns()), derivatives(dual_x.values()),
                   tolerance);
  report.require();
  return report;
}

/// The same for a model of whole records: every trained parameter.
template <WholeModel M, class Target, class Loss>
CheckReport check_gradient(const M& model, const typename M::Examples& x, const Target& target, const Loss& loss,
                           double tolerance = 1e-10) {
  static_assert(std::same_as<typename M::Scalar, double>, "check_gradient takes a model over double");
  using DualModel = typename M::template Rebind<Dual>;
  DualModel dual;
  copy_parameters(model, dual);
  if constexpr (requires { dual.take_settings(model); }) dual.take_settings(model);
  const auto dual_x = [&] {
    if constexpr (std::is_same_v<typename M::Examples, typename DualModel::Examples>)
      return x;
    else
      return x.template cast<Dual>();
  }();
  Workspace<M> workspace(model);
  loss_and_gradient(model, x, target, loss, workspace);

  CheckReport report;
  Workspace<DualModel> dual_workspace(dual);
  for_each_trained(
      [&](const std::string& name, auto& p, const auto& g) {
        Matrix<double> d(p.rows(), p.cols());
        for (Index j = 0; j < p.cols(); ++j)
          for (Index i = 0; i < p.rows(); ++i) {
            p(i, j).derivative = 1;
            d(i, j) = evaluate(dual, dual_x, target, loss, dual_workspace).derivative;
            p(i, j).derivative = 0;
          }
        report.compare("gradient of " + name, g, d, tolerance);
      },
      dual, workspace.gradient);
  report.require();
  return report;
}

}  // namespace reprise
