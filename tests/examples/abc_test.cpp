// examples/compose: ABC text to tunes, and tunes to other keys.

#include "../../examples/compose/abc.hpp"

#include <array>
#include <cstddef>
#include <fstream>
#include <random>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "../../examples/compose/transpose.hpp"
#include "../catch.hpp"

using namespace compose;

namespace {

/// The music under a header; in C, 4/4, with eighths as the unit, if no other fields are given.
std::string in_c(std::string_view music, std::string_view fields = "M:4/4\nL:1/8\nK:C\n") {
  return "X:1\nT:Test\n" + std::string{fields} + std::string{music};
}

const std::string scale = "CDEF GABc|";

std::vector<int> pitches(const Tune& tune) {
  std::vector<int> result;
  for (const Note& note : tune.notes) result.push_back(note.pitch);
  return result;
}

/// Pitches of what follows one bar of scale.
std::vector<int> pitches_after_scale(std::string_view music, std::string_view key = "C") {
  const std::string fields = "M:4/4\nL:1/8\nK:" + std::string{key} + "\n";
  const auto all = pitches(parse(in_c("CCCC CCCC|" + std::string{music}, fields)));
  return {all.begin() + 8, all.end()};
}

/// Durations, in eighths, of what follows one bar of scale.
std::vector<double> eighths_after_scale(std::string_view music, std::string_view meter = "4/4") {
  const std::string fields = "M:" + std::string{meter} + "\nL:1/8\nK:C\n";
  const std::string bar = meter == "4/4" ? "CCCC CCCC|" : "CCC CCC|CCC CCC|";
  const Tune tune = parse(in_c(bar + std::string{music}, fields));
  std::vector<double> result;
  const std::size_t before = meter == "4/4" ? 8 : 12;
  for (std::size_t i = before; i < tune.notes.size(); ++i)
    result.push_back(static_cast<double>(tune.notes[i].duration) / (quarter_note / 2));
  return result;
}

/// The letters of the notes as played, octaves and lengths aside; a part is added to make up the
/// least number of notes.
std::string letters(std::string_view music) {
  constexpr std::string_view names = "CcDdEFfGgAaB";
  std::string result;
  for (const int pitch : pitches(parse(in_c(std::string{music} + "\n||CCCC CCCC|"))))
    result += names[static_cast<std::size_t>(pitch % 12)];
  result.resize(result.size() - 8);
  return result;
}

std::string complaint(std::string_view abc) {
  try {
    parse(abc);
  } catch (const abc_error& error) {
    return error.what();
  }
  return "none";
}

bool refused(std::string_view music) { return complaint(in_c(music)) != "none"; }

/// Written for these tests; a jig with an anacrusis, endings, a change of octave and accidentals.
const std::string jig =
    "X:7\nT:The Test Bench\nR:jig\nM:6/8\nL:1/8\nK:Ador\n"
    "|:E|ABA E2D|EGA B2d|e^fe dBG|[1 A3 A2:|[2 A3 A2||\n"
    "|:d|e>fe e^cA|=fdf a2g|(3efe d B2G|A3- A2:|\n";

}  // namespace

TEST_CASE("a tune has its fields, its notes in time and its bars") {
  const Tune tune = parse(in_c("CDEF GABc|c4 z2 C,2|c'8|]", "M:C|\nL:1/8\nK:C Major\n"));
  CHECK(tune.number == 1);
  CHECK(tune.title == "Test");
  CHECK(tune.key == "C Major");
  CHECK(tune.meter == Meter{2, 2});
  CHECK(pitches(tune) == std::vector{60, 62, 64, 65, 67, 69, 71, 72, 72, 48, 84});
  CHECK(tune.notes[1] == Note{quarter_note / 2, quarter_note / 2, 62});
  CHECK(tune.notes[9].onset == whole_note + 3 * quarter_note);
  CHECK(tune.bars == std::vector<Ticks>{0, whole_note, 2 * whole_note});
  CHECK(tune.duration == 3 * whole_note);
}

