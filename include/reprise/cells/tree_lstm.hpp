#pragma once
// The tree-structured LSTMs of Tai, Socher and Manning (ACL 2015): a forget gate f_jk for each child k of a node j, so that it
// may keep what one branch says and drop the other. Gates stand in the order i, o, u, f.
//
//   | i_j  |   | sigmoid |                                       input gate,
//   | o_j  | = | sigmoid | (a_j)                                 output gate,
//   | u_j  |   | tanh    |                                       candidate,
//   | f_jk |   | sigmoid | (a_jk)                                forget gate of child k
//
//   c_j = i_j * u_j + sum_k f_jk * c_k
//   h_j = o_j * tanh(c_j)
//
// Child-sum (equations 2 to 8 there): any number of children, whose order does not count; h~_j = sum_k h_k
//
//   a_j  = W_xh x_j + U h~_j + b_h    (rows i, o, u)             U (3 hidden, hidden)
//   a_jk = W_xh x_j + U_f h_k + b_h   (rows f)                   U_f (hidden, hidden)
//
// N-ary (equations 9 to 14): at most N = `Arity` children, whose order counts; where there is none its terms are missing
//
//   a_j  = W_xh x_j + sum_l U_l h_l + b_h     (rows i, o, u)     U = (U_1 .. U_N) (3 hidden, N hidden)
//   a_jk = W_xh x_j + sum_l U_kl h_l + b_h    (rows f)           U_f: the blocks U_kl (N hidden, N hidden)
//
//   x_j (inputs, nodes)   i, o, u, h, c, h~ (hidden, nodes)   f_jk, h_k, c_k (hidden, edges)
//   W_xh (4 hidden, inputs)   b_h (4 hidden)
//
// With N = 1 and a chain for a tree it is LSTMCell, from the initial state 0. Backward, from dh_j and dc_j:
//
//   do_j = dh_j * tanh(c_j)                     dc_j += dh_j * o_j * (1 - tanh(c_j)^2)
//   di_j = dc_j * u_j       du_j = dc_j * i_j       df_jk = dc_j * c_k       dc_k = dc_j * f_jk
//   da_j = (di_j i_j (1 - i_j),  do_j o_j (1 - o_j),  du_j (1 - u_j^2))       da_jk = df_jk f_jk (1 - f_jk)
//   of W_xh and b_h as in AffineInput, where the rows f of da are sum_k da_jk; and in
//
//   child-sum   dh_k = U^T da_j + U_f^T da_jk                  dU += da_j h~_j^T     dU_f += da_jk h_k^T
//   N-ary       dh_l = U_l^T da_j + sum_k U_kl^T da_jk         dU_l += da_j h_l^T    dU_kl += da_jk h_l^T

#include <reprise/cells/affine_input.hpp>
#include <reprise/core/tree_cell.hpp>

namespace reprise {

/// What the two have in common: all but `recur`, `recur_back` and `accumulate_children`. `Blocks`: of U, and of U_f each way.
template <class Cell_, class Scalar, int Inputs, int Hidden, int Blocks, Bias bias>
struct TreeLSTM : AffineInput<Scalar, Inputs, Hidden, 4, bias> {
  using Base = typename TreeLSTM::AffineInput;

  Matrix<Scalar, times(3, Hidden), times(Blocks, Hidden)> U;
  Matrix<Scalar, times(Blocks, Hidden), times(Blocks, Hidden)> U_f;

  static constexpr auto fields() {
    return std::tuple{field("W_xh", &TreeLSTM::W_xh), field("U", &TreeLSTM::U), field("U_f", &TreeLSTM::U_f),
                      field("b_h", &TreeLSTM::b_h)};
  }

  template <class Storage = Owned<>>
  struct State {
    Part<Storage, Scalar, Hidden> h;  // (hidden, nodes)
    Part<Storage, Scalar, Hidden> c;  // (hidden, nodes)
    static constexpr auto fields() { return std::tuple{field("h", &State::h), field("c", &State::c)}; }
  };

  template <class Storage = Owned<>>
  struct Trace {
    Part<Storage, Scalar, Base::GateRows> a;  // (4 hidden, nodes): a_j, after join i, o, u, after join_back da_j
    Part<Storage, Scalar, Hidden> tanh_c;     // (hidden, nodes)
    static constexpr auto fields() { return std::tuple{field("a", &Trace::a), field("tanh_c", &Trace::tanh_c)}; }
  };

  template <class Storage = Owned<>>
  struct EdgeTrace {
    Part<Storage, Scalar, Hidden> f;  // (hidden, edges): a_jk, after join f_jk, after join_back da_jk
    static constexpr auto fields() { return std::tuple{field("f", &EdgeTrace::f)}; }
  };

  /// Zero weights of these sizes. Throws shape_error if they are not those of the type.
  explicit TreeLSTM(Sizes sizes = {known_or_zero(Inputs), known_or_zero(Hidden)}) : Base(sizes) { size_children(); }

