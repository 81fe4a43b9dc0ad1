// Cells, stacks, losses and optimisers against PyTorch, in double precision.

#include "reference.hpp"

namespace {

using namespace reference;

constexpr auto absent = rp::Bias::absent;
const rp::SoftmaxCrossEntropy softmax{.ignore = 1};  // a class of the model, and what make_reference.py ignores

template <int Inputs = rp::Dynamic, int Hidden = rp::Dynamic>
using ReluCell = rp::RNNCell<double, Inputs, Hidden, rp::Bias::present, rp::Relu>;

}  // namespace

// With sizes known at run time, and at compile time.

TEST_CASE("RNN as in PyTorch", "[reference]") {
  check<rp::SequenceModel<rp::RNNCell<double>>>("rnn.txt", rp::SquaredError{});
  check<rp::SequenceModel<rp::RNNCell<double, inputs, hidden>, outputs>>("rnn.txt", rp::SquaredError{});
}

TEST_CASE("RNN with relu as in PyTorch", "[reference]") {
  check<rp::SequenceModel<ReluCell<>>>("rnn_relu.txt", rp::SquaredError{});
  check<rp::SequenceModel<ReluCell<inputs, hidden>, outputs>>("rnn_relu.txt", rp::SquaredError{});
}

TEST_CASE("LSTM as in PyTorch", "[reference]") {
  check<rp::SequenceModel<rp::LSTMCell<double>>>("lstm.txt", softmax);
  check<rp::SequenceModel<rp::LSTMCell<double, inputs, hidden>, outputs>>("lstm.txt", softmax);
}

TEST_CASE("LSTM with a projection as in PyTorch", "[reference]") {
  using Cell = rp::ProjectedLSTMCell<double>;
  using Layer = rp::Recurrent<Cell>;
  constexpr int inner = 5;
  const rp::Sizes below{inputs, hidden, inner}, above{hidden, hidden, inner};
  check(rp::SequenceModel<Cell>(Layer(below), outputs), "lstm_projected.txt", softmax);
  using Fixed = rp::ProjectedLSTMCell<double, inputs, hidden, rp::Bias::present, inner>;
  check(rp::SequenceModel<Fixed, outputs>(rp::Recurrent<Fixed>(below), outputs), "lstm_projected.txt", softmax);
  using Stack = rp::Stack<Cell, Cell>;
  check(rp::SequenceModel<Stack>(Stack(Layer(below), Layer(above)), outputs), "lstm_projected_2_layers.txt",
        rp::SquaredError{});
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
  check<rp::SequenceModel<Stack<ReluCell<>, ReluCell<>>>>("rnn_relu_2_layers.txt", rp::BernoulliCrossEntropy{});
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
