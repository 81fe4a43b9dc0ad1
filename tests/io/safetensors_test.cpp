// Files as bytes, read and written; and everything that can be wrong with one, each said by name and without a trace
// left in the model.

#include <reprise/io/safetensors.hpp>
#include <reprise/reprise.hpp>
#include <reprise/train/sequence_model.hpp>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <locale>
#include <sstream>

#include "../catch.hpp"

#if __has_include(<sys/resource.h>)
#include <sys/resource.h>

#include <csignal>
#endif

namespace {

namespace rp = reprise;
namespace fs = std::filesystem;

/// W (2, 3), b (2).
struct Affine {
  using Scalar = float;
  rp::Matrix<float> W = rp::Matrix<float>::Zero(2, 3);
  rp::Vector<float> b = rp::Vector<float>::Zero(2);
  static constexpr auto fields() { return std::tuple{rp::field("W", &Affine::W), rp::field("b", &Affine::b)}; }
};

/// A parameter of any type.
template <class P>
struct One {
  using Scalar = typename P::Scalar;
  P p;
  static constexpr auto fields() { return std::tuple{rp::field("p", &One::p)}; }
};

std::string length_bytes(std::uint64_t length) {
  std::string bytes;
  for (int k = 0; k < 8; ++k) bytes += static_cast<char>(static_cast<unsigned char>(length >> (8 * k)));
  return bytes;
}

std::string file_of(const std::string& header, const std::string& data) {
  return length_bytes(header.size()) + header + data;
}

/// The bits of all parameters: == on them tells -0 from 0 and one NaN from another.
template <rp::Module M>
std::string bits(const M& model) {
  std::string bytes;
  rp::for_each_parameter(
      [&](const auto& p) {
        using Scalar = typename std::remove_cvref_t<decltype(p)>::Scalar;
        const std::size_t size = static_cast<std::size_t>(p.size()) * sizeof(Scalar);
        const std::size_t at = bytes.size();
        bytes.resize(at + size + 1, '|');
        if (size != 0) std::memcpy(bytes.data() + at, p.data(), size);
      },
      model);
  return bytes;
}

/// What the format_error says that reading `bytes` into `model` must throw; the model must not change.
template <rp::Module M>
std::string complaint(std::string_view bytes, M& model) {
  const std::string before = bits(model);
  std::string what;
  try {
    rp::from_safetensors(bytes, model);
    FAIL("read without complaint");
  } catch (const rp::format_error& error) {
    what = error.what();
  }
  CHECK(bits(model) == before);
  return what;
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// A directory of its own that goes away.
struct Directory {
  fs::path path = fs::temp_directory_path() / ("reprise_safetensors_" + std::to_string(std::random_device{}()));
  Directory() { fs::create_directory(path); }
  ~Directory() { fs::remove_all(path); }
  std::size_t entries() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(path), fs::directory_iterator()));
  }
};

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_file(const fs::path& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

template <rp::Module M>
std::string failed_save(const fs::path& path, const M& model) {
  try {
    rp::save(path, model);
  } catch (const rp::format_error& error) {
    return error.what();
  }
  return "saved without complaint";
}

/// `model` into bytes and into a file, and out of them again into one that holds something else.
template <rp::Module M>
void round_trip(M model) {
  rp::Rng rng{7};
  rp::for_each_parameter([&](auto& p) { rp::uniform(p, 1, rng); }, model);
  const Directory directory;
  const fs::path path = directory.path / "model.safetensors";
  const rp::Metadata metadata{{"vocabulary", "ab\"\\\n\x01\xC3\xA9\xF0\x9D\x84\x9E"}, {"", std::string("\0", 1)}};

  M from_bytes = rp::zeros_like(model), from_file = rp::zeros_like(model);
  rp::from_safetensors(rp::to_safetensors(model), from_bytes);
  CHECK(bits(from_bytes) == bits(model));

  rp::save(path, model, metadata);
  rp::load(path, from_file);
  CHECK(bits(from_file) == bits(model));
  CHECK(rp::load_metadata(path) == metadata);
  CHECK(directory.entries() == 1);
}

const std::string affine_header = R"({"W":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},)"
                                  R"("b":{"dtype":"F32","shape":[2],"data_offsets":[24,32]}})";

// 1, 2, 3 | 4, 5, 6 and 0.5, -0.5, as IEEE 754 has them.
const std::string affine_data(
    "\0\0\x80\x3F\0\0\0\x40\0\0\x40\x40\0\0\x80\x40\0\0\xA0\x40\0\0\xC0\x40\0\0\0\x3F\0\0\0\xBF", 32);

Affine affine() {
  Affine model;
  model.W << 1, 2, 3, 4, 5, 6;
  model.b << 0.5f, -0.5f;
  return model;
}

}  // namespace

