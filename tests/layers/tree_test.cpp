#include <reprise/cells/lstm.hpp>
#include <reprise/cells/rnn.hpp>
#include <reprise/cells/tree_lstm.hpp>
#include <reprise/cells/tree_rnn.hpp>
#include <reprise/check/check_gradient.hpp>
#include <reprise/losses/cross_entropy.hpp>
#include <reprise/losses/squared_error.hpp>
#include <reprise/parallel/whole_model.hpp>
#include <reprise/train/tree_model.hpp>

#include "catch.hpp"

namespace rp = reprise;
using Eigen::MatrixXd;
using rp::Dual;
using rp::Index;
using Parents = std::vector<std::vector<Index>>;

namespace {

using RNN = rp::TreeRNNCell<double, 3>;
using Nary = rp::NaryTreeLSTMCell<double, 3>;
using ChildSum = rp::ChildSumTreeLSTMCell<double>;
static_assert(rp::TreeCell<RNN> && rp::TreeCell<Nary> && rp::TreeCell<ChildSum>);
static_assert(rp::WholeModel<rp::TreeModel<Nary>> && rp::WholeModel<rp::TreeModel<ChildSum, rp::Embedding<double>>>);

// Node 4 has three children, among them a chain; a single node; no node; a
// chain from the last node up; a leaf beside a deep branch, numbered from the
// middle; two nodes.
const Parents ragged{{4, 0, 1, 4, -1, 4, 3, 3}, {-1}, {}, {1, 2, 3, -1}, {2, 0, -1, 2, 0, 4}, {-1, 0}};

std::vector<MatrixXd> random_records(const Parents& parents, Index rows, rp::Rng& rng) {
  std::vector<MatrixXd> records;
  for (const auto& tree : parents) {
    records.emplace_back(rows, static_cast<Index>(tree.size()));
    rp::uniform(records.back(), 1, rng);
  }
  return records;
}

rp::Forest<double> random_forest(const Parents& parents, Index rows, rp::Rng& rng) {
  return {rp::TreeLayout(parents), random_records(parents, rows, rng)};
}

// Weights away from where a new model begins, where biases are equal.
template <class M>
M random_model(typename M::Sizes sizes, rp::Rng& rng) {
  M model(sizes);
  rp::for_each_parameter([&](auto& p) { rp::uniform(p, 0.9, rng); }, model);
  return model;
}

// Of the trees alone, one after the other.
template <class M>
MatrixXd each_alone(const M& model, const typename M::Examples& x) {
  MatrixXd y(model.outputs(), M::columns(x));
  for (Index tree = 0; tree < x.trees(); ++tree) {
    const typename M::Examples alone(rp::TreeLayout(Parents{x.layout().parents(tree)}), {x[tree]});
    y.middleCols(x.layout().first(tree), x.nodes(tree)) = rp::predict(model, alone);
  }
  return y;
}

template <class Cell>
MatrixXd h_of(const Cell& cell, const rp::Forest<double>& x) {
  using Model = rp::TreeModel<Cell>;
  Model model({.inputs = cell.inputs(), .hidden = cell.outputs(), .outputs = cell.outputs()});
  model.cell = cell;
  model.W_hy.setIdentity();
  return rp::predict(model, x);
}

}  // namespace

