// The costs that docs/cells.md gives: parameters, and numbers kept of a step while training.

#include <reprise/cells/cfc.hpp>
#include <reprise/cells/clockwork.hpp>
#include <reprise/cells/coupled_lstm.hpp>
#include <reprise/cells/deep_transition.hpp>
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
#include <reprise/cells/ntm.hpp>
#include <reprise/cells/peephole_lstm.hpp>
#include <reprise/cells/projected_lstm.hpp>
#include <reprise/cells/qrnn.hpp>
#include <reprise/cells/rnn.hpp>
#include <reprise/cells/slstm.hpp>
#include <reprise/cells/sru.hpp>
#include <reprise/train/sequence_model.hpp>

#include "catch.hpp"

namespace {

namespace rp = reprise;
using rp::Index;

constexpr Index m = 11, n = 20, k = 31;  // inputs, hidden, inner

template <class Cell>
Cell make() {
  try {
    return Cell({m, n, k});
  } catch (const rp::shape_error&) {  // a cell without an inner size
    return Cell({m, n});
  }
}

template <class Cell>
void costs(Index parameters, Index memory) {
  const auto cell = make<Cell>();
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
  costs<rp::NTMCell<float>>((5 * n / 2 + 3 + k) * (m + n + 1), 9 * n / 2 + 3 + 5 * k + k * n / 2);
  costs<rp::DeepTransitionRNNCell<float>>(k * (m + n + 1) + n * (k + 1), 2 * k + 3 * n);
  costs<rp::EchoStateCell<float>>(n * (m + 1) + 20 * n + 1, 3 * n);
}

TEST_CASE("an inner size reaches the cells that have one, and is refused by the others") {
  rp::Rng rng(1);
  const rp::SequenceModel<rp::ProjectedLSTMCell<float>> model{{.inputs = 3, .hidden = 4, .outputs = 2, .inner = 9},
                                                              rng};
  CHECK(model.cell.W_hr.rows() == 4);
  CHECK(model.cell.W_hr.cols() == 9);
  CHECK_THROWS_WITH(rp::LSTMCell<float>({3, 4, 9}), "inner = 9: this cell has no inner size, its hidden is 4");
  CHECK_NOTHROW(rp::LSTMCell<float>({3, 4, 4}));
  CHECK_THROWS_AS((rp::Stack<rp::ProjectedLSTMCell<float>, rp::LSTMCell<float>>({3, 4, 9}, rng)), rp::shape_error);
  CHECK(rp::ProjectedLSTMCell<float, 1, 16>{}.W_hr.size() == 256);
}

TEST_CASE("minLSTM shares out 1 between gates that are both 0 to a computer") {
  rp::MinLSTMCell<float> cell({1, 1});
  cell.W_xh << 1, 1, 0;  // i and f see x
  cell.b_h << 0, 1, 1;   // f' is e times i'
  for (const float a : {-5.0f, -105.0f, -1000.0f, 200.0f}) {
    rp::MinLSTMCell<float>::State<rp::Owned<1>> state{rp::Vector<float>::Zero(1)};
    rp::Recurrent<rp::MinLSTMCell<float>>::StepTrace<1, rp::AsTheyAre> trace;
    const float h = rp::Recurrent(cell).step(rp::Vector<float>::Constant(1, a), state, trace)(0);
    const double e = std::exp(1.0), i = 1 / (1 + std::exp(-double(a))), f = 1 / (1 + std::exp(-double(a) - 1));
    CHECK(h == Approx(a < -100 ? 1 / (1 + e) : i / (i + f)).epsilon(1e-5));
  }
}
