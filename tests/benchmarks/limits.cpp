#include "limits.hpp"

#include "timing.hpp"

#include <Eigen/Core>

#include <algorithm>
#include <vector>

namespace benchmark {
namespace {

using Packet = Eigen::internal::packet_traits<float>::type;
constexpr int lanes = Eigen::internal::packet_traits<float>::size;
using Eigen::internal::pset1;

volatile float sink;

// The best of many: a limit is what was possible once.
template <class Run>
double shortest(const Run& run) {
  double best = 1e9;
  for (int i = 0; i < 30; ++i) {
    const double begin = processor_time();
    run();
    best = std::min(best, processor_time() - begin);
  }
  return best;
}

}  // namespace

double fma_peak() {
  constexpr int chains = 12, repeats = 200'000;  // more chains than latency times units: 8 to 10 on today's processors
  const double seconds = shortest([] {
    Packet sum[chains];
#pragma GCC unroll 12
    for (int k = 0; k < chains; ++k) sum[k] = pset1<Packet>(static_cast<float>(k));
    const Packet a = pset1<Packet>(0.5f), b = pset1<Packet>(0.25f);
    for (int i = 0; i < repeats; ++i) {
#pragma GCC unroll 12
      for (int k = 0; k < chains; ++k) sum[k] = Eigen::internal::pmadd(sum[k], a, b);
    }
#pragma GCC unroll 12
    for (int k = 1; k < chains; ++k) sum[0] = Eigen::internal::padd(sum[0], sum[k]);
    sink = Eigen::internal::predux(sum[0]);
  });
  return 2.0 * lanes * chains * repeats / seconds;
}

float read_all(const float* from, std::size_t count) {
  constexpr std::size_t chains = 8, width = chains * lanes;
  Packet sum[chains];
#pragma GCC unroll 8
  for (std::size_t k = 0; k < chains; ++k) sum[k] = pset1<Packet>(0);
  std::size_t i = 0;
  for (; i + width <= count; i += width) {
#pragma GCC unroll 8
    for (std::size_t k = 0; k < chains; ++k)
      sum[k] = Eigen::internal::padd(sum[k], Eigen::internal::ploadu<Packet>(from + i + k * lanes));
  }
#pragma GCC unroll 8
  for (std::size_t k = 1; k < chains; ++k) sum[0] = Eigen::internal::padd(sum[0], sum[k]);
  for (; i + lanes <= count; i += lanes)
    sum[0] = Eigen::internal::padd(sum[0], Eigen::internal::ploadu<Packet>(from + i));
  float total = Eigen::internal::predux(sum[0]);
  for (; i < count; ++i) total += from[i];
  return total;
}

double read_bandwidth(std::size_t bytes) {
  const std::vector<float> block(bytes / sizeof(float), 1.0f);
  const int repeats = static_cast<int>(std::max<std::size_t>(1, (std::size_t{1} << 23) / bytes));
  const double seconds = shortest([&] {
    for (int i = 0; i < repeats; ++i) sink = read_all(block.data(), block.size());
  });
  return static_cast<double>(bytes) * repeats / seconds;
}

}  // namespace benchmark
