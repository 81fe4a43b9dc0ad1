// What must not touch the heap: a step of a model whose sizes are in its type, and a training pass with a used workspace.
#define EIGEN_RUNTIME_NO_MALLOC
#include <reprise/cells/layer_normed.hpp>
#include <reprise/cells/recurrent_dropout.hpp>
#include <reprise/cells/zoneout.hpp>
#include <reprise/layers/learned_initial_state.hpp>
#include <reprise/layers/residual.hpp>
#include <reprise/layers/weight_dropped.hpp>
#include <reprise/reprise.hpp>

#include <cstdlib>
#include <new>

#include "catch.hpp"

namespace rp = reprise;

namespace {
long allocations = 0;
}

// Eigen allocates with std::malloc, which its own switch watches; everything else goes through here.
void* operator new(std::size_t size) {
  ++allocations;
  if (void* p = std::malloc(size)) return p;
  throw std::bad_alloc();
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(size);
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }

namespace {
// Runs `work` with Eigen's allocations forbidden; returns how many others there were.
long allocations_of(auto work) {
  const long before = allocations;
  Eigen::internal::set_is_malloc_allowed(false);
  work();
  Eigen::internal::set_is_malloc_allowed(true);
  return allocations - before;
}
}  // namespace

TEMPLATE_TEST_CASE(
    "a step with known sizes needs no heap", "", (rp::SequenceModel<rp::RNNCell<float, 1, 16>, 1>),
    (rp::SequenceModel<rp::LSTMCell<float, 1, 16>, 1>),
    (rp::SequenceModel<rp::Stack<rp::LearnedInitialState<
                                     rp::Zoneout<rp::RecurrentDropout<rp::LayerNormed<rp::LSTMCell<float, 1, 16>>>>>,
                                 rp::Residual<rp::WeightDropped<rp::GRUCell<float, 16, 16>>>>,
                       1>),
    (rp::SequenceModel<rp::GRUCell<float, 1, 16>, 1>),
    (rp::SequenceModel<rp::Stack<rp::GRUCell<float, 1, 16>, rp::LSTMCell<float, 16, 8>>, 1>)) {
  rp::Rng rng{1};
  const TestType model{{}, rng};
  float sum = 0;
  CHECK(allocations_of([&] {
          auto state = model.initial_state();
          for (int t = 0; t < 100; ++t) sum += model.step(rp::Vector<float, 1>(0.01f * float(t)), state)(0);
        }) == 0);
  CHECK(sum != 0);
}

TEST_CASE("a step of a prepared model needs no heap, whatever its sizes") {
  using Model = rp::SequenceModel<
      rp::Stack<rp::Embedding<float>, rp::GRUCell<float>, rp::Dropout<float>, rp::Dense<float>, rp::LSTMCell<float>,
                rp::LearnedInitialState<rp::Zoneout<rp::RecurrentDropout<rp::LayerNormed<rp::LSTMCell<float>>>>>,
                rp::Residual<rp::WeightDropped<rp::GRUCell<float>>>>>;
  rp::Rng rng{1};
  const Model model{{.inputs = 8, .hidden = 20, .outputs = 8}, rng};
  rp::Prepared player{model};
  auto state = model.initial_state();
  float sum = 0;
  CHECK(allocations_of([&] {
          for (int t = 0; t < 100; ++t) sum += player.step(t % 8, state)(0);
        }) == 0);
  CHECK(sum != 0);
}

TEST_CASE("a training pass with a used workspace needs no heap") {
  using Model = rp::SequenceModel<
      rp::Stack<rp::Embedding<float>, rp::GRUCell<float>, rp::Dropout<float>, rp::LSTMCell<float>,
                rp::LearnedInitialState<rp::Zoneout<rp::RecurrentDropout<rp::LayerNormed<rp::LSTMCell<float>>>>>,
                rp::Residual<rp::WeightDropped<rp::GRUCell<float>>>>>;
  rp::Rng rng{2};
  Model model{{.inputs = 8, .hidden = 16, .outputs = 8}, rng};
  rp::Workspace<Model> workspace(model);
  rp::Adam adam{model};
  const rp::Sequence<int> x{{1, 2, 3, 4, 5}, {6, 7}, {}, {0, 1, 2, 3, 4, 5, 6}};
  auto state = model.initial_state(4);
  const auto pass = [&] {
    rp::loss_and_gradient(model, x, x, rp::SoftmaxCrossEntropy{}, workspace, {.state = &state, .rng = &rng});
    rp::loss_and_gradient(model, x, x, rp::SoftmaxCrossEntropy{}, workspace, {.rng = &rng});
    rp::clip_norm(workspace.gradient, 1);
    adam.step(model, workspace.gradient);
  };
  pass();
  CHECK(allocations_of(pass) == 0);
}
