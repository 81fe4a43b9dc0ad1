#include <reprise/core/sequence.hpp>

#include <list>

#include "catch.hpp"

namespace rp = reprise;
using Eigen::MatrixXd;

namespace {

// Entry (i, t) of record r is 100 r + 10 i + t, so that every number says where it belongs.
MatrixXd numbered(rp::Index r, rp::Index features, rp::Index length) {
  return MatrixXd::NullaryExpr(features, length,
                               [&](rp::Index i, rp::Index t) { return double(100 * r + 10 * i + t); });
}

std::vector<MatrixXd> records(const std::vector<rp::Index>& lengths) {
  std::vector<MatrixXd> result;
  for (const rp::Index length : lengths) result.push_back(numbered(rp::Index(result.size()), 2, length));
  return result;
}

// A range whose records live no longer than it takes to read them, as those of std::views::transform.
struct MadeOnTheWay {
  struct iterator {
    using value_type = MatrixXd;
    using difference_type = std::ptrdiff_t;
    rp::Index r = 0;
    MatrixXd operator*() const { return numbered(r, 2, r + 1); }
    iterator& operator++() { return ++r, *this; }
    iterator operator++(int) { return {r++}; }
    friend bool operator==(iterator, iterator) = default;
  };
  iterator begin() const { return {0}; }
  iterator end() const { return {3}; }
};

}  // namespace

TEST_CASE("records come back in the caller's order, whatever their lengths") {
  const std::vector<rp::Index> lengths = GENERATE(
      std::vector<rp::Index>{}, std::vector<rp::Index>{0}, std::vector<rp::Index>{4}, std::vector<rp::Index>{0, 0},
      std::vector<rp::Index>{2, 3, 1}, std::vector<rp::Index>{5, 5, 5}, std::vector<rp::Index>{0, 7, 0, 1, 7, 2});
  const auto given = records(lengths);
  const rp::Sequence<double> sequence(given);
  REQUIRE(sequence.batch() == rp::Index(lengths.size()));
  for (rp::Index r = 0; r < sequence.batch(); ++r) {
    CHECK(sequence.length(r) == lengths[std::size_t(r)]);
    CHECK(sequence[r] == given[std::size_t(r)]);
  }
  rp::Index total = 0;
  for (const auto length : lengths) total += length;
  CHECK(sequence.layout().columns() == total);
  CHECK(sequence.values().cols() == total);
}

TEST_CASE("step t is a contiguous block, the longest record first") {
  const rp::Sequence<double> sequence(records({2, 3, 1}));
  CHECK(sequence.steps() == 3);
  CHECK(sequence.view(0).row(0) == Eigen::RowVector3d(100, 0, 200));
  CHECK(sequence.view(1).row(0) == Eigen::RowVector2d(101, 1));
  CHECK(sequence.view(2).row(1) == Eigen::Matrix<double, 1, 1>(112));
  CHECK(sequence.layout().record(0) == 1);
  CHECK_FALSE(sequence.layout().in_order());
}

TEST_CASE("a view can be written") {
  rp::Sequence<double> sequence(records({2, 3}));
  sequence.view(1).setZero();
  CHECK(sequence[0].col(1).isZero());
  CHECK(sequence[1].col(1).isZero());
  CHECK(sequence[1].col(2) == numbered(1, 2, 3).col(2));
}

TEST_CASE("sequences are built from any range, from a list, and of tokens") {
  const std::list<MatrixXd> list{numbered(0, 2, 3), numbered(1, 2, 1)};
  CHECK(rp::Sequence<double>(list)[1] == numbered(1, 2, 1));
  CHECK(rp::Sequence<double>{numbered(0, 2, 3), numbered(1, 2, 1)}[0] == numbered(0, 2, 3));
  const rp::Sequence<int> tokens{{1, 2, 3}, {}, {4, 5}};
  CHECK(tokens.features() == 1);
  CHECK(tokens[2] == Eigen::RowVector2i(4, 5));
  CHECK(tokens.length(1) == 0);
  const std::vector<std::vector<int>> vectors{{7}, {8, 9}};
  CHECK(rp::Sequence<int>(vectors).view(0) == Eigen::RowVector2i(8, 7));
  CHECK(rp::Sequence<double>(MadeOnTheWay{})[2] == numbered(2, 2, 3));
  CHECK(rp::Sequence<float, 2>(list)[0] == numbered(0, 2, 3).cast<float>());
}

