#pragma once
// A model against reference values: outputs, final states, loss and every gradient, of a ragged batch (5, 2, 7 and 3
// steps) from states that are not zero. make_reference.py makes the values, under the names of Reprise, and says what
// they are. A file is a list of matrices:
//
//   name rows columns
//   rows lines of `columns` numbers                    a line that begins with '#' is a comment
//
// A name that is missing fails, and so does one that nobody asked for.

#include <reprise/reprise.hpp>

#include <fstream>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "../catch.hpp"

#ifndef REPRISE_REFERENCE_DIR
#error "REPRISE_REFERENCE_DIR is the directory of the reference values, a string"
#endif

namespace reference {

namespace rp = reprise;
using rp::Index;
using Values = rp::Matrix<double>;

/// The largest difference, relative to the largest entry of what is compared. The worst measured is 2.6e-15 (theta of
/// LRU, g++ with AVX2).
constexpr double tolerance = 2e-14;

/// The values of one file, each to be asked for.
class Reference {
 public:
  explicit Reference(const std::string& file) {
    std::ifstream in(std::string(REPRISE_REFERENCE_DIR) + "/" + file);
    if (!in) FAIL("cannot open " << file << " in " << REPRISE_REFERENCE_DIR);
    for (std::string name; in >> name;) {
      if (name[0] == '#') {
        in.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
        continue;
      }
      Index rows = 0, cols = 0;
      in >> rows >> cols;
      Values values(rows, cols);
      for (Index i = 0; i < rows; ++i)
        for (Index j = 0; j < cols; ++j) in >> values(i, j);
      if (!in) FAIL(file << ": " << name << " is malformed");
      if (!entries_.try_emplace(name, Entry{values}).second) FAIL(file << ": " << name << " stands there twice");
    }
  }

  const Values& operator[](const std::string& name) {
    const auto found = entries_.find(name);
    if (found == entries_.end()) FAIL("the reference has no " << name);
    found->second.used = true;
    return found->second.values;
  }

  double scalar(const std::string& name) { return (*this)[name].value(); }

  /// name.0, name.1 and so on: a batch.
  std::vector<Values> records(const std::string& name) {
    std::vector<Values> all;
    while (entries_.contains(name + "." + std::to_string(all.size())))
      all.push_back((*this)[name + "." + std::to_string(all.size())]);
    return all;
  }

  void require_all_used() const {
    for (const auto& [name, entry] : entries_) {
      INFO("the test did not ask for " << name);
      CHECK(entry.used);
    }
  }

