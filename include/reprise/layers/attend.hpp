#pragma once
// Attention over all steps at once, for a decoder whose states do not wait for it (Luong et al., 2015, equation 5, without
// input feeding): with s_t the state below and c_t the context that s_t finds in the memory of its record,
//
//   h_t = tanh(W_c (c_t; s_t))
//
//   s_t (inputs, batch)   c_t (features, batch)   h_t (outputs, batch)   W_c (outputs, features + inputs)
//
// Backward:  dz_t = dh_t * (1 - h_t^2)    dW_c += dz_t (c_t; s_t)^T    (dc_t; ds_t) = W_c^T dz_t    ds_t += the query's part
//
// It stands in the decoder of an EncoderDecoder: Stack<Embedding<float>, GRUCell<float>, Attend<DotProductAttention<float>>>.

#include <reprise/layers/reading.hpp>

namespace reprise {

template <class A>
struct Attend : StatelessLayer {
  using Scalar = typename A::Scalar;
  static constexpr int Inputs = Dynamic, Outputs = Dynamic;
  using Input = Matrix<Scalar>;
  using Output = Matrix<Scalar>;
  template <class S>
  using Rebind = Attend<typename A::template Rebind<S>>;

  A attention;
  Matrix<Scalar> W_c;

  static constexpr auto fields() {
    return std::tuple{field("attention", &Attend::attention), field("W_c", &Attend::W_c)};
  }

  struct Trace : detail::Reading<A> {
    Matrix<Scalar> cs, dcs;               // (features + inputs, columns): (c_t; s_t)
    Matrix<Scalar> p_one, dp_one, c_one;  // of one record: (units, steps), (features, steps)
    Output y, dz;                         // (outputs, columns)
  };
  template <int Batch, class Packed>
  struct StepTrace : detail::Reading<A, Packed> {
    Matrix<Scalar> cs;
    Matrix<Scalar, Dynamic, Batch> y;
  };

  Attend() = default;
  /// Annotations, units and outputs are of `sizes.hidden`.
  explicit Attend(Sizes sizes) : Attend(A({sizes.inputs, sizes.hidden, sizes.hidden}), sizes.hidden) {}
  Attend(Sizes sizes, Rng& rng) : Attend(A({sizes.inputs, sizes.hidden, sizes.hidden}, rng), sizes.hidden) {
    glorot(W_c, rng);
  }
  /// W_c is zero.
  Attend(A attention_, Index outputs) : attention(std::move(attention_)) {
    const AttentionSizes sizes = attention.sizes();
    W_c.setZero(checked_size(outputs, Dynamic, "outputs"), sizes.features + sizes.query);
  }
  Attend(A attention_, Index outputs, Rng& rng) : Attend(std::move(attention_), outputs) { glorot(W_c, rng); }

  void take_settings(const auto& other) {
    if constexpr (requires { attention.take_settings(other.attention); }) attention.take_settings(other.attention);
  }

  Index inputs() const { return attention.sizes().query; }
  Index outputs() const { return W_c.rows(); }
  Index input_rows() const { return inputs(); }

  static const Output& output(const Trace& trace) { return trace.y; }

  void forward(const Input& x, const Pass& pass, Stateless<>& /*state*/, Trace& trace,
               const Memory<Scalar>& memory) const {
    const Layout& layout = pass.layout;
    const Index count = layout.columns();
    trace.begin(attention, memory, layout);
    detail::reserve(trace.y, outputs(), count);
    detail::reserve(trace.cs, W_c.cols(), count);
    if (count == 0) return;
    attention.project(trace.packed, x.leftCols(count), trace.p.leftCols(count));
    trace.cs.bottomRows(inputs()).leftCols(count) = x.leftCols(count);
    for (Index i = 0; i < layout.running(0); ++i) {
      auto& weights = trace.weights[static_cast<std::size_t>(i)];
      gather(trace.p, layout, i, trace.p_one);
      trace.c_one.resize(features(), weights.cols());
      trace.read_record(attention, memory, i, trace.p_one, weights, trace.c_one);
      for (Index t = 0; t < weights.cols(); ++t)
        trace.cs.col(layout.offset(t) + i).head(features()) = trace.c_one.col(t);
    }
    auto y = trace.y.leftCols(count);
    product(y, W_c, trace.cs.leftCols(count));
    elementwise([](auto& h) { h = tanh(h); }, y);
  }

  void backward(const Input& x, const Output& dy, const Pass& pass, Trace& trace, Stateless<>& /*dstate*/,
                Attend& gradient, Input* dx, const Memory<Scalar>& memory, Memory<Scalar>& dmemory) const {
    const Layout& layout = pass.layout;
    const Index count = layout.columns();
    if (count == 0) return;
    detail::reserve(trace.dz, outputs(), count);
    detail::reserve(trace.dcs, W_c.cols(), count);
    auto dz = trace.dz.leftCols(count);
    elementwise([](auto& dz_, const auto& dh, const auto& h) { dz_ = dh * (1 - h * h); }, dz, dy.leftCols(count),
                trace.y.leftCols(count));
    add_product(gradient.W_c, dz, trace.cs.leftCols(count).transpose());
    product(trace.dcs.leftCols(count), W_c.transpose(), dz);

    trace.begin_back(count);
    for (Index i = 0; i < layout.running(0); ++i) {
      gather(trace.p, layout, i, trace.p_one);
      gather(trace.dcs.topRows(features()), layout, i, trace.c_one);
      trace.dp_one.setZero(trace.p_one.rows(), trace.p_one.cols());
      trace.read_record_back(attention, memory, i, trace.p_one, trace.weights[static_cast<std::size_t>(i)], trace.c_one,
                             trace.dp_one, gradient.attention, dmemory);
      for (Index t = 0; t < trace.dp_one.cols(); ++t) trace.dp.col(layout.offset(t) + i) = trace.dp_one.col(t);
    }
    trace.end_back(attention, x.leftCols(count), memory, gradient.attention, dmemory);
    if (!dx) return;
    detail::reserve(*dx, inputs(), count);
    dx->leftCols(count) = trace.dcs.bottomRows(inputs()).leftCols(count);
    attention.project_back(trace.packed, trace.dp, dx->leftCols(count));
  }

  void begin(const Memory<Scalar>& memory, auto& trace) const { trace.begin(attention, memory); }

  /// One step of a stream whose column k reads record reads[k] of the memory; returns h_t.
  template <int Batch, class Packed>
  const auto& step(const auto& x_t, Stateless<Owned<Batch>>& /*state*/, StepTrace<Batch, Packed>& trace,
                   const Memory<Scalar>& memory, const Reads& reads) const {
    trace.y.resize(outputs(), x_t.cols());
    trace.cs.resize(W_c.cols(), x_t.cols());
    if (x_t.cols() == 0) return trace.y;
    trace.read(attention, x_t, memory, reads, trace.cs.topRows(features()));
    trace.cs.bottomRows(inputs()) = x_t;
    product(trace.y, trace.packed(W_c), trace.cs);
    elementwise([](auto& h) { h = tanh(h); }, trace.y);
    return trace.y;
  }

 private:
  Index features() const { return attention.sizes().features; }

  // The columns of the record in slot i.
  static void gather(const auto& all, const Layout& layout, Index i, Matrix<Scalar>& one) {
    one.resize(all.rows(), layout.length(layout.record(i)));
    for (Index t = 0; t < one.cols(); ++t) one.col(t) = all.col(layout.offset(t) + i);
  }
};

}  // namespace reprise