TEST_CASE("lengths") {
  CHECK(eighths_after_scale("C2 D/ D/ E3/2 F/2 G// G3/4 A2|") == std::vector<double>{2, .5, .5, 1.5, .5, .25, .75, 2});
  SECTION("broken rhythm") {
    CHECK(eighths_after_scale("C>D E<F G2>A2|") == std::vector<double>{1.5, .5, .5, 1.5, 3, 1});
    CHECK(eighths_after_scale("C2>>D2 E2<<F2|") == std::vector<double>{3.5, .5, .5, 3.5});
  }
  SECTION("tuplets") {
    const double third = 2.0 / 3;
    CHECK(eighths_after_scale("(3CDE (3:2:2C2D F4|") == std::vector<double>{third, third, third, 2 * third, third, 4});
    CHECK(eighths_after_scale("(2CD C3|", "6/8") == std::vector<double>{1.5, 1.5, 3});
    CHECK(eighths_after_scale("(5CDEFG A3|", "6/8") == std::vector<double>{.6, .6, .6, .6, .6, 3});
  }
  SECTION("the unit, if L: does not say, follows the meter") {
    CHECK(parse(in_c("CDEF CDEF|CDEF CDEF|", "M:2/4\nK:C\n")).duration == whole_note);
    CHECK(parse(in_c("CDE CDE|CDE CDE|", "M:6/8\nK:C\n")).duration == 6 * quarter_note);
  }
}

TEST_CASE("keys and accidentals") {
  CHECK(pitches_after_scale("F2C2B2f2|", "D Major") == std::vector{66, 61, 71, 78});
  CHECK(pitches_after_scale("F2C2B2f2|", "Ador") == std::vector{66, 60, 71, 78});
  CHECK(pitches_after_scale("F2C2B2E2|", "Gm") == std::vector{65, 60, 70, 63});
  CHECK(pitches_after_scale("F2C2B2E2|", "E mixolydian") == std::vector{66, 61, 71, 64});
  CHECK(pitches_after_scale("F2C2B2E2|", "Bb") == std::vector{65, 60, 70, 63});
  SECTION("an accidental holds for its octave to the end of its bar") {
    CHECK(pitches_after_scale("^F2F2f2=F2|F8|") == std::vector{66, 66, 77, 65, 65});
    CHECK(pitches_after_scale("=F4F4|F8|", "G") == std::vector{65, 65, 66});
    CHECK(pitches_after_scale("_B2^^C2 __D2B2|") == std::vector{70, 62, 60, 70});
  }
  SECTION("and through a tie into the next") { CHECK(pitches_after_scale("^F8-|F4F4|") == std::vector{66, 65}); }
}

TEST_CASE("ties make one note of two") {
  const Tune tune = parse(in_c(scale + "c4-c2c2-|c8|"));
  REQUIRE(tune.notes.size() == 10);
  CHECK(tune.notes[8].duration == 3 * quarter_note);
  CHECK(tune.notes[9].duration == 5 * quarter_note);
  CHECK(refused(scale + "c4-d4|"));
  CHECK(refused(scale + "c4-|z8|"));
  CHECK(refused(scale + "c8-|"));
}

TEST_CASE("repeats are played") {
  CHECK(letters("C8|D8:|E8|F8:|") == "CDCDEFEF");
  CHECK(letters("|:C8|D8:|:E8|F8:|") == "CDCDEFEF");
  CHECK(letters("|:C8|D8::E8|F8:|") == "CDCDEFEF");
  CHECK(letters("C8|D8||E8|F8:|A8|B8|]") == "CDEFEFAB");
  CHECK(letters("C8|\n|:D8||E8:|\nC8|D8|E8|") == "CDEDECDE");
  SECTION("with first and second endings, however they are written") {
    const std::string played = "CDCEFFAA";
    CHECK(letters("|:C8|1 D8:|2 E8||F8:|A8:|") == played);
    CHECK(letters("C8|[1 D8:|[2 E8|]F8:|\nA8:|") == played);
    CHECK(letters("C8|\n[1 D8:|\n[2 E8||\nF8:|:A8:|") == played);
    CHECK(letters("|:C8|[1D8:|2E8|]|:F8:|:A8:|") == played);
    CHECK(letters("|:C8|1,3 D8:|2 E8:|4 F8|]") == "CDCECDCF");
    CHECK(letters("|:C8|1-3 D8:|4 E8|]") == "CDCDCDCE");
  }
  SECTION("and lead somewhere") {
    CHECK(refused("|:CDEF GABc|"));
    CHECK(refused("|:" + scale + "1 C8:|C8|"));
    CHECK(refused("|:" + scale + "1 C8|2 D8:|"));
    CHECK(refused("|:" + scale + "1 C8:|3 D8|]"));
    CHECK(refused("|:" + scale + "1 C8:|1 D8|]"));
    std::string too_many = "|:" + scale;
    for (int i = 0; i < 8; ++i) too_many += "[1-8 C8:|";
    CHECK(refused(too_many));
  }
}

