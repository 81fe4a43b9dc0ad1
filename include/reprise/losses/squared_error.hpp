#pragma once
// Squared error of each step, summed over outputs and steps:
//
//   L = sum_t ||y_t - target_t||^2        dL/dy_t = 2 (y_t - target_t)        y_t, target_t (outputs, batch)

#include <reprise/losses/reduction.hpp>

namespace reprise {

struct SquaredError {
  Reduction reduction = Reduction::sum;

  /// Throws shape_error unless y and target have the same shape.
  template <class Y, class Target, class DY>
  typename Y::Scalar operator()(const Y& y, const Target& target, DY&& dy) const {
    using Scalar = typename Y::Scalar;
    detail::require_size(target.rows(), y.rows(), "target", "rows", "SquaredError of this model");
    detail::require_size(target.cols(), y.cols(), "target", "columns", "SquaredError of this model");
    detail::Sum<Scalar> sum(0);
    for (Index j = 0; j < y.cols(); ++j)
      for (Index i = 0; i < y.rows(); ++i) {
        const Scalar error = y(i, j) - static_cast<Scalar>(target(i, j));
        sum += detail::Sum<Scalar>(error) * detail::Sum<Scalar>(error);
        dy(i, j) = Scalar(2) * error;
      }
    return detail::reduce<Scalar>(reduction, sum, y.cols(), dy);
  }
};

}  // namespace reprise
