// The library one step at a time: sizes known to the compiler, or weights packed once, as Prepared does it.

#include "peer.hpp"

#include <reprise/reprise.hpp>

namespace benchmark {
namespace {

using reprise::Dynamic;

template <class C, class Packed>
class RepriseStream : public Peer {
  using Net = reprise::Recurrent<C>;

 public:
  explicit RepriseStream(const Problem& problem)
      : net_(reprise::Sizes{problem.shape.inputs, problem.shape.hidden}),
        x_(problem.x),
        state_(net_.template initial_state<1>(1)) {
    net_.cell.W_xh = problem.W_xh;
    net_.cell.W_hh = problem.W_hh;
    net_.cell.b_h = problem.b_h;
    if constexpr (requires { net_.cell.b_hn; }) net_.cell.b_hn = problem.b_hn;
  }

  void inference() override {
    for (Index t = 0; t < x_.cols(); ++t) net_.step(x_.col(t), state_, trace_);
  }

  Results results() const override {
    Results results;
    results.y = state_.h;
    return results;
  }

 private:
  Net net_;
  typename Net::Input x_;
  typename Net::template State<reprise::Owned<1>> state_;
  typename Net::template StepTrace<1, Packed> trace_;
};

template <int I, int H, class Packed = reprise::AsTheyAre>
std::unique_ptr<Peer> make(const Problem& problem) {
  switch (problem.shape.cell) {
    case Cell::rnn:
      return std::make_unique<RepriseStream<reprise::RNNCell<float, I, H>, Packed>>(problem);
    case Cell::lstm:
      return std::make_unique<RepriseStream<reprise::LSTMCell<float, I, H>, Packed>>(problem);
    default:
      return std::make_unique<RepriseStream<reprise::GRUCell<float, I, H>, Packed>>(problem);
  }
}

}  // namespace

std::unique_ptr<Peer> make_reprise_stream(const Problem& problem) {
  return make<Dynamic, Dynamic, reprise::PackedWeights<float>>(problem);
}
std::unique_ptr<Peer> make_reprise_bfloat16_stream(const Problem& problem) {
  return make<Dynamic, Dynamic, reprise::PackedWeights<float, reprise::bfloat16>>(problem);
}

// Beyond 64 the weights of an LSTM pass the 128 KB that Eigen allows an object of fixed size.
std::unique_ptr<Peer> make_reprise_fixed_stream(const Problem& problem) {
  if (problem.shape.inputs != 1) return nullptr;
  switch (problem.shape.hidden) {
    case 8:
      return make<1, 8>(problem);
    case 16:
      return make<1, 16>(problem);
    case 32:
      return make<1, 32>(problem);
    case 64:
      return make<1, 64>(problem);
    default:
      return nullptr;
  }
}

}  // namespace benchmark