TEST_CASE("safetensors: a file byte by byte", "[io]") {
  SECTION("written: row-major, padded with spaces to a multiple of 8") {
    REQUIRE(affine_header.size() == 112);
    CHECK(rp::to_safetensors(affine()) == file_of(affine_header, affine_data));
    const std::string with_metadata =
        R"({"__metadata__":{"a":"\"\\\u0009","b":""},)" + affine_header.substr(1) + "       ";
    REQUIRE(with_metadata.size() == 160);
    CHECK(rp::to_safetensors(affine(), {{"b", ""}, {"a", "\"\\\t"}}) == file_of(with_metadata, affine_data));
  }
  SECTION("read, padded or not, with any white space, in any order, with escapes in names") {
    for (const std::string& header :
         {affine_header, affine_header + "    ",
          std::string(R"({ "\u0062" : {"data_offsets":[24 , 32],"dtype":"F\u00332","shape":[ 2 ]} ,
              "__metadata__":{}, "W":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}})")}) {
      Affine model;
      rp::from_safetensors(file_of(header, affine_data), model);
      CHECK(bits(model) == bits(affine()));
    }
  }
  SECTION("the order of the data is the file's affair") {
    Affine model;
    rp::from_safetensors(file_of(R"({"W":{"dtype":"F32","shape":[2,3],"data_offsets":[8,32]},)"
                                 R"("b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})",
                                 affine_data.substr(24) + affine_data.substr(0, 24)),
                         model);
    CHECK(bits(model) == bits(affine()));
  }
  SECTION("double") {
    One<rp::Vector<double, 1>> model;
    const std::string bytes =
        file_of(R"({"p":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}}  )", std::string("\0\0\0\0\0\0\xF8\x3F", 8));
    rp::from_safetensors(bytes, model);
    CHECK(model.p(0) == 1.5);
    CHECK(rp::to_safetensors(model) == bytes);
  }
  SECTION("no parameter at all") {
    One<rp::Matrix<float>> model;
    CHECK(rp::to_safetensors(model) == file_of("{}      ", ""));
    rp::from_safetensors(file_of("{}      ", ""), model);
    rp::from_safetensors(file_of(R"({"p":{"dtype":"F32","shape":[0,0],"data_offsets":[0,0]}})", ""), model);
  }
}

TEST_CASE("safetensors: what is written is read again, bit by bit", "[io]") {
  round_trip(rp::SequenceModel<rp::RNNCell<float>>{{.inputs = 3, .hidden = 5, .outputs = 2}});
  round_trip(rp::SequenceModel<rp::LSTMCell<double>>{{.inputs = 3, .hidden = 5, .outputs = 2}});
  round_trip(rp::SequenceModel<rp::GRUCell<float>>{{.inputs = 1, .hidden = 4, .outputs = 1}});
  round_trip(rp::SequenceModel<rp::GRUCell<float, 1, 16>, 1>{});
  round_trip(rp::SequenceModel<rp::LSTMCell<double, 2, 3, rp::Bias::absent>, 2, rp::Bias::absent>{});
  round_trip(rp::LSTMCell<float>{{3, 4}});
  round_trip(rp::SequenceModel<rp::Stack<rp::Embedding<float>, rp::LSTMCell<float>, rp::GRUCell<float>>>{
      {.inputs = 6, .hidden = 3, .outputs = 6}});
  rp::SequenceModel<rp::RNNCell<double>> model{{.inputs = 2, .hidden = 3, .outputs = 1}};
  round_trip(rp::Adam{model}.v);

  One<rp::Vector<float>> odd{rp::Vector<float>(6)}, back = odd;
  odd.p << -0.0f, std::numeric_limits<float>::denorm_min(), std::numeric_limits<float>::infinity(),
      -std::numeric_limits<float>::max(), std::bit_cast<float>(0x7FC12345u), std::bit_cast<float>(0xFFC00001u);
  rp::from_safetensors(rp::to_safetensors(odd), back);
  CHECK(bits(back) == bits(odd));
}

