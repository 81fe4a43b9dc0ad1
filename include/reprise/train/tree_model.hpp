#pragma once
// A recursive network with a linear readout at every node (Goodfellow et al., section 10.6; Socher et al., EMNLP 2013):
//
//   x_j = E[:, token_j]                     of a Forest of tokens; 0 where a node has no_token; else x_j is given
//   h_j = cell(x_j, states of j's children)
//   y_j = W_hy h_j + b_y                    W_hy (outputs, hidden)   b_y (outputs)   y_j (outputs, nodes)
//
//   dh_j = W_hy^T dy_j      dW_hy += dy_j h_j^T      db_y += dy_j, summed over the nodes      dE[:, token_j] += dx_j
//
//   rp::TreeModel<rp::NaryTreeLSTMCell<float, 2>> model{{.inputs = 3, .hidden = 32, .outputs = 2}, rng};   // Forest<float>
//   rp::TreeModel<rp::ChildSumTreeLSTMCell<float>, rp::Embedding<float>> of_words{...};                   // Forest<int>
//
// It is a WholeModel (train/whole_model.hpp says how to train one). The columns of y, and so of the target, are the nodes in
// the caller's order, those of Forest::values(). Where only some nodes count, such as the roots, the others have a target to
// ignore: SoftmaxCrossEntropy{.ignore = -1}.

#include <reprise/core/forest.hpp>
#include <reprise/layers/embedding.hpp>
#include <reprise/layers/recursive.hpp>
#include <reprise/train/readout.hpp>
#include <reprise/train/whole_model.hpp>

namespace reprise {

/// In place of an Embedding: the nodes come with features.
struct NodeFeatures {
  template <class S>
  using Rebind = NodeFeatures;
  static constexpr auto fields() { return std::tuple{}; }
};

template <TreeCell C, class Lookup = NodeFeatures, int Outputs_ = Dynamic, Bias bias = Bias::present>
struct TreeModel : WithReadout<Recursive<C>, Outputs_, bias> {
  using Base = WithReadout<Recursive<C>, Outputs_, bias>;
  using Body = Recursive<C>;
  using Scalar = typename C::Scalar;
  static constexpr bool tokens = !std::is_same_v<Lookup, NodeFeatures>;
  static constexpr int Inputs = C::Inputs, Hidden = C::Outputs, Outputs = Outputs_;
  using Examples = Forest<std::conditional_t<tokens, int, Scalar>, tokens ? 1 : Inputs>;
  using Output = Matrix<Scalar, Outputs, Dynamic>;
  template <class S>
  using Rebind =
      TreeModel<typename C::template Rebind<S, Inputs, Hidden>, typename Lookup::template Rebind<S>, Outputs, bias>;

  /// inputs: rows of x_j, or the vocabulary; hidden: rows of h_j; outputs: rows of y_j; features: of a token's vector,
  /// 0: as many as hidden.
  struct Sizes {
    Index inputs = tokens ? 0 : known_or_zero(Inputs);
    Index hidden = known_or_zero(Hidden);
    Index outputs = known_or_zero(Outputs);
    Index features = tokens ? known_or_zero(Inputs) : 0;
  };

  using Base::body, Base::outputs;

  Lookup embedding;

  static constexpr auto fields() {
    return std::tuple_cat(std::tuple{field("embedding", &TreeModel::embedding)}, Base::fields());
  }

  struct Trace {
    Output y;  // (outputs, nodes), in the caller's order; the others are in that of the layout
    typename Body::Input x, dx;
    typename Body::Output dh;
    Output ordered;  // y, then dy
    typename Body::Trace body;
  };

  /// All weights zero. Throws shape_error if the sizes are not those of the type.
  explicit TreeModel(Sizes sizes = {}) : Base(Body(C(of_cell(sizes))), sizes.outputs), embedding(lookup(sizes)) {}

  /// The embedding and the cell as they initialise themselves, W_hy after Glorot, b_y zero.
  TreeModel(Sizes sizes, Rng& rng) : Base(Body(C(of_cell(sizes), rng)), sizes.outputs), embedding(lookup(sizes, rng)) {
    this->initialise_readout(rng);
  }

  /// As Sizes has it: rows of x_j, or the vocabulary.
  Index inputs() const {
    if constexpr (tokens)
      return embedding.inputs();
    else
      return body().inputs();
  }

