#pragma once
// Philox4x32-10, the counter-based generator of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (SC 2011):
// block n of a stream is a function of (seed, stream, n) alone. Bits, integers, uniforms and normals are the same on
// every platform: the only operations on floating-point numbers here are ones IEEE 754 rounds exactly.

#include <reprise/core/errors.hpp>

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>

namespace reprise {

class Rng {
 public:
  using result_type = std::uint32_t;

  explicit Rng(std::uint64_t seed, std::uint64_t stream = 0) : seed_(seed), stream_(stream) {}

  static constexpr result_type min() { return 0; }
  static constexpr result_type max() { return std::numeric_limits<result_type>::max(); }

  /// 32 random bits.
  result_type operator()() {
    if (used_ == block_.size()) {
      block_ = philox(seed_, stream_, counter_++);
      used_ = 0;
    }
    return block_[used_++];
  }

  /// What as many calls would give, several times faster.
  void fill(std::span<result_type> bits) {
    constexpr std::size_t blocks = 32;
    auto next = bits.begin();
    while (next != bits.end() && used_ != block_.size()) *next++ = (*this)();
    for (; bits.end() - next >= std::ptrdiff_t{4 * blocks}; counter_ += blocks) {
      const auto words = philox_blocks<blocks>(seed_, stream_, counter_);
      for (std::size_t i = 0; i < blocks; ++i)
        for (const auto& word : words) *next++ = word[i];
    }
    while (next != bits.end()) *next++ = (*this)();
  }

  /// Generator number `child` of this one's family: independent of it, and always the same however far this one has run.
  Rng fork(std::uint64_t child) const {
    const auto block = philox(seed_, stream_, ~child);  // from the far end of the counter, which no run reaches
    return Rng(seed_, std::uint64_t{block[0]} << 32 | block[1]);
  }

  /// In [0, 1), a multiple of 2^-53.
  double uniform() {
    const std::uint64_t high = (*this)() >> 5, low = (*this)() >> 6;
    return static_cast<double>((high << 26) | low) * 0x1p-53;
  }

  /// In [low, high]; high itself only where rounding gives it.
  double uniform(double low, double high) { return std::fma(high - low, uniform(), low); }

  /// In 0 .. n-1, each exactly as likely (Lemire 2019). Throws value_error if n is 0.
  std::uint32_t below(std::uint32_t n) {
    if (n == 0) detail::fail<value_error>("Rng::below(0): there is no number below 0");
    const std::uint32_t threshold = (0u - n) % n;
    for (;;) {
      const std::uint64_t product = std::uint64_t{(*this)()} * n;
      if (static_cast<std::uint32_t>(product) >= threshold) return static_cast<std::uint32_t>(product >> 32);
    }
  }

  /// Mean 0, variance 1: Marsaglia's polar method.
  double normal() {
    for (;;) {
      const double u = uniform(-1, 1), v = uniform(-1, 1);
      const double s = std::fma(u, u, v * v);
      if (s > 0 && s < 1) return u * std::sqrt(-2 * log(s) / s);
    }
  }

  /// Puts a random-access range into random order (Fisher and Yates).
  template <class Range>
  void shuffle(Range& range) {
    using std::swap;
    for (auto n = static_cast<std::uint32_t>(range.size()); n > 1; --n) swap(range[n - 1], range[below(n)]);
  }

  /// Block `counter` of a stream, as the paper's philox4x32 with 10 rounds computes it.
  static std::array<std::uint32_t, 4> philox(std::uint64_t key, std::uint64_t counter_high, std::uint64_t counter_low) {
    const auto words = philox_blocks<1>(key, counter_high, counter_low);
    return {words[0][0], words[1][0], words[2][0], words[3][0]};
  }

 private:
  // Blocks counter_low, counter_low + 1, ...: the four words of block i are x[0][i] to x[3][i], for compilers to vectorise.
  template <std::size_t Blocks>
  static std::array<std::array<std::uint32_t, Blocks>, 4> philox_blocks(std::uint64_t key, std::uint64_t counter_high,
                                                                        std::uint64_t counter_low) {
    auto low32 = [](std::uint64_t x) { return static_cast<std::uint32_t>(x); };
    auto high32 = [](std::uint64_t x) { return static_cast<std::uint32_t>(x >> 32); };
    std::array<std::array<std::uint32_t, Blocks>, 4> x;
    for (std::size_t i = 0; i < Blocks; ++i) {
      x[0][i] = low32(counter_low + i);
      x[1][i] = high32(counter_low + i);
      x[2][i] = low32(counter_high);
      x[3][i] = high32(counter_high);
    }
    std::uint32_t k0 = low32(key), k1 = high32(key);
    for (int round = 0; round < 10; ++round) {
      for (std::size_t i = 0; i < Blocks; ++i) {
        const std::uint64_t a = std::uint64_t{0xD2511F53u} * x[0][i], b = std::uint64_t{0xCD9E8D57u} * x[2][i];
        x[0][i] = high32(b) ^ x[1][i] ^ k0;
        x[1][i] = low32(b);
        x[2][i] = high32(a) ^ x[3][i] ^ k1;
        x[3][i] = low32(a);
      }
      k0 += 0x9E3779B9u;
      k1 += 0xBB67AE85u;
    }
    return x;
  }

  // std::log is not the same on every platform. log(m 2^e) = e log 2 + 2 atanh((m-1)/(m+1)), its series by fma only.
  static double log(double x) {
    int exponent = 0;
    const double m = std::frexp(x, &exponent);             // in [0.5, 1)
    const double z = (m - 0.75) / (m + 0.75), z2 = z * z;  // |z| <= 1/5
    double series = 0;
    for (int k = 23; k >= 1; k -= 2) series = std::fma(series, z2, 1.0 / k);
    return std::fma(2 * z, series, std::fma(exponent, 0x1.62e42fefa39efp-1, -0x1.269621134db92p-2));
  }

  std::uint64_t seed_, stream_, counter_ = 0;
  std::array<std::uint32_t, 4> block_{};
  std::size_t used_ = 4;
};

}  // namespace reprise
