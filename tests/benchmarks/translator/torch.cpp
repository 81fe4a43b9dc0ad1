// The same network in LibTorch: torch::nn modules and autograd, used as its documentation does.

#include <torch/torch.h>

#include <dlfcn.h>

#include "network.hpp"

namespace benchmark {
namespace {

// (rows, cols) in PyTorch's row-major order.
torch::Tensor tensor(const Eigen::MatrixXf& m) {
  const Eigen::MatrixXf transposed = m.transpose();
  return torch::from_blob(const_cast<float*>(transposed.data()), {m.rows(), m.cols()}).clone();
}
void set(const torch::Tensor& to, const Eigen::MatrixXf& m) { to.copy_(tensor(m).reshape(to.sizes())); }

// (steps, batch)
torch::Tensor tokens(const Sentences& sentences) {
  const auto batch = static_cast<std::int64_t>(sentences.size()),
             steps = static_cast<std::int64_t>(sentences[0].size());
  torch::Tensor t = torch::empty({steps, batch}, torch::kLong);
  for (std::int64_t r = 0; r < batch; ++r)
    for (std::int64_t s = 0; s < steps; ++s)
      t[s][r] = sentences[static_cast<std::size_t>(r)][static_cast<std::size_t>(s)];
  return t;
}

struct Net : torch::nn::Module {
  torch::nn::Embedding source{nullptr}, target{nullptr};
  torch::nn::GRU encoder{nullptr}, decoder{nullptr};
  torch::nn::Linear bridge{nullptr}, score{nullptr}, combine{nullptr}, readout{nullptr};

  explicit Net(const Shape& s)
      : source(register_module("source", torch::nn::Embedding(s.sources, s.hidden))),
        target(register_module("target", torch::nn::Embedding(s.targets, s.hidden))),
        encoder(register_module("encoder",
                                torch::nn::GRU(torch::nn::GRUOptions(s.hidden, s.hidden / 2).bidirectional(true)))),
        decoder(register_module("decoder", torch::nn::GRU(torch::nn::GRUOptions(s.hidden, s.hidden)))),
        bridge(register_module("bridge", torch::nn::Linear(s.hidden, s.hidden))),
        score(register_module("score", torch::nn::Linear(torch::nn::LinearOptions(s.hidden, s.hidden).bias(false)))),
        combine(register_module("combine",
                                torch::nn::Linear(torch::nn::LinearOptions(2 * s.hidden, s.hidden).bias(false)))),
        readout(register_module("readout", torch::nn::Linear(s.hidden, s.targets))) {}

  // Summed over the steps. x (source length, batch), previous and goal (target length, batch)
  torch::Tensor loss(const torch::Tensor& x, const torch::Tensor& previous, const torch::Tensor& goal) {
    auto [h, last] = encoder->forward(source->forward(x));                                  // (S, B, H), (2, B, H / 2)
    const auto q = torch::cat({last[0], last[1]}, 1);                                       // (B, H)
    const auto s_0 = torch::tanh(bridge->forward(q)).unsqueeze(0);                          // (1, B, H)
    const auto s = std::get<0>(decoder->forward(target->forward(previous), s_0));           // (T, B, H)
    const auto keys = score->forward(h).permute({1, 2, 0});                                 // (B, H, S)
    const auto alpha = torch::softmax(torch::bmm(s.transpose(0, 1), keys), 2);              // (B, T, S)
    const auto c = torch::bmm(alpha, h.transpose(0, 1)).transpose(0, 1);                    // (T, B, H)
    const auto y = readout->forward(torch::tanh(combine->forward(torch::cat({c, s}, 2))));  // (T, B, targets)
    return torch::nn::functional::cross_entropy(
        y.flatten(0, 1), goal.flatten(), torch::nn::functional::CrossEntropyFuncOptions().reduction(torch::kSum));
  }

  void set_gru(torch::nn::GRU& gru, const std::string& end, const rp::GRUCell<float>& cell) {
    auto weights = gru->named_parameters();
    set(weights["weight_ih_l0" + end], cell.W_xh);
    set(weights["weight_hh_l0" + end], cell.W_hh);
    set(weights["bias_ih_l0" + end], cell.b_h);
    weights["bias_hh_l0" + end].zero_();  // it has two biases where we have one, but for n
    set(weights["bias_hh_l0" + end].slice(0, 2 * cell.outputs()), cell.b_hn);
  }

  void set_all(const Translator& model) {
    torch::NoGradGuard no_gradient;
    const auto& [source_embedding, both] = model.encoder.layers;
    const auto& [target_embedding, cell, attend] = model.decoder.layers;
    set(source->weight, source_embedding.E.transpose());
    set(target->weight, target_embedding.E.transpose());
    set_gru(encoder, "", both.forwards.cell);
    set_gru(encoder, "_reverse", both.backwards.cell);
    set_gru(decoder, "", cell.cell);
    set(bridge->weight, std::get<1>(model.bridge.W.layers).h);
    set(bridge->bias, std::get<1>(model.bridge.b.layers).h);
    set(score->weight, attend.attention.W);
    set(combine->weight, attend.W_c);
    set(readout->weight, model.decoder.W_hy);
    set(readout->bias, model.decoder.b_y);
  }
};

}  // namespace

Run torch_run(const Translator& model, const Batch& batch, const Shape& shape) {
  at::set_num_threads(1);
  if (void* set = dlsym(RTLD_DEFAULT, "openblas_set_num_threads")) reinterpret_cast<void (*)(int)>(set)(1);
  auto net = std::make_shared<Net>(shape);
  net->set_all(model);
  return [net, x = tokens(batch.source), previous = tokens(batch.previous), goal = tokens(batch.target)] {
    net->zero_grad(/*set_to_none=*/true);
    auto loss = net->loss(x, previous, goal);
    loss.backward();
    return loss.item<float>();
  };
}

}  // namespace benchmark
