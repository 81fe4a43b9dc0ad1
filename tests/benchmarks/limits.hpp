#pragma once
// What the machine can do, measured: no program gets beyond it.

#include <cstddef>

namespace benchmark {

/// Floating-point operations per second of one core: fused multiply-adds on registers, nothing loaded or stored.
double fma_peak();

/// Reads so many floats once; the return value only keeps the compiler from leaving it out.
float read_all(const float* from, std::size_t count);

/// Bytes per second that one core reads from a block of this size, again and again.
double read_bandwidth(std::size_t bytes);

}  // namespace benchmark