 private:
  struct Entry {
    Values values;
    bool used = false;
  };
  std::map<std::string, Entry> entries_;
};

inline void compare(const std::string& name, const Values& actual, const Values& expected) {
  INFO(name << ", Reprise:\n" << actual << "\nexpected:\n" << expected);
  REQUIRE(actual.rows() == expected.rows());
  REQUIRE(actual.cols() == expected.cols());
  REQUIRE(actual.allFinite());  // since a maximum may pass over a NaN
  const double difference = (actual - expected).cwiseAbs().maxCoeff();
  const double error = difference == 0 ? 0 : difference / expected.cwiseAbs().maxCoeff();
  INFO("relative error " << error);
  CHECK(error <= tolerance);
}

inline void compare(const std::string& name, double actual, double expected) {
  compare(name, Values::Constant(1, 1, actual), Values::Constant(1, 1, expected));
}

/// Every parameter of a module, or part of a state, against `prefix`.name. One of no entries, such as the bias of a
/// model without one, is not in the file.
void compare_all(Reference& reference, const std::string& prefix, const rp::Module auto& actual) {
  rp::for_each_parameter(
      [&](const std::string& name, const auto& p) {
        if (p.size() != 0) compare(prefix + "." + name, p, reference[prefix + "." + name]);
      },
      actual);
}

void fill(Reference& reference, const std::string& prefix, rp::Module auto& module) {
  rp::for_each_parameter(
      [&](const std::string& name, auto& p) {
        if (p.size() == 0) return;
        const Values& values = reference[prefix + "." + name];
        INFO(prefix << "." << name);
        REQUIRE(values.rows() == p.rows());
        REQUIRE(values.cols() == p.cols());
        p = values;
      },
      module);
}

void compare_records(const std::string& name, const auto& actual, const std::vector<Values>& expected) {
  REQUIRE(actual.batch() == static_cast<Index>(expected.size()));
  for (Index i = 0; i < actual.batch(); ++i)
    compare(name + "." + std::to_string(i), actual[i], expected[static_cast<std::size_t>(i)]);
}

/// What a loss wants as target: tokens for a softmax, else numbers.
template <class Loss>
using Target = rp::Sequence<std::conditional_t<std::is_same_v<Loss, rp::SoftmaxCrossEntropy>, int, double>>;

/// A state as a file has it: as it is, but for a cell that holds parts of it times exp(-m), whose m is 0 in the file.
void restore(auto& state) {
  if constexpr (requires { state.m; })
    rp::for_each_parameter(
        [&, m = Values(state.m)](const std::string& name, auto& part) {
          if (name == "c" || name == "C" || name == "n")
            part.array() *= m.array().exp().replicate(part.rows() / m.rows(), 1);
          else if (name == "m")
            part.setZero();
        },
        state);
}

void compare_final(Reference& reference, auto state) {
  restore(state);
  compare_all(reference, "final", state);
}

/// Each record on its own, step by step, from its own column of `initial`: the same outputs and final states.
template <class Model>
void check_stream(const Model& model, const typename Model::InputSequence& x,
                  const typename Model::template State<>& initial, Reference& reference) {
  const auto y = reference.records("y");
  auto final = initial;
  for (Index i = 0; i < x.batch(); ++i) {
    auto state = model.initial_state();
    rp::for_each_parameter([&](auto& one, const auto& all) { one = all.col(i); }, state, initial);
    const Values steps = x[i];
    rp::Matrix<double, Model::Outputs> y_i(model.outputs(), steps.cols());
    for (Index t = 0; t < steps.cols(); ++t) y_i.col(t) = model.step(steps.col(t), state);
    compare("streamed y." + std::to_string(i), y_i, y[static_cast<std::size_t>(i)]);
    rp::for_each_parameter([&](auto& all, const auto& one) { all.col(i) = one; }, final, state);
  }
  compare_final(reference, final);
}

/// `model`: of the sizes of the file, whatever its weights are.
template <class Model, class Loss>
void check(Model model, const std::string& file, const Loss& loss) {
  Reference reference(file);
  fill(reference, "model", model);
  const typename Model::InputSequence x(reference.records("x"));
  const Target<Loss> target(reference.records("target"));
  auto initial = model.initial_state(x.batch());
  fill(reference, "initial", initial);

  auto state = initial;
  compare_records("y", model.forward(x, state), reference.records("y"));
  compare_final(reference, state);
  check_stream(model, x, initial, reference);

  state = initial;
  rp::Workspace<Model> workspace(model);
  compare("loss", rp::loss_and_gradient(model, x, target, loss, workspace, {.state = &state, .input_gradient = true}),
          reference.scalar("loss"));
  compare_final(reference, state);
  compare_all(reference, "gradient", workspace.gradient);
  compare_all(reference, "d_initial", workspace.dh0);
  auto dx = x;
  dx.values() = workspace.dx.leftCols(x.layout().columns());
  compare_records("dx", dx, reference.records("dx"));

  reference.require_all_used();
}

constexpr int inputs = 3, hidden = 4, outputs = 3;

template <class Model, class Loss>
void check(const std::string& file, const Loss& loss) {
  check(Model({.inputs = inputs, .hidden = hidden, .outputs = outputs}), file, loss);
}

}  // namespace reference