TEST_CASE("safetensors: models of dynamic and of fixed sizes read each other's files", "[io]") {
  rp::Rng rng{3};
  rp::SequenceModel<rp::GRUCell<float>> trained{{.inputs = 1, .hidden = 16, .outputs = 1}, rng}, again = trained;
  rp::SequenceModel<rp::GRUCell<float, 1, 16>, 1> pedal;
  rp::from_safetensors(rp::to_safetensors(trained), pedal);
  CHECK(rp::flatten(pedal) == rp::flatten(trained));
  rp::set_zero(again);
  rp::from_safetensors(rp::to_safetensors(pedal), again);
  CHECK(bits(again) == bits(trained));
}

TEST_CASE("safetensors: numbers in a header do not follow the global locale", "[io]") {
  struct Grouping : std::numpunct<char> {
    char do_thousands_sep() const override { return '.'; }
    std::string do_grouping() const override { return "\3"; }
  };
  const rp::SequenceModel<rp::RNNCell<float>> model{{.inputs = 1000, .hidden = 2, .outputs = 1}};
  const std::string plain = rp::to_safetensors(model);
  const std::locale before = std::locale::global(std::locale(std::locale::classic(), new Grouping));
  const std::string grouped = rp::to_safetensors(model);
  std::locale::global(before);
  CHECK(grouped == plain);
}

