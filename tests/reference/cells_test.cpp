// Cells that PyTorch has no module of, against their papers' equations in make_cell_reference.py.

#include "reference.hpp"

using namespace reference;

TEST_CASE("GRU with its reset gate before the product, of Cho et al.", "[reference]") {
  check<rp::SequenceModel<rp::ResetBeforeGRUCell<double>>>("gru_reset_before.txt", rp::SquaredError{});
  check<rp::SequenceModel<rp::ResetBeforeGRUCell<double, inputs, hidden>, outputs>>("gru_reset_before.txt",
                                                                                    rp::SquaredError{});
}

TEST_CASE("LSTM with peepholes, of Graves", "[reference]") {
  check<rp::SequenceModel<rp::PeepholeLSTMCell<double>>>("lstm_peephole.txt", rp::SquaredError{});
  check<rp::SequenceModel<rp::PeepholeLSTMCell<double, inputs, hidden>, outputs>>("lstm_peephole.txt",
                                                                                  rp::SquaredError{});
}
