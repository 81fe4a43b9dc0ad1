#pragma once
// The same affine map at every step, and of it, entry by entry, an activation f, if there is one: y_t = f(W x_t + b).
//
//   x_t (inputs, batch)     W (outputs, inputs)     b (outputs)     y_t (outputs, batch)
//
//   da_t = f'(a_t) * dy_t, where a_t = W x_t + b: without an activation dy_t itself
//   dW += da_t x_t^T        db += da_t, summed over the batch       dx_t = W^T da_t
//
// Below or above a cell in a Stack, Dense<float, Dynamic, Dynamic, Tanh> makes the way from x_t into the hidden state, or
// from there to the output, deeper (Pascanu et al., 2014, arXiv 1312.6026; Goodfellow et al., section 10.5, figure 10.13b).

#include <reprise/core/initialise.hpp>
#include <reprise/core/layer.hpp>
#include <reprise/kernels/activation.hpp>
#include <reprise/kernels/bias.hpp>
#include <reprise/kernels/elementwise.hpp>
#include <reprise/kernels/product.hpp>

namespace reprise {

template <class Scalar_, int Inputs_ = Dynamic, int Outputs_ = Dynamic, class Activation = Identity>
struct Dense : StatelessLayer {
  using Scalar = Scalar_;
  static constexpr int Inputs = Inputs_, Outputs = Outputs_;
  using Input = Matrix<Scalar, Inputs, Dynamic>;
  using Output = Matrix<Scalar, Outputs, Dynamic>;
  template <class S>
  using Rebind = Dense<S, Inputs, Outputs, Activation>;

  Matrix<Scalar, Outputs, Inputs> W;
  Vector<Scalar, Outputs> b;

  static constexpr auto fields() { return std::tuple{field("W", &Dense::W), field("b", &Dense::b)}; }

  struct Trace {
    Output y;   // (outputs, columns)
    Output da;  // (outputs, columns); without an activation empty
  };

  /// Zero weights; `sizes.hidden` is the number of outputs.
  explicit Dense(Sizes sizes = {known_or_zero(Inputs), known_or_zero(Outputs)}) {
    const Index inputs = checked_size(sizes.inputs, Inputs, "inputs");
    const Index outputs = checked_size(sizes.hidden, Outputs, "hidden");
    W.setZero(outputs, inputs);
    b.setZero(outputs);
  }

  /// W after Glorot, the bias zero.
  Dense(Sizes sizes, Rng& rng) : Dense(sizes) { glorot(W, rng); }

  Index inputs() const { return W.cols(); }
  Index outputs() const { return W.rows(); }
  Index input_rows() const { return W.cols(); }

  static const Output& output(const Trace& trace) { return trace.y; }

  void forward(const Input& x, const Pass& pass, Stateless<>& /*state*/, Trace& trace) const {
    const Index count = pass.layout.columns();
    detail::reserve(trace.y, outputs(), count);
    if (count == 0) return;  // a batch of no records need not have the features
    auto y = trace.y.leftCols(count);
    product(y, W, x.leftCols(count));
    add_bias(y, b);
    activate(y);
  }

  void backward(const Input& x, const Output& dy, const Pass& pass, Trace& trace, Stateless<>& /*dstate*/,
                Dense& gradient, Input* dx) const {
    const Index count = pass.layout.columns();
    if (count == 0) return;
    if constexpr (is_affine) {
      affine_back(x, dy, count, gradient, dx);
    } else {
      detail::reserve(trace.da, outputs(), count);
      elementwise([](auto& da, const auto& y, const auto& d) { da = Activation::slope(y) * d; },
                  trace.da.leftCols(count), trace.y.leftCols(count), dy.leftCols(count));
      affine_back(x, trace.da, count, gradient, dx);
    }
  }

  template <int Batch, class Packed>
  using StepTrace = StepTraceOf<Matrix<Scalar, Outputs, Batch>, Packed>;

  template <int Batch, class Packed>
  const auto& step(const auto& x_t, Stateless<Owned<Batch>>& /*state*/, StepTrace<Batch, Packed>& trace) const {
    trace.y.resize(outputs(), x_t.cols());
    product(trace.y, trace.packed(W), x_t);
    add_bias(trace.y, b);
    activate(trace.y);
    return trace.y;
  }

 private:
  static constexpr bool is_affine = std::is_same_v<Activation, Identity>;

  static void activate(auto& y) {
    if constexpr (!is_affine) elementwise([](auto& a) { a = Activation::of(a); }, y);
  }

  void affine_back(const Input& x, const Output& da, Index count, Dense& gradient, Input* dx) const {
    add_product(gradient.W, da.leftCols(count), x.leftCols(count).transpose());
    add_bias_gradient(gradient.b, da.leftCols(count));
    if (!dx) return;
    detail::reserve(*dx, inputs(), count);
    product(dx->leftCols(count), W.transpose(), da.leftCols(count));
  }
};

}  // namespace reprise
