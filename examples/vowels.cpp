// Who is speaking? Nine people say two vowels; each utterance, of 7 to 29 frames, is one record, and its answer one of nine:
// many-to-one, over records of unequal lengths as they are.
//
//   vowels --train JapaneseVowels_TRAIN.ts --test JapaneseVowels_TEST.ts
//
// The data are not bundled: the Japanese Vowels of Kudo, Toyama and Shimbo (1999) in the UCI archive, in the .ts format of the
// UEA & UCR time series archive.

#include <reprise/cells/gru.hpp>
#include <reprise/layers/bidirectional.hpp>
#include <reprise/layers/dropout.hpp>
#include <reprise/losses/cross_entropy.hpp>
#include <reprise/train/clip.hpp>
#include <reprise/train/optimiser.hpp>
#include <reprise/train/schedule.hpp>
#include <reprise/train/sequence_to_one.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <limits>
#include <numeric>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "options.hpp"

namespace rp = reprise;

namespace {

using Labels = rp::Matrix<int, 1, rp::Dynamic>;

struct Utterances {
  std::vector<Eigen::MatrixXf> records;  // (features, frames)
  std::vector<int> speakers;
};

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

// Lines of features joined by ':', the last of them the class; frames of a feature are joined by ','.
Utterances read(const Options& options, const std::string& option) {
  const std::string& name = options.text(option);
  if (name.empty())
    throw std::invalid_argument(option + " is missing: a file of the Japanese Vowels of Kudo, Toyama and Shimbo " +
                                "(UCI archive), in the .ts format of the UEA & UCR time series archive");
  std::ifstream file(name);
  if (!file) throw std::runtime_error("cannot read " + name + ", which " + option + " names");
  Utterances all;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.empty() || line[0] == '#' || line[0] == '@') continue;
    const std::string where = name + ":" + std::to_string(number);
    const auto parts = split(line, ':');
    if (parts.size() < 2) throw std::runtime_error(where + ": no features before the class");
    Eigen::MatrixXf record;
    for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
      const auto frames = split(parts[i], ',');
      const auto count = static_cast<rp::Index>(frames.size());
      if (i == 0) record.resize(static_cast<rp::Index>(parts.size()) - 1, count);
      if (count != record.cols())
        throw std::runtime_error(where + ": feature " + std::to_string(i) + " has " + std::to_string(count) +
                                 " frames, feature 0 has " + std::to_string(record.cols()));
      for (rp::Index t = 0; t < count; ++t)
        record(static_cast<rp::Index>(i), t) =
            number_from<float>(where + ":", frames[static_cast<std::size_t>(t)], std::numeric_limits<float>::lowest());
    }
    if (!all.records.empty() && record.rows() != all.records[0].rows())
      throw std::runtime_error(where + ": " + std::to_string(record.rows()) + " features, the first record has " +
                               std::to_string(all.records[0].rows()));
    all.records.push_back(std::move(record));
    all.speakers.push_back(number_from(where + ": class", parts.back(), 1) - 1);
  }
  if (all.records.empty()) throw std::runtime_error(name + ": no records");
  return all;
}

// Mean 0 and deviation 1 of each feature over the frames of `training`, for both.
void standardise(Utterances& training, Utterances& test) {
  Eigen::ArrayXf mean = Eigen::ArrayXf::Zero(training.records[0].rows()), deviation = mean;
  float frames = 0;
  for (const auto& record : training.records) {
    mean += record.array().rowwise().sum();
    frames += static_cast<float>(record.cols());
  }
  mean /= frames;
  for (const auto& record : training.records) deviation += (record.array().colwise() - mean).square().rowwise().sum();
  deviation = (deviation / frames).sqrt().max(1e-6f);  // a feature that never changes is 0
  for (auto* set : {&training, &test})
    for (auto& record : set->records) record = ((record.array().colwise() - mean).colwise() / deviation).matrix();
}

