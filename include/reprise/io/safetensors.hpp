#pragma once
// Models as safetensors files, the format of https://github.com/huggingface/safetensors (its README, "Format"):
//
//   8 bytes    length of the header, little-endian; with it the data begin at a multiple of 8, as spaces pad the header
//   header     JSON: {"__metadata__": {"key": "value"}, "cell.W_hh": {"dtype": "F32", "shape": [32, 32],
//              "data_offsets": [0, 4096]}, ...}, the offsets counted from the end of the header
//   data       row-major, little-endian, one tensor after another without a gap
//
// A tensor is called what its parameter is called. A matrix is [rows, cols], a vector [n]; what has size 0 is left out.
// A type does not tell a vector from a matrix known to have one column, as W_xh of GRUCell<float, 1, 16> has, so [n]
// and [n, 1] are one shape to the reader: a model of dynamic sizes and one of fixed sizes read each other's files.
// Nothing else is converted, transposed or guessed.

#include <reprise/core/module.hpp>
#include <reprise/io/file.hpp>
#include <reprise/io/json.hpp>

#include <algorithm>
#include <bit>
#include <filesystem>
#include <map>

namespace reprise {

/// What a file says beside its tensors: a vocabulary, the sizes of the model, a licence. All of it UTF-8.
using Metadata = std::map<std::string, std::string>;

namespace detail {

inline constexpr std::uint64_t longest_header = 100'000'000;  // that of the format's own implementation

using TensorShape = std::vector<std::uint64_t>;

struct Tensor {
  std::string dtype;
  TensorShape shape;
  std::uint64_t begin = 0, end = 0;  // in the data
};

struct TensorHeader {
  Metadata metadata;
  std::map<std::string, Tensor> tensors;
  std::uint64_t data_size = 0;
};

// By shifts, so that the host's own byte order never matters.
template <class Bits>
void put_little_endian(Bits bits, char* to) {
  for (std::size_t k = 0; k < sizeof(Bits); ++k) to[k] = static_cast<char>(bits >> (8 * k) & 0xFF);
}

template <class Bits>
Bits get_little_endian(const char* from) {
  Bits bits = 0;
  for (std::size_t k = 0; k < sizeof(Bits); ++k) bits |= Bits{static_cast<unsigned char>(from[k])} << (8 * k);
  return bits;
}

template <class Scalar>
using BitsOf = std::conditional_t<sizeof(Scalar) == 4, std::uint32_t, std::uint64_t>;

template <class Scalar>
std::string dtype_of() {
  static_assert(std::is_same_v<Scalar, float> || std::is_same_v<Scalar, double>, "parameters of float or double only");
  return sizeof(Scalar) == 4 ? "F32" : "F64";
}

template <class P>
TensorShape shape_of(const P& p) {
  TensorShape shape{static_cast<std::uint64_t>(p.rows())};
  if constexpr (P::ColsAtCompileTime != 1) shape.push_back(static_cast<std::uint64_t>(p.cols()));
  return shape;
}

// std::to_string, since a stream would group the digits where the global locale says so.
inline std::string joined(const TensorShape& shape, std::string_view separator) {
  std::string text;
  for (const std::uint64_t size : shape) text.append(text.empty() ? "" : separator).append(std::to_string(size));
  return text;
}

inline std::string described(const TensorShape& shape) { return shape.empty() ? "a scalar" : joined(shape, " x "); }

inline bool same_shape(TensorShape a, TensorShape b) {
  for (TensorShape* shape : {&a, &b})
    if (shape->size() == 2 && shape->back() == 1) shape->pop_back();
  return a == b;
}

inline Tensor read_tensor(JsonReader& json) {
  Tensor tensor;
  TensorShape offsets;
  int keys = 0;
  json.object([&](const std::string& key) {
    ++keys;
    if (key == "dtype")
      tensor.dtype = json.string();
    else if (key == "shape")
      tensor.shape = json.whole_numbers(32);
    else if (key == "data_offsets")
      offsets = json.whole_numbers(2);
    else
      json.stop("a tensor has dtype, shape and data_offsets, not ", shown(key));
  });
  if (keys != 3) json.stop("expected dtype, shape and data_offsets, found ", keys, " of them");
  if (offsets.size() != 2) json.stop("expected 2 data_offsets, found ", offsets.size());
  tensor.begin = offsets[0];
  tensor.end = offsets[1];
  return tensor;
}

/// Throws format_error unless the tensors lie side by side and are all of the data.
inline void require_tiling(const TensorHeader& header) {
  std::vector<const std::pair<const std::string, Tensor>*> by_offset;
  for (const auto& entry : header.tensors) by_offset.push_back(&entry);
  std::ranges::sort(by_offset, {}, [](auto* entry) { return std::pair{entry->second.begin, entry->second.end}; });
  std::uint64_t at = 0;
  for (const auto* entry : by_offset) {
    const Tensor& tensor = entry->second;
    const auto stop = [&](const auto&... why) {
      fail<format_error>("tensor ", shown(entry->first), ": data_offsets ", tensor.begin, " to ", tensor.end, ": ",
                         why...);
    };
    if (tensor.begin > tensor.end) stop("it begins after its end");
    if (tensor.end > header.data_size) stop("the data end at ", header.data_size);
    if (tensor.begin < at) stop("it overlaps a tensor that ends at ", at);
    if (tensor.begin > at) stop("the data from ", at, " on belong to no tensor");
    at = tensor.end;
  }
  if (at != header.data_size)
    fail<format_error>("the tensors end at ", at, ", the data at ", header.data_size,
                       ": bytes that belong to no tensor");
}

/// `read(n)` gives the next n bytes of a file of `size`. It is never asked for more than there are.
template <class Read>
TensorHeader read_tensor_header(std::uint64_t size, Read& read) {
  if (size < 8) fail<format_error>("expected at least the 8 bytes of the header's length, found ", size);
  const auto length_bytes = read(8);
  const auto length = get_little_endian<std::uint64_t>(length_bytes.data());
  if (length > longest_header) fail<format_error>("a header of ", length, " bytes, the format allows ", longest_header);
  if (length > size - 8) fail<format_error>("a header of ", length, " bytes, the file has ", size - 8, " left");

  const auto text = read(length);
  TensorHeader header;
  header.data_size = size - 8 - length;
  JsonReader json(text);
  if (text.empty() || text[0] != '{') json.stop("expected the header to begin with '{'");
  json.object([&](const std::string& name) {
    if (name == "__metadata__") {
      json.context = "__metadata__: ";
      json.object([&](const std::string& key) { header.metadata[key] = json.string(); });
    } else {
      json.context = "tensor " + shown(name) + ": ";
      header.tensors[name] = read_tensor(json);
    }
    json.context.clear();
  });
  json.end();
  require_tiling(header);
  return header;
}

/// Where in the data each parameter of `model` begins, in the order of its fields. Throws format_error unless the
/// tensors are the model's parameters, neither more nor fewer.
template <Module M>
std::vector<std::uint64_t> match(const TensorHeader& header, const M& model) {
  std::vector<std::uint64_t> begins;
  std::set<std::string> names;
  for_each_parameter(
      [&](const std::string& name, const auto& p) {
        using P = std::remove_cvref_t<decltype(p)>;
        const std::string dtype = dtype_of<typename P::Scalar>();
        const TensorShape shape = shape_of(p);
        const auto found = header.tensors.find(name);
        if (found == header.tensors.end() && p.size() != 0)
          fail<format_error>(name, " is not in the file; the model has it, ", described(shape));
        const Tensor tensor = found == header.tensors.end() ? Tensor{dtype, shape} : found->second;

        if (!same_shape(tensor.shape, shape))
          fail<format_error>(name, " is ", described(tensor.shape), " in the file, ", described(shape), " in the model",
                             p.size() == 0 && P::SizeAtCompileTime == Dynamic
                                 ? ": construct the model with the sizes of the file, then load"
                                 : "");
        if (tensor.dtype != dtype)
          fail<format_error>(name, " is ", shown(tensor.dtype), " in the file, ", dtype, " in the model");
        const auto bytes = static_cast<std::uint64_t>(p.size()) * sizeof(typename P::Scalar);
        if (tensor.end - tensor.begin != bytes)
          fail<format_error>(name, " takes ", bytes, " bytes, its data_offsets ", tensor.begin, " to ", tensor.end,
                             " hold ", tensor.end - tensor.begin);
        begins.push_back(tensor.begin);
        names.insert(name);
      },
      model);
  for (const auto& [name, tensor] : header.tensors)
    if (!names.contains(name))
      fail<format_error>("tensor ", shown(name), ", ", described(tensor.shape), ", is in the file, not in the model");
  return begins;
}

template <class Read, Module M>
void read_model(std::uint64_t size, Read& read, M& model) {
  const TensorHeader header = read_tensor_header(size, read);
  const auto begins = match(header, model);
  const auto data = read(header.data_size);
  std::size_t k = 0;  // from here on nothing can fail, not even an allocation: the model may change
  for_each_parameter(
      [&](auto& p) {
        using Scalar = typename std::remove_cvref_t<decltype(p)>::Scalar;
        const char* from = data.data() + begins[k++];
        for (Index i = 0; i < p.rows(); ++i)
          for (Index j = 0; j < p.cols(); ++j, from += sizeof(Scalar))
            p(i, j) = std::bit_cast<Scalar>(get_little_endian<BitsOf<Scalar>>(from));
      },
      model);
}

}  // namespace detail

/// The bytes of a safetensors file of `model`: of any module, so of a gradient or of Adam's moments too. Throws
/// value_error if the metadata are not UTF-8 or more than a header may hold, or if two parameters have one name.
template <Module M>
std::string to_safetensors(const M& model, const Metadata& metadata = {}) {
  std::string header;
  for (const auto& [key, value] : metadata) {
    if (!detail::is_utf8(key)) detail::fail<value_error>("a key of the metadata is not valid UTF-8");
    if (!detail::is_utf8(value)) detail::fail<value_error>("metadata ", detail::shown(key), " is not valid UTF-8");
    header +=
        detail::text(header.empty() ? "{\"__metadata__\":{" : ",", detail::quoted(key), ":", detail::quoted(value));
  }
  header += metadata.empty() ? "{" : "}";

  std::set<std::string> names{"__metadata__"};
  std::size_t size = 0;
  for_each_parameter(
      [&](const std::string& name, const auto& p) {
        using Scalar = typename std::remove_cvref_t<decltype(p)>::Scalar;
        if (p.size() == 0) return;
        if (!names.insert(name).second) detail::fail<value_error>("a second parameter called ", name);
        const std::size_t begin = size;
        size += static_cast<std::size_t>(p.size()) * sizeof(Scalar);
        // to_string, not a stream's numbers: a locale may group their digits. text, not +: g++ 12 warns of that at -O3.
        header += detail::text(header == "{" ? "" : ",", detail::quoted(name), ":{\"dtype\":\"",
                               detail::dtype_of<Scalar>(), "\",\"shape\":[", detail::joined(detail::shape_of(p), ","),
                               "],\"data_offsets\":[", std::to_string(begin), ",", std::to_string(size), "]}");
      },
      model);
  header += '}';
  header.append((8 - header.size() % 8) % 8, ' ');
  if (header.size() > detail::longest_header)
    detail::fail<value_error>("a header of ", header.size(), " bytes, the format allows ", detail::longest_header);

  std::string bytes(8 + header.size() + size, '\0');
  detail::put_little_endian(std::uint64_t{header.size()}, bytes.data());
  std::ranges::copy(header, bytes.begin() + 8);
  char* to = bytes.data() + 8 + header.size();
  for_each_parameter(
      [&](const auto& p) {
        using Scalar = typename std::remove_cvref_t<decltype(p)>::Scalar;
        for (Index i = 0; i < p.rows(); ++i)
          for (Index j = 0; j < p.cols(); ++j, to += sizeof(Scalar))
            detail::put_little_endian(std::bit_cast<detail::BitsOf<Scalar>>(p(i, j)), to);
      },
      model);
  return bytes;
}

/// Undoes to_safetensors. Throws format_error, `model` unchanged, unless `bytes` are a well-formed file that holds
/// every parameter of `model` in its type and shape, and nothing else: a model is constructed with its sizes first.
template <Module M>
void from_safetensors(std::string_view bytes, M& model) {
  auto read = [rest = bytes](std::uint64_t count) mutable {
    const std::string_view next = rest.substr(0, static_cast<std::size_t>(count));
    rest.remove_prefix(next.size());
    return next;
  };
  detail::read_model(bytes.size(), read, model);
}

/// Writes `model` to a file, replacing it at one stroke: if it throws, what was there is there still. Throws
/// value_error as to_safetensors does, and format_error, with path and reason, if the file cannot be written.
template <Module M>
void save(const std::filesystem::path& path, const M& model, const Metadata& metadata = {}) {
  detail::replace_file(path, to_safetensors(model, metadata));
}

/// Reads `model` from a file. Throws format_error, with the path, `model` unchanged, as from_safetensors does and if
/// the file cannot be read.
template <Module M>
void load(const std::filesystem::path& path, M& model) {
  detail::with_file(path, [&](auto& file) { detail::read_model(file.size(), file, model); });
}

/// The metadata of a file, whatever its tensors; reads the header alone. Throws format_error, with the path, if the
/// header is malformed or cannot be read.
inline Metadata load_metadata(const std::filesystem::path& path) {
  return detail::with_file(path, [](auto& file) { return detail::read_tensor_header(file.size(), file).metadata; });
}

}  // namespace reprise
