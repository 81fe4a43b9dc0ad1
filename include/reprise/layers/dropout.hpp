#pragma once
// Dropout between layers (Srivastava et al., 2014; not on the recurrence: Zaremba et al., 2014). While training each entry
// is zero with probability `rate`, else scaled by 1 / (1 - rate), so that its mean stays; at inference nothing happens.
//
//   y_t = mask_t * x_t        dx_t = mask_t * dy_t        all (features, batch)

#include <reprise/core/layer.hpp>
#include <reprise/core/masks.hpp>

namespace reprise {

template <class Scalar_, int Features = Dynamic>
struct Dropout : StatelessLayer {
  using Scalar = Scalar_;
  static constexpr int Inputs = Features, Outputs = Features;
  static constexpr bool entrywise = true;  // row k of y is of row k of x
  using Input = Matrix<Scalar, Features, Dynamic>;
  using Output = Input;
  template <class S>
  using Rebind = Dropout<S, Features>;

  Index features = known_or_zero(Features);
  double rate = 0.5;  ///< probability that an entry is dropped, in [0, 1)

  static constexpr auto fields() { return std::tuple{}; }

  struct Trace {
    Output y;     // (features, columns)
    Output mask;  // (features, columns)
  };

  Dropout() = default;
  explicit Dropout(Sizes sizes, double rate_ = 0.5)
      : features(checked_size(sizes.hidden, Features, "hidden")), rate(rate_) {
    detail::require_size(sizes.inputs, sizes.hidden, "Dropout", "inputs", "it has as many outputs and");
    require_rate(rate, "Dropout");
  }
  Dropout(Sizes sizes, Rng& /*rng*/) : Dropout(sizes) {}

  void take_settings(const auto& other) {
    features = other.features;
    rate = other.rate;
  }

  Index inputs() const { return features; }
  Index outputs() const { return features; }
  Index input_rows() const { return features; }

  static const Output& output(const Trace& trace) { return trace.y; }

  /// Throws value_error if a training pass brings no Rng, or if `rate` is out of range.
  void forward(const Input& x, const Pass& pass, Stateless<>& /*state*/, Trace& trace) const {
    const Index count = pass.layout.columns();
    detail::reserve(trace.y, x.rows(), count);
    trace.y.leftCols(count) = x.leftCols(count);
    if (!active(pass)) return;
    require_rate(rate, "Dropout");
    if (!pass.rng)
      detail::fail<value_error>("Dropout of rate ", rate,
                                " needs an Rng while training, loss_and_gradient(..., {.rng = &rng}), or a rate of 0");
    detail::reserve(trace.mask, x.rows(), count);
    draw_dropout(trace.mask.leftCols(count), rate, *pass.rng);
    trace.y.leftCols(count).array() *= trace.mask.leftCols(count).array();
  }

  void backward(const Input& /*x*/, const Output& dy, const Pass& pass, Trace& trace, Stateless<>& /*dstate*/,
                Dropout& /*gradient*/, Input* dx) const {
    if (!dx) return;
    const Index count = pass.layout.columns();
    detail::reserve(*dx, features, count);
    if (count == 0) return;  // a dy of no columns need not have the features
    if (active(pass))
      dx->leftCols(count) = dy.leftCols(count).cwiseProduct(trace.mask.leftCols(count));
    else
      dx->leftCols(count) = dy.leftCols(count);
  }

  template <int Batch, class Packed>
  using StepTrace = StepTraceOf<Matrix<Scalar, Features, Batch>, Packed>;

  template <int Batch, class Packed>
  const auto& step(const auto& x_t, Stateless<Owned<Batch>>& /*state*/, StepTrace<Batch, Packed>& trace) const {
    trace.y = x_t;
    return trace.y;
  }

 private:
  bool active(const Pass& pass) const { return pass.training && pass.masks && rate != 0; }
};

}  // namespace reprise