TEST_CASE("safetensors: a malformed file is refused, by name", "[io]") {
  struct Case {
    std::string header;
    std::vector<std::string> says;
  };
  const auto W = [](const std::string& dtype, const std::string& shape, const std::string& offsets) {
    return R"("W":{"dtype":")" + dtype + R"(","shape":[)" + shape + R"(],"data_offsets":[)" + offsets + "]}";
  };
  const auto b = [](const std::string& shape, const std::string& offsets) {
    return R"("b":{"dtype":"F32","shape":[)" + shape + R"(],"data_offsets":[)" + offsets + "]}";
  };
  const std::string good_W = W("F32", "2,3", "0,24"), good_b = b("2", "24,32");
  const auto with_W = [&](const std::string& entry) { return "{" + entry + "," + good_b + "}"; };
  const auto with_b = [&](const std::string& entry) { return "{" + good_W + "," + entry + "}"; };
  const auto string = [&](const std::string& json) { return R"({"__metadata__":{"k":")" + json + "\"}}"; };

  const std::vector<Case> cases{
      // not JSON
      {"", {"begin with '{'"}},
      {" " + affine_header, {"begin with '{'"}},
      {"[]", {"begin with '{'"}},
      {"{", {"expected '\"', found the end", "byte 1"}},
      {affine_header.substr(0, 111), {"expected '}', found the end"}},
      {affine_header + "x", {"expected the end, found \"x\""}},
      {affine_header + std::string(1, '\0'), {"expected the end, found \"\\u0000\""}},
      {affine_header + "{}", {"expected the end"}},
      {"{" + good_W + "," + good_b + ",}", {"expected '\"', found \"}\""}},
      {"{" + good_W + " " + good_b + "}", {"expected '}'"}},
      {R"({"W"})", {"expected ':'"}},
      {R"({"W":[]})", {"\"W\"", "expected '{', found \"[\""}},
      {R"({"W":null})", {"\"W\"", "expected '{', found \"n\""}},
      {R"({W:{}})", {"expected '\"', found \"W\""}},
      {std::string(100'000, '['), {"begin with '{'"}},
      {R"({"W":{"shape":)" + std::string(1'000'000, '['), {"\"W\"", "expected a whole number, found \"[\""}},
      {[] {
         std::string bomb;
         for (int k = 0; k < 200'000; ++k) bomb += R"({"W":)";
         return bomb;
       }(),
       {"\"W\"", "not \"W\""}},
      // strings
      {string("\xFF"), {"not valid UTF-8"}},
      {string("\xC0\x80"), {"not valid UTF-8"}},
      {string("\xE0\x9F\xBF"), {"not valid UTF-8"}},
      {string("\xED\xA0\x80"), {"not valid UTF-8"}},
      {string("\xF4\x90\x80\x80"), {"not valid UTF-8"}},
      {string("\xF8\x88\x80\x80\x80"), {"not valid UTF-8"}},
      {string("\xF9\x80\x80\x80"), {"not valid UTF-8"}},
      {string("\xC3("), {"not valid UTF-8"}},
      {"{\"\xE2\x82", {"not valid UTF-8"}},
      {string("\n"), {"__metadata__", "control character"}},
      {string("\\x41"), {"__metadata__", "escape"}},
      {string("\\u12G4"), {"__metadata__", "four hexadecimal digits"}},
      {R"({"__metadata__":{"k":"\u12)", {"__metadata__", "four hexadecimal digits"}},
      {string("\\ud834"), {"__metadata__", "surrogate"}},
      {string("\\ud834\\u0041"), {"__metadata__", "surrogate"}},
      {string("\\udd1e"), {"__metadata__", "surrogate"}},
      {string("\\udd1e\\udd1e"), {"__metadata__", "surrogate"}},
      {R"({"W)", {"a string without an end"}},
      {R"({"W\)", {"a string without an end"}},
      // metadata
      {R"({"__metadata__":{"k":1}})", {"__metadata__", "expected '\"', found \"1\""}},
      {R"({"__metadata__":"k"})", {"__metadata__", "expected '{'"}},
      {R"({"__metadata__":{"k":"1","k":"2"}})", {"__metadata__", "\"k\" occurs twice"}},
      {"{\"" + std::string(79, 'n') + "\xC3\xA9" + std::string(10'000, 'n') + "\":1}",
       {"tensor \"" + std::string(79, 'n') + "\"...: expected '{'"}},
      {R"({"__metadata__":{},"__metadata__":{}})", {"\"__metadata__\" occurs twice"}},
      // names, keys
      {"{" + good_W + "," + good_W + "," + good_b + "}", {"\"W\" occurs twice"}},
      {R"({"\u0057":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},)" + good_W + "}", {"\"W\" occurs twice"}},
      {with_W(R"("W":{"dtype":"F32","dtype":"F32","shape":[2,3],"data_offsets":[0,24]})"),
       {"tensor \"W\"", "\"dtype\" occurs twice"}},
      {with_W(R"("W":{"shape":[2,3],"data_offsets":[0,24]})"), {"tensor \"W\"", "dtype, shape", "found 2"}},
      {with_W(R"("W":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24],"strides":[1]})"),
       {"tensor \"W\"", "not \"strides\""}},
      {with_W(R"("W":{"dtype":32,"shape":[2,3],"data_offsets":[0,24]})"), {"tensor \"W\"", "expected '\"'"}},
      {with_W(R"("W":{"dtype":"F32","shape":6,"data_offsets":[0,24]})"), {"tensor \"W\"", "expected '['"}},
      // numbers
      {with_W(W("F32", "-2,3", "0,24")), {"tensor \"W\"", "expected a whole number, found \"-\""}},
      {with_W(W("F32", "2.0,3", "0,24")), {"tensor \"W\"", "found a fraction"}},
      {with_W(W("F32", "2e0,3", "0,24")), {"tensor \"W\"", "found a fraction"}},
      {with_W(W("F32", "2,03", "0,24")), {"tensor \"W\"", "leading zero"}},
      {with_W(W("F32", "+2,3", "0,24")), {"tensor \"W\"", "expected a whole number, found \"+\""}},
      {with_W(W("F32", "2,\"3\"", "0,24")), {"tensor \"W\"", "expected a whole number"}},
      {with_W(W("F32", "2,3,", "0,24")), {"tensor \"W\"", "expected a whole number, found \"]\""}},
      {with_W(W("F32", "18446744073709551616,3", "0,24")), {"tensor \"W\"", "beyond 64 bits"}},
      {with_W(W("F32", "2,3", "0,18446744073709551640")), {"tensor \"W\"", "beyond 64 bits"}},
      {with_W(W("F32", std::string(100'000, '9'), "0,24")), {"tensor \"W\"", "beyond 64 bits"}},
      {with_W(W("F32", "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,6", "0,24")),
       {"tensor \"W\"", "at most 32"}},
      // types and shapes
      {with_W(W("F64", "2,3", "0,24")), {"W is \"F64\" in the file, F32 in the model"}},
      {with_W(W("I32", "2,3", "0,24")), {"W is \"I32\" in the file, F32 in the model"}},
      {with_W(W("F33", "2,3", "0,24")), {"W is \"F33\" in the file, F32 in the model"}},
      {with_W(W("", "2,3", "0,24")), {"W is \"\" in the file, F32 in the model"}},
      {with_W(W("F32", "3,2", "0,24")), {"W is 3 x 2 in the file, 2 x 3 in the model"}},
      {with_W(W("F32", "6", "0,24")), {"W is 6 in the file, 2 x 3 in the model"}},
      {with_W(W("F32", "2,3,1", "0,24")), {"W is 2 x 3 x 1 in the file, 2 x 3 in the model"}},
      {with_W(W("F32", "", "0,24")), {"W is a scalar in the file, 2 x 3 in the model"}},
      {with_W(W("F32", "0,3", "0,24")), {"W is 0 x 3 in the file, 2 x 3 in the model"}},
      {with_W(W("F32", "4611686018427387906,3", "0,24")), {"W is 4611686018427387906 x 3 in the file"}},
      {with_W(W("F32", "9223372036854775809,6148914691236517206", "0,24")), {"W is 9223372036854775809 x 61489"}},
      {with_b(b("1,2", "24,32")), {"b is 1 x 2 in the file, 2 in the model"}},
      {with_b(b("1", "24,32")), {"b is 1 in the file, 2 in the model"}},
      // offsets
      {with_W(W("F32", "2,3", "0")), {"tensor \"W\"", "expected 2 data_offsets, found 1"}},
      {with_W(W("F32", "2,3", "0,24,24")), {"tensor \"W\"", "at most 2"}},
      {with_W(W("F32", "2,3", "24,0")), {"tensor \"W\"", "24 to 0", "begins after its end"}},
      {with_b(b("2", "20,32")), {"tensor \"b\"", "20 to 32", "overlaps", "24"}},
      {with_b(b("2", "0,24")), {"overlaps"}},
      {with_b(b("2", "28,32")), {"tensor \"b\"", "28 to 32", "from 24 on belong to no tensor"}},
      {with_W(W("F32", "2,3", "4,24")), {"tensor \"W\"", "from 0 on belong to no tensor"}},
      {with_b(b("2", "24,40")), {"tensor \"b\"", "24 to 40", "the data end at 32"}},
      {with_b(b("2", "24,18446744073709551615")), {"tensor \"b\"", "the data end at 32"}},
      {with_b(b("2", "24,28")), {"the tensors end at 28, the data at 32"}},
      {"{" + W("F32", "2,3", "0,20") + "," + b("2", "20,32") + "}", {"W takes 24 bytes", "0 to 20 hold 20"}},
      {"{" + W("F32", "2,3", "0,28") + "," + b("2", "28,32") + "}", {"W takes 24 bytes", "0 to 28 hold 28"}},
      // not this model
      {"{" + W("F32", "2,3", "0,32") + "}", {"W takes 24 bytes"}},
      {"{" + good_W + R"(,"c":{"dtype":"F32","shape":[2],"data_offsets":[24,32]}})",
       {"b is not in the file", "the model has it, 2"}},
      {"{" + good_W + "," + good_b + R"(,"c":{"dtype":"F32","shape":[0,5],"data_offsets":[32,32]}})",
       {"tensor \"c\", 0 x 5, is in the file, not in the model"}},
      {"{}", {"the tensors end at 0, the data at 32"}},
  };
  Affine model = affine();
  for (const Case& wrong : cases) {
    CAPTURE(wrong.header.substr(0, 300));
    const std::string what = complaint(file_of(wrong.header, affine_data), model);
    CAPTURE(what);
    CHECK(what.size() < 300);
    for (const std::string& part : wrong.says) CHECK(contains(what, part));
  }
}

TEST_CASE("safetensors: the length of the header", "[io]") {
  Affine model = affine();
  const std::string rest = affine_header + affine_data;
  CHECK(contains(complaint("", model), "expected at least the 8 bytes of the header's length, found 0"));
  CHECK(contains(complaint(length_bytes(rest.size() + 1) + rest, model),
                 "the file has " + std::to_string(rest.size()) + " left"));
  CHECK(contains(complaint(length_bytes(100'000'001) + rest, model), "the format allows 100000000"));
  CHECK(contains(complaint(length_bytes(~std::uint64_t{0}) + rest, model), "18446744073709551615"));
  CHECK(contains(complaint(length_bytes(~std::uint64_t{0} - 7) + rest, model), "18446744073709551608"));
  CHECK(contains(complaint(length_bytes(0) + rest, model), "begin with '{'"));
  CHECK(contains(complaint(length_bytes(rest.size()) + rest, model), "not valid UTF-8"));
  // A character that only the data would complete.
  CHECK(contains(complaint(file_of("{\"\xE2\x82", "\xAC"), model), "not valid UTF-8"));
}

TEST_CASE("safetensors: data too short or too long", "[io]") {
  Affine model = affine();
  CHECK(contains(complaint(file_of(affine_header, affine_data.substr(1)), model), "\"b\": data_offsets 24 to 32"));
  CHECK(contains(complaint(file_of(affine_header, affine_data + "x"), model), "the data at 33"));
}

TEST_CASE("safetensors: every truncation is refused", "[io]") {
  const std::string whole = rp::to_safetensors(affine(), {{"key", "value"}});
  Affine model = affine();
  for (std::size_t size = 0; size < whole.size(); ++size) CHECK(!complaint(whole.substr(0, size), model).empty());
}

TEST_CASE("safetensors: a model that is not the file's", "[io]") {
  using Model = rp::SequenceModel<rp::LSTMCell<float>>;
  rp::Rng rng{5};
  const std::string bytes = rp::to_safetensors(Model{{.inputs = 2, .hidden = 4, .outputs = 1}, rng});
  Model wider{{.inputs = 2, .hidden = 8, .outputs = 1}, rng}, empty;
  CHECK(contains(complaint(bytes, wider), "cell.W_xh is 16 x 2 in the file, 32 x 2 in the model"));
  CHECK(contains(complaint(bytes, empty), "0 x 0 in the model: construct the model with the sizes of the file"));
  rp::SequenceModel<rp::LSTMCell<double>> precise{{.inputs = 2, .hidden = 4, .outputs = 1}, rng};
  CHECK(contains(complaint(bytes, precise), "cell.W_xh is \"F32\" in the file, F64 in the model"));
  rp::SequenceModel<rp::LSTMCell<float, rp::Dynamic, rp::Dynamic, rp::Bias::absent>> biasless{
      {.inputs = 2, .hidden = 4, .outputs = 1}, rng};
  CHECK(contains(complaint(bytes, biasless), "cell.b_h is 16 in the file, 0 in the model"));
  Model model{{.inputs = 2, .hidden = 4, .outputs = 1}, rng};
  CHECK(contains(complaint(rp::to_safetensors(biasless), model), "cell.b_h is not in the file"));
}

TEST_CASE("safetensors: mutated bytes are read or refused, never anything else", "[io]") {
  rp::Rng rng{11};
  const std::string valid = rp::to_safetensors(affine(), {{"key", "v\xC3\xA9\n"}});
  const std::string interesting = "\"\\{}[],:0123456789-.eE \xFF\x80u" + std::string(1, '\0');
  int loaded = 0, refused = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes = valid;
    for (std::uint32_t k = 0, count = 1 + rng.below(3); k < count; ++k) {
      const auto size = static_cast<std::uint32_t>(bytes.size());
      const std::size_t at = rng.below(size), from = rng.below(size);
      const auto any = static_cast<char>(static_cast<unsigned char>(rng.below(256)));
      switch (rng.below(5)) {
        case 0:
          bytes[at] = any;
          break;
        case 1:
          bytes[at] = interesting[rng.below(static_cast<std::uint32_t>(interesting.size()))];
          break;
        case 2:
          bytes.insert(at, bytes.substr(from, rng.below(40)));
          break;
        case 3:
          bytes.erase(at, rng.below(4));
          break;
        default:
          bytes[at] = static_cast<char>(bytes[at] ^ (1 << rng.below(8)));
      }
      if (bytes.empty()) break;
    }
    if (rng.below(2) == 0 && bytes.size() >= 40)  // half of them with a length that fits, to get beyond it
      bytes.replace(0, 8, length_bytes(bytes.size() - 8 - 32));
    Affine model = affine();
    try {
      rp::from_safetensors(bytes, model);
      ++loaded;
    } catch (const rp::format_error&) {
      ++refused;
      if (bits(model) != bits(affine())) FAIL("a refused file changed the model");
    }
  }
  CHECK(loaded > 100);
  CHECK(refused > 10'000);
}

TEST_CASE("safetensors: what cannot be written so that it is read again", "[io]") {
  CHECK_THROWS_AS(rp::to_safetensors(affine(), {{"key", "\xFF"}}), rp::value_error);
  CHECK_THROWS_AS(rp::to_safetensors(affine(), {{"\xC3", "value"}}), rp::value_error);
  CHECK_THROWS_AS(rp::to_safetensors(affine(), {{"key", std::string(100'000'000, 'x')}}), rp::value_error);
  struct Twice {
    rp::Vector<float, 2> a = {1, 2}, b = {3, 4};
    static constexpr auto fields() { return std::tuple{rp::field("a", &Twice::a), rp::field("a", &Twice::b)}; }
  };
  CHECK_THROWS_AS(rp::to_safetensors(Twice{}), rp::value_error);
}

TEST_CASE("safetensors: a file that cannot be read says which and why", "[io]") {
  const Directory directory;
  Affine model = affine();
  const auto what = [&](const fs::path& path) {
    std::string loading, metadata;
    try {
      rp::load(path, model);
    } catch (const rp::format_error& error) {
      loading = error.what();
    }
    try {
      rp::load_metadata(path);
    } catch (const rp::format_error& error) {
      metadata = error.what();
    }
    CHECK(loading == metadata);
    return loading;
  };
  const fs::path missing = directory.path / "missing.safetensors", broken = directory.path / "broken.safetensors";
  CHECK(contains(what(missing), missing.string() + ": " + std::generic_category().message(ENOENT)));
  CHECK(contains(what(directory.path), directory.path.string() + ": "));
  write_file(broken, "seven b");
  CHECK(contains(what(broken), broken.string() + ": expected at least the 8 bytes"));
  CHECK(bits(model) == bits(affine()));
}

TEST_CASE("safetensors: metadata are read from a file of any model", "[io]") {
  const Directory directory;
  const fs::path path = directory.path / "half.safetensors";
  write_file(path, file_of(R"({"__metadata__":{"format":"pt","note":"\ud834\udd1e\u00e9\/\b\f\n\r\t"},)"
                           R"("x":{"dtype":"F16","shape":[1,1,2],"data_offsets":[0,4]}})",
                           "data"));
  CHECK(rp::load_metadata(path) == rp::Metadata{{"format", "pt"}, {"note", "\xF0\x9D\x84\x9E\xC3\xA9/\b\f\n\r\t"}});
  rp::save(path, affine());
  CHECK(rp::load_metadata(path).empty());
}

TEST_CASE("safetensors: a save that fails leaves the old file and nothing else", "[io]") {
  const Directory directory;
  const fs::path path = directory.path / "model.safetensors";
  rp::save(path, affine());
  const std::string old = read_file(path);

  SECTION("metadata that cannot be written") {
    CHECK_THROWS_AS(rp::save(path, affine(), {{"key", "\xFF"}}), rp::value_error);
  }
  SECTION("no such directory") {
    const fs::path nowhere = directory.path / "nowhere" / "model.safetensors";
    CHECK(contains(failed_save(nowhere, affine()), nowhere.string() + ": cannot be written: "));
  }
  SECTION("a directory of that name") { CHECK(contains(failed_save(directory.path, affine()), "not a regular file")); }
#if __has_include(<sys/resource.h>)
  SECTION("a disk that is full") {
    rlimit before{};
    getrlimit(RLIMIT_FSIZE, &before);
    rlimit small = before;
    small.rlim_cur = 1000;
    const auto handler = std::signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    const std::string what = failed_save(path, One<rp::Vector<float>>{rp::Vector<float>::Ones(100'000)});
    setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, handler);
    CHECK(contains(what, path.string() + ": cannot be written: " + std::generic_category().message(EFBIG)));
  }
#endif
  CHECK(read_file(path) == old);
  CHECK(directory.entries() == 1);
}

TEST_CASE("safetensors: a save replaces a file, through a link and with its permissions", "[io]") {
  const Directory directory;
  const fs::path path = directory.path / "model.safetensors", link = directory.path / "link.safetensors";
  write_file(path, std::string(10'000, 'x'));
  fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write);
  fs::create_symlink(path, link);
  rp::save(link, affine());
  CHECK(fs::is_symlink(link));
  CHECK(read_file(path) == rp::to_safetensors(affine()));
  CHECK(fs::status(path).permissions() == (fs::perms::owner_read | fs::perms::owner_write));
  CHECK(directory.entries() == 2);
}
