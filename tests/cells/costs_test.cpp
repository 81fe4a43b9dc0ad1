// The costs that docs/cells.md gives: parameters, and numbers kept of a step while training.

#include <reprise/cells/cfc.hpp>
#include <reprise/cells/clockwork.hpp>
#include <reprise/cells/coupled_lstm.hpp>
#include <reprise/cells/echo_state.hpp>
#include <reprise/cells/gru.hpp>
#include <reprise/cells/gru_reset_before.hpp>
#include <reprise/cells/indrnn.hpp>
#include <reprise/cells/jordan.hpp>
#include <reprise/cells/leaky_rnn.hpp>
#include <reprise/cells/lru.hpp>
#include <reprise/cells/lstm.hpp>
#include <reprise/cells/mgu.hpp>
#include <reprise/cells/min_gru.hpp>
#include <reprise/cells/min_lstm.hpp>
#include <reprise/cells/mlstm.hpp>
#include <reprise/cells/peephole_lstm.hpp>
#include <reprise/cells/projected_lstm.hpp>
#include <reprise/cells/qrnn.hpp>
#include <reprise/cells/rnn.hpp>
#include <reprise/cells/slstm.hpp>
#include <reprise/cells/sru.hpp>

#include "catch.hpp"

namespace {

namespace rp = reprise;
using rp::Index;

constexpr Index m = 11, n = 20, k = 31;  // inputs, hidden, inner

template <class Cell>
void costs(Index parameters, Index memory) {
  const Cell cell(rp::Sizes{m, n, k});
  Index kept = cell.outputs();
  for (const Index rows : cell.state_rows()) kept += rows;
  for (const Index rows : cell.trace_rows()) kept += rows;
  CHECK(rp::count_parameters(cell) == parameters);
  CHECK(kept == memory);
}

}  // namespace

TEST_CASE("a cell has the parameters and the memory of docs/cells.md") {
  costs<rp::RNNCell<float>>(n * (m + n + 1), 3 * n);
  costs<rp::LSTMCell<float>>(4 * n * (m + n + 1), 8 * n);
  costs<rp::PeepholeLSTMCell<float>>(4 * n * (m + n + 1) + 3 * n, 8 * n);
  costs<rp::CoupledLSTMCell<float>>(3 * n * (m + n + 1), 7 * n);
  costs<rp::ProjectedLSTMCell<float>>(4 * k * (m + n + 1) + k * n, 7 * k + 3 * n);
  costs<rp::GRUCell<float>>(3 * n * (m + n + 1) + n, 7 * n);
  costs<rp::ResetBeforeGRUCell<float>>(3 * n * (m + n + 1), 6 * n);
  costs<rp::MGUCell<float>>(2 * n * (m + n + 1), 6 * n);
  costs<rp::LeakyRNNCell<float>>(n * (m + n + 2), 4 * n);
  costs<rp::IndRNNCell<float>>(n * (m + 2), 3 * n);
  costs<rp::JordanCell<float>>(k * (m + n + 1) + n * (k + 1), 2 * k + 3 * n);
  costs<rp::ClockworkCell<float>>(n * (m + n + 1), 3 * n + 1);
  costs<rp::MinGRUCell<float>>(2 * n * (m + 1), 4 * n);
  costs<rp::MinLSTMCell<float>>(3 * n * (m + 1), 5 * n);
  costs<rp::SRUCell<float>>(4 * n * m + 2 * n, 8 * n);
  costs<rp::QRNNCell<float>>(3 * n * (m + 1), 6 * n);
  costs<rp::QRNNCell<float, rp::Dynamic, rp::Dynamic, rp::Bias::present, 2>>(3 * n * (2 * m + 1), 12 * n);
  costs<rp::LRUCell<float>>(3 * k + 2 * k * m + 2 * k * n + n * m, 9 * k + 3 * n);
  costs<rp::SLSTMCell<float>>(4 * n * (m + n + 1), 10 * n);
  costs<rp::MLSTMCell<float>>(4 * n * (m + 1) + 2 * (m + 1), n * n + 8 * n + 5);
  costs<rp::CfCCell<float>>(4 * n * (m + n), 6 * n + 1);
  costs<rp::EchoStateCell<float>>(n * (m + 1) + 20 * n + 1, 3 * n);
}
