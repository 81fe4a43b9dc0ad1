#pragma once
// The spectral radius, the largest |eigenvalue| of a matrix, by Gelfand's formula:
//
//   rho(W) = lim ||W^m||^(1/m)         m = 2^k: W, W^2, W^4, ... each the square of the one before, scaled to norm 1
//
// No eigenvector is sought, so complex pairs, and several eigenvalues of one modulus, are as good as any.

#include <reprise/core/errors.hpp>

#include <cmath>

namespace reprise {

/// In double, with the Frobenius norm and m = 2^squarings; costs as many products of n x n. Before rounding it is too
/// large by a factor of at most C^(1/m), where ||W^m|| <= C rho^m: with 20 squarings 1 + log(C) 1e-6. C is sqrt(n) for
/// a normal matrix, and grows like (m / rho)^(j-1) for a defective eigenvalue of multiplicity j, which rounding moves,
/// too, however it is computed. 0 if a power of W is zero; not finite if W is not. Throws shape_error unless W is
/// square.
double spectral_radius(const auto& W, int squarings = 20) {
  if (W.rows() != W.cols())
    detail::fail<shape_error>("spectral_radius: W is ", W.rows(), " x ", W.cols(), ", a square matrix has one");
  Matrix<double> power = W.template cast<double>(), square(W.rows(), W.cols());
  double log_radius = 0;  // of ||W^m||^(1/m), m = 2^k
  for (int k = 0;; ++k) {
    const double norm = power.stableNorm();
    if (norm == 0) return 0;
    log_radius += std::ldexp(std::log(norm), -k);
    if (k >= squarings) return std::exp(log_radius);
    power /= norm;
    square.noalias() = power * power;
    power.swap(square);
  }
}

}  // namespace reprise
