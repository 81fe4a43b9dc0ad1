// Does a network that follows the structure of a sentence generalise better than one that reads it word by word? A tree LSTM
// (Tai, Socher and Manning, 2015) and an ordinary LSTM of as many weights learn, from whole sentences with one label each,
// whether a review is in favour. The reviews are made by a small grammar, below, with negation, degree and contrast: there
// the label follows from the structure by rules, which is not so in the wild.
//
//   sentiment_tree --seed 1

#include <reprise/cells/lstm.hpp>
#include <reprise/cells/tree_lstm.hpp>
#include <reprise/decode/sampling.hpp>
#include <reprise/layers/embedding.hpp>
#include <reprise/losses/cross_entropy.hpp>
#include <reprise/train/clip.hpp>
#include <reprise/train/loss_and_gradient.hpp>
#include <reprise/train/optimiser.hpp>
#include <reprise/train/sequence_model.hpp>
#include <reprise/train/tree_model.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "options.hpp"

#if __has_include(<unistd.h>)
#include <unistd.h>
#endif

namespace rp = reprise;
using rp::Index;
using TreeLSTM = rp::TreeModel<rp::NaryTreeLSTMCell<float, 2>, rp::Embedding<float>>;
using LSTM = rp::SequenceModel<rp::Stack<rp::Embedding<float>, rp::LSTMCell<float>>>;

const std::vector<std::string> words{"great",    "superb", "moving", "good",   "fine",  "witty", "awful",  "dreadful",
                                     "painful",  "dull",   "weak",   "slow",   "not",   "very",  "is",     "and",
                                     "although", "but",    "nobody", "thinks", "story", "music", "acting", "ending"};

// A review as a binary tree: children before their parent, left before right, so the root is last and the words are in order.
struct Review {
  std::vector<Index> parents;
  std::vector<int> tokens;
  int value = 0;  // above 0: in favour

  Index node(int token) {
    parents.push_back(-1);
    tokens.push_back(token);
    return Index(parents.size()) - 1;
  }
  Index node(const char* word) { return node(int(std::ranges::find(words, word) - words.begin())); }
  Index join(Index left, Index right) {
    const Index above = node(rp::no_token);
    return parents[std::size_t(left)] = parents[std::size_t(right)] = above;
  }
  int label() const { return value > 0; }
  std::vector<int> sentence() const {
    std::vector<int> spoken = tokens;
    std::erase(spoken, rp::no_token);
    return spoken;
  }
};

// The grammar, with what each phrase is worth. Of every three adjectives one is held out: in training it never stands behind
// "not" or "very".
struct Grammar {
  rp::Rng& rng;
  bool chance(double p) { return rng.uniform() < p; }
  static int sign(int value) { return (value > 0) - (value < 0); }

  Index quality(Review& r, int& value, bool& held_out) {  // [not] [very] adjective
    const bool negated = chance(0.4), stressed = chance(0.3);
    const Index no = negated ? r.node("not") : -1, very = stressed ? r.node("very") : -1;
    const int adjective = int(rng.below(12));
    held_out |= (negated || stressed) && adjective % 3 == 2;
    value = (adjective < 6 ? 1 : -1) * (adjective % 6 < 3 ? 2 : 1);  // great is worth 2, good 1, awful -2, dull -1
    Index at = r.node(adjective);
    if (stressed) at = r.join(very, at), value *= 2;
    if (negated) at = r.join(no, at), value = -sign(value);  // not great is a weak no
    return at;
  }
  Index clauses(Review& r, int count, int& value, bool& held_out) {
    if (chance(0.15)) {  // nobody thinks ..., to the end of the sentence
      const Index nobody = r.node("nobody"), thinks = r.node("thinks"), rest = clauses(r, count, value, held_out);
      value = -sign(value);
      return r.join(nobody, r.join(thinks, rest));
    }
    const Index subject = r.node(20 + int(rng.below(4))), is = r.node("is"), said = quality(r, value, held_out);
    const Index clause = r.join(subject, r.join(is, said));
    if (count == 1) return clause;
    const std::uint32_t link = rng.below(3);
    const Index word = r.node(std::array{"and", "but", "although"}[link]);
    int rest_value = 0;
    const Index rest = clauses(r, count - 1, rest_value, held_out);
    if (link == 0) value += rest_value;
    if (link == 1) value = rest_value;  // what follows "but" is the point; what stands before "although"
    return r.join(clause, r.join(word, rest));
  }

