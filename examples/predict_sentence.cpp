// The lecture's predict(sentence, model): words in, one after another; the state carried; out comes a distribution over the
// next word. (MIT 6.S191, lecture 2: "I love recurrent neural" -> "networks".)
//
//   predict_sentence [words of your own]
#include <reprise/reprise.hpp>

#include <iostream>
#include <map>
#include <sstream>

namespace rp = reprise;
using Model = rp::SequenceModel<rp::Stack<rp::Embedding<float>, rp::RNNCell<float>>>;

const std::vector<std::string> sentences{"i love recurrent neural networks",
                                         "i love deep neural networks",
                                         "we love long walks in the morning",
                                         "this morning i took my cat for a walk",
                                         "this morning we took my dog for a run",
                                         "in the morning i love a long run",
                                         "recurrent networks remember the words before",
                                         "deep networks learn from the words",
                                         "my cat took a long walk"};

std::vector<std::string> words_of(const std::string& sentence) {
  std::istringstream in(sentence);
  return {std::istream_iterator<std::string>(in), {}};
}

Eigen::VectorXd predict(const std::vector<int>& sentence, const Model& model) {
  auto state = model.initial_state();
  rp::Vector<float> logits = Eigen::VectorXf::Zero(model.outputs());
  for (const int word : sentence) logits = model.step(word, state);
  return rp::distribution(logits);
}

int main(int argc, char** argv) {
  std::map<std::string, int> number;
  std::vector<std::string> word;
  std::vector<std::vector<int>> heard, next;
  for (const auto& sentence : sentences) {
    std::vector<int> numbers;
    for (const auto& w : words_of(sentence)) {
      if (number.try_emplace(w, static_cast<int>(word.size())).second) word.push_back(w);
      numbers.push_back(number[w]);
    }
    heard.emplace_back(numbers.begin(), numbers.end() - 1);
    next.emplace_back(numbers.begin() + 1, numbers.end());
  }
  const auto vocabulary = static_cast<rp::Index>(word.size());
  rp::Rng rng{1};
  Model model{{.inputs = vocabulary, .hidden = 32, .outputs = vocabulary}, rng};
  rp::Adam adam{model, {.learning_rate = 1e-2}};
  const rp::Sequence<int> x(heard), target(next);
  for (int i = 0; i < 150; ++i)
    adam.step(model, rp::loss_and_gradient(model, x, target, rp::SoftmaxCrossEntropy{}).gradient);

  std::string asked = "i love recurrent neural";
  for (int i = 1; i < argc; ++i) asked = (i == 1 ? "" : asked + " ") + argv[i];
  std::vector<int> numbers;
  for (const auto& w : words_of(asked)) {
    if (!number.contains(w)) return std::cerr << "'" << w << "' is in none of the sentences this was trained on\n", 1;
    numbers.push_back(number[w]);
  }
  const auto p = predict(numbers, model);
  std::cout << asked << " ...\n";
  std::multimap<double, std::string, std::greater<>> likely;
  for (rp::Index i = 0; i < vocabulary; ++i) likely.emplace(p(i), word[static_cast<std::size_t>(i)]);
  for (auto it = likely.begin(); it != std::next(likely.begin(), 5); ++it)
    std::cout << "  " << std::string(static_cast<std::size_t>(1 + 40 * it->first), '#') << " " << it->second << "  "
              << it->first << "\n";
}
