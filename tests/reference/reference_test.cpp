// Cells, stacks, losses and optimisers against PyTorch, in double precision: outputs, final states, loss and every
// gradient, of a ragged batch (5, 2, 7 and 3 steps) from states that are not zero. make_reference.py makes the values,
// under the names of Reprise, and says what they are. A file is a list of matrices:
//
//   name rows columns
//   rows lines of `columns` numbers                    a line that begins with '#' is a comment
//
// A name that is missing fails, and so does one that nobody asked for.

#include <reprise/reprise.hpp>

#include <fstream>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "../catch.hpp"

#ifndef REPRISE_REFERENCE_DIR
#error "REPRISE_REFERENCE_DIR is the directory of the reference values, a string"
#endif

namespace {

namespace rp = reprise;
using rp::Index;
using Values = rp::Matrix<double>;

/// The largest difference, relative to the largest entry of what is compared. The worst measured is 2.0e-15 (dx through
/// two layers; g++ and clang++, with AVX2 and without).
constexpr double tolerance = 2e-14;

/// The values of one file, each to be asked for.
class Reference {
 public:
  explicit Reference(const std::string& file) {
    std::ifstream in(std::string(REPRISE_REFERENCE_DIR) + "/" + file);
    if (!in) FAIL("cannot open " << file << " in " << REPRISE_REFERENCE_DIR);
    for (std::string name; in >> name;) {
      if (name[0] == '#') {
        in.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
        continue;
      }
      Index rows = 0, cols = 0;
      in >> rows >> cols;
      Values values(rows, cols);
      for (auto row : values.rowwise())
        for (double& entry : row) in >> entry;
      if (!in) FAIL(file << ": " << name << " is malformed");
      if (!entries_.try_emplace(name, Entry{values}).second) FAIL(file << ": " << name << " stands there twice");
    }
  }

  const Values& operator[](const std::string& name) {
    const auto found = entries_.find(name);
    if (found == entries_.end()) FAIL("the reference has no " << name);
    found->second.used = true;
    return found->second.values;
  }

  double scalar(const std::string& name) { return (*this)[name].value(); }

  /// name.0, name.1 and so on: a batch.
  std::vector<Values> records(const std::string& name) {
    std::vector<Values> all;
    while (entries_.contains(name + "." + std::to_string(all.size())))
      all.push_back((*this)[name + "." + std::to_string(all.size())]);
    return all;
  }

  void require_all_used() const {
    for (const auto& [name, entry] : entries_) {
      INFO("the test did not ask for " << name);
      CHECK(entry.used);
    }
  }

