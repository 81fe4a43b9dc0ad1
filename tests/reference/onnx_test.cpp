// The node tests that ONNX has for RNN, GRU and LSTM, in float. They are no part of this project: the build says in
// REPRISE_SHARED_DATA where they lie, and if there is no such folder the test says so and passes.
//
// ONNX has n = hidden, T steps, B records, one direction here, and
//
//   X [T, B, inputs]   Y [T, 1, B, n]   Y_h, Y_c, initial_h, initial_c [1, B, n]       or, of layout 1, records first:
//   X [B, T, inputs]   Y [B, T, 1, n]   Y_h, Y_c, initial_h, initial_c [B, 1, n]
//
//   W [1, gates n, inputs]   R [1, gates n, n]   B [1, 2 gates n]: biases of W, then of R, both added
//   P [1, 3 n]: peepholes    sequence_lens [B]
//
//   blocks of W, R and B     LSTM i, o, f, c     GRU z, r, h        blocks of P     i, o, f
//
// What these nodes cannot tell: the weights of each LSTM are all alike, so it would pass with its gates in any order.
// Only the *_seq_length nodes have a second step, which R acts in, and there the reset gates are as good as 0 or 1: it
// makes no difference whether they stand before R or after. No record ends before another. Initial states are zero.

#include <reprise/cells/gru_reset_before.hpp>
#include <reprise/cells/lstm.hpp>
#include <reprise/cells/peephole_lstm.hpp>
#include <reprise/cells/rnn.hpp>
#include <reprise/train/sequence_model.hpp>

#include "onnx_node.hpp"

#ifndef REPRISE_SHARED_DATA
#define REPRISE_SHARED_DATA ""
#endif

namespace {

namespace fs = std::filesystem;
using namespace onnx;

/// The largest difference, relative to the largest entry of what is compared. The worst measured is 4.6e-7, of a GRU
/// whose 1 - z is small; else 9e-8.
constexpr float tolerance = 1e-6f;

void compare(const std::string& name, const Values& actual, const Values& expected) {
  INFO(name << ", Reprise:\n" << actual << "\nONNX:\n" << expected);
  REQUIRE(actual.rows() == expected.rows());
  REQUIRE(actual.cols() == expected.cols());
  REQUIRE(actual.allFinite());
  const float error = (actual - expected).cwiseAbs().maxCoeff() / expected.cwiseAbs().maxCoeff();
  INFO("relative error " << error);
  CHECK(error <= tolerance);
}

/// Whatever it is not asked for, `require_all_used` finds.
class Case {
 public:
  explicit Case(Node node) : node_(std::move(node)) {
    const std::vector<Index>& shape = input("X").shape;
    REQUIRE(shape.size() == 3);
    const bool records_first = attribute("layout", 0) == 1;
    steps = shape[records_first ? 1 : 0];
    records = shape[records_first ? 0 : 1];
    inputs = shape[2];
    hidden = attribute("hidden_size", 0);
    of_step_ = records_first ? 1 : records;
    of_record_ = records_first ? steps : 1;
  }

  Index steps = 0, records = 0, inputs = 0, hidden = 0;

  bool has(const std::string& name) const { return node_.inputs.contains(name); }

  /// W or R, (gates n, columns): block k is block order[k] there.
  Values weights(const std::string& name, const std::vector<Index>& order) {
    return reordered(input(name).values.transpose(), order);
  }

  Values peepholes(const std::vector<Index>& order) { return reordered(input("P").values, order); }

  /// One for two, or zero if there is none.
  Values bias(const std::vector<Index>& order) {
    const Index rows = static_cast<Index>(order.size()) * hidden;
    if (!has("B")) return Values::Zero(rows, 1);
    const Values& both = input("B").values;
    REQUIRE(both.rows() == 2 * rows);
    return reordered(both.topRows(rows), order) + reordered(both.bottomRows(rows), order);
  }

  rp::Sequence<float> x() {
    std::vector<Values> all(static_cast<std::size_t>(records));
    for (Index i = 0; i < records; ++i) {
      const auto length = has("sequence_lens") ? static_cast<Index>(input("sequence_lens").values(i, 0)) : steps;
      all[static_cast<std::size_t>(i)] = record(input("X"), i).leftCols(length);
    }
    return rp::Sequence<float>(all);
  }

  /// initial_h or initial_c, (hidden, records), or zero if there is none.
  Values initial(const std::string& name) { return has(name) ? input(name).values : Values::Zero(hidden, records); }

  /// `y` against Y, if the node puts it out; Y is zero after the end of a record.
  void compare_y(const rp::Sequence<float>& y) {
    if (!puts_out("Y")) return;
    for (Index i = 0; i < records; ++i) {
      Values actual = Values::Zero(hidden, steps);
      actual.leftCols(y.length(i)) = y[i];
      compare("Y of record " + std::to_string(i), actual, record(node_.outputs.at("Y"), i));
    }
  }