TEST_CASE("a layout puts leaves first, children before parents, most children first", "[tree]") {
  const rp::TreeLayout layout(ragged);
  REQUIRE(layout.trees() == 6);
  REQUIRE(layout.columns() == 21);
  REQUIRE(layout.edges() == 21 - 5);  // a tree of n nodes has n - 1
  CHECK(layout.most_children() == 3);
  CHECK(layout.heights() == 4);
  std::vector<Index> column(21, -1);
  for (Index j = 0; j < 21; ++j) column.at(static_cast<std::size_t>(layout.node(j))) = j;
  Index next_column = 0, next_edge = 0;
  for (Index height = 0; height < layout.heights(); ++height) {
    const rp::Level level = layout.level(height);
    CHECK(level.column == next_column);
    CHECK(level.edge == next_edge);
    CHECK((height == 0) == (level.arity() == 0));
    CHECK(level.offset(0) == 0);
    if (height > 0) CHECK(level.having(0) == level.nodes);
    next_column += level.nodes;
    next_edge += level.edges();
  }
  CHECK(next_column == 21);
  CHECK(next_edge == 16);
  Index seen = 0;
  for (Index tree = 0; tree < layout.trees(); ++tree)
    for (Index i = 0; i < layout.nodes(tree); ++i) {
      std::vector<Index> expected, found;
      for (Index k = 0; k < layout.nodes(tree); ++k)
        if (layout.parents(tree)[static_cast<std::size_t>(k)] == i)
          expected.push_back(column[static_cast<std::size_t>(layout.first(tree) + k)]);
      const Index j = column[static_cast<std::size_t>(layout.first(tree) + i)];
      for (Index height = 0; height < layout.heights(); ++height) {
        const rp::Level level = layout.level(height);
        if (j < level.column || j >= level.column + level.nodes) continue;
        for (Index k = 0; k < level.arity() && j - level.column < level.having(k); ++k) {
          found.push_back(layout.child(level.edge + level.offset(k) + j - level.column));
          CHECK(found.back() < level.column);
        }
      }
      CHECK(found == expected);
      seen += static_cast<Index>(found.size());
    }
  CHECK(seen == 16);
}

TEST_CASE("a forest refuses what is no tree, or no value for one", "[tree]") {
  const auto layout_of = [](Parents parents) { return rp::TreeLayout(std::move(parents)); };
  CHECK_THROWS_WITH(layout_of({{-1}, {-1, 0, 3}}), "tree 1: node 2 has parent 3, the tree has 3 nodes");
  CHECK_THROWS_AS(layout_of({{-1}, {-1, 0, 3}}), rp::value_error);
  CHECK_THROWS_AS(layout_of({{-2}}), rp::value_error);
  CHECK_THROWS_WITH(layout_of({{1, -1, -1}}), "tree 0 has two roots, nodes 1 and 2");
  CHECK_THROWS_AS(layout_of({{1, -1, -1}}), rp::shape_error);
  CHECK_THROWS_AS(layout_of({{1, 0}}), rp::shape_error);                                           // no root: a cycle
  CHECK_THROWS_AS(layout_of({{0}}), rp::shape_error);                                              // its own parent
  CHECK_THROWS_WITH(layout_of({{-1}, {-1, 0, 3, 4, 3, 4}}), "tree 1 has a cycle through node 3");  // beside a root
  CHECK(rp::TreeLayout().columns() == 0);
  CHECK(layout_of({{}, {}}).trees() == 2);
  CHECK((rp::TreeLayout{{-1, 0}, {-1}}) == layout_of({{-1, 0}, {-1}}));

  const rp::TreeLayout layout{{-1, 0}, {-1}};
  CHECK_THROWS_WITH(rp::Forest<int>(layout, {{1, 2}, {3, 4}}), "the record of tree 1 has 2 nodes, the tree takes 1");
  CHECK_THROWS_AS(rp::Forest<int>(layout, {{1, 2}}), rp::shape_error);
  CHECK_THROWS_AS(rp::Forest<double>(layout, {MatrixXd::Zero(2, 2), MatrixXd::Zero(3, 1)}), rp::shape_error);
  CHECK_THROWS_AS((rp::Forest<double, 3>(layout, {MatrixXd::Zero(2, 2), MatrixXd::Zero(2, 1)})), rp::shape_error);
  CHECK_THROWS_WITH((rp::Forest<double, 3>(layout, {MatrixXd::Zero(2, 2), MatrixXd::Zero(2, 1)})),
                    "the record of tree 0 has 2 rows, the forest takes 3");

  // What has no columns says nothing of the features.
  const rp::TreeLayout some_empty(Parents{{}, {-1, 0}, {}, {-1}});
  const MatrixXd two = MatrixXd::Random(2, 2), one = MatrixXd::Random(2, 1);
  for (const MatrixXd& none : {MatrixXd(), MatrixXd(7, 0)}) {
    const rp::Forest<double> of_two(some_empty, {none, two, none, one});
    CHECK(of_two.features() == 2);
    CHECK(of_two[1] == two);
    CHECK(of_two[2].size() == 0);
    CHECK(of_two[3] == one);
    CHECK(rp::Forest<double, 2>(some_empty, {none, two, none, one}).values() == of_two.values());
    CHECK(rp::Forest<double>(rp::TreeLayout(Parents{{}}), {none}).features() == 0);
    CHECK_THROWS_WITH(rp::Forest<double>(some_empty, {none, two, none, MatrixXd::Zero(3, 1)}),
                      "the record of tree 3 has 3 rows, the forest takes 2");
    CHECK_THROWS_WITH(rp::Forest<double>(layout, {none, one}), "the record of tree 0 has 0 columns, the tree takes 2");
  }
  const rp::Forest<int> forest(layout, {{5, 6}, {7}});
  CHECK(forest.values() == Eigen::RowVector3i(5, 6, 7));
  CHECK(forest[1] == Eigen::Matrix<int, 1, 1>(7));
  CHECK_THROWS_AS(forest[2], rp::shape_error);
}