 private:
  struct Entry {
    Values values;
    bool used = false;
  };
  std::map<std::string, Entry> entries_;
};

void compare(const std::string& name, const Values& actual, const Values& expected) {
  INFO(name << ", Reprise:\n" << actual << "\nPyTorch:\n" << expected);
  REQUIRE(actual.rows() == expected.rows());
  REQUIRE(actual.cols() == expected.cols());
  REQUIRE(actual.allFinite());  // since a maximum may pass over a NaN
  const double difference = (actual - expected).cwiseAbs().maxCoeff();
  const double error = difference == 0 ? 0 : difference / expected.cwiseAbs().maxCoeff();
  INFO("relative error " << error);
  CHECK(error <= tolerance);
}

void compare(const std::string& name, double actual, double expected) {
  compare(name, Values::Constant(1, 1, actual), Values::Constant(1, 1, expected));
}

/// Every parameter of a module, or part of a state, against `prefix`.name. One of no entries, such as the bias of a model
/// without one, is not in the file.
void compare_all(Reference& reference, const std::string& prefix, const rp::Module auto& actual) {
  rp::for_each_parameter(
      [&](const std::string& name, const auto& p) {
        if (p.size() != 0) compare(prefix + "." + name, p, reference[prefix + "." + name]);
      },
      actual);
}

void fill(Reference& reference, const std::string& prefix, rp::Module auto& module) {
  rp::for_each_parameter(
      [&](const std::string& name, auto& p) {
        if (p.size() == 0) return;
        const Values& values = reference[prefix + "." + name];
        INFO(prefix << "." << name);
        REQUIRE(values.rows() == p.rows());
        REQUIRE(values.cols() == p.cols());
        p = values;
      },
      module);
}

void compare_records(const std::string& name, const auto& actual, const std::vector<Values>& expected) {
  REQUIRE(actual.batch() == static_cast<Index>(expected.size()));
  for (Index i = 0; i < actual.batch(); ++i)
    compare(name + "." + std::to_string(i), actual[i], expected[static_cast<std::size_t>(i)]);
}

/// What a loss wants as target: tokens for a softmax, else numbers.
template <class Loss>
using Target = rp::Sequence<std::conditional_t<std::is_same_v<Loss, rp::SoftmaxCrossEntropy>, int, double>>;

/// Each record on its own, step by step, from its own column of `initial`: the same outputs and final states.
template <class Model>
void check_stream(const Model& model, const typename Model::InputSequence& x,
                  const typename Model::template State<>& initial, Reference& reference) {
  const auto y = reference.records("y");
  auto final = initial;
  for (Index i = 0; i < x.batch(); ++i) {
    auto state = model.initial_state();
    rp::for_each_parameter([&](auto& one, const auto& all) { one = all.col(i); }, state, initial);
    const Values steps = x[i];
    rp::Matrix<double, Model::Outputs> y_i(model.outputs(), steps.cols());
    for (Index t = 0; t < steps.cols(); ++t) y_i.col(t) = model.step(steps.col(t), state);
    compare("streamed y." + std::to_string(i), y_i, y[static_cast<std::size_t>(i)]);
    rp::for_each_parameter([&](auto& all, const auto& one) { all.col(i) = one; }, final, state);
  }
  compare_all(reference, "final", final);
}

template <class Model, class Loss>
void check(const std::string& file, const Loss& loss) {
  Reference reference(file);
  Model model({.inputs = 3, .hidden = 4, .outputs = 3});
  fill(reference, "model", model);
  const typename Model::InputSequence x(reference.records("x"));
  const Target<Loss> target(reference.records("target"));
  auto initial = model.initial_state(x.batch());
  fill(reference, "initial", initial);

  auto state = initial;
  compare_records("y", model.forward(x, state), reference.records("y"));
  compare_all(reference, "final", state);
  check_stream(model, x, initial, reference);

  state = initial;
  rp::Workspace<Model> workspace(model);
  compare("loss", rp::loss_and_gradient(model, x, target, loss, workspace, {.state = &state, .input_gradient = true}),
          reference.scalar("loss"));
  compare_all(reference, "final", state);
  compare_all(reference, "gradient", workspace.gradient);
  compare_all(reference, "d_initial", workspace.dh0);
  auto dx = x;
  dx.values() = workspace.dx.leftCols(x.layout().columns());
  compare_records("dx", dx, reference.records("dx"));

  reference.require_all_used();
}

constexpr int inputs = 3, hidden = 4, outputs = 3;
constexpr auto absent = rp::Bias::absent;
const rp::SoftmaxCrossEntropy softmax{.ignore = 1};  // a class of the model, and what make_reference.py ignores

}  // namespace

// With sizes known at run time, and at compile time.

TEST_CASE("RNN as in PyTorch", "[reference]") {
  check<rp::SequenceModel<rp::RNNCell<double>>>("rnn.txt", rp::SquaredError{});
  check<rp::SequenceModel<rp::RNNCell<double, inputs, hidden>, outputs>>("rnn.txt", rp::SquaredError{});
}

TEST_CASE("LSTM as in PyTorch", "[reference]") {
  check<rp::SequenceModel<rp::LSTMCell<double>>>("lstm.txt", softmax);
  check<rp::SequenceModel<rp::LSTMCell<double, inputs, hidden>, outputs>>("lstm.txt", softmax);
}

TEST_CASE("GRU as in PyTorch", "[reference]") {
  check<rp::SequenceModel<rp::GRUCell<double>>>("gru.txt", rp::BernoulliCrossEntropy{});
  check<rp::SequenceModel<rp::GRUCell<double, inputs, hidden>, outputs>>("gru.txt", rp::BernoulliCrossEntropy{});
}

TEST_CASE("cells without bias as in PyTorch", "[reference]") {
  using rp::Dynamic;
  check<rp::SequenceModel<rp::RNNCell<double, Dynamic, Dynamic, absent>, Dynamic, absent>>("rnn_without_bias.txt",
                                                                                           rp::BernoulliCrossEntropy{});
  check<rp::SequenceModel<rp::LSTMCell<double, Dynamic, Dynamic, absent>, Dynamic, absent>>("lstm_without_bias.txt",
                                                                                            rp::SquaredError{});
  check<rp::SequenceModel<rp::GRUCell<double, Dynamic, Dynamic, absent>, Dynamic, absent>>("gru_without_bias.txt",
                                                                                           softmax);
}

