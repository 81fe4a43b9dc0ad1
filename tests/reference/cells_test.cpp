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