TEST_CASE("records that do not have the same features are refused, by name") {
  CHECK_THROWS_WITH((rp::Sequence<double>{numbered(0, 2, 3), numbered(1, 3, 1)}),
                    "record 1 has 3 features, record 0 has 2");
  CHECK_THROWS_WITH((rp::Sequence<double, 4>{numbered(0, 2, 3)}), "record 0 has 2 features, the sequence takes 4");
  CHECK_THROWS_AS(rp::Sequence<double>(records({1}))[1], rp::shape_error);
  CHECK_THROWS_AS(rp::Sequence<double>(records({1}))[-1], rp::shape_error);
  CHECK_THROWS_AS(rp::Layout({3, -1}), rp::shape_error);
  CHECK_THROWS_WITH(rp::Sequence<double>(records({2})).view(2), "step 2 of a sequence of 2");
}

TEST_CASE("a chunk holds its steps of every record, and chunks together are the whole") {
  const auto given = records({2, 7, 0, 4});
  const rp::Sequence<double> sequence(given);
  for (rp::Index first = 0; first < 9; first += 3) {
    const auto chunk = sequence.chunk(first, 3);
    REQUIRE(chunk.batch() == 4);
    for (rp::Index r = 0; r < 4; ++r) {
      const rp::Index length = std::clamp(given[std::size_t(r)].cols() - first, rp::Index{0}, rp::Index{3});
      REQUIRE(chunk.length(r) == length);
      CHECK(chunk[r] == given[std::size_t(r)].middleCols(length == 0 ? 0 : first, length));
    }
  }
  CHECK_THROWS_AS(sequence.chunk(-1, 2), rp::shape_error);
}

TEST_CASE("a layout is a function of the lengths alone") {
  const rp::Sequence<double> sequence(records({1, 5, 6, 5}));
  CHECK(sequence.chunk(1, 2).layout() == rp::Layout({0, 2, 2, 2}));
  CHECK(sequence.chunk(1, 2).layout().record(0) == rp::Layout({0, 2, 2, 2}).record(0));
}

TEST_CASE("features in the type and features found at run time convert into each other") {
  const rp::Sequence<double> sequence(records({2, 3}));
  const rp::Sequence<double, 2> fixed = sequence;
  CHECK(fixed[1] == sequence[1]);
  CHECK(rp::Sequence<double>(fixed)[0] == sequence[0]);
  CHECK_THROWS_AS((rp::Sequence<double, 3>(sequence)), rp::shape_error);
  CHECK((rp::Sequence<double, 2>(rp::Sequence<double>()).batch() == 0));
}

TEST_CASE("copies are values") {
  rp::Sequence<double> sequence(records({2, 3}));
  const auto copy = sequence;
  sequence.values().setZero();
  CHECK(copy[1] == numbered(1, 2, 3));
}

TEST_CASE("select takes records in any order, also twice") {
  const auto given = records({1, 4, 0, 3});
  const rp::Sequence<double> sequence(given);
  const auto some = sequence.select({3, 1, 3, 2});
  REQUIRE(some.batch() == 4);
  CHECK(some[0] == given[3]);
  CHECK(some[1] == given[1]);
  CHECK(some[2] == given[3]);
  CHECK(some.length(3) == 0);
  CHECK(sequence.select({}).batch() == 0);
  CHECK_THROWS_AS(sequence.select({4}), rp::shape_error);
  CHECK_THROWS_AS(sequence.select({-1}), rp::shape_error);
}

TEST_CASE("a record given as Matrix() has no steps, and says nothing of the features") {
  const std::vector<Eigen::MatrixXd> given{Eigen::MatrixXd(), numbered(1, 2, 3)};
  const rp::Sequence<double> sequence(given);
  CHECK(sequence.features() == 2);
  CHECK(sequence.length(0) == 0);
  CHECK(sequence[1] == given[1]);
  CHECK_THROWS_AS(rp::Sequence<double>(std::vector{Eigen::MatrixXd(0, 4), numbered(1, 2, 3)}), rp::shape_error);
}
