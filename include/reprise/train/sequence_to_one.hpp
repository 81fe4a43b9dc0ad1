#pragma once
// One answer for a whole record, whatever its length: a class, a grade, the next value (Goodfellow et al., figure 10.5).
//
//   h_1 .. h_T = body(x)      q = pool(h_1 .. h_T)      y = W_hy q + b_y
//
//   W_hy (outputs, hidden)   b_y (outputs)   y (outputs, records), in the caller's order of records
//
// Backward:  dW_hy += dy q^T   db_y += dy, summed over the records   dq = W_hy^T dy, which the pool gives to the steps it is made of.
//
//   rp::SequenceToOne<rp::Bidirectional<rp::GRUCell<float>>> model{{.inputs = 12, .hidden = 64, .outputs = 9}, rng};
//   rp::loss_and_gradient(model, x, labels, rp::SoftmaxCrossEntropy{}, workspace);       // labels (1, records)

#include <reprise/layers/pooling.hpp>
#include <reprise/train/whole_model.hpp>

namespace reprise {

template <class Body_, class Pool = Last, int Outputs_ = Dynamic>
struct SequenceToOne {
  using Body = LayerOf<Body_>;
  using Scalar = typename Body::Scalar;
  static constexpr int Outputs = Outputs_;
  using Examples = Sequence<typename Body::Input::Scalar, Body::Input::RowsAtCompileTime>;
  template <class S>
  using Rebind = SequenceToOne<typename Body::template Rebind<S>, Pool, Outputs>;

  /// inputs: rows of x_t (of an embedding: its vocabulary); hidden: outputs of every layer; outputs: rows of y.
  struct Sizes {
    Index inputs = 0, hidden = 0, outputs = 0;
  };

  Body body;
  Matrix<Scalar, Outputs, Body::Outputs> W_hy;
  Vector<Scalar, Outputs> b_y;

  static constexpr auto fields() {
    return std::tuple{field("body", &SequenceToOne::body), field("W_hy", &SequenceToOne::W_hy),
                      field("b_y", &SequenceToOne::b_y)};
  }

  struct Trace {
    Matrix<Scalar, Outputs, Dynamic> y;            // (outputs, records)
    Matrix<Scalar, Body::Outputs, Dynamic> q, dq;  // (hidden, records)
    typename Body::Trace body;
    typename Body::template State<Owned<>> state;
    typename Body::Output dh;
  };

  SequenceToOne() {
    W_hy.setZero();  // sizes may be in the type
    b_y.setZero();
  }
  /// All weights zero.
  explicit SequenceToOne(Sizes sizes)
      : SequenceToOne(Body(reprise::Sizes{sizes.inputs, sizes.hidden}), sizes.outputs) {}
  /// The body as it initialises itself, W_hy after Glorot, b_y zero.
  SequenceToOne(Sizes sizes, Rng& rng)
      : SequenceToOne(Body(reprise::Sizes{sizes.inputs, sizes.hidden}, rng), sizes.outputs, rng) {}
  SequenceToOne(Body body_, Index outputs) : body(std::move(body_)) {
    W_hy.setZero(checked_size(outputs, Outputs, "outputs"), body.outputs());
    b_y.setZero(outputs);
  }
  SequenceToOne(Body body_, Index outputs, Rng& rng) : SequenceToOne(std::move(body_), outputs) { glorot(W_hy, rng); }

  void take_settings(const auto& other) {
    if constexpr (requires { body.take_settings(other.body); }) body.take_settings(other.body);
  }

  Index inputs() const { return body.inputs(); }
  Index outputs() const { return W_hy.rows(); }

  static Index columns(const Examples& x) { return x.batch(); }

  void require(const Examples& x) const {
    if (x.batch() != 0) detail::require_size(x.features(), body.input_rows(), "x", "features", "the model");
    detail::require_size(x.values().cols(), x.layout().columns(), "x.values()", "columns", "its layout");
  }

  void forward(const Examples& x, const Mode& mode, Trace& trace) const {
    trace.state = body.template initial_state<Dynamic>(x.batch());
    body.forward(x.values(), mode.pass(x.layout()), trace.state, trace.body);
    trace.q.resize(body.outputs(), x.batch());
    Pool::forward(Body::output(trace.body), x.layout(), detail::reversed_rows(body), trace.q);
    trace.y.resize(outputs(), x.batch());
    if (x.batch() == 0) return;
    product(trace.y, W_hy, trace.q);
    add_bias(trace.y, b_y);
  }

  void backward(const Examples& x, const Matrix<Scalar, Outputs, Dynamic>& dy, const Mode& mode, Trace& trace,
                SequenceToOne& gradient) const {
    if (x.batch() == 0) return;
    const auto dy_ = dy.leftCols(x.batch());
    add_product(gradient.W_hy, dy_, trace.q.transpose());
    add_bias_gradient(gradient.b_y, dy_);
    trace.dq.resize(body.outputs(), x.batch());
    product(trace.dq, W_hy.transpose(), dy_);
    trace.dh.setZero(body.outputs(), x.layout().columns());
    Pool::backward(Body::output(trace.body), x.layout(), detail::reversed_rows(body), trace.dq, trace.dh);
    set_zero(trace.state);  // nothing comes back from beyond the last step
    body.backward(x.values(), trace.dh, mode.pass(x.layout()), trace.body, trace.state, gradient.body, nullptr);
    detail::initial_back(body, trace.state, gradient.body);
  }

  static void split(const Examples& x, Index first, Index count, Examples& part, std::vector<Index>& columns) {
    columns.clear();
    for (Index slot = first; slot < x.batch(); slot += count) columns.push_back(x.layout().record(slot));
    part = x.select(columns);
  }
};

}  // namespace reprise