  // `count` reviews of `least` to `most` clauses, with or without what is held out, none of them in `known`, which they join.
  std::vector<Review> reviews(int count, int least, int most, bool with_held_out, std::set<std::vector<int>>& known) {
    std::vector<Review> all;
    while (int(all.size()) < count) {
      Review r;
      bool held_out = false;
      clauses(r, least + int(rng.below(std::uint32_t(most - least + 1))), r.value, held_out);
      if (r.value != 0 && held_out == with_held_out && known.insert(r.sentence()).second) all.push_back(std::move(r));
    }
    return all;
  }
};

// What each model reads, and the label where it is asked for an answer, at the root or at the last word; elsewhere -1.
struct Batch {
  rp::Forest<int> trees;
  rp::Matrix<int, 1> at_roots;
  rp::Sequence<int> sentences, at_ends;

  explicit Batch(std::span<const Review> reviews) {
    std::vector<std::vector<Index>> parents;
    std::vector<std::vector<int>> tokens, roots, spoken, ends;
    for (const Review& r : reviews) {
      parents.push_back(r.parents);
      tokens.push_back(r.tokens);
      roots.emplace_back(r.tokens.size(), -1).back() = r.label();
      spoken.push_back(r.sentence());
      ends.emplace_back(spoken.back().size(), -1).back() = r.label();
    }
    trees = rp::Forest<int>(rp::TreeLayout(parents), tokens);
    at_roots = rp::Forest<int>(trees.layout(), roots).values();
    sentences = rp::Sequence<int>(spoken);
    at_ends = rp::Sequence<int>(ends);
  }
};

const rp::SoftmaxCrossEntropy loss{rp::Reduction::mean, -1};

void learn(const TreeLSTM& model, const Batch& batch, rp::Workspace<TreeLSTM>& workspace) {
  rp::loss_and_gradient(model, batch.trees, batch.at_roots, loss, workspace);
}
void learn(const LSTM& model, const Batch& batch, rp::Workspace<LSTM>& workspace) {
  rp::loss_and_gradient(model, batch.sentences, batch.at_ends, loss, workspace);
}
// y of every review, (2, reviews).
Eigen::MatrixXf answers(const TreeLSTM& model, const Batch& batch) {
  const auto y = rp::predict(model, batch.trees);
  Eigen::MatrixXf of_roots(2, batch.trees.trees());
  for (Index i = 0; i < of_roots.cols(); ++i) of_roots.col(i) = y.col(batch.trees.layout().first(i + 1) - 1);
  return of_roots;
}
Eigen::MatrixXf answers(const LSTM& model, const Batch& batch) {
  const auto y = model.forward(batch.sentences);
  Eigen::MatrixXf of_ends(2, y.batch());
  for (Index i = 0; i < y.batch(); ++i) of_ends.col(i) = y[i].rightCols(1);
  return of_ends;
}

template <class Model>
void train(Model& model, std::vector<Review> reviews, int epochs, rp::Rng rng) {
  constexpr std::size_t size = 32;
  constexpr double rate = 5e-3;
  rp::Adam adam{model};
  rp::Workspace<Model> workspace{model};
  for (int epoch = 0; epoch < epochs; ++epoch) {
    adam.options.learning_rate = rate * (1 - double(epoch) / epochs);
    rng.shuffle(reviews);
    for (std::size_t first = 0; first < reviews.size(); first += size) {
      learn(model, Batch(std::span(reviews).subspan(first, std::min(size, reviews.size() - first))), workspace);
      rp::clip_norm(workspace.gradient, 1);
      adam.step(model, workspace.gradient);
    }
  }
}

