// The library itself: Recurrent<Cell> with everything kept between calls, as loss_and_gradient keeps it in a Workspace.

#include "peer.hpp"

#include <reprise/reprise.hpp>

#include <algorithm>
#include <deque>

namespace benchmark {
namespace {

using reprise::Dynamic;

template <class C>
class Reprise : public Peer {
  using Net = reprise::Recurrent<C>;
  using Scalar = typename C::Scalar;

 public:
  explicit Reprise(const Problem& problem)
      : layout_(problem.lengths),
        net_(reprise::Sizes{problem.shape.inputs, problem.shape.hidden}),
        gradient_(net_),
        x_(problem.x.cast<Scalar>()),
        dy_(problem.dy.cast<Scalar>()),
        state_(net_.template initial_state<Dynamic>(layout_.batch())),
        dstate_(state_) {
    net_.cell.W_xh = problem.W_xh.cast<Scalar>();
    net_.cell.W_hh = problem.W_hh.cast<Scalar>();
    net_.cell.b_h = problem.b_h.cast<Scalar>();
    if constexpr (requires { net_.cell.b_hn; }) net_.cell.b_hn = problem.b_hn.cast<Scalar>();
  }

  void inference() override {
    trained_ = false;
    set_zero(state_);
    net_.forward(x_, reprise::Pass{layout_}, state_, trace_);
  }

  void training_step() override {
    trained_ = true;
    const reprise::Pass pass{layout_, true};
    set_zero(state_);
    set_zero(dstate_);
    set_zero(gradient_);
    net_.forward(x_, pass, state_, trace_);
    net_.backward(x_, dy_, pass, trace_, dstate_, gradient_, &dx_);
  }

  Net& gradient() { return gradient_; }

  Results results() const override {
    Results results;
    results.y = Net::output(trace_).leftCols(layout_.columns()).template cast<float>();
    if (!trained_) return results;
    results.dx = dx_.leftCols(layout_.columns()).template cast<float>();
    results.dW_xh = gradient_.cell.W_xh.template cast<float>();
    results.dW_hh = gradient_.cell.W_hh.template cast<float>();
    results.db_h = gradient_.cell.b_h.template cast<float>();
    if constexpr (requires { gradient_.cell.b_hn; }) results.db_hn = gradient_.cell.b_hn.template cast<float>();
    return results;
  }

 private:
  reprise::Layout layout_;
  Net net_, gradient_;
  typename Net::Input x_, dx_;
  typename Net::Output dy_;
  typename Net::template State<> state_, dstate_;
  typename Net::Trace trace_;
  bool trained_ = false;
};

// The records dealt to several threads, each with a trace of its own, their gradients added in order: what
// ParallelWorkspace does for a whole model.
template <class C>
class RepriseThreads : public Peer {
 public:
  RepriseThreads(const Problem& problem, int threads) : whole_(problem), threads_(threads) {
    for (int i = 0; i < threads; ++i) {
      auto& part = parts_.emplace_back(problem);
      const Index batch = problem.shape.batch, first = batch * i / threads, count = batch * (i + 1) / threads - first;
      part.lengths.assign(static_cast<std::size_t>(count), problem.shape.steps);
      part.x.resize(problem.x.rows(), count * problem.shape.steps);
      part.dy.resize(problem.dy.rows(), count * problem.shape.steps);
      for (Index t = 0; t < problem.shape.steps; ++t) {
        part.x.middleCols(t * count, count) = problem.x.middleCols(t * batch + first, count);
        part.dy.middleCols(t * count, count) = problem.dy.middleCols(t * batch + first, count);
      }
      part.shape.batch = count;
    }
    for (const Problem& part : parts_) peers_.emplace_back(part);
  }

  void inference() override {
    each([](Peer& peer) { peer.inference(); });
  }

  void training_step() override {
    each([](Peer& peer) { peer.training_step(); });
    for (std::size_t i = 1; i < peers_.size(); ++i) add(peers_[0].gradient(), peers_[i].gradient());
  }

  Results results() const override {
    Results all = peers_[0].results();
    const auto join = [&](Matrix Results::*part) {
      if ((all.*part).size() == 0) return;
      Matrix joined(whole_.shape.hidden, whole_.x.cols());
      if (part == &Results::dx) joined.resize(whole_.shape.inputs, whole_.x.cols());
      for (std::size_t i = 0, first = 0; i < peers_.size(); first += parts_[i++].lengths.size()) {
        const Matrix share = peers_[i].results().*part;
        const Index count = parts_[i].shape.batch;
        for (Index t = 0; t < whole_.shape.steps; ++t)
          joined.middleCols(t * whole_.shape.batch + static_cast<Index>(first), count) =
              share.middleCols(t * count, count);
      }
      all.*part = joined;
    };
    join(&Results::y);
    join(&Results::dx);
    return all;
  }

 private:
  void each(auto work) {
    reprise::detail::for_each_part(threads_, peers_, [&](auto& peer, int /*i*/) { work(peer); });
  }

  const Problem& whole_;
  int threads_;
  std::deque<Problem> parts_;
  std::deque<Reprise<C>> peers_;
};

int threads_of_all = 1;

template <class C>
std::unique_ptr<Peer> make_layer(const Problem& problem) {
  const auto same_length = [&](Index length) { return length == problem.shape.steps; };
  if (threads_of_all > 1 && problem.shape.batch > 1 && std::ranges::all_of(problem.lengths, same_length))
    return std::make_unique<RepriseThreads<C>>(problem, threads_of_all);
  return std::make_unique<Reprise<C>>(problem);
}

template <class Scalar>
std::unique_ptr<Peer> make(const Problem& problem) {
  switch (problem.shape.cell) {
    case Cell::rnn:
      return make_layer<reprise::RNNCell<Scalar>>(problem);
    case Cell::lstm:
      return make_layer<reprise::LSTMCell<Scalar>>(problem);
    default:
      return make_layer<reprise::GRUCell<Scalar>>(problem);
  }
}

}  // namespace

std::unique_ptr<Peer> make_reprise(const Problem& problem) { return make<float>(problem); }
std::unique_ptr<Peer> make_reprise_double(const Problem& problem) { return make<double>(problem); }

void start_reprise(int threads) { threads_of_all = threads; }

void reprise_add_product(Matrix& c, const Matrix& a, const Matrix& b) { reprise::add_product(c, a, b); }

}  // namespace benchmark
