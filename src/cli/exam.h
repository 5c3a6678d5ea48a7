#pragma once
// Asks a model held-out items of the corpus and marks the replies.

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "corpus/corpus.h"
#include "models/model.h"

namespace avocado::cli {

struct ExamScore {
  std::string task, language;
  int64_t right = 0, asked = 0;
  double chance = 0;  // corpus::chance
};

struct ExamExample {
  std::string question, answer;
  bool right = false;
};

struct Exam {
  std::vector<ExamScore> scores;      // per task and language
  std::vector<ExamExample> examples;  // the first of each
};

// `questions` of every task of the mixture in each language, those of a task and language in one
// batch, greedily. The model must have a chat template; `name` names it in messages.
Exam hold_exam(corpus::Mixture mixture, uint64_t questions, uint64_t seed, const Model& model,
               ThreadPool& pool, const std::string& name);

// For people: a row per task and language, the right ones of those asked, beside chance.
std::string score_table(const std::vector<ExamScore>& scores);
std::string example_text(const std::vector<ExamExample>& examples);
nlohmann::ordered_json to_json(const std::vector<ExamScore>& scores);

}  // namespace avocado::cli
