#pragma once
// A learned vector for each token: y_t = E[:, x_t], which is E times the one-hot vector of x_t (Goodfellow et al., 12.4.2).
//
//   x_t (1, batch), of 0 .. vocabulary-1     E (features, vocabulary)     y_t (features, batch)
//   dE[:, x_t] += dy_t

#include <reprise/core/initialise.hpp>
#include <reprise/core/layer.hpp>

namespace reprise {

template <class Scalar_, int Vocabulary = Dynamic, int Features = Dynamic>
struct Embedding : StatelessLayer {
  using Scalar = Scalar_;
  static constexpr int Inputs = Vocabulary, Outputs = Features;
  using Input = Matrix<int, 1, Dynamic>;
  using Output = Matrix<Scalar, Features, Dynamic>;
  template <class S>
  using Rebind = Embedding<S, Vocabulary, Features>;

  Matrix<Scalar, Features, Vocabulary> E;

  static constexpr auto fields() { return std::tuple{field("E", &Embedding::E)}; }

  struct Trace {
    Output y;  // (features, columns)
  };

  /// Zero vectors: `sizes.inputs` tokens of `sizes.hidden` features.
  explicit Embedding(Sizes sizes = {known_or_zero(Vocabulary), known_or_zero(Features)}) {
    E.setZero(checked_size(sizes.hidden, Features, "hidden"), checked_size(sizes.inputs, Vocabulary, "inputs"));
  }

  /// Entries uniform with variance 1 / features, so that a vector has length 1 or so.
  Embedding(Sizes sizes, Rng& rng) : Embedding(sizes) {
    if (E.size() != 0) uniform(E, std::sqrt(3.0 / static_cast<double>(E.rows())), rng);
  }

  Index inputs() const { return E.cols(); }
  Index outputs() const { return E.rows(); }
  Index input_rows() const { return 1; }

  static const Output& output(const Trace& trace) { return trace.y; }

  void forward(const Input& x, const Pass& pass, Stateless<>& /*state*/, Trace& trace) const {
    const Index count = pass.layout.columns();
    detail::reserve(trace.y, outputs(), count);
    for (Index j = 0; j < count; ++j) trace.y.col(j) = E.col(checked(x(j)));
  }

  void backward(const Input& x, const Output& dy, const Pass& pass, Trace& /*trace*/, Stateless<>& /*dstate*/,
                Embedding& gradient, Input* /*dx: a token has no gradient*/) const {
    for (Index j = 0; j < pass.layout.columns(); ++j) gradient.E.col(x(j)) += dy.col(j);
  }

  template <int Batch, class Packed>
  using StepTrace = StepTraceOf<Matrix<Scalar, Features, Batch>, Packed>;

  /// `x_t`: a token, or a row of one for each record.
  template <int Batch, class Packed>
  const auto& step(const auto& x_t, Stateless<Owned<Batch>>& /*state*/, StepTrace<Batch, Packed>& trace) const {
    using X = std::remove_cvref_t<decltype(x_t)>;
    if constexpr (std::is_integral_v<X>) {
      trace.y = E.col(checked(x_t));
    } else {
      static_assert(std::is_integral_v<typename X::Scalar>, "an embedding takes tokens, whole numbers");
      trace.y.resize(outputs(), x_t.size());
      for (Index j = 0; j < x_t.size(); ++j) trace.y.col(j) = E.col(checked(x_t(j)));
    }
    return trace.y;
  }

 private:
  Index checked(Index token) const {
    if (token < 0 || token >= E.cols())
      detail::fail<value_error>("token ", token, ", the vocabulary has ", E.cols(), " (0 to ", E.cols() - 1, ")");
    return token;
  }
};

}  // namespace reprise
