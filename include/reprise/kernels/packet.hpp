#pragma once
// Packet<Scalar>: as many float or double as a vector register of this processor holds, in GCC's and Clang's vector types:
// +, -, *, /, comparisons and ?: work on all lanes at once, and a * b + c becomes a fused multiply-add where there is one.
// AVX-512, AVX, SSE and NEON come from the same source. Other compilers have no packets and take the plain paths, which
// every other scalar takes anyway.

#include <reprise/core/types.hpp>

#include <cstdint>
#include <cstring>
#include <type_traits>

// Registers hold an array only where every loop over it is unrolled; at -O2 nobody does that unasked.
#if defined(__clang__)
#define REPRISE_UNROLL _Pragma("clang loop unroll(full)")
#define REPRISE_INLINE __attribute__((always_inline))
#elif defined(__GNUC__)
#define REPRISE_UNROLL _Pragma("GCC unroll 16")
#define REPRISE_INLINE __attribute__((always_inline))
#else
#define REPRISE_UNROLL
#define REPRISE_INLINE
#endif

namespace reprise {

#if defined(__GNUC__)
inline constexpr bool has_packets = true;
#if defined(__AVX512F__)
inline constexpr int register_bytes = 64, registers = 32;
#elif defined(__AVX__)
inline constexpr int register_bytes = 32, registers = 16;
#elif defined(__aarch64__)
inline constexpr int register_bytes = 16, registers = 32;
#else
inline constexpr int register_bytes = 16, registers = 16;
#endif

namespace detail {
template <class Scalar, int Lanes>
struct PacketOf {
  typedef Scalar type __attribute__((vector_size(Lanes * sizeof(Scalar))));
};
}  // namespace detail
#else
inline constexpr bool has_packets = false;
inline constexpr int register_bytes = 1, registers = 16;

namespace detail {
template <class Scalar, int Lanes>
struct PacketOf {
  struct type {};
};
}  // namespace detail
#endif

/// Whether a scalar has packets.
template <class Scalar>
inline constexpr bool packed_scalar = has_packets && (std::is_same_v<Scalar, float> || std::is_same_v<Scalar, double>);

template <class Scalar>
inline constexpr int lanes = packed_scalar<Scalar> ? register_bytes / static_cast<int>(sizeof(Scalar)) : 1;

/// As many lanes as fill a register, or fewer, so that they divide `rows`; 1 if that is odd.
template <class Scalar>
constexpr int lanes_dividing(int rows) {
  int n = lanes<Scalar>;
  while (rows % n != 0) n /= 2;
  return n;
}

template <class Scalar, int Lanes = lanes<Scalar>>
using Packet = typename detail::PacketOf<Scalar, Lanes>::type;

namespace detail {

template <class P>
P load(const auto* from) {
  P packet;
  std::memcpy(&packet, from, sizeof(P));
  return packet;
}

template <class P>
void store(auto* to, const P& packet) {
  std::memcpy(to, &packet, sizeof(P));
}

/// The same for the first `count` lanes; the others are loaded as zeros.
template <class P, class Scalar>
P load_first(const Scalar* from, Index count) {
  if (count == static_cast<Index>(sizeof(P) / sizeof(Scalar))) return load<P>(from);
  P packet{};
  for (Index i = 0; i < count; ++i) packet[i] = from[i];
  return packet;
}

template <class P, class Scalar>
void store_first(Scalar* to, const P& packet, Index count) {
  if (count == static_cast<Index>(sizeof(P) / sizeof(Scalar))) return store(to, packet);
  for (Index i = 0; i < count; ++i) to[i] = packet[i];
}

}  // namespace detail
}  // namespace reprise
