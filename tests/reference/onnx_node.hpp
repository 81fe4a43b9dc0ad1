#pragma once
// A node test of ONNX, from a file:
//
//   {"op": "LSTM", "attributes": {"hidden_size": 3}, "node_inputs": ["X", "W", ...], "node_outputs": ["", "Y_h"],
//    "inputs": {"X": {"dtype": "float32", "shape": [1, 3, 2], "data": [...]}, ...}, "outputs": {...}}

#include <reprise/core/types.hpp>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "../catch.hpp"

namespace onnx {

namespace rp = reprise;
using rp::Index;
using Values = rp::Matrix<float>;

struct Tensor {
  std::vector<Index> shape;
  Values values;  // its last index runs down the rows, all others along the columns
};

struct Node {
  std::string op;
  std::map<std::string, Index> attributes;
  std::map<std::string, Tensor> inputs, outputs;  // node_inputs and node_outputs say the same names
};

/// As much JSON as the files have. Whoever knows what must come next drives it.
class Reader {
 public:
  explicit Reader(const std::filesystem::path& path) : path_(path.string()), in_(path) {}

  /// Calls visit(key) for every key; it must read the value.
  void object(auto visit) {
    std::set<std::string> keys;
    list('{', '}', [&] {
      const std::string key = string();
      if (!keys.insert(key).second) stop(key + " stands there twice");
      expect(':');
      visit(key);
    });
  }

  void array(auto item) { list('[', ']', item); }

  std::string string() {
    expect('"');
    std::string value;
    if (!std::getline(in_, value, '"') || value.find('\\') != std::string::npos) stop("not a plain string");
    return value;
  }

  template <class Number>
  Number number() {
    Number value{};
    if (!(in_ >> value)) stop("expected a number");
    return value;
  }

  void end() {
    in_ >> std::ws;
    if (!in_.eof()) stop("expected the end");
  }

  void stop(const std::string& message) { FAIL(path_ << ": " << message); }

 private:
  bool accept(char c) {
    in_ >> std::ws;
    if (in_.peek() != c) return false;
    in_.get();
    return true;
  }

  void expect(char c) {
    if (!accept(c)) stop(std::string("expected ") + c);
  }

  void list(char open, char close, auto item) {
    expect(open);
    if (accept(close)) return;
    do item();
    while (accept(','));
    expect(close);
  }

  std::string path_;
  std::ifstream in_;
};

inline Tensor read_tensor(Reader& json) {
  Tensor tensor;
  std::vector<float> data;
  json.object([&](const std::string& key) {
    if (key == "dtype")
      json.string();
    else if (key == "shape")
      json.array([&] { tensor.shape.push_back(json.number<Index>()); });
    else if (key == "data")
      json.array([&] { data.push_back(json.number<float>()); });
    else
      json.stop("a tensor with " + key);
  });
  Index size = 1;
  for (const Index extent : tensor.shape) size *= extent;
  if (data.empty() || size != static_cast<Index>(data.size()))
    json.stop("a tensor whose shape is not that of its data");
  tensor.values = Eigen::Map<const Values>(data.data(), tensor.shape.back(), size / tensor.shape.back());
  return tensor;
}

inline Node read_node(const std::filesystem::path& path) {
  Reader json(path);
  Node node;
  json.object([&](const std::string& key) {
    if (key == "op")
      node.op = json.string();
    else if (key == "attributes")
      json.object([&](const std::string& name) { node.attributes[name] = json.number<Index>(); });
    else if (key == "node_inputs" || key == "node_outputs")
      json.array([&] { json.string(); });
    else if (key == "inputs")
      json.object([&](const std::string& name) { node.inputs[name] = read_tensor(json); });
    else if (key == "outputs")
      json.object([&](const std::string& name) { node.outputs[name] = read_tensor(json); });
    else
      json.stop("a node with " + key);
  });
  json.end();
  return node;
}

}  // namespace onnx
