#include <reprise/cells/rnn.hpp>
#include <reprise/layers/stack.hpp>

#include "catch.hpp"

namespace rp = reprise;

TEST_CASE("sizes that the type contradicts are refused, naming both") {
  CHECK_THROWS_WITH((rp::RNNCell<float, 3, 4>(rp::Sizes{3, 5})), "hidden = 5, the type says 4");
  CHECK_THROWS_WITH((rp::RNNCell<float, 3, 4>(rp::Sizes{2, 4})), "inputs = 2, the type says 3");
  CHECK_THROWS_AS(rp::RNNCell<float>(rp::Sizes{-1, 4}), rp::shape_error);
}

TEST_CASE("a cell whose sizes are in the type needs no others, and begins at zero") {
  const rp::RNNCell<float, 3, 4> cell;
  CHECK(cell.inputs() == 3);
  CHECK(cell.W_hh == (Eigen::Matrix4f::Zero()));
  CHECK(rp::RNNCell<float>{}.outputs() == 0);
}

TEST_CASE("without a bias there is no parameter for one") {
  const rp::RNNCell<float, rp::Dynamic, rp::Dynamic, rp::Bias::absent> cell(rp::Sizes{3, 4});
  CHECK(rp::count_parameters(cell) == 4 * (3 + 4));
}