TEST_CASE("bars add up") {
  const std::string first = scale;
  CHECK_FALSE(refused(first + "C8|C8|"));
  CHECK(refused(first + "C7|C8|"));
  CHECK(refused(first + "C9|C8|"));
  CHECK(refused(first + "C4 (3CDE|C8|"));
  CHECK(refused(first + "C4|C4|C8|"));
  CHECK(refused(first + "C4\n|C8|"));
  SECTION("but for an anacrusis and the bar that complements it") {
    CHECK_FALSE(refused("G,2|" + first + "C6:|"));
    CHECK_FALSE(refused("G,2|" + first + "C6:|:G,2|C8|C6:|"));
    CHECK_FALSE(refused("G,2|" + first + "C6:|G,2|C8|C6||"));
    CHECK(refused("G,2|" + first + "C8:|"));
    CHECK(refused("G,2|" + first + "C4:|"));
    CHECK(refused("G,2|" + first + "C6:|:C8|C8:|"));
    CHECK(refused("C8|" + first + "C8||G,2|C8|"));
    CHECK(refused("G,2|C9|" + first + "C6:|"));
  }
  SECTION("and for a bar split by a repeat sign") {
    CHECK_FALSE(refused(first + "C4|:D4|" + first + "C4:|"));
    CHECK_FALSE(refused(first + "C4||D4|" + first + "C8|]"));
    CHECK(refused(first + "C4|:D2|" + first + "C6:|"));
    CHECK(refused(first + "C4:|:D4|" + first + "C4:|"));
  }
  SECTION("by the meter that holds where they stand") {
    CHECK_FALSE(refused(first + "[M:3/4]C6|C6|[M:4/4]C8|"));
    CHECK_FALSE(refused(first + "\nM:3/4\nC6|C6|"));
    CHECK(refused(first + "[M:3/4]C6|C8|"));
    CHECK(refused(first + "C2[M:3/4]C6|"));
  }
}

TEST_CASE("what players write beside the notes") {
  CHECK(letters("\"G\"~C2 .D2 vE2 !trill!F2|{ga}G2 (A2 {/g}B2) c2|!\n% a comment\nw:words\n") == "CDEFGABC");
  CHECK(letters("CDEF`GABc|\n|C8|") == "CDEFGABCC");
  CHECK(letters("CDEF`GABc|[CE]2[CE-]2 E4|Z2|\\\nC8|") == "CDEFGABCCECEC");
}

TEST_CASE("a complaint names the place, the expected and the found") {
  CHECK(complaint(in_c(scale + "C7|C8|")) == "line 6, column 11: expected a bar of 8/8, found 7/8");
  CHECK(complaint(in_c("CDEF ?")) == "line 6, column 6: expected music, found '?'");
  CHECK(complaint("X:1\nT:No key\nM:4/4\n") == "line 3, column 6: expected the key, K:, found the end of the tune");
  CHECK(complaint("X:1\nK:C\nCDEF GABc|") == "line 2, column 1: expected a meter, M:, before the key, found none");
  CHECK(complaint("M:4/4\n") == "line 1, column 1: expected the tune's number, X:, found 'M'");
  CHECK(complaint(in_c("C8|")) == "expected at least 8 notes, found 1");
  CHECK(complaint(in_c(scale, "M:4/4\nK:H\n")).find("a key such as") != std::string::npos);
}

