// examples/compose: a tune as a MIDI file, as sound, and on the page.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <numbers>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "../../examples/compose/abc.hpp"
#include "../../examples/compose/midi.hpp"
#include "../../examples/compose/page.hpp"
#include "../../examples/compose/wav.hpp"
#include "../catch.hpp"

using namespace compose;

namespace {

const std::string waltz =
    "X:3\nT:The Stave & the <Bow>\nR:waltz\nM:3/4\nL:1/4\nK:Bb\n"
    "F|BBB|d2c|B/A/GF|F2 F|[FB]3|c'2a|(3f/d/B/ c2|B2:|\n";

std::uint32_t big(std::string_view bytes) {
  std::uint32_t value = 0;
  for (const char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

std::uint32_t little(std::string_view bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = bytes.size(); i > 0; --i) value = value << 8 | static_cast<unsigned char>(bytes[i - 1]);
  return value;
}

struct Event {
  Ticks time;
  int status;
  std::string data;
};

/// An independent reading of a file of one track.
std::vector<Event> events_of(std::string_view midi) {
  std::vector<Event> events;
  std::size_t at = 22;
  const auto variable = [&] {
    std::uint32_t value = 0;
    for (;;) {
      const auto byte = static_cast<unsigned char>(midi[at++]);
      value = value << 7 | (byte & 0x7FU);
      if (byte < 0x80) return value;
    }
  };
  Ticks now = 0;
  while (at < midi.size()) {
    now += variable();
    const int status = static_cast<unsigned char>(midi[at++]);
    std::size_t size = status == 0xC0 ? 1 : 2;
    std::string data;
    if (status == 0xFF) {
      data = midi[at++];
      size = variable();
    }
    data += midi.substr(at, size);
    at += size;
    events.push_back({now, status, data});
  }
  return events;
}

std::string meta_of(const std::vector<Event>& events, char type) {
  for (const Event& event : events)
    if (event.status == 0xFF && event.data[0] == type) return event.data.substr(1);
  return "none";
}

std::vector<double> samples_of(std::string_view wav) {
  std::vector<double> samples;
  for (std::size_t at = 44; at + 1 < wav.size(); at += 2)
    samples.push_back(static_cast<std::int16_t>(little(wav.substr(at, 2))) / 32767.0);
  return samples;
}

/// How much of a frequency there is in a stretch of sound.
double strength(const std::vector<double>& samples, double frequency, double from, double to) {
  double real = 0, imaginary = 0;
  const auto end = static_cast<std::size_t>(to * sample_rate);
  for (auto i = static_cast<std::size_t>(from * sample_rate); i < end; ++i) {
    const double angle = 2 * std::numbers::pi * frequency * static_cast<double>(i) / sample_rate;
    real += samples[i] * std::cos(angle);
    imaginary += samples[i] * std::sin(angle);
  }
  return std::hypot(real, imaginary) / ((to - from) * sample_rate);
}

std::size_t count(std::string_view text, std::string_view part) {
  std::size_t n = 0;
  for (auto at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++n;
  return n;
}

Page page_of(const std::string& abc) {
  const Tune tune = parse(abc);
  return {.title = "Tunes & <notes>",
          .introduction = "",
          .facts = {{"network", "2 x LSTM <256>"}},
          .curve = {{1, 0.5, 3.5, 3.6}, {2, 1, 2.1, 2.4}, {3, 1.5, 1.9, 2.3}},
          .tunes = {{abc, tune, wav_file(tune), "tune 1"}}};
}

}  // namespace

TEST_CASE("a MIDI file has the parts of one") {
  const Tune tune = parse(waltz);
  const std::string midi = midi_file(tune);
  CHECK(midi.substr(0, 4) == "MThd");
  CHECK(big(midi.substr(4, 4)) == 6);
  CHECK(big(midi.substr(8, 2)) == 0);
  CHECK(big(midi.substr(10, 2)) == 1);
  CHECK(big(midi.substr(12, 2)) == quarter_note);
  CHECK(midi.substr(14, 4) == "MTrk");
  CHECK(big(midi.substr(18, 4)) == midi.size() - 22);

  const auto events = events_of(midi);
  CHECK(meta_of(events, 0x03) == "The Stave & the <Bow>");
  CHECK(big(meta_of(events, 0x51)) == std::lround(60e6 / tune.quarters_per_minute));
  CHECK(meta_of(events, 0x58) == std::string{3, 2, 24, 8});
  CHECK(meta_of(events, 0x59) == std::string{static_cast<char>(-2), 0});
  CHECK(events.back().status == 0xFF);
  CHECK(events.back().data == "\x2F");
  CHECK(events.back().time == tune.duration);
}

TEST_CASE("a MIDI file sounds the notes, each once, and ends each before it sounds again") {
  const Tune tune = parse(waltz);
  std::vector<Ticks> sounding(128, -1);
  std::vector<Note> heard;
  for (const Event& event : events_of(midi_file(tune))) {
    const auto pitch = static_cast<std::size_t>(event.data[0]);
    if (event.status == 0x90) {
      REQUIRE(sounding[pitch] == -1);
      sounding[pitch] = event.time;
    } else if (event.status == 0x80) {
      REQUIRE(sounding[pitch] != -1);
      heard.push_back({sounding[pitch], event.time - sounding[pitch], static_cast<int>(pitch)});
      sounding[pitch] = -1;
    }
  }
  REQUIRE(heard.size() == tune.notes.size());
  for (const Note& note : tune.notes) {
    const auto same =
        std::ranges::find_if(heard, [&](const Note& h) { return h.onset == note.onset && h.pitch == note.pitch; });
    REQUIRE(same != heard.end());
    CHECK(same->duration < note.duration);
    CHECK(same->duration > note.duration * 4 / 5);
  }
}

TEST_CASE("numbers of any size in a MIDI file") {
  using detail::variable_length;
  CHECK(variable_length(0) == std::string(1, '\0'));
  CHECK(variable_length(0x7F) == "\x7F");
  CHECK(variable_length(0x80) == std::string{"\x81\x00", 2});
  CHECK(variable_length(0x0FFFFFFF) == "\xFF\xFF\xFF\x7F");
}

TEST_CASE("other software reads the MIDI file as the tune it is") {
  if (std::system("midi2abc -ver > /dev/null 2>&1") != 0) {
    WARN("skipped: midi2abc is not installed");
    return;
  }
  const auto path = std::filesystem::temp_directory_path() / "reprise_music_test.mid";
  std::ofstream{path, std::ios::binary} << midi_file(parse(waltz));
  const auto list = path.string() + ".txt";
  REQUIRE(std::system(("midi2abc " + path.string() + " -midigram > " + list).c_str()) == 0);
  std::vector<std::pair<Ticks, int>> heard;
  std::ifstream lines{list};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields{line};
    Ticks onset, end;
    int track, channel, pitch, velocity;
    if (fields >> onset >> end >> track >> channel >> pitch >> velocity) heard.emplace_back(onset, pitch);
  }
  std::filesystem::remove(path);
  std::filesystem::remove(list);
  std::vector<std::pair<Ticks, int>> expected;
  for (const Note& note : parse(waltz).notes) expected.emplace_back(note.onset, note.pitch);
  std::ranges::sort(heard);
  std::ranges::sort(expected);
  CHECK(heard == expected);
}

TEST_CASE("a WAV file has the parts of one") {
  const Tune tune = parse(waltz);
  const std::string wav = wav_file(tune);
  CHECK(wav.substr(0, 4) == "RIFF");
  CHECK(little(wav.substr(4, 4)) == wav.size() - 8);
  CHECK(wav.substr(8, 8) == "WAVEfmt ");
  CHECK(little(wav.substr(16, 4)) == 16);
  CHECK(little(wav.substr(20, 2)) == 1);
  CHECK(little(wav.substr(22, 2)) == 1);
  CHECK(little(wav.substr(24, 4)) == 22'050);
  CHECK(little(wav.substr(28, 4)) == 44'100);
  CHECK(little(wav.substr(32, 2)) == 2);
  CHECK(little(wav.substr(34, 2)) == 16);
  CHECK(wav.substr(36, 4) == "data");
  CHECK(little(wav.substr(40, 4)) == wav.size() - 44);
  const double length = static_cast<double>(wav.size() - 44) / 44'100;
  CHECK(length > seconds(tune, tune.duration));
  CHECK(length < seconds(tune, tune.duration) + 1.5);
  CHECK(wav == wav_file(tune));
}

TEST_CASE("the sound is the notes, in tune and in time") {
  Tune tune;
  tune.quarters_per_minute = 60;
  tune.notes = {{0, quarter_note, 69}, {2 * quarter_note, quarter_note, 87}};
  tune.duration = 3 * quarter_note;
  const auto samples = samples_of(wav_file(tune));
  const double a = 440, d_sharp = 440 * std::exp2(18 / 12.0);
  CHECK(strength(samples, a, 0, 0.5) > 0.05);
  CHECK(strength(samples, a * 1.01, 0, 0.5) < strength(samples, a, 0, 0.5) / 2);
  CHECK(strength(samples, a, 2.0, 2.5) < 0.002);
  CHECK(strength(samples, d_sharp, 0, 0.5) < 0.002);
  CHECK(strength(samples, d_sharp, 2.0, 2.5) > 0.05);
}

TEST_CASE("the sound neither clips nor clicks") {
  const auto samples = samples_of(wav_file(parse(waltz)));
  double loudest = 0;
  for (const double sample : samples) loudest = std::max(loudest, std::abs(sample));
  CHECK(std::abs(loudest - 0.8) < 0.001);
  CHECK(std::abs(samples.front()) < 0.001);
  CHECK(std::abs(samples.back()) < 0.003);
  for (const int pitch : {55, 69, 88}) {
    const auto string = detail::plucked(pitch, 0.2);
    CHECK(std::abs(string.front()) < 1e-6);
    CHECK(std::abs(string.back()) < 1e-3);
  }
}

TEST_CASE("silence is a sound too") {
  Tune tune;
  tune.duration = quarter_note;
  for (const double sample : samples_of(wav_file(tune))) REQUIRE(sample == 0);
  detail::Samples silence(4);
  detail::normalise(silence);
  CHECK(silence == detail::Samples(4));
  CHECK(piano_roll(tune).empty());
}

TEST_CASE("base64") {
  CHECK(base64("") == "");
  CHECK(base64("f") == "Zg==");
  CHECK(base64("fo") == "Zm8=");
  CHECK(base64("foobar") == "Zm9vYmFy");
  CHECK(base64(std::string{"\xFB\xFF\x00", 3}) == "+/8A");
}

TEST_CASE("the page holds all it shows") {
  const std::string html = page(page_of(waltz));
  CHECK(html.find("The Stave &amp; the &lt;Bow&gt;") != std::string::npos);
  CHECK(html.find("<Bow>") == std::string::npos);
  CHECK(html.find("LSTM &lt;256&gt;") != std::string::npos);
  CHECK(html.find("<h3>") != std::string::npos);
  CHECK(html.find("waltz, Bb, 3/4, ") != std::string::npos);
  CHECK(html.find("data:audio/wav;base64,UklGR") != std::string::npos);
  CHECK(html.find("href=\"tune%201.abc\"") != std::string::npos);
  CHECK(html.find("href=\"tune%201.mid\"") != std::string::npos);
  CHECK(html.find("(3f/d/B/ c2|B2:|") != std::string::npos);
  SECTION("and asks for nothing from elsewhere") {
    CHECK(html.find("://") == std::string::npos);
    CHECK(html.find("<script") == std::string::npos);
    CHECK(html.find("<link") == std::string::npos);
    CHECK(html.find("url(") == std::string::npos);
  }
  SECTION("and closes what it opens") {
    for (const std::string name : {"article", "svg", "div", "dl", "h1", "h2", "h3", "pre", "nav", "audio", "a", "text",
                                   "p", "header", "style", "body", "html"})
      CHECK(count(html, "<" + name + " ") + count(html, "<" + name + ">") == count(html, "</" + name + ">"));
  }
}

TEST_CASE("text from a tune cannot become anything else") {
  const std::string hostile =
      "X:1\nT:</title></pre><script>alert('\"&')</script>\nR:\"><img src=x>\nM:4/4\nL:1/8\n"
      "K:C\nCDEF GABc|\nw:</pre><script>\n";
  Page content = page_of(hostile);
  content.tunes[0].file_name = "\"><script>";
  const std::string html = page(content);
  CHECK(html.find("<script") == std::string::npos);
  CHECK(html.find("<img") == std::string::npos);
  CHECK(escaped("\x01") == " ");
}

TEST_CASE("the piano roll has a bar for every note, and lines of eight bars") {
  std::string abc = "X:1\nM:4/4\nL:1/4\nK:C\nG|";
  for (int bar = 0; bar < 16; ++bar) abc += "CEGc|";
  const std::string roll = piano_roll(parse(abc + "CEG|]"));
  CHECK(count(roll, "class=\"note\"") == 1 + 16 * 4 + 3);
  CHECK(count(roll, "<svg") == 3);
  CHECK(count(roll, ">C4</text>") == 3);
  CHECK(roll.find(">17</text>") != std::string::npos);
}

TEST_CASE("the bars of a roll are whole: an anacrusis and the halves of a split bar do not count") {
  const Tune tune = parse("X:1\nM:4/4\nL:1/4\nK:C\nG|CEGc|CEG:|:G|CEGc|CEG:|");
  CHECK(tune.bars.size() == 12);
  const Ticks anacrusis = quarter_note;
  std::vector<Ticks> expected;
  for (int bar = 0; bar < 8; ++bar) expected.push_back(anacrusis + bar * whole_note);
  CHECK(detail::whole_bars(tune) == expected);
}

TEST_CASE("a curve shows both of its lines and their last values, or nothing at all") {
  const std::vector<CurvePoint> points{{0, 0, 4, 4.2}, {1, 1, 2, 2.5}, {2, 2, 1.23, 1.98}};
  const std::string curve = learning_curve(points);
  CHECK(count(curve, "class=\"curve ") == 2);
  CHECK(curve.find(">train 1.23</text>") != std::string::npos);
  CHECK(curve.find(">held out 1.98</text>") != std::string::npos);
  CHECK(curve.find(">bits per character</text>") != std::string::npos);
  CHECK(curve.find("2 minutes in all") != std::string::npos);
  CHECK(learning_curve({}).empty());
  CHECK(learning_curve({points[0]}).empty());
  CHECK(learning_curve({points[0], points[0]}).empty());
  CHECK(learning_curve({points[0], {1, 1, std::nan(""), 2}}).empty());
  CHECK_FALSE(learning_curve({{0, 0, 2, 2}, {1, 0, 2, 2}}).empty());
  CHECK_FALSE(learning_curve({{0, 0, 0, 0}, {1e6, 0, 1e6, 0}}).empty());
}