template <class Model>
double percent_right(const Model& model, const std::vector<Review>& reviews) {
  const Eigen::MatrixXf y = answers(model, Batch(reviews));
  int right = 0;
  for (Index i = 0; i < y.cols(); ++i) right += (y(1, i) > y(0, i)) == (reviews[std::size_t(i)].value > 0);
  return 100.0 * right / double(reviews.size());
}

// Every node on a line, the root first, its children indented below it: how sure the model is, and the words it covers.
void draw(const TreeLSTM& model, const Review& review, bool colour) {
  const auto y = rp::predict(model, Batch(std::span(&review, 1)).trees);
  std::vector<std::string> said(review.tokens.size());
  for (std::size_t i = 0; i < said.size(); ++i) {
    if (review.tokens[i] != rp::no_token) said[i] = words[std::size_t(review.tokens[i])] + " ";
    if (review.parents[i] >= 0) said[std::size_t(review.parents[i])] += said[i];
  }
  const auto below = [&](auto&& self, Index node, int depth) -> void {
    const double p = rp::distribution(Eigen::VectorXf(y.col(node)))(1);
    const char* const on = !colour ? "" : p > 0.5 ? "\x1b[32m" : "\x1b[31m";
    std::printf("  %s%c %3.0f%%%s %*s%s\n", on, p > 0.5 ? '+' : '-', 100 * p, colour ? "\x1b[0m" : "", 3 * depth, "",
                said[std::size_t(node)].c_str());
    for (Index child = 0; child < node; ++child)
      if (review.parents[std::size_t(child)] == node) self(self, child, depth + 1);
  };
  below(below, Index(said.size()) - 1, 0);
  std::printf("  by the rules it is %s favour\n\n", review.value > 0 ? "in" : "not in");
}

int main(int argc, char** argv) try {
  const Options options(argc, argv, {{"--seed", "1", "of the reviews, the first weights and the order"}});
  rp::Rng rng(static_cast<std::uint64_t>(options.integer("--seed")));
  Grammar grammar{rng};
  std::set<std::vector<int>> known;
  const auto training = grammar.reviews(3000, 1, 3, false, known), alike = grammar.reviews(1000, 1, 3, false, known),
             pairs = grammar.reviews(1000, 1, 3, true, known), longer = grammar.reviews(1000, 4, 8, false, known);
  std::printf(
      "The reviews are no real ones: a grammar of %d words makes them, and rules give each its label.\n"
      "Both models learn from the same ones, of 1 to 3 clauses, with one label for a review.\n\n"
      "                                        right answers to 1000 others\n"
      "reviews to learn from                   alike  new pairs  4 to 8 clauses\n",
      int(words.size()));

  const auto size = Index(words.size());
  const auto report = [&](int count, const char* name, auto& model) {
    train(model, {training.begin(), training.begin() + count}, 40, rng);
    std::printf("%5d  %-9s of %d weights %10.1f%% %8.1f%% %13.1f%%\n", count, name, int(rp::count_parameters(model)),
                percent_right(model, alike), percent_right(model, pairs), percent_right(model, longer));
    std::fflush(stdout);
  };
  TreeLSTM tree;
  for (const int count : {250, 500, 1000, 3000}) {
    LSTM chain{LSTM::Body(rp::Embedding<float>({size, 16}, rng), rp::Recurrent<rp::LSTMCell<float>>({16, 48}, rng)), 2,
               rng};
    report(count, "LSTM", chain);
    tree = TreeLSTM({.inputs = size, .hidden = 32, .outputs = 2, .features = 16}, rng);
    report(count, "tree LSTM", tree);
  }

  bool colour = false;
#if __has_include(<unistd.h>)
  colour = isatty(STDOUT_FILENO) != 0;
#endif
  std::printf(
      "\nHow sure the last one is that each node is in favour, of two reviews with new pairs of words;\n"
      "it was taught at roots alone:\n\n");
  int drawn = 0;
  for (const Review& review : pairs)
    if (review.tokens.size() > 16 && review.tokens.size() < 24 && drawn++ < 2) draw(tree, review, colour);
} catch (const std::exception& error) {
  std::cerr << "sentiment_tree: " << error.what() << "\n";
  return 2;
}
