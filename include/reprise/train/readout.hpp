#pragma once
// A body with a linear readout on top (Goodfellow et al., equation 10.10):
//
//   y = W_hy h + b_y      h (hidden, columns)   W_hy (outputs, hidden)   b_y (outputs)   y (outputs, columns)
//
// Backward:  dW_hy += dy h^T      db_y += dy, summed over the columns      dh = W_hy^T dy
//
// What the columns are is up to the model: the steps of a sequence (SequenceModel), records (SequenceToOne), the nodes of a
// tree (TreeModel). A model is its body with this on top: model.cell.W_hh where the body is a cell, model.layers where it is a
// Stack.

#include <reprise/core/initialise.hpp>
#include <reprise/core/parts.hpp>
#include <reprise/kernels/bias.hpp>
#include <reprise/kernels/product.hpp>

namespace reprise {

template <class Body_, int Outputs_, Bias bias>
struct WithReadout : Body_ {
  using Body = Body_;
  using Scalar = typename Body::Scalar;
  static constexpr int Inputs = Body::Inputs, Hidden = Body::Outputs, Outputs = Outputs_;

  /// inputs: rows of x_t (of an embedding: its vocabulary); hidden: outputs of every layer; outputs: rows of y.
  struct Sizes {
    Index inputs = known_or_zero(Inputs);
    Index hidden = known_or_zero(Hidden);
    Index outputs = known_or_zero(Outputs);
    Index inner = 0;  ///< as in reprise::Sizes
  };

  Matrix<Scalar, Outputs, Hidden> W_hy;
  Vector<Scalar, bias == Bias::present ? Outputs : 0> b_y;

  static constexpr auto fields() {
    return std::tuple_cat(Body::fields(),
                          std::tuple{field("W_hy", &WithReadout::W_hy), field("b_y", &WithReadout::b_y)});
  }

  /// All weights zero; without sizes, those of the type. Throws shape_error if the sizes are not those of the type.
  WithReadout() : WithReadout(Body(), known_or_zero(Outputs)) {}
  explicit WithReadout(Sizes sizes) : WithReadout(Body(of_body(sizes)), sizes.outputs) {}

  /// The body as it initialises itself, W_hy after Glorot, b_y zero.
  WithReadout(Sizes sizes, Rng& rng) : WithReadout(Body(of_body(sizes), rng), sizes.outputs, rng) {}

  /// A body that is there already, and a readout of zeros, or initialised.
  WithReadout(Body body, Index outputs) : Body(std::move(body)) {
    checked_size(outputs, Outputs, "outputs");
    W_hy.setZero(outputs, Body::outputs());
    b_y.setZero(bias == Bias::present ? outputs : 0);
  }
  WithReadout(Body body, Index outputs, Rng& rng) : WithReadout(std::move(body), outputs) { initialise_readout(rng); }

  /// W_hy after Glorot. Throws shape_error if there are no outputs: then somebody forgot to say how many.
  void initialise_readout(Rng& rng) {
    if (W_hy.rows() == 0) detail::fail<shape_error>("outputs = 0: a model that is to learn has at least one");
    glorot(W_hy, rng);
  }

  const Body& body() const { return *this; }
  Body& body() { return *this; }
  Index outputs() const { return W_hy.rows(); }

  // What the passes of a model are made of; h, y, dy and dh have at least `count` columns.

  void readout(const auto& h, Index count, auto& y) const {
    if (count == 0) return;
    product(y.leftCols(count), W_hy, h.leftCols(count));
    add_bias(y.leftCols(count), b_y);
  }

  void readout_back(const auto& h, Index count, const auto& dy, WithReadout& gradient, auto& dh) const {
    if (count == 0) return;
    add_product(gradient.W_hy, dy.leftCols(count), h.leftCols(count).transpose());
    add_bias_gradient(gradient.b_y, dy.leftCols(count));
    product(dh.leftCols(count), W_hy.transpose(), dy.leftCols(count));
  }

 private:
  static reprise::Sizes of_body(const Sizes& sizes) { return {sizes.inputs, sizes.hidden, sizes.inner}; }
};

}  // namespace reprise
