#pragma once
// The recursive network of Pollack (1990) and of Socher et al. (ICML 2011); Goodfellow et al., Deep Learning, section 10.6.
// A node j has at most N = `Arity` children, whose order counts; h_k is the state of its k-th child, and where there is
// none the term is missing:
//
//   a_j = W_xh x_j + sum_k U_k h_k + b_h
//   h_j = f(a_j)                              f is tanh, or another activation: Relu, Sigmoid, Identity
//
//   x_j (inputs, nodes)   h_j, a_j (hidden, nodes)   W_xh (hidden, inputs)   U = (U_1 .. U_N) (hidden, N hidden)   b_h (hidden)
//
// With N = 1 and a chain for a tree it is RNNCell, from the initial state 0. Backward (back-propagation through structure, Goller
// and Küchler, 1996), from dh_j = dL/dh_j:
//
//   da_j = f'(a_j) * dh_j                     tanh' = 1 - h_j^2
//   dh_k = U_k^T da_j                         dU_k += da_j h_k^T
//   and as in AffineInput: dW_xh += da_j x_j^T, db_h += da_j, dx_j = W_xh^T da_j

#include <reprise/cells/affine_input.hpp>
#include <reprise/core/tree_cell.hpp>

namespace reprise {

template <class Scalar, int Arity_, int Inputs = Dynamic, int Hidden = Dynamic, Bias bias = Bias::present,
          class Activation = Tanh>
struct TreeRNNCell : AffineInput<Scalar, Inputs, Hidden, 1, bias> {
  static_assert(Arity_ > 0, "a TreeRNNCell has a U for each child that a node may have");
  using Base = typename TreeRNNCell::AffineInput;
  static constexpr int Arity = Arity_;
  template <class S, int I = Dynamic, int H = Dynamic>
  using Rebind = TreeRNNCell<S, Arity, I, H, bias, Activation>;

  Matrix<Scalar, Hidden, times(Arity, Hidden)> U;

  static constexpr auto fields() {
    return std::tuple{field("W_xh", &TreeRNNCell::W_xh), field("U", &TreeRNNCell::U), field("b_h", &TreeRNNCell::b_h)};
  }

  template <class Storage = Owned<>>
  struct EdgeTrace {
    static constexpr auto fields() { return std::tuple{}; }
  };

  /// Zero weights of these sizes. Throws shape_error if they are not those of the type.
  explicit TreeRNNCell(Sizes sizes = {known_or_zero(Inputs), known_or_zero(Hidden)}) : Base(sizes) {
    U.setZero(sizes.hidden, Arity * sizes.hidden);
  }

  /// W_xh after Glorot, every U_k orthogonal, the bias zero.
  TreeRNNCell(Sizes sizes, Rng& rng) : Base(sizes, rng) {
    U.setZero(sizes.hidden, Arity * sizes.hidden);
    for (Index k = 0; k < Arity; ++k) orthogonal(of_child(U, k), rng);
  }

  std::array<Index, 0> edge_trace_rows() const { return {}; }

  void join(auto& packed, const Level& level, const auto& children, auto& /*edges*/, auto& nodes, auto& state) const {
    for (Index k = 0; k < level.arity(); ++k)  // a_j += U_k h_k
      add_product(level.parents(nodes.a, k), packed(of_child(U, k)), level.children(children.h, k));
    elementwise([](auto& a, auto& h) { h = a = Activation::of(a); }, nodes.a, state.h);  // h_j = f(a_j)
  }

  void join_back(auto& packed, const Level& level, const auto& /*children*/, auto& /*edges*/, auto& nodes, auto& d,
                 auto& dchildren) const {
    elementwise([](auto& a, const auto& dh) { a = Activation::slope(a) * dh; }, nodes.a, d.h);  // da_j = f'(a_j) dh_j
    for (Index k = 0; k < level.arity(); ++k)                                                   // dh_k = U_k^T da_j
      product(level.children(dchildren.h, k), packed(of_child(U, k).transpose()), level.parents(nodes.a, k));
  }

  void accumulate(const auto& x, const auto& nodes, TreeRNNCell& gradient) const {
    Base::accumulate(x, nodes, nodes, gradient);
  }

  void accumulate_children(const Level& level, const auto& children, const auto& /*edges*/, const auto& nodes,
                           TreeRNNCell& gradient) const {
    for (Index k = 0; k < level.arity(); ++k)  // dU_k += da_j h_k^T
      add_product(of_child(gradient.U, k), level.parents(nodes.a, k), level.children(children.h, k).transpose());
  }

 private:
  auto of_child(auto& stacked, Index k) const { return stacked.middleCols(k * this->outputs(), this->outputs()); }
};

}  // namespace reprise
