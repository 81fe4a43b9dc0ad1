#pragma once
// Attention: for a query q and the annotations h_1 .. h_S of a record, a weighted mean of the annotations.
//
//   k_j = key(h_j)    e_j = score(q, k_j)    a = softmax(e)    c = sum_j a_j h_j
//
//   AdditiveAttention       k_j = U h_j      e_j = v . tanh(W q + k_j)       Bahdanau, Cho and Bengio (2015), appendix A.1.2;
//                                                                            Luong et al.'s "concat", [W U] being their W_a
//   DotProductAttention     k_j = h_j        e_j = q . k_j                   Luong, Pham and Manning (2015), equation 8: "dot"
//     <Score::general>      k_j = W h_j      e_j = q . k_j                   and "general"
//
//   q (query, n)   h (features, S)   k (units, S)   e, a (S, n)   c (features, n)   W (units, query)   U (units, features)   v (units)
//
// A record without annotations has the context zero. Backward, from dc:
//
//   da = H^T dc     dH += dc a^T     de = a * (da - sum_j a_j da_j)     and back through the score to dq, dk, dW, dU, dv
//
// A mechanism says its score only. Softmax, c and the loops over ragged records are in layers/reading.hpp, for whoever
// reads: Attend, AttentiveRecurrent and InputFeeding.

#include <reprise/core/initialise.hpp>
#include <reprise/core/module.hpp>
#include <reprise/kernels/elementary.hpp>
#include <reprise/kernels/elementwise.hpp>
#include <reprise/kernels/product.hpp>

namespace reprise {

namespace detail {

// c += A b, of one type whatever blocks A and b are of, so that Eigen's product is compiled once.
template <bool transposed, class Scalar>
void add_vector_product(Eigen::Map<Vector<Scalar>> c, const Scalar* a, Index step,
                        Eigen::Map<const Vector<Scalar>, 0, Eigen::InnerStride<>> b) {
  using A = Eigen::Map<const Matrix<Scalar>, 0, Eigen::OuterStride<>>;
  if constexpr (transposed)
    c.noalias() += A(a, b.size(), c.size(), Eigen::OuterStride<>(step)).transpose() * b;
  else
    c.noalias() += A(a, c.size(), b.size(), Eigen::OuterStride<>(step)) * b;
}

// The products of one record: A B, or C += A B. Of a step, a vector of a query each, Eigen's are the fastest; of a whole
// record's queries those of kernels/product.hpp.
void record_product(auto&& c, const auto& a, const auto& b, bool add = false) {
  using Scalar = typename std::remove_cvref_t<decltype(c)>::Scalar;
  using A = std::remove_cvref_t<decltype(a)>;
  if constexpr (packed_scalar<Scalar>) {
    if (b.cols() == 1) {
      const auto column = b.col(0);
      const auto& stored = Operand<A>::stored(a);
      if (!add) c.col(0).setZero();
      add_vector_product<Operand<A>::transposed, Scalar>(
          {c.data(), c.rows()}, stored.data(), column_step(stored),
          {column.data(), column.size(), Eigen::InnerStride<>(column.innerStride())});
      return;
    }
    if (add && a.cols() == 1) {
      for (Index j = 0; j < c.cols(); ++j) c.col(j) += b(0, j) * a.col(0);
      return;
    }
  }
  product(c, a, b, add);
}
void add_record_product(auto&& c, const auto& a, const auto& b) { record_product(c, a, b, true); }

}  // namespace detail

/// Rows of a query and of an annotation, and of what the two are compared in.
struct AttentionSizes {
  Index query = 0, features = 0, units = 0;
};

template <class Scalar_>
struct AdditiveAttention {
  using Scalar = Scalar_;
  template <class S>
  using Rebind = AdditiveAttention<S>;

  Matrix<Scalar> W, U;
  Vector<Scalar> v;

  static constexpr auto fields() {
    return std::tuple{field("W", &AdditiveAttention::W), field("U", &AdditiveAttention::U),
                      field("v", &AdditiveAttention::v)};
  }

  explicit AdditiveAttention(AttentionSizes sizes = {}) {
    W.setZero(checked_size(sizes.units, Dynamic, "units"), checked_size(sizes.query, Dynamic, "query"));
    U.setZero(sizes.units, checked_size(sizes.features, Dynamic, "features"));
    v.setZero(sizes.units);
  }
  /// W, U and v after Glorot.
  AdditiveAttention(AttentionSizes sizes, Rng& rng) : AdditiveAttention(sizes) {
    glorot(W, rng);
    glorot(U, rng);
    glorot(v, rng);
  }

  AttentionSizes sizes() const { return {W.cols(), U.cols(), U.rows()}; }

  void keys(const auto& h, auto&& k) const { product(k, U, h); }
  void keys_back(const auto& h, const auto& dk, AdditiveAttention& gradient, auto&& dh) const {
    add_product(gradient.U, dk, h.transpose());
    add_product(dh, U.transpose(), dk);
  }

