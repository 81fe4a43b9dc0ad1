// The lecture's predict(sentence, model) (MIT 6.S191, lecture 2): words in, one after another, the state carried; out comes
// the distribution of the next word.      predict_sentence [words of your own]
#include <reprise/reprise.hpp>

#include <iostream>

namespace rp = reprise;
using Model = rp::SequenceModel<rp::Stack<rp::Embedding<float>, rp::RNNCell<float>>>;

Eigen::VectorXd predict(const std::vector<int>& sentence, const Model& model) {
  auto state = model.initial_state();
  Eigen::VectorXf logits = Eigen::VectorXf::Zero(model.outputs());
  for (const int word : sentence) logits = model.step(word, state);
  return rp::distribution(logits);
}

int main(int argc, char** argv) {
  std::vector<std::string> words;
  const auto read = [&](const std::string& sentence) {  // words to numbers; a new word takes the next one
    std::istringstream in(sentence);
    std::vector<int> numbers;
    for (std::string word; in >> word; numbers.push_back(int(std::ranges::find(words, word) - words.begin())))
      if (std::ranges::find(words, word) == words.end()) words.push_back(word);
    return numbers;
  };
  std::vector<std::vector<int>> heard, next;
  for (const auto* sentence :
       {"i love recurrent neural networks", "this morning i took my cat for a walk", "my cat loves deep sleep",
        "we love deep neural networks", "recurrent networks remember what came before", "i took a long walk"}) {
    const auto numbers = read(sentence);
    heard.emplace_back(numbers.begin(), numbers.end() - 1);
    next.emplace_back(numbers.begin() + 1, numbers.end());
  }
  const auto size = rp::Index(words.size());
  rp::Rng rng{1};
  Model model{{.inputs = size, .hidden = 32, .outputs = size}, rng};
  rp::Adam adam{model, {.learning_rate = 1e-2}};
  const rp::Sequence<int> x(heard), target(next);
  for (int i = 0; i < 100; ++i)
    adam.step(model, rp::loss_and_gradient(model, x, target, rp::SoftmaxCrossEntropy{}).gradient);

  std::string asked = argc == 1 ? "i love recurrent neural" : "";
  for (int i = 1; i < argc; ++i) asked += std::string(argv[i]) + " ";
  const auto sentence = read(asked);
  if (rp::Index(words.size()) > size)
    return std::cerr << "'" << words.back() << "' is in no sentence it was trained on\n", 1;
  const auto p = predict(sentence, model);
  std::cout << asked << " ...\n";
  for (rp::Index i = 0; i < size; ++i)
    if (p(i) > 0.002)
      std::cout << std::string(std::size_t(1 + 40 * p(i)), '#') << " " << words[std::size_t(i)] << "  " << p(i) << "\n";
}