TEST_CASE("stacks of two as in PyTorch", "[reference]") {
  using rp::GRUCell, rp::LSTMCell, rp::Stack;
  check<rp::SequenceModel<Stack<LSTMCell<double>, LSTMCell<double>>>>("lstm_2_layers.txt", rp::SquaredError{});
  check<rp::SequenceModel<Stack<GRUCell<double>, GRUCell<double>>>>("gru_2_layers.txt", softmax);
}

TEST_CASE("losses of logits small and very large as in PyTorch", "[reference]") {
  Reference reference("losses.txt");
  const Values y = reference["logits"];
  const auto compare_loss = [&](const std::string& name, const auto& loss, const auto& target) {
    Values dy(y.rows(), y.cols());
    compare(name + ".loss", loss(y, target, dy), reference.scalar(name + ".loss"));
    compare(name + ".dy", dy, reference[name + ".dy"]);
  };
  for (const auto& [name, reduction] :
       {std::pair{"softmax_sum", rp::Reduction::sum}, std::pair{"softmax_mean", rp::Reduction::mean}})
    compare_loss(name, rp::SoftmaxCrossEntropy{reduction, softmax.ignore},
                 rp::Matrix<int>(reference[std::string(name) + ".target"].cast<int>()));
  compare_loss("bernoulli_sum", rp::BernoulliCrossEntropy{}, reference["bernoulli_sum.target"]);
  reference.require_all_used();
}

TEST_CASE("optimisers as in PyTorch", "[reference]") {
  using Model = rp::SequenceModel<rp::RNNCell<double>>;
  Reference reference("optimisers.txt");
  Model beginning({.inputs = 2, .hidden = 3, .outputs = 1});
  fill(reference, "model", beginning);
  const Model::InputSequence x(reference.records("x"));
  const rp::Sequence<double> target(reference.records("target"));

  const auto compare_training = [&](const std::string& name, auto optimiser) {
    Model model = beginning;
    for (int step = 0; step < 5; ++step) {
      const std::string prefix = name + "." + std::to_string(step);
      const auto [loss, gradient] = rp::loss_and_gradient(model, x, target, rp::SquaredError{});
      compare(prefix + ".loss", loss, reference.scalar(prefix + ".loss"));
      optimiser.step(model, gradient);
      compare_all(reference, prefix, model);
    }
  };
  const auto adam = [&](const std::string& name) {
    const auto option = [&](const char* of) { return reference.scalar(name + "." + of); };
    return rp::Adam<Model>(beginning, {.learning_rate = option("learning_rate"),
                                       .beta1 = option("beta1"),
                                       .beta2 = option("beta2"),
                                       .epsilon = option("epsilon"),
                                       .weight_decay = option("weight_decay")});
  };
  compare_training("SGD", rp::SGD<Model>(beginning, {.learning_rate = reference.scalar("SGD.learning_rate"),
                                                     .momentum = reference.scalar("SGD.momentum")}));
  compare_training("RMSProp", rp::RMSProp<Model>(beginning, {.learning_rate = reference.scalar("RMSProp.learning_rate"),
                                                             .decay = reference.scalar("RMSProp.decay"),
                                                             .epsilon = reference.scalar("RMSProp.epsilon")}));
  compare_training("Adam", adam("Adam"));
  compare_training("AdamW", adam("AdamW"));
  reference.require_all_used();
}

TEST_CASE("clip_norm as in PyTorch, but for its 1e-6", "[reference]") {
  Reference reference("clip.txt");
  using Model = rp::SequenceModel<rp::RNNCell<double, rp::Dynamic, rp::Dynamic, absent>, rp::Dynamic, absent>;
  for (const std::string bound : {"tight", "loose"}) {
    Model gradient({.inputs = 2, .hidden = 3, .outputs = 1});
    fill(reference, "gradient", gradient);
    const double max_norm = reference.scalar(bound + ".max_norm");
    const double norm = rp::clip_norm(gradient, max_norm);
    compare(bound + ".norm", norm, reference.scalar(bound + ".norm"));
    // Where it clips, clip_grad_norm_ scales by max_norm / (norm + 1e-6) and so stays a little below max_norm.
    const double difference = norm > max_norm ? norm / (norm + 1e-6) : 1;
    rp::for_each_parameter([&](auto& p) { p *= difference; }, gradient);
    compare_all(reference, bound, gradient);
  }
  reference.require_all_used();
}
