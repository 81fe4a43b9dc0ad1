// Recursive networks against the equations of their papers: outputs, loss and every gradient of a ragged forest, some nodes
// with a token, some without. make_tree_reference.py makes the values, and says what they are.

#include "reference.hpp"

#include <reprise/cells/tree_lstm.hpp>
#include <reprise/cells/tree_rnn.hpp>
#include <reprise/train/tree_model.hpp>
#include <reprise/train/whole_model.hpp>

using namespace reference;

namespace {

constexpr int arity = 3;

template <class Number>
std::vector<std::vector<Number>> whole_numbers(Reference& reference, const std::string& name) {
  std::vector<std::vector<Number>> all;
  for (const Values& row : reference.records(name)) {
    all.emplace_back();
    for (Index i = 0; i < row.size(); ++i) all.back().push_back(static_cast<Number>(row(i)));
  }
  return all;
}

template <class Cell>
void check_tree(const std::string& file) {
  using Model = rp::TreeModel<Cell, rp::Embedding<double>>;
  Reference reference(file);
  Model model({.inputs = reference["model.embedding.E"].cols(),
               .hidden = hidden,
               .outputs = outputs,
               .features = reference["model.embedding.E"].rows()});
  fill(reference, "model", model);
  const rp::TreeLayout layout(whole_numbers<Index>(reference, "parents"));
  const rp::Forest<int> x(layout, whole_numbers<int>(reference, "tokens"));
  const rp::Forest<double> target(layout, reference.records("target"));

  rp::Workspace workspace{model};
  compare("loss", rp::loss_and_gradient(model, x, target.values(), rp::SquaredError{}, workspace),
          reference.scalar("loss"));
  compare_all(reference, "gradient", workspace.gradient);
  const rp::Matrix<double> y = rp::predict(model, x);
  const auto expected = reference.records("y");
  REQUIRE(static_cast<Index>(expected.size()) == x.trees());
  for (Index tree = 0; tree < x.trees(); ++tree)
    if (x.nodes(tree) != 0)
      compare("y." + std::to_string(tree), y.middleCols(layout.first(tree), x.nodes(tree)),
              expected[static_cast<std::size_t>(tree)]);
  reference.require_all_used();
}

}  // namespace

TEST_CASE("recursive network", "[reference]") { check_tree<rp::TreeRNNCell<double, arity>>("tree_rnn.txt"); }
TEST_CASE("child-sum tree LSTM", "[reference]") {
  check_tree<rp::ChildSumTreeLSTMCell<double>>("child_sum_tree_lstm.txt");
}
TEST_CASE("N-ary tree LSTM", "[reference]") { check_tree<rp::NaryTreeLSTMCell<double, arity>>("nary_tree_lstm.txt"); }
