#include <reprise/train/schedule.hpp>

#include "catch.hpp"

namespace rp = reprise;

TEST_CASE("step decay jumps, exponential decay glides") {
  const rp::StepDecay jumps{.rate = 1, .factor = 0.5, .every = 10};
  CHECK(jumps(0) == 1);
  CHECK(jumps(9) == 1);
  CHECK(jumps(10) == 0.5);
  CHECK(jumps(25) == 0.25);
  const rp::ExponentialDecay glides{.rate = 1, .factor = 0.25, .every = 10};
  CHECK(glides(5) == Approx(0.5));
  CHECK(glides(10) == Approx(0.25));
}

TEST_CASE("cosine decay goes from rate to last, half way in the middle, and stays") {
  const rp::CosineDecay cosine{.rate = 1, .last = 0.2, .steps = 100};
  CHECK(cosine(0) == Approx(1));
  CHECK(cosine(50) == Approx(0.6));
  CHECK(cosine(100) == Approx(0.2));
  CHECK(cosine(1000) == Approx(0.2));
}

TEST_CASE("warm-up climbs to what follows, which counts from there") {
  const rp::WarmUp warm{4, rp::StepDecay{.rate = 1, .factor = 0.5, .every = 10}};
  CHECK(warm(0) == 0.25);
  CHECK(warm(3) == 1);
  CHECK(warm(13) == 1);
  CHECK(warm(14) == 0.5);
}