  // p = W q: what the scores take of a query.
  void project(auto& packed, const auto& q, auto&& p) const { product(p, packed(W), q); }
  void project_back(auto& packed, const auto& dp, auto&& dq) const { add_product(dq, packed(W.transpose()), dp); }
  void accumulate(const auto& q, const auto& dp, AdditiveAttention& gradient) const {
    add_product(gradient.W, dp, q.transpose());
  }

  // e_j = v . tanh(p + k_j) for each column p. `s` is to work in.
  void scores(const auto& p, const auto& k, auto&& e, Matrix<Scalar>& s) const {
    for (Index n = 0; n < p.cols(); ++n) {
      sums(p.col(n), k, s);
      e.col(n).noalias() = s.leftCols(k.cols()).transpose() * v;
    }
  }

  // With s_j = tanh(p + k_j):  dv += s_j de_j    dk_j += v * (1 - s_j^2) de_j, and so for dp, summed over j.
  void scores_back(const auto& p, const auto& k, const auto& de, auto&& dp, auto&& dk, Matrix<Scalar>& s,
                   AdditiveAttention& gradient) const {
    for (Index n = 0; n < p.cols(); ++n) {
      sums(p.col(n), k, s);
      auto s_n = s.leftCols(k.cols());
      gradient.v.noalias() += s_n * de.col(n);
      for (Index j = 0; j < k.cols(); ++j)
        s_n.col(j).array() = (Scalar(1) - s_n.col(j).array().square()) * v.array() * de(j, n);
      dk += s_n;
      for (Index j = 0; j < k.cols(); ++j) dp.col(n) += s_n.col(j);
    }
  }

 private:
  static void sums(const auto& p, const auto& k, Matrix<Scalar>& s) {
    if (s.rows() != k.rows() || s.cols() < k.cols()) s.resize(k.rows(), k.cols());
    auto used = s.leftCols(k.cols());
    used = k;
    for (Index j = 0; j < k.cols(); ++j) used.col(j) += p;
    elementwise([](auto& s_) { s_ = tanh(s_); }, used);
  }
};

enum class Score { dot, general };

template <class Scalar_, Score score = Score::general>
struct DotProductAttention {
  using Scalar = Scalar_;
  template <class S>
  using Rebind = DotProductAttention<S, score>;
  static constexpr bool general = score == Score::general;

  Matrix<Scalar, Dynamic, general ? Dynamic : 0> W;  // (query, features); of `dot` empty

  static constexpr auto fields() { return std::tuple{field("W", &DotProductAttention::W)}; }

  /// Throws shape_error if a plain dot product would be of vectors of two sizes. `units` are those of the query.
  explicit DotProductAttention(AttentionSizes sizes = {}) {
    checked_size(sizes.query, Dynamic, "query");
    checked_size(sizes.features, Dynamic, "features");
    if constexpr (general) {
      W.setZero(sizes.query, sizes.features);
    } else {
      size_ = sizes.query;
      if (sizes.features != sizes.query)
        detail::fail<shape_error>("DotProductAttention: annotations have ", sizes.features, " rows, a query has ",
                                  sizes.query, "; a plain dot product takes equal ones");
    }
  }
  /// W after Glorot, divided by sqrt(query): scores begin near zero, so that a query looks at all annotations alike. After
  /// Glorot alone they begin several units apart, and softmax, nearly one-hot, lets no gradient through to mend it.
  DotProductAttention(AttentionSizes sizes, Rng& rng) : DotProductAttention(sizes) {
    if constexpr (general) {
      glorot(W, rng);
      if (sizes.query != 0) W *= static_cast<Scalar>(1 / std::sqrt(static_cast<double>(sizes.query)));
    }
  }

  void take_settings(const auto& other) requires(!general) { size_ = other.sizes().query; }

  AttentionSizes sizes() const {
    if constexpr (general)
      return {W.rows(), W.cols(), W.rows()};
    else
      return {size_, size_, size_};
  }

  void keys(const auto& h, auto&& k) const {
    if constexpr (general)
      product(k, W, h);
    else
      k = h;
  }
  void keys_back(const auto& h, const auto& dk, DotProductAttention& gradient, auto&& dh) const {
    if constexpr (general) {
      add_product(gradient.W, dk, h.transpose());
      add_product(dh, W.transpose(), dk);
    } else {
      dh += dk;
    }
  }

  void project(auto& /*packed*/, const auto& q, auto&& p) const { p = q; }
  void project_back(auto& /*packed*/, const auto& dp, auto&& dq) const { dq += dp; }
  void accumulate(const auto& /*q*/, const auto& /*dp*/, DotProductAttention& /*gradient*/) const {}

  void scores(const auto& p, const auto& k, auto&& e, Matrix<Scalar>& /*s*/) const {
    detail::record_product(e, k.transpose(), p);  // e_j = p . k_j
  }

  // dp = sum_j de_j k_j    dk_j = sum_n de_j p
  void scores_back(const auto& p, const auto& k, const auto& de, auto&& dp, auto&& dk, Matrix<Scalar>& /*s*/,
                   DotProductAttention& /*gradient*/) const {
    detail::add_record_product(dp, k, de);
    detail::add_record_product(dk, p, de.transpose());
  }

 private:
  Index size_ = 0;  // of `dot`, whose W is empty: rows of a query and of an annotation
};

}  // namespace reprise