  void compare_state(const std::string& name, const Values& actual) {
    if (puts_out(name)) compare(name, actual, node_.outputs.at(name).values);
  }

  void require_all_used() const {
    for (const auto* part : {&node_.inputs, &node_.outputs})
      for (const auto& [name, tensor] : *part) {
        INFO("the test did not ask for " << name);
        CHECK(used_.contains(name));
      }
    for (const auto& [name, value] : node_.attributes) {
      INFO("the test did not ask for " << name);
      CHECK(used_.contains(name));
    }
    CHECK(!node_.outputs.empty());
  }

 private:
  const Tensor& input(const std::string& name) {
    if (!has(name)) FAIL("the node has no " << name);
    used_.insert(name);
    return node_.inputs.at(name);
  }

  bool puts_out(const std::string& name) {
    used_.insert(name);
    return node_.outputs.contains(name);
  }

  Index attribute(const std::string& name, Index otherwise) {
    used_.insert(name);
    const auto found = node_.attributes.find(name);
    return found == node_.attributes.end() ? otherwise : found->second;
  }

  /// Record i of X or Y, (features, steps).
  Values record(const Tensor& tensor, Index i) const {
    Values one(tensor.values.rows(), steps);
    REQUIRE(tensor.values.cols() == steps * records);
    for (Index t = 0; t < steps; ++t) one.col(t) = tensor.values.col(t * of_step_ + i * of_record_);
    return one;
  }

  Values reordered(const Values& stacked, const std::vector<Index>& order) const {
    REQUIRE(stacked.rows() == static_cast<Index>(order.size()) * hidden);
    Values result(stacked.rows(), stacked.cols());
    for (Index k = 0; const Index from : order)
      rp::row_block<rp::Dynamic>(result, k++, hidden) = rp::row_block<rp::Dynamic>(stacked, from, hidden);
    return result;
  }

  Node node_;
  std::set<std::string> used_;
  Index of_step_ = 0, of_record_ = 0;  // how far in the columns of X and Y it is to the next
};

/// `order`: where ONNX has our blocks. `more` sets the parameters that not every cell has.
template <class Cell>
void check(Case& node, const std::vector<Index>& order, auto more) {
  Cell cell(rp::Sizes{node.inputs, node.hidden});
  const auto set = [](auto& parameter, const Values& values) {
    REQUIRE(parameter.rows() == values.rows());
    REQUIRE(parameter.cols() == values.cols());
    parameter = values;
  };
  set(cell.W_xh, node.weights("W", order));
  set(cell.W_hh, node.weights("R", order));
  set(cell.b_h, node.bias(order));
  more(cell);

  using Model = rp::SequenceModel<Cell, rp::Dynamic, rp::Bias::absent>;
  Model model(typename Model::Body(cell), node.hidden);
  model.W_hy.setIdentity();  // y is h
  const rp::Sequence<float> x = node.x();
  auto state = model.initial_state(x.batch());
  rp::for_each_parameter([&](const std::string& name, auto& part) { set(part, node.initial("initial_" + name)); },
                         state);
  node.compare_y(model.forward(x, state));
  rp::for_each_parameter([&](const std::string& name, const auto& part) { node.compare_state("Y_" + name, part); },
                         state);
  node.require_all_used();
}

void check(Node node) {
  const std::string op = node.op;
  Case of(std::move(node));
  const auto nothing = [](auto&) {};
  const std::vector<Index> ifgo{0, 2, 3, 1}, rzn{1, 0, 2};
  if (op == "RNN")
    check<rp::RNNCell<float>>(of, {0}, nothing);
  else if (op == "GRU")  // linear_before_reset is 0, or require_all_used finds it
    check<rp::ResetBeforeGRUCell<float>>(of, rzn, nothing);
  else if (op == "LSTM" && !of.has("P"))
    check<rp::LSTMCell<float>>(of, ifgo, nothing);
  else if (op == "LSTM")
    check<rp::PeepholeLSTMCell<float>>(of, ifgo, [&](auto& cell) {
      const Values p = of.peepholes({0, 2, 1});
      cell.p_i = p.topRows(of.hidden);
      cell.p_f = p.middleRows(of.hidden, of.hidden);
      cell.p_o = p.bottomRows(of.hidden);
    });
  else
    FAIL("there is no cell for " << op);
}

}  // namespace

TEST_CASE("recurrent nodes as in ONNX", "[reference]") {
  if (!fs::is_directory(REPRISE_SHARED_DATA)) {
    WARN("skipped: the node tests of ONNX are not there, no folder \"" REPRISE_SHARED_DATA "\"");
    return;
  }
  const fs::path folder = fs::path(REPRISE_SHARED_DATA) / "ref" / "onnx" / "json";
  INFO(folder.string());
  REQUIRE(fs::is_directory(folder));
  int cases = 0;
  for (const fs::directory_entry& file : fs::directory_iterator(folder)) {
    INFO(file.path().filename().string());
    check(read_node(file.path()));
    ++cases;
  }
  REQUIRE(cases == 12);
}
