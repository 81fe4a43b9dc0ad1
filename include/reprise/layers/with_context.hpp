#pragma once
// The summary of the memory as a further input at every step (Goodfellow et al., section 10.2.4, figure 10.9; Cho et al., 2014):
//
//   y_t = (x_t; c)     c: the summary of the record's source
//
//   x_t (inputs, batch)   c (features, batch)   y_t (inputs + features, batch)
//
// Backward:  dx_t = the upper rows of dy_t, dc = the sum over t of the lower ones.
//
// It stands in the decoder of an EncoderDecoder, below the cell: Stack<Embedding<float>, WithContext<float>, GRUCell<float>>,
// built from its layers.

#include <reprise/core/layer.hpp>
#include <reprise/core/memory.hpp>

namespace reprise {

template <class Scalar_>
struct WithContext : StatelessLayer {
  using Scalar = Scalar_;
  static constexpr int Inputs = Dynamic, Outputs = Dynamic;
  using Input = Matrix<Scalar>;
  using Output = Matrix<Scalar>;
  template <class S>
  using Rebind = WithContext<S>;

  Index rows = 0, features = 0;  // of x_t and of c

  static constexpr auto fields() { return std::tuple{}; }

  struct Trace {
    Output y;  // (inputs + features, columns)
  };

  WithContext() = default;
  explicit WithContext(Sizes, auto&... /*rng*/) {
    static_assert(!sizeof(Scalar),
                  "WithContext has more outputs than hidden: build the Stack it is in from its layers");
  }
  WithContext(Index inputs, Index features_)
      : rows(checked_size(inputs, Dynamic, "inputs")), features(checked_size(features_, Dynamic, "features")) {}

  void take_settings(const auto& other) {
    rows = other.rows;
    features = other.features;
  }

  Index inputs() const { return rows; }
  Index outputs() const { return rows + features; }
  Index input_rows() const { return rows; }

  static const Output& output(const Trace& trace) { return trace.y; }

  void forward(const Input& x, const Pass& pass, Stateless<>& /*state*/, Trace& trace,
               const Memory<Scalar>& memory) const {
    const Layout& layout = pass.layout;
    require_summary(memory);
    detail::require_size(memory.records(), layout.batch(), "the memory", "records", "the batch");
    detail::reserve(trace.y, outputs(), layout.columns());
    if (layout.columns() == 0) return;
    trace.y.topRows(rows).leftCols(layout.columns()) = x.leftCols(layout.columns());
    for (Index t = 0; t < layout.steps(); ++t)
      trace.y.bottomRows(features).middleCols(layout.offset(t), layout.running(t)) =
          memory.summary.leftCols(layout.running(t));
  }

  void backward(const Input& /*x*/, const Output& dy, const Pass& pass, Trace& /*trace*/, Stateless<>& /*dstate*/,
                WithContext& /*gradient*/, Input* dx, const Memory<Scalar>& /*memory*/, Memory<Scalar>& dmemory) const {
    const Layout& layout = pass.layout;
    if (layout.columns() == 0) return;
    for (Index t = 0; t < layout.steps(); ++t)
      dmemory.summary.leftCols(layout.running(t)) +=
          dy.bottomRows(features).middleCols(layout.offset(t), layout.running(t));
    if (!dx) return;
    detail::reserve(*dx, rows, layout.columns());
    dx->leftCols(layout.columns()) = dy.topRows(rows).leftCols(layout.columns());
  }

  template <int Batch, class Packed>
  using StepTrace = StepTraceOf<Matrix<Scalar, Dynamic, Batch>, Packed>;

  void begin(const Memory<Scalar>& memory, auto& /*trace*/) const { require_summary(memory); }

  template <int Batch, class Packed>
  const auto& step(const auto& x_t, Stateless<Owned<Batch>>& /*state*/, StepTrace<Batch, Packed>& trace,
                   const Memory<Scalar>& memory, const Reads& reads) const {
    trace.y.resize(outputs(), x_t.cols());
    trace.y.topRows(rows) = x_t;
    for (Index k = 0; k < x_t.cols(); ++k)
      trace.y.col(k).tail(features) = memory.summary.col(reads[static_cast<std::size_t>(k)]);
    return trace.y;
  }

 private:
  void require_summary(const Memory<Scalar>& memory) const {
    detail::require_size(memory.summary.rows(), features, "the memory's summary", "rows", "WithContext");
  }
};

}  // namespace reprise
