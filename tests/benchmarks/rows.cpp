#include "rows.hpp"

#include "limits.hpp"
#include "peer.hpp"

#include <array>
#include <random>

namespace benchmark {
namespace {

using Make = std::unique_ptr<Peer> (*)(const Problem&);

// Candidates are made for one problem, compared with the first, and then keep it alive.
class Builder {
 public:
  explicit Builder(const Shape& shape, std::vector<Index> lengths = {})
      : problem_(std::make_shared<Problem>(shape, std::move(lengths))) {}

  const Problem& problem() const { return *problem_; }

  void add(const std::string& name, Make make, bool training, double units, double flops, bool doubles = false) {
    std::shared_ptr<Peer> peer = make(*problem_);
    if (!peer) return;
    const auto run = [peer, problem = problem_, training] { training ? peer->training_step() : peer->inference(); };
    run();
    if (row_.candidates.empty()) first_ = peer->results();
    const double difference = largest_difference(first_, peer->results());
    if (!(difference <= row_.difference)) row_.difference = difference, row_.differs = name;
    row_.candidates.push_back({name, run, units, flops / units, doubles});
  }

  // A candidate that is not meant to give the same, but nearly.
  void add_approximate(const std::string& name, Make make, double units, double flops) {
    std::shared_ptr<Peer> peer = make(*problem_);
    peer->inference();
    row_.approximation = largest_difference(first_, peer->results());
    row_.candidates.push_back(
        {name, [peer, problem = problem_] { peer->inference(); }, units, flops / units, false, true});
  }

  void add_read() {
    const auto weights = std::make_shared<Matrix>(problem_->shape.gates() * problem_->shape.hidden,
                                                  problem_->shape.inputs + problem_->shape.hidden);
    weights->setOnes();
    const Index steps = problem_->shape.steps;
    const auto run = [weights, steps] {
      for (Index t = 0; t < steps; ++t) kept_ = read_all(weights->data(), static_cast<std::size_t>(weights->size()));
    };
    row_.candidates.push_back({"reading W", run, static_cast<double>(steps)});
  }

  Row row() { return std::move(row_); }

