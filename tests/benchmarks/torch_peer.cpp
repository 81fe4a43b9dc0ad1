// LibTorch: torch::nn::RNN, LSTM, GRU on the CPU and autograd, used as its documentation does. Its row-major (steps,
// batch, features) are our columns; weights (gates hidden, inputs) are row-major there and are transposed before the
// clock starts. It has two biases where we have one: b_hh is zero but for b_hn; its gradient is computed nevertheless,
// as for any user.

#include "peer.hpp"

#include <torch/torch.h>

#include <dlfcn.h>

namespace benchmark {
namespace {

torch::Tensor row_major(const Matrix& m) {
  return torch::from_blob(const_cast<float*>(m.data()), {m.cols(), m.rows()}).t().contiguous();
}
torch::Tensor columns(const Matrix& m, Index steps) {
  return torch::from_blob(const_cast<float*>(m.data()), {steps, m.cols() / steps, m.rows()}).clone();
}
// The last dimension is rows, all others columns.
Matrix from_columns(const torch::Tensor& given) {
  const torch::Tensor t = given.detach().contiguous();
  return Eigen::Map<const Matrix>(t.data_ptr<float>(), t.size(-1), t.numel() / t.size(-1));
}

template <class Net>
class Torch : public Peer {
 public:
  explicit Torch(const Problem& p)
      : H_(p.shape.hidden),
        net_(p.shape.inputs, p.shape.hidden),
        x_(columns(p.x, p.shape.steps).requires_grad_()),
        dy_(columns(p.dy, p.shape.steps)) {
    torch::NoGradGuard no_gradient;
    weight("weight_ih_l0").copy_(row_major(p.W_xh));
    weight("weight_hh_l0").copy_(row_major(p.W_hh));
    weight("bias_ih_l0").copy_(row_major(p.b_h).flatten());
    weight("bias_hh_l0").zero_();
    if (p.b_hn.size() > 0) weight("bias_hh_l0").slice(0, 2 * H_).copy_(row_major(p.b_hn).flatten());
  }

  void inference() override {
    trained_ = false;
    torch::NoGradGuard no_gradient;
    y_ = std::get<0>(net_->forward(x_));
  }

  void training_step() override {
    trained_ = true;
    net_->zero_grad(/*set_to_none=*/true);  // the gradients then need neither clearing nor adding
    x_.mutable_grad() = torch::Tensor();
    y_ = std::get<0>(net_->forward(x_));
    y_.backward(dy_);
  }

  Results results() const override {
    Results r;
    r.y = from_columns(y_);
    if (!trained_) return r;
    r.dx = from_columns(x_.grad());
    r.dW_xh = from_columns(weight("weight_ih_l0").grad().t());
    r.dW_hh = from_columns(weight("weight_hh_l0").grad().t());
    r.db_h = from_columns(weight("bias_ih_l0").grad());
    const Vector db_hh = from_columns(weight("bias_hh_l0").grad());
    if (std::is_same_v<Net, torch::nn::GRU>) r.db_hn = db_hh.tail(H_);
    return r;
  }

 private:
  torch::Tensor weight(const char* name) const { return net_->named_parameters()[name]; }

  Index H_;
  mutable Net net_;
  torch::Tensor x_, dy_, y_;
  bool trained_ = false;
};

// The library file that a function of this name comes from, and its folder: alternatives have the same name.
std::string origin(const char* function) {
  Dl_info info;
  void* address = dlsym(RTLD_DEFAULT, function);
  if (!address || !dladdr(address, &info)) return "none";
  char* path = realpath(info.dli_fname, nullptr);
  const std::string file = path ? path : info.dli_fname;
  free(path);
  return file.substr(file.rfind('/', file.rfind('/') - 1) + 1);
}

}  // namespace

std::unique_ptr<Peer> make_torch(const Problem& problem) {
  switch (problem.shape.cell) {
    case Cell::rnn:
      return std::make_unique<Torch<torch::nn::RNN>>(problem);
    case Cell::lstm:
      return std::make_unique<Torch<torch::nn::LSTM>>(problem);
    default:
      return std::make_unique<Torch<torch::nn::GRU>>(problem);
  }
}

std::string start_torch(int threads) {
  at::set_num_threads(threads);
  at::set_num_interop_threads(1);
  // OpenBLAS has threads of its own, which LibTorch does not tell.
  if (void* set = dlsym(RTLD_DEFAULT, "openblas_set_num_threads")) reinterpret_cast<void (*)(int)>(set)(threads);
  const bool openblas = origin("sgemm_").find("openblas") != std::string::npos;
  return "LibTorch " TORCH_VERSION ", products by " + origin("sgemm_") +
         (openblas ? "" : " (not OpenBLAS: with Debian's reference BLAS LibTorch is far below what it can do)");
}

}  // namespace benchmark
