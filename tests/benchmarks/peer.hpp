#pragma once
// What is measured, and who is measured. A Problem is one layer with its weights, input and output gradient, in the
// layout of the library: columns are the batch, time-major. A Peer is one implementation that has made itself ready for
// one problem.

#include <Eigen/Core>

#include <memory>
#include <string>
#include <vector>

namespace benchmark {

using Eigen::Index;
using Matrix = Eigen::MatrixXf;
using Vector = Eigen::VectorXf;

enum class Cell { rnn, lstm, gru };

struct Shape {
  Cell cell;
  Index inputs, hidden, batch, steps;

  Index gates() const { return cell == Cell::lstm ? 4 : cell == Cell::gru ? 3 : 1; }
  /// Multiplications and additions of the products with W_xh and W_hh; all else is not counted.
  double forward_flops() const;
  /// Forward, and twice as much backward: each weight meets its input's gradient and its own.
  double training_flops() const { return 3 * forward_flops(); }
  std::string name() const;
};

struct Problem {
  Shape shape;
  std::vector<Index> lengths;  // of each record; shape.steps is the longest
  Matrix W_xh;                 // (gates hidden, inputs): i, f, g, o or r, z, n, reset after the product, as in PyTorch
  Matrix W_hh;                 // (gates hidden, hidden)
  Vector b_h;                  // (gates hidden)
  Vector b_hn;                 // (hidden), GRU only
  Matrix x;                    // (inputs, columns)
  Matrix dy;                   // (hidden, columns): dL/dh_t for every t

  /// Random, the same each time. Without `lengths` every record has shape.steps steps.
  explicit Problem(const Shape& shape, std::vector<Index> lengths = {});
};

/// Whatever the last call of a peer computed; the rest is empty.
struct Results {
  Matrix y;  // (hidden, columns), or (hidden, 1) of a stream: the last h_t
  Matrix dx, dW_xh, dW_hh;
  Vector db_h, db_hn;
};

class Peer {
 public:
  virtual ~Peer() = default;
  /// h_t for all t, nothing kept. A stream carries its state on from call to call.
  virtual void inference() = 0;
  /// h_t for all t, then all gradients: dx, dW_xh, dW_hh, db_h, db_hn. A stream has none.
  virtual void training_step() {}
  virtual Results results() const = 0;
};

/// The largest difference between any two results, relative to the largest magnitude of its matrix.
double largest_difference(const Results& a, const Results& b);

// Each keeps a reference to the problem.
std::unique_ptr<Peer> make_reprise(const Problem& problem);  // on as many threads as start_reprise said
std::unique_ptr<Peer> make_reprise_double(const Problem& problem);
std::unique_ptr<Peer> make_onednn(const Problem& problem);
std::unique_ptr<Peer> make_torch(const Problem& problem);

// The same problem one step at a time, batch 1.
std::unique_ptr<Peer> make_reprise_stream(const Problem& problem);
std::unique_ptr<Peer> make_reprise_bfloat16_stream(const Problem& problem);
/// Sizes known to the compiler; null if there are none compiled for this shape.
std::unique_ptr<Peer> make_reprise_fixed_stream(const Problem& problem);
std::unique_ptr<Peer> make_plain_eigen_stream(const Problem& problem);
std::unique_ptr<Peer> make_onednn_stream(const Problem& problem);

/// C += A B through the library's kernel.
void reprise_add_product(Matrix& c, const Matrix& a, const Matrix& b);

void start_reprise(int threads);
/// How many threads a peer takes from here on, and what is worth knowing of it, for the head of the report.
std::string start_onednn(int threads);
std::string start_torch(int threads);

}  // namespace benchmark
