// oneDNN, and what favours it: the weights lie in the formats it asks for before the clock starts, forward and backward
// each in its own, and the weight gradients stay in the format it writes. A program that trains would reorder at least
// once per step, since the optimiser changes the weights. Gradients are added to what is there, so clearing them is
// part of the step.
//
// Its x and y, (steps, batch, features) with the features contiguous, are ours; so are its weights in the format ldigo,
// and the gates i, f, g, o of the LSTM. The GRU's are z, r, n there.

#include "onednn_tensors.hpp"

#include <dlfcn.h>

#include <unordered_map>

namespace benchmark {
namespace {

using namespace dnnl;
using Arguments = std::unordered_map<int, memory>;

class OneDnn : public Peer {
 public:
  OneDnn(const Problem& problem, Index steps) : p_(problem), stream_(engine_), T(steps) {
    const Shape& s = p_.shape;
    B = s.batch, I = s.inputs, H = s.hidden, G = s.gates(), biases_ = s.cell == Cell::gru ? 4 : G;
    const auto x = tensor({T, B, I}, Tag::tnc), y = tensor({T, B, H}, Tag::tnc), h = tensor({1, 1, B, H}, Tag::ldnc);
    const auto W_xh = tensor({1, 1, I, G, H}, Tag::any), W_hh = tensor({1, 1, H, G, H}, Tag::any);
    const auto b = tensor({1, 1, biases_, H}, Tag::ldgo);
    const auto tanh = algorithm::eltwise_tanh;
    const auto direction = rnn_direction::unidirectional_left2right;
    const auto training = prop_kind::forward_training, inference = prop_kind::forward_inference;
    const auto backward = prop_kind::backward;
    if (s.cell == Cell::rnn) {
      using Forward = vanilla_rnn_forward;
      const auto d = describe_forward<Forward>(engine_, training, tanh, direction, x, h, W_xh, W_hh, b, y, h);
      add<Forward>(inference_,
                   describe_forward<Forward>(engine_, inference, tanh, direction, x, h, W_xh, W_hh, b, y, h));
      add<Forward>(training_, d);
      add_backward<vanilla_rnn_backward>(describe_backward<vanilla_rnn_backward>(
          engine_, d, backward, tanh, direction, x, h, W_xh, W_hh, b, y, h, x, h, W_xh, W_hh, b, y, h));
    } else if (s.cell == Cell::lstm) {
      using Forward = lstm_forward;
      const auto d = describe_forward<Forward>(engine_, training, direction, x, h, h, W_xh, W_hh, b, y, h, h);
      add<Forward>(inference_,
                   describe_forward<Forward>(engine_, inference, direction, x, h, h, W_xh, W_hh, b, y, h, h));
      add<Forward>(training_, d);
      add_backward<lstm_backward>(describe_backward<lstm_backward>(engine_, d, backward, direction, x, h, h, W_xh, W_hh,
                                                                   b, y, h, h, x, h, h, W_xh, W_hh, b, y, h, h));
    } else {
      using Forward = lbr_gru_forward;
      const auto d = describe_forward<Forward>(engine_, training, direction, x, h, W_xh, W_hh, b, y, h);
      add<Forward>(inference_, describe_forward<Forward>(engine_, inference, direction, x, h, W_xh, W_hh, b, y, h));
      add<Forward>(training_, d);
      add_backward<lbr_gru_backward>(describe_backward<lbr_gru_backward>(engine_, d, backward, direction, x, h, W_xh,
                                                                         W_hh, b, y, h, x, h, W_xh, W_hh, b, y, h));
    }
  }

  void inference() override {
    trained_ = false;
    run(inference_);
  }

  void training_step() override {
    trained_ = true;
    for (const int gradient : {DNNL_ARG_DIFF_WEIGHTS_LAYER, DNNL_ARG_DIFF_WEIGHTS_ITER, DNNL_ARG_DIFF_BIAS}) {
      const memory& m = backward_.arguments.at(gradient);
      std::memset(m.get_data_handle(), 0, m.get_desc().get_size());
    }
    run(training_);
    run(backward_);
  }

  Results results() const override {
    Results r;
    r.y = plain((trained_ ? training_ : inference_).arguments.at(DNNL_ARG_DST_LAYER), Tag::tnc, H, T * B);
    if (!trained_) return r;
    const Arguments& d = backward_.arguments;
    r.dx = plain(d.at(DNNL_ARG_DIFF_SRC_LAYER), Tag::tnc, I, T * B);
    r.dW_xh = from_gates(plain(d.at(DNNL_ARG_DIFF_WEIGHTS_LAYER), Tag::ldigo, G * H, I));
    r.dW_hh = from_gates(plain(d.at(DNNL_ARG_DIFF_WEIGHTS_ITER), Tag::ldigo, G * H, H));
    const Matrix db = from_gates(plain(d.at(DNNL_ARG_DIFF_BIAS), Tag::ldgo, biases_ * H, 1));
    r.db_h = db.topRows(G * H);
    r.db_hn = db.bottomRows((biases_ - G) * H);
    return r;
  }

 protected:
  struct Call {
    primitive run;
    Arguments arguments;
  };

  void run(const Call& call) {
    call.run.execute(stream_, call.arguments);
    stream_.wait();
  }