  static Index columns(const Examples& x) { return x.layout().columns(); }

  /// Throws shape_error for features that are not the model's or a node of too many children, value_error for a token beyond
  /// the vocabulary.
  void require(const Examples& x) const {
    detail::require_size(x.values().cols(), columns(x), "x.values()", "columns", "its layout");
    this->require_layout(x.layout());
    if constexpr (tokens) {
      for (Index j = 0; j < columns(x); ++j)
        if (const int token = x.values()(j); token < no_token || token >= embedding.inputs())
          detail::fail<value_error>("token ", token, ", the vocabulary has ", embedding.inputs(), " (0 to ",
                                    embedding.inputs() - 1, ", and ", no_token, " for none)");
    } else if (columns(x) != 0) {
      detail::require_size(x.features(), inputs(), "x", "features", "the model");
    }
  }

  /// Leaves y of every node in trace.y.
  void forward(const Examples& x, const Mode& /*mode: nothing here is random*/, Trace& trace) const {
    const TreeLayout& layout = x.layout();
    const Index count = layout.columns();
    detail::reserve(trace.y, outputs(), count);
    if (count == 0) return;
    detail::reserve(trace.x, body().inputs(), count);
    for (Index j = 0; j < count; ++j) {
      if constexpr (!tokens)
        trace.x.col(j) = x.values().col(layout.node(j));
      else if (const int token = x.values()(layout.node(j)); token == no_token)
        trace.x.col(j).setZero();
      else
        trace.x.col(j) = embedding.E.col(token);
    }
    body().forward(trace.x, layout, trace.body);
    detail::reserve(trace.ordered, outputs(), count);
    this->readout(trace.body.state.h, count, trace.ordered);
    for (Index j = 0; j < count; ++j) trace.y.col(layout.node(j)) = trace.ordered.col(j);
  }

  /// Adds to `gradient`; `dy` (outputs, at least columns(x)).
  void backward(const Examples& x, const Output& dy, const Mode& /*mode*/, Trace& trace, TreeModel& gradient) const {
    const TreeLayout& layout = x.layout();
    const Index count = layout.columns();
    if (count == 0) return;
    for (Index j = 0; j < count; ++j) trace.ordered.col(j) = dy.col(layout.node(j));
    detail::reserve(trace.dh, body().outputs(), count);
    this->readout_back(trace.body.state.h, count, trace.ordered, gradient, trace.dh);
    body().backward(trace.x, trace.dh, layout, trace.body, gradient.body(), tokens ? &trace.dx : nullptr);
    if constexpr (tokens)
      for (Index j = 0; j < count; ++j)
        if (const int token = x.values()(layout.node(j)); token != no_token)
          gradient.embedding.E.col(token) += trace.dx.col(j);
  }

  /// Every `count`-th tree from `first` on, and which columns of the whole y each column of their y is.
  static void split(const Examples& x, Index first, Index count, Examples& part, std::vector<Index>& columns) {
    std::vector<std::vector<Index>> parents;
    columns.clear();
    for (Index tree = first; tree < x.trees(); tree += count) {
      parents.push_back(x.layout().parents(tree));
      for (Index i = 0; i < x.nodes(tree); ++i) columns.push_back(x.layout().first(tree) + i);
    }
    part = Examples(TreeLayout(std::move(parents)), x.features());
    for (Index j = 0; j < part.layout().columns(); ++j)
      part.values().col(j) = x.values().col(columns[static_cast<std::size_t>(j)]);
  }

 private:
  // Of x_j, where an Embedding gives it.
  static Index features(const Sizes& sizes) { return sizes.features != 0 ? sizes.features : sizes.hidden; }

  static reprise::Sizes of_cell(const Sizes& sizes) {
    if (!tokens && sizes.features != 0)
      detail::fail<shape_error>("features = ", sizes.features, ": without an Embedding there are the inputs only");
    return {tokens ? features(sizes) : sizes.inputs, sizes.hidden};
  }

  static Lookup lookup(const Sizes& sizes, auto&... rng) {
    if constexpr (tokens)
      return Lookup(reprise::Sizes{sizes.inputs, features(sizes)}, rng...);
    else
      return {};
  }
};

}  // namespace reprise
