// examples/translate: sentence pairs, words, subwords, scores and the page of attention.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <limits>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "../../examples/translate/attention_page.hpp"
#include "../../examples/translate/bleu.hpp"
#include "../../examples/translate/chrf.hpp"
#include "../../examples/translate/corpus.hpp"
#include "../../examples/translate/letters.hpp"
#include "../../examples/translate/subwords.hpp"
#include "../../examples/translate/subwords_learn.hpp"
#include "../../examples/translate/subwords_text.hpp"
#include "../../examples/translate/text.hpp"
#include "../../examples/translate/tokens.hpp"
#include "../catch.hpp"

using namespace translate;

namespace {

using Words = std::vector<std::string>;

/// What the thrown error says; nothing if nothing is thrown.
template <class Error = std::runtime_error, class Action>
std::string error_of(const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

std::size_t count(std::string_view text, std::string_view part) {
  std::size_t n = 0;
  for (auto at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++n;
  return n;
}

const std::string bundled = std::string{REPRISE_EXAMPLES_DIR} + "/data/eng-por.tsv";

/// Sentences of the two files that lie beside the repository, and of the bundled one, if they are there.
Words sentences_of(const std::string& file) {
  if (!std::filesystem::exists(file)) {
    std::cout << "skipped: " << file << " is not there\n";
    return {};
  }
  Words sentences;
  for (const SentencePair& pair : read_pairs(file)) {
    sentences.push_back(pair.source);
    sentences.push_back(pair.target);
  }
  return sentences;
}

std::string plain_apostrophes(std::string text) {
  for (std::size_t at = text.find("’"); at != text.npos; at = text.find("’")) text.replace(at, 3, "'");
  return text;
}

}  // namespace

TEST_CASE("what is not UTF-8 is refused, with the byte that is wrong") {
  const Words wrong{"\x80",
                    "\xBF",
                    "\xFF",
                    "\xFE",  // no character begins so
                    "\xC3",
                    "\xE2\x82",
                    "\xF0\x9F\x98",  // the end is missing
                    "\xC3(",
                    "\xE2(\xA1",
                    "\xE2\x82(",  // something else instead
                    "\xC0\xAF",
                    "\xC1\xBF",
                    "\xE0\x9F\xBF",
                    "\xF0\x8F\xBF\xBF",  // longer than need be
                    "\xED\xA0\x80",
                    "\xED\xBF\xBF",  // surrogates
                    "\xF4\x90\x80\x80",
                    "\xF5\x80\x80\x80",
                    "\xF8\x88\x80\x80\x80"};
  for (const std::string& bytes : wrong) {
    INFO(bytes);
    CHECK(error_of([&] { require_utf8("é" + bytes, "line 7"); }) == "line 7: byte 3 is not UTF-8");
    CHECK(error_of([&] { parse_pairs("Go.\tVa !\nG" + bytes + "\tVa", "f.tsv"); }) == "f.tsv:2: byte 2 is not UTF-8");
    for (const std::string& token : tokenise("a " + bytes + " b")) CHECK(!token.empty());  // no worse than refused
  }
  for (const std::string bytes : {"\x7F", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80",
                                  "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"})
    CHECK_NOTHROW(require_utf8(bytes, ""));
}

TEST_CASE("case has a way back, and every kind of space is one") {
  CHECK(lower_case("ÀÉÎÕÜ ÇŒŸŽ ЖЁ ΩΣ İ × 1") == "àéîõü çœÿž жё ωσ İ × 1");
  CHECK(capitalised("'élan") == "'Élan");
  CHECK(capitalised("œuvre") == "Œuvre");
  CHECK(capitalised("ÿ") == "Ÿ");
  for (char32_t c = 0; c < 0x3000; ++c) {
    if (lower(c) != c) CHECK(upper(lower(c)) == c);
    if (upper(c) != c) CHECK(lower(upper(c)) == c);
    if (lower(c) != c) CHECK(lower(lower(c)) == lower(c));
  }
  for (const std::string space : {" ", "\t", "\u00A0", "\u1680", "\u2000", "\u2009", "\u200A", "\u2028", "\u202F",
                                  "\u205F", "\u3000", "\x01", "\x7F"})
    CHECK(clean_spaces(space + "a" + space + space + " b" + space) == "a b");
}

TEST_CASE("sentence pairs are read as they come") {
  const auto pairs = parse_pairs(
      "\xEF\xBB\xBFGo.\tVa\u202F!\r\n"
      "\r\n  \n"
      "Go  now.\tVa\u00A0 maintenant.\tCC-BY 2.0 (France) tatoeba.org #1\tmore\n"
      "Hi.\tSalut.",
      "f");
  REQUIRE(pairs.size() == 3);
  CHECK(pairs[0].source == "Go.");
  CHECK(pairs[0].target == "Va !");
  CHECK(pairs[1].source == "Go now.");
  CHECK(pairs[1].target == "Va maintenant.");
  CHECK(pairs[2].target == "Salut.");

  CHECK(error_of([] { parse_pairs("Go.\tVa\n\nGo. Va\n", "f"); }).starts_with("f:3: no tab"));
  CHECK(error_of([] { parse_pairs("\u00A0\tVa", "f"); }) == "f:1: nothing before the tab");
  CHECK(error_of([] { parse_pairs("Go.\t \tCC-BY", "f"); }) == "f:1: nothing after the tab");
  CHECK(error_of([] { parse_pairs("\n\n", "f"); }) == "f: no sentence pairs");
  CHECK(error_of([] { read_pairs("/no/such.tsv"); }) == "/no/such.tsv: cannot be read");
  CHECK(error_of([] { read_pairs(REPRISE_EXAMPLES_DIR); }).ends_with(": cannot be read"));
}

TEST_CASE("no training pair has a source that is held out") {
  std::string text;
  for (int i = 0; i < 100; ++i)
    for (int k = 0; k <= i % 3; ++k)  // a source has one, two or three translations
      text += (k == 1 ? "SAY  " : "say ") + std::to_string(i) + "\tdis " + std::to_string(i) + " " + std::to_string(k) +
              "\n";
  const auto pairs = parse_pairs(text + "say 1\tdis 1 0\n", "f");  // once more
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    const Split split = hold_out(pairs, 30, seed);

    REQUIRE(split.held_out.size() == 30);
    std::set<std::string> held;
    std::size_t references = 0;
    for (const HeldOut& sentence : split.held_out) {
      CHECK(held.insert(lower_case(sentence.source)).second);
      const int number = std::stoi(sentence.source.substr(4));
      CHECK(sentence.references.size() == static_cast<std::size_t>(number % 3 + 1));
      references += sentence.references.size() + (number == 1);
    }
    for (const SentencePair& pair : split.training) CHECK(!held.contains(lower_case(pair.source)));
    CHECK(split.training.size() + references == pairs.size());
  }

  const auto sources = [&](std::uint64_t seed) {
    Words result;
    for (const HeldOut& sentence : hold_out(pairs, 30, seed).held_out) result.push_back(sentence.source);
    return result;
  };
  CHECK(sources(1) == sources(1));
  CHECK(sources(1) != sources(2));
  CHECK(hold_out(pairs, 0, 1).training.size() == pairs.size());
  CHECK(hold_out(pairs, 99, 1).training.size() >= 1);
  CHECK(error_of<std::invalid_argument>([&] { hold_out(pairs, 100, 1); }).starts_with("cannot hold out 100 of 100"));
}

TEST_CASE("words and marks") {
  CHECK(tokenise("Où est l'eau\u202F?") == Words{"où", "est", "l'", "eau", " ?"});
  CHECK(tokenise("I don’t know Tom.") == Words{"i", "don", "'t", "know", "↑tom", "."});
  CHECK(tokenise("Dois-je voir la TV?") == Words{"dois", "-je", "voir", "la", "↓TV", "?"});
  CHECK(tokenise("Sim! Você (e eu)...") == Words{"sim", "!", "você", "(", "e", "eu", ")", "..."});
  CHECK(tokenise("He said, \"Go\".") == Words{"he", "said", ",", "\"", "↑go", "\"", "."});
  CHECK(tokenise("« Oui », dit-il.") == Words{"« ", "oui", " »", ",", "dit", "-il", "."});
  CHECK(tokenise("It's 3.14, or 10:30?!") == Words{"it", "'s", "3.14", ",", "or", "10:30", "?", "!"});
  CHECK(tokenise("I'm. You're. He'd. We'll. I've. D'accord.") == Words{"i", "'m", ".", "you", "'re", ".", "he", "'d",
                                                                       ".", "we", "'ll", ".", "i", "'ve", ".", "d'",
                                                                       "accord", "."});
  CHECK(tokenise("Oh... Va. non") == Words{"oh", "...", "va", ".", "↓non"});
  CHECK(tokenise("  ").empty());
  CHECK(surfaces(tokenise("Où vas-tu, Tom ?")) == Words{"Où", "vas", "-tu", ",", "Tom", "?"});
  CHECK(detokenise({" ?", "", "bonjour", "↑", "l'", "↑eau", "\"", "i", "."}) == "? Bonjour l'Eau \"I.");
}

TEST_CASE("whatever a sentence is made of, it comes back") {
  const Words parts{"a", "B", "I", "i", "'", "\"",  "(",    ")",  ".",  "?", "-", ",", "↑",   "↓", "«",    "»", "É",
                    "ß", "1", " ", " ", " ", "Tom", "NASA", "'s", "l'", "—", "“", "”", "...", "¿", "日本", "İ"};
  std::mt19937 random(3);
  for (int round = 0; round < 20'000; ++round) {
    std::string sentence;
    for (std::size_t i = random() % 12; i > 0; --i) sentence += parts[random() % parts.size()];
    sentence = clean_spaces(sentence);
    const Words tokens = tokenise(sentence);
    if (detokenise(tokens) != sentence) FAIL_CHECK(sentence << " became " << detokenise(tokens));
    for (const std::string& token : tokens) REQUIRE(!clean_spaces(token).empty());
  }
}

TEST_CASE("the sentences of the corpora come back") {
  const std::string shared = std::string{REPRISE_EXAMPLES_DIR} + "/../../shared/data/mt/";
  for (const std::string& file : {bundled, shared + "eng-fra.first20000.tsv", shared + "tatoeba1000.eng-por.tsv"}) {
    const Words sentences = sentences_of(file);
    std::size_t same = 0, same_but_apostrophes = 0;
    for (const std::string& sentence : sentences) {
      const std::string back = detokenise(tokenise(sentence));
      same += back == sentence;
      same_but_apostrophes += back == plain_apostrophes(sentence);
    }
    if (!sentences.empty())
      std::cout << file << ": " << same << " of " << sentences.size() << " sentences come back as they were\n";
    CHECK(static_cast<double>(same) >= 0.99 * static_cast<double>(sentences.size()));
    CHECK(same_but_apostrophes == sentences.size());
  }
}

TEST_CASE("byte pairs are merged in the order of their frequency") {
  // d e i l n o r s t w within a word are 3 5 7 9 11 13 15 17 19 21, at its end one more. Pairs, of nine and more times:
  // e s 9 and s t. 9 (newest 6, widest 3): e s has the lower ids: 23. Then es t. 9: 24. Then l o 7 (low 5, lower 2): 25,
  // for w e is left twice. Of n e, e w, w est., all 6, e w is lowest: 26. Then n ew: 27, new est.: 28, lo w. 5: 29.
  const WordCounts counts{{"low", 5}, {"lower", 2}, {"newest", 6}, {"widest", 3}};
  const Subwords subwords = Subwords::learn(counts, 7);
  REQUIRE(subwords.size() == 30);
  const Words pieces{"es·", "est", "lo·", "ew·", "new·", "newest", "low"};
  for (std::size_t i = 0; i < pieces.size(); ++i) CHECK(subwords.piece(23 + static_cast<int>(i)) == pieces[i]);
  CHECK(subwords.encode({"lowest", "low", "new"}) == std::vector<int>{25, 21, 24, 29, 11, 5, 22});
  CHECK(subwords.encode({"xlow", "x"}) == std::vector<int>{Subwords::unk, 29, Subwords::unk});
  CHECK(subwords.decode({Subwords::bos, 25, 21, 24, 29, 2, 25, Subwords::eos}) ==
        Words{"lowest", "low", "<unk>", "lo"});
  CHECK_THROWS_AS(subwords.decode({30}), std::out_of_range);
  CHECK_THROWS_AS(subwords.decode({-1}), std::out_of_range);
  CHECK(Subwords::learn({{"aaaa", 1}}, 10).size() == 3 + 2 + 1);  // nothing occurs twice but a a, and then aa a.
  CHECK(Subwords::learn({{"ab", 1}}, 10).size() == 3 + 4);
  CHECK_THROWS_AS(Subwords::learn({{"a\nb", 1}}, 10), std::invalid_argument);
  // a b 3, then ab z. 3, then b c 2: in abcz the first merge learnt is the first made.
  const Subwords order = Subwords::learn({{"abz", 3}, {"bcz", 2}}, 3);
  CHECK(order.encode({"abcz"}) == std::vector<int>{11, 7, 10});
  CHECK(Subwords{}.encode({"a", ""}) == std::vector<int>{Subwords::unk});
}

TEST_CASE("whole words, the rare ones unknown") {
  const Subwords words = Subwords::whole_words({{"eau", 2}, {" ?", 5}, {"rare", 1}}, 2);
  REQUIRE(words.size() == 5);
  CHECK(words.encode({"eau", " ?", "rare"}) == std::vector<int>{4, 3, Subwords::unk});
  CHECK(words.decode({4, 3}) == Words{"eau", " ?"});
  CHECK(Subwords::parse(words.serialise()) == words);
}

TEST_CASE("a corpus in subwords is the corpus, and so are subwords kept as text") {
  if (!std::filesystem::exists(bundled)) return;
  WordCounts counts;
  std::vector<Words> sentences;
  for (const std::string& sentence : sentences_of(bundled))
    count_words(counts, sentences.emplace_back(tokenise(sentence)));
  const Subwords subwords = Subwords::learn(counts, 800);
  const std::string text = subwords.serialise();
  const Subwords again = Subwords::parse(text);
  CHECK(again == subwords);
  std::size_t words = 0, pieces = 0, letters = 0;
  for (const Words& sentence : sentences) {
    const auto ids = again.encode(sentence);
    CHECK(again.decode(ids) == sentence);
    words += sentence.size();
    pieces += ids.size();
    for (const std::string& word : sentence) letters += characters(word).size();
  }
  CHECK(words < pieces);
  CHECK(2 * pieces < letters + words);  // it is worth it

  const std::string small = Subwords::learn({{"eau", 3}, {"beau", 2}, {" ?", 2}}, 3).serialise();
  CHECK(small == "subwords\n6\n \n?\na\nb\ne\nu\n3\n7 14\n11 15\n3 6\n");
  for (std::size_t length = 0; length < small.size(); ++length)
    CHECK_THROWS_AS(Subwords::parse(std::string_view{small}.substr(0, length)), std::runtime_error);
  std::mt19937 random(5);
  for (int round = 0; round < 20'000; ++round) {  // what is not refused is read as it is written
    std::string wrong = small;
    wrong[random() % wrong.size()] = "\n 0129aswé\xFF"[random() % 11];
    std::string written = wrong;
    CHECK_NOTHROW(error_of([&] { written = Subwords::parse(wrong).serialise(); }));
    if (written != wrong) FAIL_CHECK(wrong << " became " << written);
  }
}

TEST_CASE("malformed subwords are refused, with the line that is wrong") {
  const auto error = [](const std::string& text) { return error_of([&] { Subwords::parse(text); }); };
  CHECK(error("") == "subwords, line 1: the text ends early");
  CHECK(error("syllables\n0\n0\n") == "subwords, line 1: neither subwords nor words");
  CHECK(error("subwords\n99999999999999999999\n").find("line 2") != std::string::npos);
  CHECK(error("subwords\n1\nab\n0\n") == "subwords, line 3: more than a character");
  CHECK(error("subwords\n2\na\na\n0\n") == "subwords, line 4: a symbol a second time");
  CHECK(error("words\n1\n\n0\n").find("no length") != std::string::npos);
  CHECK(error("subwords\n1\na\n1\n3 5\n") == "subwords, line 5: \"5\" is no number below 5");
  CHECK(error("subwords\n1\na\n1\n4 4\n").find("do not merge") != std::string::npos);  // a word has ended in 4
  CHECK(error("subwords\n1\na\n1\n3 2\n").find("do not merge") != std::string::npos);
  CHECK(error("subwords\n1\na\n1\n3\n").find("is no number") != std::string::npos);
  CHECK(error("subwords\n1\na\n2\n3 4\n3 4\n") == "subwords, line 6: a merge a second time");
  CHECK(error("subwords\n1\na\n0\nb\n").find("more text") != std::string::npos);
  std::string doubling = "subwords\n1\na\n40\n3 3\n";  // 2^40 bytes, were it believed
  for (int id = 5; id < 44; ++id) doubling += std::to_string(id) + " " + std::to_string(id) + "\n";
  CHECK(error(doubling) == "subwords, line 13: a symbol too long");
}

TEST_CASE("tokens as BLEU counts them") {
  CHECK(tokens_13a("Hello, \"world\" (it's 3.14) - e-mail, 5-6 a/b $5.") ==
        Words{"Hello", ",", "\"", "world", "\"", "(", "it's", "3.14", ")", "-", "e-mail",
              ",",     "5", "-",  "6",     "a",  "/", "b",    "$",    "5", "."});
  CHECK(tokens_13a("«Où\u202F?» 1,000 a.b .5 a..5") ==
        Words{"«Où", "?", "»", "1,000", "a", ".", "b", ".", "5", "a", ".", ".5"});  // the last as the script has it
  CHECK(tokens_13a("&quot;R&amp;B&quot; [x]_y") == Words{"\"", "R", "&", "B", "\"", "[", "x", "]", "_", "y"});
  CHECK(tokens_13a(" ").empty());
}

TEST_CASE("BLEU, counted by hand") {
  const auto bleu = [](const Words& outputs, const std::vector<Words>& references) {
    return corpus_bleu(outputs, references);
  };
  // 1: the cat on the mat, 5 of 6. 2: the cat, on the, the mat, 3 of 5. 3: on the mat, 1 of 4. 4: 0 of 3, taken for 1/2.
  const Bleu cat = bleu({"the cat sat on the mat"}, {{"the cat is on the mat"}});
  CHECK(cat.precisions[0] == Approx(100 * 5.0 / 6));
  CHECK(cat.precisions[1] == Approx(100 * 3.0 / 5));
  CHECK(cat.precisions[2] == Approx(100 * 1.0 / 4));
  CHECK(cat.precisions[3] == Approx(100 * 0.5 / 3));
  CHECK(cat.score == Approx(100 * std::pow(5.0 / 6 * 3 / 5 * 1 / 4 * 0.5 / 3, 0.25)));
  CHECK(cat.brevity_penalty == 1);

  // Papineni's example: "the" is at most twice in a reference, 2 of 7. None of 6, 5, 4 longer ones: 1/2, 1/4, 1/8.
  const Bleu the = bleu({"the the the the the the the"}, {{"the cat is on the mat", "there is a cat on the mat"}});
  CHECK(the.score == Approx(100 * std::pow(2.0 / 7 * 0.5 / 6 * 0.25 / 5 * 0.125 / 4, 0.25)));
  CHECK(the.reference_length == 7);
  // a: twice in one, once in the other, so 2 of 4, not 3. a a: 1 of 3. Then 0 of 2 and 0 of 1: 1/2, 1/4.
  CHECK(bleu({"a a a a"}, {{"a a b", "a c d"}}).score == Approx(100 * std::pow(0.5 / 3 * 0.5 / 2 * 0.25, 0.25)));

  // Every n-gram is in a reference, over both sentences together. Lengths: 5 is as far from 7 as from 3, which is the
  // shorter; 4 from 7: so 9 against 10.
  const Bleu two = bleu({"a b c d e", "x y z w"}, {{"a b c d e f g", "a b c"}, {"x y z w v u t"}});
  CHECK(two.length == 9);
  CHECK(two.reference_length == 10);
  CHECK(two.brevity_penalty == Approx(std::exp(1 - 10.0 / 9)));
  CHECK(two.score == Approx(100 * std::exp(1 - 10.0 / 9)));
  // Counts are added up before they are divided: 1: 4 + 2 of 4 + 4, 2: 3 + 0 of 3 + 3, 3: 2 of 2 + 2, 4: 1 of 1 + 1.
  CHECK(bleu({"a b c d", "e x f y"}, {{"a b c d"}, {"e f g h"}}).score ==
        Approx(100 * std::pow(6.0 / 8 * 3 / 6 * 2 / 4 * 1 / 2, 0.25)));

  CHECK(bleu({"Le chat est là ."}, {{"Le chat est là."}}).score == Approx(100));
  CHECK(bleu({"le chat est là ."}, {{"Le chat est là."}}).score < 90);
  CHECK(bleu({"a b c"}, {{"a b c"}}).score == 0);  // no four words
  CHECK(bleu({"x y z w"}, {{"a b c d"}}).score == 0);
  CHECK(bleu({""}, {{"a b c d"}}).score == 0);
  CHECK(bleu({""}, {{"a b c d"}}).brevity_penalty == 0);
  CHECK_THROWS_AS(bleu({}, {}), std::invalid_argument);
  CHECK_THROWS_AS(bleu({"a"}, {}), std::invalid_argument);
  CHECK_THROWS_AS(bleu({"a"}, {{}}), std::invalid_argument);
}

TEST_CASE("chrF, counted by hand") {
  // a, b of 3 and 3; ab of 2 and 2; none of 1 and 1: precision and recall are (2/3 + 1/2 + 0) / 3.
  CHECK(corpus_chrf({"abc"}, {{"abd"}}) == Approx(100 * 7.0 / 18));
  // abcd against abc: 3 of 4 and 3, 2 of 3 and 2, 1 of 2 and 1; there is no abcd to compare with.
  // P = (3/4 + 2/3 + 1/2) / 3 = 23/36, R = 1: 5 P / (4 P + 1) = 115/128.
  CHECK(corpus_chrf({"ab cd"}, {{"a\u202Fbc"}}) == Approx(100 * 115.0 / 128));
  // With wxyz, twice: 7 of 8 and 7, 5 of 6 and 5, 3 of 4 and 3, 1 of 1 and 1 (abcd still has none to compare with).
  // P = (7/8 + 5/6 + 3/4 + 1) / 4 = 83/96, R = 1: 415/428.
  CHECK(corpus_chrf({"abcd", "wxyz"}, {{"abc"}, {"wxyz"}}) == Approx(100 * 415.0 / 428));
  CHECK(corpus_chrf({"abc"}, {{"xyz", "abd", "x"}}) == Approx(100 * 7.0 / 18));
  CHECK(corpus_chrf({"été"}, {{"éta"}}) == Approx(100 * 7.0 / 18));  // characters, not bytes
  CHECK(corpus_chrf({"Elle chante."}, {{"Elle chante."}}) == Approx(100));
  CHECK(corpus_chrf({""}, {{"abc"}}) == 0);
  CHECK(corpus_chrf({"abc"}, {{"xyz"}}) == 0);
  CHECK_THROWS_AS(corpus_chrf({"a"}, {{}}), std::invalid_argument);
}

TEST_CASE("a sentence of two thousand words is a sentence") {
  std::string sentence = "Word";
  for (int i = 1; i < 2000; ++i) sentence += i % 7 == 0 ? ", don't" : " word";
  sentence += '.';
  const Words tokens = tokenise(sentence);
  CHECK(tokens.size() == 2000 + 2 * (1999 / 7) + 1);
  CHECK(detokenise(tokens) == sentence);
  WordCounts counts;
  count_words(counts, tokens);
  const Subwords subwords = Subwords::learn(counts, 50);
  CHECK(subwords.decode(subwords.encode(tokens)) == tokens);
  CHECK(corpus_bleu({sentence}, {{sentence}}).score == Approx(100));
  CHECK(corpus_chrf({sentence}, {{sentence}}) == Approx(100));
  const std::string word(2000, 'w');  // and so is a word of two thousand letters
  CHECK(Subwords::learn({{word, 2}}, 50).size() == 5);
  CHECK(subwords.decode(subwords.encode({word})) == Words{std::string(2000, 'w')});
}

TEST_CASE("the page of attention holds all it shows") {
  Attention attention{{"<l'", "eau"}, {"the", "water", "\"&"}, {{0.25, 0.75}, {0.0001, 1}, {std::nan(""), 7}},
                      "<b>l'eau",     "the \"water\"",         "the water & all",
                      -1.234};
  const std::string html = attention_page("A <title>", "Look & see", {attention, attention});
  CHECK(count(html, "<article>") == 2);
  CHECK(count(html, "<rect ") == 2 * 4);  // weights of 0.0001 and of no number are not drawn
  CHECK(count(html, "fill-opacity=\"0.250\"><title>the ← &lt;l&#39;: 0.250</title>") == 2);
  CHECK(count(html, "fill-opacity=\"1.000\"") == 4);
  CHECK(html.find("<dt>source</dt><dd>&lt;b&gt;l&#39;eau</dd>") != std::string::npos);
  CHECK(html.find("<dt>log-probability</dt><dd>-1.23</dd>") != std::string::npos);
  CHECK(html.find("A &lt;title&gt;") != std::string::npos);
  CHECK(html.find("nan") == std::string::npos);
  for (const std::string outside : {"://", "<script", "<link", "url(", "<b>"}) CHECK(html.find(outside) == html.npos);
  for (const std::string name :
       {"article", "svg", "div", "dl", "dt", "dd", "h1", "p", "g", "text", "title", "style", "head", "body", "html"})
    CHECK(count(html, "<" + name + " ") + count(html, "<" + name + ">") == count(html, "</" + name + ">"));

  attention.reference.clear();
  CHECK(attention_page("", "", {attention}).find("reference") == std::string::npos);
  attention.weights.back().pop_back();
  CHECK_THROWS_AS(attention_page("", "", {attention}), std::invalid_argument);
  attention.weights.pop_back();
  CHECK_THROWS_AS(attention_page("", "", {attention}), std::invalid_argument);
  const Attention large{Words(2000, "a"), Words(2000, "b"), {2000, std::vector<double>(2000, 0.5)}, "", "", "", 0};
  CHECK(attention_page("", "", {large}).find("2000 by 2000 tokens: too many to draw") != std::string::npos);
  CHECK(attention_page("", "", {Attention{}}).find("<svg") == std::string::npos);
}

TEST_CASE("labels of attention stay within the drawing, and apart") {
  const Attention attention{
      {"internationalisation", "a", "internationalisation"}, {"a", "b"}, {2, {1, 0, 0}}, "", "", "", 0};
  const std::string html = attention_page("", "", {attention});
  // 20 letters of 8 points, at 60 degrees: half of 160 to the right of the third cell's middle, and a margin.
  // Left of the cells is "a": 8 + 12. The width is 20 + 2.5 cells of 26 + 80 + 12.
  CHECK(html.find("viewBox=\"0 0 177 ") != std::string::npos);
  CHECK(html.find("style=\"width:177px\"") != std::string::npos);
}
