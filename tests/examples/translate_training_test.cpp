// examples/translate: training that ends early, what is kept of it, and a model's file that is not to be believed.

#include "../../examples/translate/training.hpp"

#include <cmath>
#include <csignal>
#include <filesystem>
#include <stdexcept>
#include <string>

#include "../../examples/translate/ctrl_c.hpp"
#include "../../examples/translate/network.hpp"
#include "../../examples/translate/settings.hpp"
#include "../catch.hpp"

using namespace translate;
using Catch::Contains;

namespace {

/// A file that is not there, neither before nor after.
struct Absent {
  std::filesystem::path path;
  explicit Absent(const char* name) : path(std::filesystem::temp_directory_path() / name) {
    std::filesystem::remove(path);
  }
  ~Absent() { std::filesystem::remove(path); }
};

struct Example {
  Absent file{"reprise_translate_training_test.safetensors"};
  Settings settings;
  Corpus corpus;
  Translator translator;

  Example() {
    settings.model = file.path;
    settings.batch = 2;
    settings.hidden = 4;
    settings.minutes = 60;
    settings.learning_rate = 0.002;
    const WordCounts words{{"a", 2}, {"b", 2}};
    translator.source = translator.target = Subwords::whole_words(words, 1);
    translator.longest = 2;
    corpus.training = {{{3, 4}, {4, 3}}, {{3}, {4}}, {{4}, {3}}, {{4, 4}, {3, 3}}};
    corpus.held_out = {{{4, 3}, {3, 4}}};
  }
};

}  // namespace

TEST_CASE("Ctrl-C is remembered while it is asked for, and only then") {
  const auto before = std::signal(SIGINT, SIG_IGN);
  {
    const CtrlC ctrl_c;
    CHECK(!ctrl_c.pressed());
    std::raise(SIGINT);
    CHECK(ctrl_c.pressed());
  }
  CHECK(std::signal(SIGINT, SIG_IGN) == SIG_IGN);
  {
    const CtrlC ctrl_c;
    CHECK(!ctrl_c.pressed());  // what was pressed before is over
  }
  std::signal(SIGINT, before);
}

TEST_CASE("a training that is stopped keeps what it has learnt, if it was anything") {
  Example example;
  CHECK_THROWS_WITH(train(example.settings, example.corpus, example.translator, [] { return true; }),
                    "stopped before anything was learnt");
  CHECK(!std::filesystem::exists(example.file.path));

  int asked = 0;
  train(example.settings, example.corpus, example.translator, [&] { return ++asked > 1; });
  rp::Rng rng(example.settings.seed);
  auto initial = rng.fork(1);
  const auto untrained = new_network(example.translator.source, example.translator.target, 4, 0, initial);
  const Translator kept = load(example.file.path);
  CHECK(rp::to_safetensors(kept.network) != rp::to_safetensors(untrained));  // one batch counts
}

TEST_CASE("a loss that is no number does not cost what was learnt before") {
  Example example;
  const auto spoil = [&] {  // the network, not the average of what it has been
    example.translator.network.decoder.b_y.setConstant(std::nanf(""));
    return false;
  };
  int batches = 0;
  CHECK_THROWS_WITH(
      train(example.settings, example.corpus, example.translator, [&] { return ++batches > 1 && spoil(); }),
      Contains("what was learnt before is kept in " + example.file.path.string()));
  CHECK_NOTHROW(load(example.file.path));
  std::filesystem::remove(example.file.path);

  example.settings.learning_rate = 1e41;  // more than a float holds: what was learnt is no number either
  CHECK_THROWS_WITH(train(example.settings, example.corpus, example.translator, [] { return false; }),
                    Contains("and of what was learnt before"));
  CHECK(!std::filesystem::exists(example.file.path));
}

TEST_CASE("what a model's file says of itself is not believed") {
  Example example;
  train(example.settings, example.corpus, example.translator, [n = 0]() mutable { return ++n > 1; });
  auto said = rp::load_metadata(example.file.path);
  const auto load_with = [&](const char* name, const std::string& value) {
    auto lie = said;
    lie[name] = value;
    rp::save(example.file.path, example.translator.network, lie);
    return load(example.file.path);
  };
  CHECK(load_with("longest", "1000000").longest == 1'000'000);
  for (const std::string longest : {"1000001", "4611686018427387904", "18446744073709551615"})
    CHECK_THROWS_WITH(load_with("longest", longest),
                      Contains("longest of the model is " + longest + ", at most 1000000"));
  CHECK_THROWS_WITH(load_with("longest", "0"), Contains("longest of the model 0: takes a whole number of at least 1"));
}
