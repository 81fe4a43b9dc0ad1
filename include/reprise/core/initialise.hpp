#pragma once
// How weights begin. Each fills one matrix from the caller's generator; a cell calls it once per gate.

#include <reprise/core/rng.hpp>

#include <cmath>

namespace reprise {

/// Every entry uniform in [-limit, limit].
template <class W>
void uniform(W&& weights, double limit, Rng& rng) {
  using Scalar = typename std::remove_cvref_t<W>::Scalar;
  for (Index j = 0; j < weights.cols(); ++j)
    for (Index i = 0; i < weights.rows(); ++i) weights(i, j) = static_cast<Scalar>(rng.uniform(-limit, limit));
}

/// Every entry normal, of mean zero.
template <class W>
void normal(W&& weights, double deviation, Rng& rng) {
  using Scalar = typename std::remove_cvref_t<W>::Scalar;
  for (Index j = 0; j < weights.cols(); ++j)
    for (Index i = 0; i < weights.rows(); ++i) weights(i, j) = static_cast<Scalar>(deviation * rng.normal());
}

/// Uniform with limit sqrt(6 / (fan_in + fan_out)): Glorot and Bengio, AISTATS 2010, equation 16.
template <class W>
void glorot(W&& weights, Rng& rng) {
  if (weights.size() != 0) uniform(weights, std::sqrt(6.0 / static_cast<double>(weights.rows() + weights.cols())), rng);
}

/// Orthonormal columns, or rows if there are fewer of those: W^T W = I or W W^T = I (Saxe et al., ICLR 2014). A matrix of
/// normals, orthonormalised by Gram and Schmidt; its directions are uniform over the sphere.
template <class W>
void orthogonal(W&& weights, Rng& rng) {
  using Scalar = typename std::remove_cvref_t<W>::Scalar;
  const bool tall = weights.rows() >= weights.cols();
  Matrix<double> q(tall ? weights.rows() : weights.cols(), tall ? weights.cols() : weights.rows());
  for (Index j = 0; j < q.cols(); ++j) {
    double length = 0;
    while (length < 1e-6) {
      for (Index i = 0; i < q.rows(); ++i) q(i, j) = rng.normal();
      for (int twice = 0; twice < 2; ++twice)  // the second pass removes what rounding left of the first
        for (Index k = 0; k < j; ++k) {
          const double along = q.col(k).dot(q.col(j));
          for (Index i = 0; i < q.rows(); ++i) q(i, j) -= along * q(i, k);
        }
      length = std::sqrt(q.col(j).dot(q.col(j)));
    }
    for (Index i = 0; i < q.rows(); ++i) q(i, j) /= length;
  }
  for (Index j = 0; j < weights.cols(); ++j)
    for (Index i = 0; i < weights.rows(); ++i) weights(i, j) = static_cast<Scalar>(tall ? q(i, j) : q(j, i));
}

/// scale * I: with relu and a zero bias, the IRNN of Le, Jaitly and Hinton (2015).
template <class W>
void identity(W&& weights, double scale = 1) {
  using Scalar = typename std::remove_cvref_t<W>::Scalar;
  weights.setIdentity();
  weights *= static_cast<Scalar>(scale);
}

}  // namespace reprise
