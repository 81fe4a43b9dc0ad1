// Each of these does not compile, and the compiler says why in a sentence.
#include <reprise/reprise.hpp>

namespace rp = reprise;

int main() {
#if MISUSE == 1
  rp::SequenceModel<rp::GRUCell<float, 3, 16>, 1> model;
  auto state = model.initial_state();
  model.step(Eigen::Vector2f(1, 2), state);
#elif MISUSE == 2
  rp::Stack<rp::GRUCell<float, 1, 16>, rp::LSTMCell<float, 8, 8>> stack;
#elif MISUSE == 3
  rp::check_cell(rp::GRUCell<float>{});
#elif MISUSE == 5
  rp::SequenceModel<rp::RNNCell<float>> model;
  auto state = model.initial_state();
  model.step(0.5f, state);
#elif MISUSE == 6
  rp::Stack<rp::CfCCell<float>, rp::CfCCell<float>> stack;
#elif MISUSE == 7
  rp::Zoneout<rp::SLSTMCell<float>> cell;
#elif MISUSE == 8
  rp::SequenceModel<rp::Bidirectional<rp::GRUCell<float>>> model;
  auto state = model.initial_state();
  model.step(Eigen::Vector2f(1, 2), state);
#elif MISUSE == 9
  rp::Recurrent<rp::CfCCell<float>, rp::Direction::backward> layer;
#elif MISUSE == 10
  rp::EncoderDecoder<rp::GRUCell<float>, rp::LearnedInitialState<rp::GRUCell<float>>> model;
#elif MISUSE == 11
  rp::EncoderDecoder<rp::GRUCell<float>, rp::Bidirectional<rp::GRUCell<float>>> model;
#elif MISUSE == 12
  rp::EncoderDecoder<rp::LSTMCell<float>, rp::GRUCell<float>, rp::Bridge::copy> model;
#elif MISUSE == 13
  rp::EncoderDecoder<rp::GRUCell<float>, rp::Stack<rp::SLSTMCell<float>>> model;
#elif MISUSE == 14
  rp::Stack<rp::WithContext<float>, rp::GRUCell<float>> decoder({.inputs = 2, .hidden = 3});
#elif MISUSE == 15
  rp::LearnedInitialState<rp::Stack<rp::SLSTMCell<float>>> layer;
#elif MISUSE == 16
  rp::SequenceToOne<rp::GRUCell<float>> model;
  rp::Workspace workspace{model};
  rp::loss_and_gradient(model, rp::Sequence<float>(), std::vector<int>{1}, rp::SoftmaxCrossEntropy{}, workspace);
#elif MISUSE == 4
  rp::Recurrent<rp::Dense<float>> layer;
#endif
}
