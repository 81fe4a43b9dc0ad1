#include <reprise/core/rng.hpp>

#include <map>
#include <numeric>
#include <vector>

#include "catch.hpp"

namespace rp = reprise;
using Block = std::array<std::uint32_t, 4>;

TEST_CASE("Philox4x32-10 gives the known answers of its authors") {
  // Random123, kat_vectors: philox4x32 10.
  CHECK(rp::Rng::philox(0, 0, 0) == Block{0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u});
  CHECK(rp::Rng::philox(~0ull, ~0ull, ~0ull) == Block{0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu});
  CHECK(rp::Rng::philox(0x299f31d0a4093822ull, 0x0370734413198a2eull, 0x85a308d3243f6a88ull) ==
        Block{0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u});
}

TEST_CASE("the same seed gives the same numbers, another seed others; a copy goes its own way") {
  rp::Rng a{7}, b{7}, c{8};
  const auto first = a();
  CHECK(first == b());
  CHECK(first != c());
  rp::Rng copy = a;
  CHECK(copy() == a());
}

TEST_CASE("numbers are the same on every platform, to the last bit") {
  // From a program of twenty lines in Python that knows the paper and not this header.
  rp::Rng rng{42};
  CHECK(rng() == 0x9ceaf053u);
  CHECK(rng.uniform() == 0x1.dfd524895fa84p-2);
  CHECK(rng.normal() == -0x1.2d3d16310e7b3p+0);
}

TEST_CASE("fill gives what as many calls give, from anywhere in a block, and goes on from there") {
  for (const std::size_t before : {0u, 1u, 2u, 3u, 4u, 5u})
    for (const std::size_t length : {0u, 1u, 2u, 3u, 4u, 5u, 127u, 128u, 129u, 131u, 132u, 260u, 1000u}) {
      rp::Rng calls{7, 3}, fills = calls;
      std::vector<std::uint32_t> expected(before + length), found(before + length);
      for (auto& bits : expected) bits = calls();
      for (std::size_t i = 0; i < before; ++i) found[i] = fills();
      fills.fill(std::span(found).subspan(before));
      REQUIRE(found == expected);
      REQUIRE(fills() == calls());
    }
}

TEST_CASE("forks are reproducible and differ, also those of forks") {
  const rp::Rng rng{5};
  CHECK(rng.fork(1)() == rng.fork(1)());
  std::vector<std::uint32_t> seen{rp::Rng(rng)(), rng.fork(0)(),         rng.fork(1)(),
                                  rng.fork(2)(),  rng.fork(0).fork(1)(), rng.fork(1).fork(0)()};
  std::ranges::sort(seen);
  CHECK(std::ranges::adjacent_find(seen) == seen.end());
}

TEST_CASE("uniform: mean, variance and range") {
  rp::Rng rng{1};
  double sum = 0, squares = 0;
  constexpr int n = 200000;
  for (int i = 0; i < n; ++i) {
    const double u = rng.uniform();
    REQUIRE((u >= 0 && u < 1));
    sum += u;
    squares += u * u;
  }
  CHECK(sum / n == Approx(0.5).margin(0.003));  // 4.6 standard errors
  CHECK(squares / n == Approx(1.0 / 3).margin(0.003));
}

TEST_CASE("normal: moments, and a tail") {
  rp::Rng rng{2};
  double sum = 0, squares = 0, fourth = 0;
  int beyond_two = 0;
  constexpr int n = 200000;
  for (int i = 0; i < n; ++i) {
    const double z = rng.normal();
    sum += z;
    squares += z * z;
    fourth += z * z * z * z;
    beyond_two += std::abs(z) > 2;
  }
  CHECK(sum / n == Approx(0).margin(0.01));
  CHECK(squares / n == Approx(1).margin(0.015));
  CHECK(fourth / n == Approx(3).margin(0.1));
  CHECK(double(beyond_two) / n == Approx(0.0455).margin(0.002));
}

TEST_CASE("below: every number, equally often; none below zero") {
  rp::Rng rng{3};
  std::vector<int> counts(7);
  for (int i = 0; i < 70000; ++i) ++counts[rng.below(7)];
  for (const int count : counts) CHECK(count == Approx(10000).margin(450));
  CHECK_THROWS_AS(rng.below(0), rp::value_error);
  // Of 3/4 of all 32-bit numbers a careless reduction gives each third number twice as often.
  int multiples = 0;
  for (int i = 0; i < 30000; ++i) multiples += rng.below(0xC0000000u) % 3 == 0;
  CHECK(multiples == Approx(10000).margin(450));
}

TEST_CASE("shuffle: a permutation, every order equally often") {
  rp::Rng rng{4};
  std::map<std::vector<int>, int> counts;
  for (int i = 0; i < 60000; ++i) {
    std::vector<int> order{0, 1, 2};
    rng.shuffle(order);
    ++counts[order];
  }
  REQUIRE(counts.size() == 6);
  for (const auto& [order, count] : counts) CHECK(count == Approx(10000).margin(450));
}