  /// Each gate's W_xh after Glorot, every block of U and U_f orthogonal, biases zero, but 1 for the forget gates.
  TreeLSTM(Sizes sizes, Rng& rng) : Base(sizes, rng) {
    size_children();
    for (Index l = 0; l < Blocks; ++l) {
      auto U_l = of_child(U, l);
      for (Index k = 0; k < 3; ++k) orthogonal(gate(U_l, k), rng);
      for (Index k = 0; k < Blocks; ++k) orthogonal(of_children(U_f, k, l), rng);
    }
    if constexpr (bias == Bias::present) gate(this->b_h, 3).setOnes();
  }

  std::array<Index, 2> state_rows() const { return {units(), units()}; }
  std::array<Index, 2> trace_rows() const { return {4 * units(), units()}; }
  std::array<Index, 1> edge_trace_rows() const { return {units()}; }

  void join(auto& packed, const Level& level, const auto& children, auto& edges, auto& nodes, auto& state) const {
    const auto a_f = gate(nodes.a, 3);
    for (Index k = 0; k < level.arity(); ++k) level.children(edges.f, k) = level.parents(a_f, k);
    if (level.arity() > 0) self().recur(packed, level, children, edges, nodes);
    elementwise(
        [](auto& i, auto& o, auto& u, auto& c) {
          i = sigmoid(i);
          o = sigmoid(o);
          u = tanh(u);
          c = i * u;
        },
        gate(nodes.a, 0), gate(nodes.a, 1), gate(nodes.a, 2), state.c);
    for (Index k = 0; k < level.arity(); ++k)
      elementwise(
          [](auto& f, const auto& c_k, auto& c) {
            f = sigmoid(f);
            c = c + f * c_k;
          },
          level.children(edges.f, k), level.children(children.c, k), level.parents(state.c, k));
    elementwise(
        [](auto& tanh_c, auto& h, const auto& o, const auto& c) {
          tanh_c = tanh(c);
          h = o * tanh_c;
        },
        nodes.tanh_c, state.h, gate(nodes.a, 1), state.c);
  }

  void join_back(auto& packed, const Level& level, const auto& children, auto& edges, auto& nodes, auto& d,
                 auto& dchildren) const {
    elementwise(
        [](auto& i, auto& o, auto& u, const auto& tanh_c, auto& dc, const auto& dh) {
          dc = dc + dh * o * (1 - tanh_c * tanh_c);
          const auto di = dc * u, do_j = dh * tanh_c, du = dc * i;
          i = di * i * (1 - i);
          o = do_j * o * (1 - o);
          u = du * (1 - u * u);
        },
        gate(nodes.a, 0), gate(nodes.a, 1), gate(nodes.a, 2), nodes.tanh_c, d.c, d.h);
    auto da_f = gate(nodes.a, 3);
    da_f.setZero();
    for (Index k = 0; k < level.arity(); ++k)
      elementwise(
          [](auto& f, auto& dc_k, auto& sum, const auto& c_k, const auto& dc) {
            const auto df = dc * c_k;
            dc_k = dc * f;
            f = df * f * (1 - f);
            sum = sum + f;
          },
          level.children(edges.f, k), level.children(dchildren.c, k), level.parents(da_f, k),
          level.children(children.c, k), level.parents(d.c, k));
    if (level.arity() > 0) self().recur_back(packed, level, edges, nodes, dchildren.h);
  }

  void accumulate(const auto& x, const auto& nodes, TreeLSTM& gradient) const {
    Base::accumulate(x, nodes, nodes, gradient);
  }

 protected:
  using Base::gate;
  using Base::units;

  auto iou(auto& a) const { return a.topRows(3 * units()); }
  auto of_child(auto& stacked, Index l) const { return stacked.middleCols(l * units(), units()); }
  auto of_children(auto& blocks, Index k, Index l) const {
    return blocks.block(k * units(), l * units(), units(), units());
  }

 private:
  void size_children() {
    U.setZero(3 * units(), Blocks * units());
    U_f.setZero(Blocks * units(), Blocks * units());
  }