 private:
  static inline volatile float kept_;
  std::shared_ptr<Problem> problem_;
  Results first_;
  Row row_;
};

Row layer(const Shape& shape, bool training) {
  Builder builder(shape);
  const double flops = training ? shape.training_flops() : shape.forward_flops();
  builder.add("reprise", make_reprise, training, 1, flops);
#ifdef REPRISE_BENCHMARK_ONEDNN
  builder.add("oneDNN", make_onednn, training, 1, flops);
#endif
#ifdef REPRISE_BENCHMARK_TORCH
  builder.add("LibTorch", make_torch, training, 1, flops);
#endif
  return builder.row();
}

Row doubles(const Shape& shape, bool training) {
  Builder builder(shape);
  const double flops = training ? shape.training_flops() : shape.forward_flops();
  builder.add("reprise", make_reprise_double, training, 1, flops, true);
  builder.add("float", make_reprise, training, 1, flops);
  return builder.row();
}

Row ragged(const Shape& shape) {
  std::mt19937 random(2);
  std::uniform_int_distribution<Index> uniform(1, shape.steps);
  std::vector<Index> lengths(static_cast<std::size_t>(shape.batch));
  for (Index& length : lengths) length = uniform(random);
  Builder some(shape, lengths), full(shape);
  const auto add = [&](Builder& builder, const char* name) {
    const double columns = static_cast<double>(builder.problem().x.cols());
    const double flops_per_column = shape.training_flops() / static_cast<double>(shape.batch * shape.steps);
    builder.add(name, make_reprise, true, columns, flops_per_column * columns);
  };
  add(some, "reprise");
  add(full, "full batch");
  Row row = some.row();
  row.candidates.push_back(full.row().candidates.front());
  return row;
}

Row stream(const Shape& shape) {
  Builder builder(shape);
  const double steps = static_cast<double>(shape.steps), flops = shape.forward_flops();
  builder.add("reprise", make_reprise_stream, false, steps, flops);
  builder.add("reprise fixed", make_reprise_fixed_stream, false, steps, flops);
  builder.add_approximate("reprise bfloat16", make_reprise_bfloat16_stream, steps, flops);
  builder.add("plain Eigen", make_plain_eigen_stream, false, steps, flops);
#ifdef REPRISE_BENCHMARK_ONEDNN
  builder.add("oneDNN", make_onednn_stream, false, steps, flops);
#endif
  builder.add_read();
  return builder.row();
}

Row product(Index rows, Index inner, Index cols) {
  struct Operands {
    Matrix a, b, ours, eigens;
  };
  const auto m = std::make_shared<Operands>(Operands{Matrix::Random(rows, inner), Matrix::Random(inner, cols),
                                                     Matrix::Zero(rows, cols), Matrix::Zero(rows, cols)});
  const auto ours = [m] { reprise_add_product(m->ours, m->a, m->b); };
  const auto eigens = [m] { m->eigens.noalias() += m->a * m->b; };
  ours();
  eigens();
  const double flops = 2.0 * static_cast<double>(rows * inner * cols);
  Results a, b;
  a.y = m->ours, b.y = m->eigens;
  return {{{"reprise", ours, 1, flops}, {"Eigen", eigens, 1, flops}}, largest_difference(a, b), "Eigen"};
}

}  // namespace

std::vector<Plan> plans() {
  constexpr Cell cells[] = {Cell::rnn, Cell::lstm, Cell::gru};
  constexpr Index T = 100;
  std::vector<Plan> all;
  for (const bool training : {true, false}) {
    const char* group = training ? "training" : "inference";
    const auto add = [&](const Shape& s) {
      const double flops = training ? s.training_flops() : s.forward_flops();
      all.push_back({group, s.name(), [=] { return layer(s, training); }, flops < 12e9});
    };
    for (const Index batch : {32, 1})
      for (const Index size : {128, 512})
        for (const Cell cell : cells) add({cell, size, size, batch, T});
    if (training) add({Cell::lstm, 256, 1024, 8, T});  // the lab of MIT 6.S191
  }
  for (const Cell cell : cells) {
    const Shape s{cell, 128, 128, 32, T};
    all.push_back({"ragged", s.name(), [=] { return ragged(s); }});
  }
  for (const Cell cell : cells)
    for (const Index hidden : {8, 16, 32, 64, 128, 256, 512}) {
      const Shape s{cell, 1, hidden, 1, 64};
      all.push_back({"streaming", s.name(), [=] { return stream(s); }});
    }
  for (const bool training : {true, false}) {
    const Shape s{Cell::lstm, 128, 128, 32, T};
    all.push_back({"double", s.name() + (training ? " training" : " inference"), [=] { return doubles(s, training); }});
  }
  // W_hh h of an LSTM for one and for 32 records, W_xh x for 100 steps of these, and what others quote.
  for (const auto& [rows, inner, cols] : std::vector<std::array<Index, 3>>{{512, 128, 1},
                                                                           {512, 128, 8},
                                                                           {512, 128, 32},
                                                                           {2048, 512, 1},
                                                                           {2048, 512, 8},
                                                                           {2048, 512, 32},
                                                                           {512, 128, 3200},
                                                                           {1024, 1024, 1024}}) {
    const std::string name = std::to_string(rows) + "x" + std::to_string(inner) + " times " + std::to_string(inner) +
                             "x" + std::to_string(cols);
    all.push_back({"product", name, [=, r = rows, i = inner, c = cols] { return product(r, i, c); }});
  }
  return all;
}

Unit unit_of(const std::string& group) {
  if (group == "streaming") return {"ns a step", 1e9};
  if (group == "ragged") return {"us a column", 1e6};
  if (group == "product") return {"us", 1e6};
  return {"ms", 1e3};
}

}  // namespace benchmark
