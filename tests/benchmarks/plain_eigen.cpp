// What anyone would write with Eigen in an afternoon: matrices of run-time sizes, one product each for x_t and h_{t-1},
// Eigen's own activations, no allocation in the loop. The baseline of the streaming rows.

#include "peer.hpp"

namespace benchmark {
namespace {

class PlainEigenStream : public Peer {
 public:
  explicit PlainEigenStream(const Problem& problem)
      : p_(problem),
        H_(problem.shape.hidden),
        h_(Vector::Zero(H_)),
        c_(Vector::Zero(H_)),
        z_(problem.W_xh.rows()),
        u_(problem.W_xh.rows()) {}

  void inference() override {
    for (Index t = 0; t < p_.x.cols(); ++t) {
      switch (p_.shape.cell) {
        case Cell::rnn:
          rnn(t);
          break;
        case Cell::lstm:
          lstm(t);
          break;
        case Cell::gru:
          gru(t);
          break;
      }
    }
  }

  Results results() const override {
    Results results;
    results.y = h_;
    return results;
  }

 private:
  void rnn(Index t) {
    z_ = p_.b_h;
    z_.noalias() += p_.W_xh * p_.x.col(t);
    z_.noalias() += p_.W_hh * h_;
    h_ = z_.array().tanh();
  }

  void lstm(Index t) {
    z_ = p_.b_h;
    z_.noalias() += p_.W_xh * p_.x.col(t);
    z_.noalias() += p_.W_hh * h_;
    z_.head(2 * H_) = z_.head(2 * H_).array().logistic();            // i, f
    z_.segment(2 * H_, H_) = z_.segment(2 * H_, H_).array().tanh();  // g
    z_.tail(H_) = z_.tail(H_).array().logistic();                    // o
    c_ = z_.segment(H_, H_).array() * c_.array() + z_.head(H_).array() * z_.segment(2 * H_, H_).array();
    h_ = z_.tail(H_).array() * c_.array().tanh();
  }

  void gru(Index t) {
    z_ = p_.b_h;
    z_.noalias() += p_.W_xh * p_.x.col(t);
    u_.head(2 * H_).setZero();
    u_.tail(H_) = p_.b_hn;
    u_.noalias() += p_.W_hh * h_;
    z_.head(2 * H_) = (z_.head(2 * H_) + u_.head(2 * H_)).array().logistic();                // r, z
    z_.tail(H_) = (z_.tail(H_).array() + z_.head(H_).array() * u_.tail(H_).array()).tanh();  // n
    h_ = z_.tail(H_).array() + z_.segment(H_, H_).array() * (h_.array() - z_.tail(H_).array());
  }

  const Problem& p_;
  Index H_;
  Vector h_, c_, z_, u_;
};

}  // namespace

std::unique_ptr<Peer> make_plain_eigen_stream(const Problem& problem) {
  return std::make_unique<PlainEigenStream>(problem);
}

}  // namespace benchmark
