#include "peer.hpp"

#include <cmath>
#include <limits>
#include <numeric>
#include <random>

namespace benchmark {

double Shape::forward_flops() const {
  return 2.0 * static_cast<double>(gates() * hidden * (inputs + hidden) * batch * steps);
}

std::string Shape::name() const {
  const char* cells[] = {"RNN", "LSTM", "GRU"};
  return std::string(cells[static_cast<int>(cell)]) + " B=" + std::to_string(batch) + " I=" + std::to_string(inputs) +
         " H=" + std::to_string(hidden);
}

namespace {

void fill(auto& matrix, Index rows, Index cols, std::mt19937& random, float bound) {
  std::uniform_real_distribution<float> uniform(-bound, bound);
  matrix.resize(rows, cols);
  for (auto& value : matrix.reshaped()) value = uniform(random);
}

}  // namespace

Problem::Problem(const Shape& shape_, std::vector<Index> lengths_) : shape(shape_), lengths(std::move(lengths_)) {
  if (lengths.empty()) lengths.assign(static_cast<std::size_t>(shape.batch), shape.steps);
  const Index columns = std::accumulate(lengths.begin(), lengths.end(), Index{0});
  const Index rows = shape.gates() * shape.hidden;
  const float bound = 1 / std::sqrt(static_cast<float>(shape.hidden));  // PyTorch's initialisation: nothing saturates
  std::mt19937 random(1);
  fill(W_xh, rows, shape.inputs, random, bound);
  fill(W_hh, rows, shape.hidden, random, bound);
  fill(b_h, rows, 1, random, bound);
  fill(b_hn, shape.cell == Cell::gru ? shape.hidden : 0, 1, random, bound);
  fill(x, shape.inputs, columns, random, 1);
  fill(dy, shape.hidden, columns, random, 1 / static_cast<float>(columns));
}

double largest_difference(const Results& a, const Results& b) {
  double largest = 0;
  const auto compare = [&](const auto& p, const auto& q) {
    if (p.size() == 0 && q.size() == 0) return;
    if (p.rows() != q.rows() || p.cols() != q.cols() || !p.allFinite() || !q.allFinite())
      largest = std::numeric_limits<double>::infinity();
    else
      largest = std::max(largest, static_cast<double>((p - q).cwiseAbs().maxCoeff() / p.cwiseAbs().maxCoeff()));
  };
  compare(a.y, b.y);
  compare(a.dx, b.dx);
  compare(a.dW_xh, b.dW_xh);
  compare(a.dW_hh, b.dW_hh);
  compare(a.db_h, b.db_h);
  compare(a.db_hn, b.db_hn);
  return largest;
}

}  // namespace benchmark
