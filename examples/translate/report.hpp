#pragma once
// How well a network translates what it has not seen: scores, the first sentences, and a page of where it looked in them.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

#include "attention_page.hpp"
#include "bleu.hpp"
#include "chrf.hpp"
#include "corpus.hpp"
#include "letters.hpp"
#include "network.hpp"
#include "printing.hpp"
#include "settings.hpp"
#include "trainer.hpp"
#include "translation.hpp"

namespace translate {

using printing::fixed, printing::seconds_since;

inline void print_scores(const std::string& what, const std::vector<std::string>& outputs,
                         const std::vector<std::vector<std::string>>& references) {
  std::vector<std::vector<std::string>> one_reference;
  for (const auto& all : references) one_reference.push_back({all.front()});
  const auto several = corpus_bleu(outputs, references), single = corpus_bleu(outputs, one_reference);
  std::cout << what << "BLEU " << fixed(several.score, 1) << " with all references, " << fixed(single.score, 1)
            << " with one (brevity penalty " << fixed(several.brevity_penalty, 3) << "); chrF "
            << fixed(corpus_chrf(outputs, references), 1) << " and " << fixed(corpus_chrf(outputs, one_reference), 1)
            << "\n";
}

inline void report(const Settings& settings, const std::vector<HeldOut>& sentences, const Translator& translator) {
  std::vector<std::string> sources, outputs;
  std::vector<std::vector<std::string>> references;
  for (const auto& sentence : sentences) {
    sources.push_back(sentence.source);
    references.push_back(sentence.references);
  }
  const auto start = std::chrono::steady_clock::now();
  const auto translations = translate(translator, sources, settings.search, threads());
  const double seconds = seconds_since(start);
  for (const auto& translation : translations) outputs.push_back(translation.text);
  std::cout << "\n" << outputs.size() << " sentences it has not seen, translated in " << fixed(seconds, 1) << " s:\n";
  print_scores("", outputs, references);
  const auto lower = [](auto texts) {
    for (auto& text : texts) text = lower_case(text);
    return texts;
  };
  auto lower_references = references;
  for (auto& all : lower_references) all = lower(all);
  print_scores("lower-cased: ", lower(outputs), lower_references);

  std::vector<Attention> shown;
  std::cout << "\n";
  for (std::size_t i = 0; i < std::min<std::size_t>(10, sources.size()); ++i) {
    std::cout << "  " << sources[i] << "\n    reference  " << references[i].front() << "\n    output     " << outputs[i]
              << "\n";
    shown.push_back(attention_of(translator, sources[i], translations[i], references[i].front()));
  }
  std::ofstream page(settings.page);
  page << attention_page("What the network looks at",
                         "Each row is a piece of the translation, each column one of the "
                         "sentence; the darker a cell, the more the network looked there when it chose that piece.",
                         shown);
  if (!page.flush()) throw std::runtime_error("cannot write " + settings.page.string());
  std::cout << "\nWhere it looked in these sentences: " << settings.page.string() << "\n";
}

}  // namespace translate
