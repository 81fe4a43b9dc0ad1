// Cells that PyTorch has no module of, against the equations of their papers in make_cell_reference.py.

#include "reference.hpp"

using namespace reference;

namespace {

/// With sizes known at run time, and at compile time.
template <template <class, int, int, rp::Bias> class Cell>
void check_cell(const std::string& file) {
  constexpr auto present = rp::Bias::present;
  check<rp::SequenceModel<Cell<double, rp::Dynamic, rp::Dynamic, present>>>(file, rp::SquaredError{});
  check<rp::SequenceModel<Cell<double, inputs, hidden, present>, outputs>>(file, rp::SquaredError{});
}

/// The same for one with 5 units behind its outputs.
template <class Cell, class Fixed>
void check_inner(const std::string& file) {
  constexpr rp::Sizes sizes{inputs, hidden, 5};
  check(rp::SequenceModel<Cell>(rp::Recurrent<Cell>(sizes), outputs), file, rp::SquaredError{});
  check(rp::SequenceModel<Fixed, outputs>(rp::Recurrent<Fixed>(sizes), outputs), file, rp::SquaredError{});
}

template <class Scalar, int Inputs, int Hidden, rp::Bias bias>
using IndRNN = rp::IndRNNCell<Scalar, Inputs, Hidden, bias, rp::Relu>;
template <class Scalar, int Inputs, int Hidden, rp::Bias bias>
using QRNNOfTwo = rp::QRNNCell<Scalar, Inputs, Hidden, bias, 2>;
template <class Scalar, int Inputs, int Hidden, rp::Bias bias>
using LayerNormedLSTM = rp::LayerNormed<rp::LSTMCell<Scalar, Inputs, Hidden, bias>>;

}  // namespace

TEST_CASE("GRU with its reset gate before the product", "[reference]") {
  check_cell<rp::ResetBeforeGRUCell>("gru_reset_before.txt");
}
TEST_CASE("LSTM with peepholes", "[reference]") { check_cell<rp::PeepholeLSTMCell>("lstm_peephole.txt"); }
TEST_CASE("LSTM with its input gate coupled to the forget gate", "[reference]") {
  check_cell<rp::CoupledLSTMCell>("lstm_coupled.txt");
}
TEST_CASE("minimal gated unit", "[reference]") { check_cell<rp::MGUCell>("mgu.txt"); }
TEST_CASE("minGRU", "[reference]") { check_cell<rp::MinGRUCell>("min_gru.txt"); }
TEST_CASE("sLSTM", "[reference]") { check_cell<rp::SLSTMCell>("slstm.txt"); }
TEST_CASE("mLSTM", "[reference]") { check_cell<rp::MLSTMCell>("mlstm.txt"); }
TEST_CASE("IndRNN", "[reference]") { check_cell<IndRNN>("indrnn.txt"); }
TEST_CASE("leaky units", "[reference]") { check_cell<rp::LeakyRNNCell>("leaky_rnn.txt"); }
TEST_CASE("Jordan's output recurrence", "[reference]") {
  check_inner<rp::JordanCell<double>, rp::JordanCell<double, inputs, hidden, rp::Bias::present, 5>>("jordan.txt");
}
TEST_CASE("minLSTM", "[reference]") { check_cell<rp::MinLSTMCell>("min_lstm.txt"); }
TEST_CASE("simple recurrent unit", "[reference]") { check_cell<rp::SRUCell>("sru.txt"); }
TEST_CASE("QRNN of two inputs", "[reference]") { check_cell<QRNNOfTwo>("qrnn.txt"); }
TEST_CASE("linear recurrent unit", "[reference]") {
  check_inner<rp::LRUCell<double>, rp::LRUCell<double, inputs, hidden, 5>>("lru.txt");
}
TEST_CASE("closed-form continuous-time cell", "[reference]") { check_cell<rp::CfCCell>("cfc.txt"); }
TEST_CASE("LSTM whose gates are normalised over the layer", "[reference]") {
  check_cell<LayerNormedLSTM>("lstm_layer_normed.txt");
}
TEST_CASE("neural Turing machine", "[reference]") {
  check_inner<rp::NTMCell<double>, rp::NTMCell<double, inputs, hidden, rp::Bias::present, 5>>("ntm.txt");
}