TEST_CASE("a model refuses what it cannot read", "[tree]") {
  rp::Rng rng{1};
  const rp::TreeLayout layout{{-1, 0}, {-1}};
  using OfTokens = rp::TreeModel<ChildSum, rp::Embedding<double>>;
  const OfTokens tokens({.inputs = 5, .hidden = 4, .outputs = 2}, rng);
  CHECK_THROWS_WITH(rp::predict(tokens, rp::Forest<int>(layout, {{0, 5}, {1}})),
                    "token 5, the vocabulary has 5 (0 to 4, and -1 for none)");
  CHECK_THROWS_AS(rp::predict(tokens, rp::Forest<int>(layout, {{0, -2}, {1}})), rp::value_error);
  CHECK(rp::predict(tokens, rp::Forest<int>(layout, {{-1, 4}, {-1}})).cols() == 3);
  CHECK(tokens.inputs() == 5);
  CHECK_THROWS_AS(OfTokens({.inputs = -1, .hidden = 4, .outputs = 2}), rp::shape_error);

  using OfFeatures = rp::TreeModel<Nary>;
  const OfFeatures model({.inputs = 2, .hidden = 3, .outputs = 1}, rng);
  CHECK_THROWS_WITH(rp::predict(model, rp::Forest<double>(layout, 3)), "x has 3 features, the model takes 2");
  CHECK_THROWS_WITH(rp::predict(model, rp::Forest<double>(rp::TreeLayout(Parents{{-1, 0, 0, 0, 0}}), 2)),
                    "a node has 4 children, the cell takes 3");
  CHECK_THROWS_AS(OfFeatures({.inputs = 2, .hidden = 3, .outputs = 1, .features = 4}), rp::shape_error);
  CHECK_THROWS_AS((rp::TreeModel<rp::ChildSumTreeLSTMCell<double, 2, 3>>({.inputs = 2, .hidden = 4, .outputs = 1})),
                  rp::shape_error);
  CHECK(rp::predict(model, rp::Forest<double>()).cols() == 0);
}

TEMPLATE_TEST_CASE("every gradient is the one that dual numbers give", "[tree]", RNN, Nary, ChildSum) {
  // Most nodes have a token of their own, whose vector has the gradient of that node's x; some share one, some have none.
  rp::Rng rng{2};
  using Model = rp::TreeModel<TestType, rp::Embedding<double>>;
  const auto model = random_model<Model>({.inputs = 18, .hidden = 3, .outputs = 3, .features = 2}, rng);
  const rp::Forest<int> x(rp::TreeLayout(ragged),
                          {{0, 1, -1, 3, 4, 5, 6, 7}, {8}, {}, {9, 10, 11, -1}, {-1, 2, 12, 13, 14, 15}, {16, 17}});
  rp::Matrix<int, 1> target(21);  // -1: the y of this node does not count
  target << 0, 1, 2, -1, 1, -1, 0, 2, 1, 0, 0, 1, 2, 2, -1, 1, 0, -1, 0, 2, 1;
  const auto report = rp::check_gradient(model, x, target, rp::SoftmaxCrossEntropy{.ignore = -1});
  CHECK(report.lines.size() == 3 + (std::is_same_v<TestType, RNN> ? 3 : 4));
  rp::Workspace workspace{model};
  rp::loss_and_gradient(model, x, target, rp::SoftmaxCrossEntropy{.ignore = -1}, workspace);
  CHECK(workspace.gradient.embedding.E.cwiseAbs().minCoeff() > 1e-6);  // every node's x counts
}