TEST_CASE("notation that says too little or too much is refused") {
  for (const char* music : {"C8:",    "(3CD|C4", "C>|C",    ">C",           "C-|",       "-C",
                            "C0",     "C1000",   "C//////", "c''''",        "[C",        "[]",
                            "[1",     "{c",      "\"C",     "!x",           "(C",        "C)",
                            "^^^C",   "^_C",     "^=C",     "^z",           "(1C",       "(3(3CDE",
                            "C>>>>D", "|||",     "| |",     "[CDEFGABcd]8", "c8!CD EF!", "[M:24/1][L:1/1]C999",
                            ":::",    "[M:3/4",  "[V:2]C",  "[K:X]",        "A2>B",      "\n\nCDEF GABc|"}) {
    CAPTURE(music);
    CHECK(refused(scale + music));
  }
}

TEST_CASE("a text of any size or sort is answered in time and memory that it deserves") {
  CHECK(refused(scale + std::string(100'000, '(')));
  CHECK(refused(scale + std::string(19'000, '[')));
  std::string repeats = scale;
  for (int i = 0; i < 900; ++i) repeats += "C8:|";
  CHECK(complaint(in_c(repeats)).find("ten minutes") != std::string::npos);
  std::string rests = scale;
  for (int i = 0; i < 3000; ++i) rests += "Z999|";
  CHECK(complaint(in_c(rests)).find("bars") != std::string::npos);
  CHECK(refused(scale + "C999999999999999999999999"));
  CHECK(refused(in_c(scale, "M:999999999999/4\nK:C\n")));
}

TEST_CASE("damaged tunes never do worse than an abc_error") {
  std::mt19937 random{7};
  const std::string alphabet = "ABCDEFGabcdefg,'^_=|:[]123456789/<>()-z{}\"!~ \n%ZXMKL";
  const auto below = [&](std::size_t n) { return random() % n; };
  int accepted = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string text = jig;
    for (std::size_t edits = 1 + below(4); edits > 0; --edits) {
      const std::size_t at = below(text.size());
      if (below(2) == 0)
        text[at] = alphabet[below(alphabet.size())];
      else if (below(2) == 0)
        text.erase(at, below(8));
      else
        text.insert(at, text.substr(below(text.size()), below(20)));
    }
    try {
      const Tune tune = parse(text);
      ++accepted;
      for (const Note& note : tune.notes) REQUIRE(note.onset + note.duration <= tune.duration);
    } catch (const abc_error&) {}
    static_cast<void>(transposed(text, fourth_up));
  }
  CHECK(accepted > 100);
}

TEST_CASE("a corpus is split at blank lines and X:") {
  const std::string text =
      "About these tunes\n\nCollected: nowhere\nX:1\r\nT:A\r\nK:C\r\nC|\r\n\r\n\r\n \nsome "
      "words\n\n"
      "X:2\nT:B\nK:C\nD|\nX:3\nT:C\nK:C\nE|";
  CHECK(split_tunes(text) ==
        std::vector<std::string>{"X:1\nT:A\nK:C\nC|\n", "X:2\nT:B\nK:C\nD|\n", "X:3\nT:C\nK:C\nE|\n"});
  CHECK(split_tunes("").empty());
  CHECK(split_tunes("no tune\n\nhere").empty());
}

TEST_CASE("a tune moves to another key") {
  SECTION("letter by letter") {
    CHECK(transposed(in_c("CDEF GABc|^F=B,c'2", "M:4/4\nK:C\n"), fourth_up) ==
          in_c("FGAB cdef|=B=Ef'2", "M:4/4\nK:F\n"));
  }
  SECTION("the key keeps its wording") {
    const auto key = [](std::string_view from, Interval by) {
      const std::string head = "M:4/4\nK:" + std::string{from} + "\n";
      const auto moved = transposed(in_c("A", head), by);
      if (!moved) return std::string{"none"};
      const auto at = moved->find("K:") + 2;
      return moved->substr(at, moved->find('\n', at) - at);
    };
    CHECK(key("D Major", fourth_up) == "G Major");
    CHECK(key("Ador", whole_tone_up) == "Bdor");
    CHECK(key("F", whole_tone_down) == "Eb");
    CHECK(key("Em", whole_tone_up) == "F#m");
    CHECK(key("Bb", whole_tone_up) == "C");
    CHECK(key("B", whole_tone_up) == "none");
    CHECK(key("C", {1, 1}) == "Db");
    CHECK(key("C", {0, 1}) == "none");
    CHECK(key("C", {1, 5}) == "none");
  }
  SECTION("an accidental keeps its distance from the signature") {
    CHECK(transposed(in_c("^F=c_B", "M:4/4\nK:D\n"), whole_tone_down) == in_c("=E_B_A", "M:4/4\nK:C\n"));
    CHECK(transposed(in_c("{^f}^c[_EG]", "M:4/4\nK:C\n"), fourth_up) == in_c("{=b}^f[_Ac]", "M:4/4\nK:F\n"));
  }
  SECTION("or is left alone where that is not simple") {
    const auto moves = [](std::string_view music, std::string_view key, Interval by) {
      return transposed(in_c(music, "M:4/4\nK:" + std::string{key} + "\n"), by).has_value();
    };
    CHECK(moves("CD", "C", fourth_up));
    CHECK_FALSE(moves("_FD", "C", {5, 8}));          // a double flat
    CHECK_FALSE(moves("C[K:G]D", "C", fourth_up));   // a key change
    CHECK_FALSE(moves("\"Am\"CD", "C", fourth_up));  // chord names
    CHECK_FALSE(moves("c,D", "C", fourth_up));       // C, oddly written
    CHECK(moves("C", "C", fourth_down));             // down to G,
    CHECK_FALSE(moves("B,", "C", fourth_down));      // below it
    CHECK(moves("b'", "C", fourth_up));              // up to e''
    CHECK_FALSE(moves("c''", "C", fourth_up));       // above it
    CHECK_FALSE(moves("?", "C", fourth_up));         // no music
  }
}

/// Whether the tune, moved, sounds as before but higher, and moved back is the text it was.
void check_moves(const std::string& abc, Interval by) {
  const auto there = transposed(abc, by);
  if (!there) return;
  CAPTURE(abc, by.steps, by.semitones);
  CHECK(transposed(*there, {-by.steps, -by.semitones}) == abc);
  const Tune before = parse(abc);
  const Tune after = parse(*there);
  REQUIRE(after.notes.size() == before.notes.size());
  for (std::size_t i = 0; i < before.notes.size(); ++i) {
    Note expected = before.notes[i];
    expected.pitch += by.semitones;
    REQUIRE(after.notes[i] == expected);
  }
}

constexpr std::array intervals{whole_tone_up, whole_tone_down, fourth_up,      fourth_down,
                               fifth_up,      fifth_down,      Interval{2, 3}, Interval{-2, -3}};

TEST_CASE("a tune in another key sounds the same, higher, and comes back the same text") {
  for (const Interval by : intervals) check_moves(jig, by);
  REQUIRE(transposed(jig, whole_tone_up));
  REQUIRE(transposed(jig, fourth_up));
  CHECK(transposed(jig, whole_tone_up)->find("K:Bdor\n|:F|BcB F2E|FAB c2e|f^gf ecA|") != std::string::npos);
}

TEST_CASE("the tunes of the corpus are tunes, in any key") {
#ifdef REPRISE_EXAMPLES_DIR
  std::ifstream file{std::string{REPRISE_EXAMPLES_DIR} + "/data/tunes.abc"};
  REQUIRE(file);
  std::stringstream text;
  text << file.rdbuf();
  const auto tunes = split_tunes(text.str());
  CHECK(tunes.size() > 10);
  for (const std::string& tune : tunes) {
    CAPTURE(tune);
    CHECK(complaint(tune) == "none");
    if (complaint(tune) != "none") continue;
    for (const Interval by : intervals) check_moves(tune, by);
  }
#else
  WARN("skipped: REPRISE_EXAMPLES_DIR does not say where examples/ is");
#endif
}
