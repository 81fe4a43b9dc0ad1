#pragma once
// One answer for a whole record, whatever its length: a class, a grade, the next value (Goodfellow et al., figure 10.5).
//
//   h_1 .. h_T = body(x)      q = pool(h_1 .. h_T)      y = W_hy q + b_y
//
//   y (outputs, records), in the caller's order of records
//
// Backward, after that of the readout (train/readout.hpp): the pool gives dq to the steps that q is made of.
//
//   rp::SequenceToOne<rp::Bidirectional<rp::GRUCell<float>>> model{{.inputs = 12, .hidden = 64, .outputs = 9}, rng};
//   rp::loss_and_gradient(model, x, labels, rp::SoftmaxCrossEntropy{}, workspace);       // labels (1, records)

#include <reprise/layers/pooling.hpp>
#include <reprise/layers/stack.hpp>
#include <reprise/train/readout.hpp>
#include <reprise/train/whole_model.hpp>

namespace reprise {

template <class Body_, class Pool = Last, int Outputs_ = Dynamic, Bias bias = Bias::present>
struct SequenceToOne : WithReadout<LayerOf<Body_>, Outputs_, bias> {
  using Base = WithReadout<LayerOf<Body_>, Outputs_, bias>;
  using Body = LayerOf<Body_>;
  using Scalar = typename Body::Scalar;
  static constexpr int Outputs = Outputs_;
  using Examples = Sequence<typename Body::Input::Scalar, Body::Input::RowsAtCompileTime>;
  template <class S>
  using Rebind = SequenceToOne<typename Body::template Rebind<S>, Pool, Outputs, bias>;

  using Base::Base;  // of Sizes{.inputs, .hidden, .outputs}, with an Rng or all zero; of a body
  using Base::body, Base::outputs;

  struct Trace {
    Matrix<Scalar, Outputs, Dynamic> y;            // (outputs, records)
    Matrix<Scalar, Body::Outputs, Dynamic> q, dq;  // (hidden, records)
    typename Body::Trace body;
    typename Body::template State<Owned<>> state;
    typename Body::Output dh;
  };

  static Index columns(const Examples& x) { return x.batch(); }

  void require(const Examples& x) const {
    if (x.batch() != 0) detail::require_size(x.features(), this->input_rows(), "x", "features", "the model");
    detail::require_size(x.values().cols(), x.layout().columns(), "x.values()", "columns", "its layout");
  }

  void forward(const Examples& x, const Mode& mode, Trace& trace) const {
    trace.state = body().template initial_state<Dynamic>(x.batch());
    body().forward(x.values(), mode.pass(x.layout()), trace.state, trace.body);
    trace.q.resize(body().outputs(), x.batch());
    Pool::forward(Body::output(trace.body), x.layout(), detail::reversed_rows(body()), trace.q);
    trace.y.resize(outputs(), x.batch());
    this->readout(trace.q, x.batch(), trace.y);
  }

  void backward(const Examples& x, const Matrix<Scalar, Outputs, Dynamic>& dy, const Mode& mode, Trace& trace,
                SequenceToOne& gradient) const {
    if (x.batch() == 0) return;
    trace.dq.resize(body().outputs(), x.batch());
    this->readout_back(trace.q, x.batch(), dy, gradient, trace.dq);
    trace.dh.setZero(body().outputs(), x.layout().columns());
    Pool::backward(Body::output(trace.body), x.layout(), detail::reversed_rows(body()), trace.dq, trace.dh);
    set_zero(trace.state);  // nothing comes back from beyond the last step
    body().backward(x.values(), trace.dh, mode.pass(x.layout()), trace.body, trace.state, gradient.body(), nullptr);
    detail::initial_back(body(), trace.state, gradient.body());
  }

  static void split(const Examples& x, Index first, Index count, Examples& part, std::vector<Index>& columns) {
    columns.clear();
    for (Index slot = first; slot < x.batch(); slot += count) columns.push_back(x.layout().record(slot));
    part = x.select(columns);
  }
};

}  // namespace reprise