TEMPLATE_TEST_CASE("a forest is its trees alone, to the last bit", "[tree]", RNN, Nary, ChildSum) {
  rp::Rng rng{3};
  using Model = rp::TreeModel<TestType>;
  const auto model = random_model<Model>({.inputs = 2, .hidden = 5, .outputs = 2}, rng);
  const auto x = random_forest(ragged, 2, rng);
  CHECK(rp::predict(model, x) == each_alone(model, x));
}

TEST_CASE("a forest in parts, and a used workspace, give the same gradient", "[tree]") {
  rp::Rng rng{3};
  using Model = rp::TreeModel<ChildSum>;
  const auto model = random_model<Model>({.inputs = 2, .hidden = 5, .outputs = 2}, rng);
  const auto x = random_forest(ragged, 2, rng);
  MatrixXd target(2, 21);
  rp::uniform(target, 1, rng);
  rp::Workspace workspace{model};
  const double loss = rp::loss_and_gradient(model, x, target, rp::SquaredError{}, workspace);
  rp::ParallelWorkspace parallel{model, {.threads = 2, .parts = 4}};
  CHECK(rp::loss_and_gradient(model, x, target, rp::SquaredError{}, parallel) == loss);
  rp::for_each_parameter([](const auto& p, const auto& q) { CHECK((p - q).norm() < 1e-12 * p.norm()); },
                         workspace.gradient, parallel.gradient);

  const Model first = workspace.gradient;
  const auto other = random_forest({{-1, 0}}, 2, rng);  // fewer nodes
  Model moving = model;
  rp::loss_and_gradient(moving, other, MatrixXd(target.leftCols(2)), rp::SquaredError{}, workspace);
  moving = random_model<Model>({.inputs = 2, .hidden = 5, .outputs = 2}, rng);  // other weights, in the same place
  rp::loss_and_gradient(moving, x, target, rp::SquaredError{}, workspace);
  moving = model;
  rp::loss_and_gradient(moving, x, target, rp::SquaredError{}, workspace);
  CHECK(rp::flatten(workspace.gradient) == rp::flatten(first));
}

TEST_CASE("sizes in the type are sizes at run time", "[tree]") {
  rp::Rng rng{7};
  const auto x = random_forest(ragged, 2, rng);
  MatrixXd target(1, 21);
  rp::uniform(target, 1, rng);
  const auto compare = [&](const auto& sized, auto fixed) {
    rp::copy_parameters(sized, fixed);
    const rp::Forest<double, 2> fixed_x = x;
    rp::Workspace a{sized};
    rp::Workspace b{fixed};
    const double loss = rp::loss_and_gradient(sized, x, target, rp::SquaredError{}, a);
    CHECK(rp::loss_and_gradient(fixed, fixed_x, target, rp::SquaredError{}, b) == Approx(loss).epsilon(1e-14));
    CHECK((rp::flatten(a.gradient) - rp::flatten(b.gradient)).norm() < 1e-14 * rp::flatten(a.gradient).norm());
  };
  using Fixed = rp::TreeModel<rp::NaryTreeLSTMCell<double, 3, 2, 3>, rp::NodeFeatures, 1>;
  using FixedSum = rp::TreeModel<rp::ChildSumTreeLSTMCell<double, 2, 3>, rp::NodeFeatures, 1>;
  compare(random_model<rp::TreeModel<Nary>>({.inputs = 2, .hidden = 3, .outputs = 1}, rng), Fixed{});
  compare(random_model<rp::TreeModel<ChildSum>>({.inputs = 2, .hidden = 3, .outputs = 1}, rng), FixedSum{});
}

TEST_CASE("new weights: orthogonal for every child, forget gates open", "[tree]") {
  rp::Rng rng{8};
  const Nary cell({2, 4}, rng);
  CHECK(cell.b_h.head(12).isZero());
  CHECK(cell.b_h.tail(4).isOnes());
  for (Index k = 0; k < 3; ++k)
    for (Index l = 0; l < 3; ++l) {
      CHECK(cell.U_f.block(4 * k, 4 * l, 4, 4).isUnitary(1e-12));
      CHECK(cell.U.block(4 * k, 4 * l, 4, 4).isUnitary(1e-12));
    }
  CHECK((cell.U.leftCols(4) - cell.U.rightCols(4)).norm() > 1);
}