Labels labels(const std::vector<int>& of) {
  return Eigen::Map<const Labels>(of.data(), static_cast<rp::Index>(of.size()));
}

}  // namespace

int main(int argc, char** argv) try {
  const Options options(argc, argv,
                        {{"--train", "", "a .ts file: utterances to learn from"},
                         {"--test", "", "a .ts file: utterances to be judged by"},
                         {"--epochs", "60", "passes over the training data"},
                         {"--hidden", "96", "units, half of them in each direction"},
                         {"--seed", "1", "of the first weights, the masks and the order"}});
  Utterances training = read(options, "--train"), test = read(options, "--test");
  if (test.records[0].rows() != training.records[0].rows())
    throw std::runtime_error("training and test data do not have the same features");
  standardise(training, test);
  const int speakers =
      1 + std::max(*std::ranges::max_element(training.speakers), *std::ranges::max_element(test.speakers));

  rp::Rng rng{static_cast<std::uint64_t>(options.integer("--seed"))};
  using Body = rp::Stack<rp::Dropout<float>, rp::Bidirectional<rp::GRUCell<float>>, rp::Dropout<float>>;
  const rp::Index features = training.records[0].rows(), hidden = options.integer("--hidden", 2);
  rp::SequenceToOne<Body, rp::Mean> model{
      Body{rp::Dropout<float>({features, features}, 0.1),
           rp::Bidirectional<rp::GRUCell<float>>({features, hidden}, rng), rp::Dropout<float>({hidden, hidden}, 0.4)},
      speakers, rng};
  rp::Adam adam{model};
  rp::Workspace workspace{model};
  const rp::Index epochs = options.integer("--epochs", 1), batch = 16;
  const rp::Sequence<float> test_x(test.records);
  const Labels test_speakers = labels(test.speakers);
  std::vector<std::size_t> order(training.records.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::cout << training.records.size() << " utterances of " << speakers << " people to learn from, "
            << test.records.size() << " to be judged by; " << rp::count_parameters(model) << " parameters\n";

  for (rp::Index epoch = 0; epoch < epochs; ++epoch) {
    adam.options.learning_rate = rp::CosineDecay{.rate = 5e-3, .steps = epochs}(epoch);
    rng.shuffle(order);
    double loss = 0;
    for (std::size_t first = 0; first < order.size(); first += batch) {
      std::vector<Eigen::MatrixXf> records;
      std::vector<int> who;
      for (std::size_t i = first; i < std::min(first + batch, order.size()); ++i) {
        records.push_back(training.records[order[i]]);
        who.push_back(training.speakers[order[i]]);
      }
      loss += double(rp::loss_and_gradient(model, rp::Sequence<float>(records), labels(who),
                                           rp::SoftmaxCrossEntropy{.smoothing = 0.1}, workspace, {.rng = &rng}));
      rp::clip_norm(workspace.gradient, 5.0);
      adam.step(model, workspace.gradient);
    }
    if ((epoch + 1) % 10 == 0)
      std::cout << "epoch " << std::setw(3) << epoch + 1 << "   training loss "
                << loss / static_cast<double>(order.size()) << "\n";
  }

  const auto y = rp::predict(model, test_x);
  Eigen::MatrixXi said = Eigen::MatrixXi::Zero(speakers, speakers);  // (who it was, who it was taken for)
  for (rp::Index i = 0; i < y.cols(); ++i) {
    rp::Index best = 0;
    y.col(i).maxCoeff(&best);
    ++said(test_speakers(i), best);
  }
  std::cout << "\nwho it was (rows), who it was taken for\n"
            << said << "\n\n"
            << said.diagonal().sum() << " of " << y.cols()
            << " are right: " << 100.0 * said.diagonal().sum() / static_cast<double>(y.cols()) << " %\n";
} catch (const std::exception& error) {
  std::cerr << "vowels: " << error.what() << "\n";
  return 2;
}