  const Cell_& self() const { return static_cast<const Cell_&>(*this); }
};

template <class Scalar, int Inputs = Dynamic, int Hidden = Dynamic, Bias bias = Bias::present>
struct ChildSumTreeLSTMCell
    : TreeLSTM<ChildSumTreeLSTMCell<Scalar, Inputs, Hidden, bias>, Scalar, Inputs, Hidden, 1, bias> {
  static constexpr int Arity = Dynamic;
  template <class S, int I = Dynamic, int H = Dynamic>
  using Rebind = ChildSumTreeLSTMCell<S, I, H, bias>;

  template <class Storage = Owned<>>
  struct Trace {
    Part<Storage, Scalar, times(4, Hidden)> a;  // as in TreeLSTM
    Part<Storage, Scalar, Hidden> tanh_c;
    Part<Storage, Scalar, Hidden> sum;  // (hidden, nodes): h~_j
    static constexpr auto fields() {
      return std::tuple{field("a", &Trace::a), field("tanh_c", &Trace::tanh_c), field("sum", &Trace::sum)};
    }
  };

  using ChildSumTreeLSTMCell::TreeLSTM::TreeLSTM;

  std::array<Index, 3> trace_rows() const { return {4 * this->units(), this->units(), this->units()}; }

  void recur(auto& packed, const Level& level, const auto& children, auto& edges, auto& nodes) const {
    nodes.sum = level.children(children.h, 0);  // h~_j = sum_k h_k; above the leaves every node has a first child
    for (Index k = 1; k < level.arity(); ++k) level.parents(nodes.sum, k) += level.children(children.h, k);
    add_product(this->iou(nodes.a), packed(this->U), nodes.sum);  // a_j += U h~_j
    add_product(edges.f, packed(this->U_f), children.h);          // a_jk += U_f h_k
  }

  void recur_back(auto& packed, const Level& level, const auto& edges, const auto& nodes, auto& dh) const {
    auto dsum = level.children(dh, 0);
    product(dsum, packed(this->U.transpose()), this->iou(nodes.a));  // dh_k = U^T da_j, the same for every k
    for (Index k = 1; k < level.arity(); ++k) level.children(dh, k) = level.parents(dsum, k);
    add_product(dh, packed(this->U_f.transpose()), edges.f);  // dh_k += U_f^T da_jk
  }

  void accumulate_children(const Level& level, const auto& children, const auto& edges, const auto& nodes,
                           ChildSumTreeLSTMCell& gradient) const {
    if (level.arity() == 0) return;
    add_product(gradient.U, this->iou(nodes.a), nodes.sum.transpose());  // dU += da_j h~_j^T
    add_product(gradient.U_f, edges.f, children.h.transpose());          // dU_f += da_jk h_k^T
  }
};

template <class Scalar, int Arity_, int Inputs = Dynamic, int Hidden = Dynamic, Bias bias = Bias::present>
struct NaryTreeLSTMCell
    : TreeLSTM<NaryTreeLSTMCell<Scalar, Arity_, Inputs, Hidden, bias>, Scalar, Inputs, Hidden, Arity_, bias> {
  static_assert(Arity_ > 0, "an NaryTreeLSTMCell has a U for each child that a node may have");
  static constexpr int Arity = Arity_;
  template <class S, int I = Dynamic, int H = Dynamic>
  using Rebind = NaryTreeLSTMCell<S, Arity, I, H, bias>;

  using NaryTreeLSTMCell::TreeLSTM::TreeLSTM;

  void recur(auto& packed, const Level& level, const auto& children, auto& edges, auto& nodes) const {
    for (Index l = 0; l < level.arity(); ++l) {
      const auto h_l = level.children(children.h, l);
      add_product(level.parents(this->iou(nodes.a), l), packed(this->of_child(this->U, l)), h_l);  // a_j += U_l h_l
      each_gate(level, edges.f, l, [&](Index k, auto f, Index both) {                              // a_jk += U_kl h_l
        add_product(f, packed(this->of_children(this->U_f, k, l)), h_l.leftCols(both));
      });
    }
  }

  void recur_back(auto& packed, const Level& level, const auto& edges, const auto& nodes, auto& dh) const {
    for (Index l = 0; l < level.arity(); ++l) {
      auto dh_l = level.children(dh, l);  // U_l^T da_j + sum_k U_kl^T da_jk
      product(dh_l, packed(this->of_child(this->U, l).transpose()), level.parents(this->iou(nodes.a), l));
      each_gate(level, edges.f, l, [&](Index k, auto f, Index both) {
        add_product(dh_l.leftCols(both), packed(this->of_children(this->U_f, k, l).transpose()), f);
      });
    }
  }

  void accumulate_children(const Level& level, const auto& children, const auto& edges, const auto& nodes,
                           NaryTreeLSTMCell& gradient) const {
    for (Index l = 0; l < level.arity(); ++l) {
      const auto h_l = level.children(children.h, l);
      add_product(this->of_child(gradient.U, l), level.parents(this->iou(nodes.a), l), h_l.transpose());
      each_gate(level, edges.f, l, [&](Index k, auto f, Index both) {  // dU_kl += da_jk h_l^T
        add_product(this->of_children(gradient.U_f, k, l), f, h_l.leftCols(both).transpose());
      });
    }
  }

 private:
  // visit(k, f_k, both) for the forget gate of every child k: `both` columns of it, of nodes with a k-th and an l-th child.
  static void each_gate(const Level& level, auto& f, Index l, const auto& visit) {
    for (Index k = 0; k < level.arity(); ++k) {
      const Index both = level.having(std::max(k, l));
      visit(k, level.children(f, k).leftCols(both), both);
    }
  }
};

}  // namespace reprise