TEST_CASE("a chain is a sequence", "[tree]") {
  rp::Rng rng{4};
  const Parents chains{{1, 2, 3, 4, -1}, {-1}, {1, 2, -1}};  // node 0 first
  const auto x = random_forest(chains, 2, rng);
  const rp::Sequence<double> sequence(std::vector<MatrixXd>{x[0], x[1], x[2]});
  const auto compare = [&](const auto& tree_cell, const auto& cell) {
    using Model = rp::SequenceModel<std::remove_cvref_t<decltype(cell)>>;
    Model model(typename Model::Body(cell), 3);
    model.W_hy.setIdentity();
    const auto h = model.forward(sequence);
    const MatrixXd h_tree = h_of(tree_cell, x);
    for (Index i = 0; i < 3; ++i)
      CHECK((h_tree.middleCols(x.layout().first(i), x.nodes(i)) - h[i]).cwiseAbs().maxCoeff() < 1e-15);
  };

  rp::RNNCell<double> rnn(rp::Sizes{2, 3});
  rp::for_each_parameter([&](auto& p) { rp::uniform(p, 1, rng); }, rnn);
  rp::TreeRNNCell<double, 2> tree_rnn(rp::Sizes{2, 3},
                                      rng);  // the weights of a second child, which there is not, do not count
  tree_rnn.W_xh = rnn.W_xh;
  tree_rnn.U.leftCols(3) = rnn.W_hh;
  tree_rnn.b_h = rnn.b_h;
  compare(tree_rnn, rnn);

  rp::LSTMCell<double> lstm(rp::Sizes{2, 3});
  rp::for_each_parameter([&](auto& p) { rp::uniform(p, 1, rng); }, lstm);
  const auto rearranged = [&](auto cell) {
    const Index i = 0, f = 3, g = 6,
                o = 9;  // rows of an LSTMCell; of a tree LSTM i, o, u, f
    Index to = 0;
    for (const Index from : {i, o, g, f}) {
      cell.W_xh.middleRows(to, 3) = lstm.W_xh.middleRows(from, 3);
      cell.b_h.segment(to, 3) = lstm.b_h.segment(from, 3);
      if (from == f)
        cell.U_f.topLeftCorner(3, 3) = lstm.W_hh.middleRows(f, 3);
      else
        cell.U.block(to, 0, 3, 3) = lstm.W_hh.middleRows(from, 3);
      to += 3;
    }
    return cell;
  };
  compare(rearranged(Nary(rp::Sizes{2, 3}, rng)), lstm);
  compare(rearranged(ChildSum(rp::Sizes{2, 3}, rng)), lstm);
}

TEST_CASE("the order of children counts for N-ary cells and not for the child-sum", "[tree]") {
  rp::Rng rng{5};
  // The same tree with its nodes numbered the other way round: every node's
  // children change places.
  const std::vector<Index> parents{-1, 0, 0, 0, 1, 1};
  std::vector<Index> reversed(6);
  for (std::size_t i = 0; i < 6; ++i) reversed[5 - i] = parents[i] < 0 ? -1 : 5 - parents[i];
  const auto x = random_forest({parents}, 2, rng);
  const rp::Forest<double> mirrored(rp::TreeLayout(Parents{reversed}), {MatrixXd(x[0].rowwise().reverse())});
  const auto difference = [&](const auto& cell) {
    return (h_of(cell, x) - h_of(cell, mirrored).rowwise().reverse()).colwise().norm().eval();
  };
  const auto child_sum = difference(ChildSum(rp::Sizes{2, 3}, rng));
  CHECK(child_sum.maxCoeff() < 1e-15);
  for (const auto& d : {difference(Nary(rp::Sizes{2, 3}, rng)), difference(RNN(rp::Sizes{2, 3}, rng))}) {
    CHECK(d.head(2).minCoeff() > 1e-3);  // nodes 0 and 1, which have children
    CHECK(d.tail(4).maxCoeff() == 0);
  }
}