  template <class P, class Description>
  void add(Call& call, const Description& d) {
    call.run = P(d);
    Matrix b(biases_ * H, 1);
    b << p_.b_h, p_.b_hn;
    Arguments& a = call.arguments;
    a[DNNL_ARG_SRC_LAYER] = filled(d.src_layer_desc(), engine_, Tag::tnc, p_.x);
    a[DNNL_ARG_WEIGHTS_LAYER] = filled(d.weights_layer_desc(), engine_, Tag::ldigo, from_gates(p_.W_xh));
    a[DNNL_ARG_WEIGHTS_ITER] = filled(d.weights_iter_desc(), engine_, Tag::ldigo, from_gates(p_.W_hh));
    a[DNNL_ARG_BIAS] = filled(d.bias_desc(), engine_, Tag::ldgo, from_gates(b));
    a[DNNL_ARG_DST_LAYER] = zeros(d.dst_layer_desc(), engine_);
    a[DNNL_ARG_SRC_ITER] = zeros(d.src_iter_desc(), engine_);
    a[DNNL_ARG_DST_ITER] = zeros(d.dst_iter_desc(), engine_);
    if constexpr (requires { d.src_iter_c_desc(); }) {
      a[DNNL_ARG_SRC_ITER_C] = zeros(d.src_iter_c_desc(), engine_);
      a[DNNL_ARG_DST_ITER_C] = zeros(d.dst_iter_c_desc(), engine_);
    }
    if (d.workspace_desc().get_size() > 0) a[DNNL_ARG_WORKSPACE] = zeros(d.workspace_desc(), engine_);
  }

  template <class P, class Description>
  void add_backward(const Description& d) {
    add<P>(backward_, d);
    Arguments& a = backward_.arguments;
    // What the forward pass left behind; the weights only are in a format of their own.
    for (auto& [which, m] : training_.arguments)
      if (which != DNNL_ARG_WEIGHTS_LAYER && which != DNNL_ARG_WEIGHTS_ITER) a[which] = m;
    a[DNNL_ARG_DIFF_DST_LAYER] = filled(d.diff_dst_layer_desc(), engine_, Tag::tnc, p_.dy);
    a[DNNL_ARG_DIFF_SRC_LAYER] = zeros(d.diff_src_layer_desc(), engine_);
    a[DNNL_ARG_DIFF_WEIGHTS_LAYER] = zeros(d.diff_weights_layer_desc(), engine_);
    a[DNNL_ARG_DIFF_WEIGHTS_ITER] = zeros(d.diff_weights_iter_desc(), engine_);
    a[DNNL_ARG_DIFF_BIAS] = zeros(d.diff_bias_desc(), engine_);
    a[DNNL_ARG_DIFF_SRC_ITER] = zeros(d.diff_src_iter_desc(), engine_);
    a[DNNL_ARG_DIFF_DST_ITER] = zeros(d.diff_dst_iter_desc(), engine_);
    if constexpr (requires { d.diff_src_iter_c_desc(); }) {
      a[DNNL_ARG_DIFF_SRC_ITER_C] = zeros(d.diff_src_iter_c_desc(), engine_);
      a[DNNL_ARG_DIFF_DST_ITER_C] = zeros(d.diff_dst_iter_c_desc(), engine_);
    }
  }

  // (W_r, W_z, W_n) to (W_z, W_r, W_n) and back, rows being gates.
  Matrix from_gates(Matrix m) const {
    if (p_.shape.cell == Cell::gru) m.topRows(H).swap(m.middleRows(H, H));
    return m;
  }

  const Problem& p_;
  engine engine_{engine::kind::cpu, 0};
  stream stream_;
  Index T, B = 0, I = 0, H = 0, G = 0, biases_ = 0;
  Call inference_, training_, backward_;
  bool trained_ = false;
};

// One step at a time: what a step leaves behind is what the next begins with.
class OneDnnStream : public OneDnn {
 public:
  explicit OneDnnStream(const Problem& problem) : OneDnn(problem, 1) {}

  void inference() override {
    Arguments& a = inference_.arguments;
    for (Index t = 0; t < p_.x.cols(); ++t) {
      a[DNNL_ARG_SRC_LAYER].set_data_handle(const_cast<float*>(p_.x.col(t).data()));
      run(inference_);
      std::swap(a[DNNL_ARG_SRC_ITER], a[DNNL_ARG_DST_ITER]);
      if (p_.shape.cell == Cell::lstm) std::swap(a[DNNL_ARG_SRC_ITER_C], a[DNNL_ARG_DST_ITER_C]);
    }
  }
};

}  // namespace

std::unique_ptr<Peer> make_onednn(const Problem& problem) {
  return std::make_unique<OneDnn>(problem, problem.shape.steps);
}
std::unique_ptr<Peer> make_onednn_stream(const Problem& problem) { return std::make_unique<OneDnnStream>(problem); }

std::string start_onednn(int threads) {
  // Whichever OpenMP it was built with; there is none to ask in a sequential build.
  if (void* set = dlsym(RTLD_DEFAULT, "omp_set_num_threads")) reinterpret_cast<void (*)(int)>(set)(threads);
  const dnnl_version_t* v = dnnl_version();
  return "oneDNN " + std::to_string(v->major) + '.' + std::to_string(v->minor) + '.' + std::to_string(v->patch);
}

}  // namespace benchmark
