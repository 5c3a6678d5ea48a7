#include "cli/exam.h"

#include <fmt/format.h>

#include "infer/chat_model.h"
#include "infer/engine.h"
#include "infer/generate.h"

namespace avocado::cli {
namespace {

nlohmann::ordered_json conversation(const corpus::Item& item) {
  nlohmann::ordered_json messages = nlohmann::ordered_json::array();
  for (const corpus::Turn& turn : item.before)
    messages.push_back({{"role", turn.role}, {"content", turn.content}});
  messages.push_back({{"role", "user"}, {"content", item.question}});
  return {{"messages", messages}};
}

}  // namespace

Exam hold_exam(corpus::Mixture mixture, uint64_t questions, uint64_t seed, const Model& model,
               ThreadPool& pool, const std::string& name) {
  Engine engine(model, pool);
  const Tokenizer& tokenizer = *model.tokenizer();
  const ChatModel chat(tokenizer, model.chat_template(), name);
  GenerateOptions options;
  options.max_tokens = 120;
  options.sampling.temperature = 0;
  Exam exam;
  for (const corpus::TaskInfo& task : corpus::tasks(mixture)) {
    for (corpus::Language language : corpus::kLanguages) {
      std::vector<corpus::Item> items;
      std::vector<GenerateRequest> requests;
      for (uint64_t i = 0; i < questions; ++i) {
        items.push_back(corpus::make_item(task.name, language, corpus::Split::held_out, i, seed));
        ChatRequest request;
        request.conversation = conversation(items.back());
        PreparedChat prepared = chat.prepare(std::move(request), options);
        requests.push_back({std::move(prepared.prompt), std::move(prepared.options)});
      }
      const std::vector<Completion> replies = generate_batch(engine, requests);
      ExamScore score{.task = std::string(task.name),
                      .language = std::string(corpus::language_name(language)),
                      .asked = static_cast<int64_t>(items.size()),
                      .chance = corpus::chance(items)};
      for (size_t i = 0; i < items.size(); ++i) {
        const std::string reply = tokenizer.decode(replies[i].ids);
        const bool right = corpus::check(items[i], reply);
        score.right += right;
        if (i == 0) exam.examples.push_back({items[i].question, reply, right});
      }
      exam.scores.push_back(score);
    }
  }
  return exam;
}

std::string score_table(const std::vector<ExamScore>& scores) {
  std::string text =
      fmt::format("{:<10} {:<4} {:>10} {:>8} {:>8}\n", "task", "", "right", "score", "chance");
  int64_t right = 0, asked = 0;
  double chance = 0;
  const auto row = [&](std::string_view task, std::string_view language, int64_t r, int64_t n,
                       double by_chance) {
    text += fmt::format("{:<10} {:<4} {:>10} {:>6.1f} % {:>6.1f} %\n", task, language,
                        fmt::format("{}/{}", r, n),
                        100.0 * static_cast<double>(r) / static_cast<double>(n), 100.0 * by_chance);
  };
  for (const ExamScore& s : scores) {
    row(s.task, s.language, s.right, s.asked, s.chance);
    right += s.right;
    asked += s.asked;
    chance += s.chance * static_cast<double>(s.asked);
  }
  row("all", "", right, asked, chance / static_cast<double>(asked));
  return text;
}

std::string example_text(const std::vector<ExamExample>& examples) {
  std::string text;
  for (const ExamExample& e : examples)
    text += fmt::format("\n  > {}\n    {}  {}\n", e.question, e.answer,
                        e.right ? "(right)" : "(wrong)");
  return text;
}

nlohmann::ordered_json to_json(const std::vector<ExamScore>& scores) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const ExamScore& s : scores)
    list.push_back({{"task", s.task},
                    {"language", s.language},
                    {"right", s.right},
                    {"asked", s.asked},
                    {"chance", s.chance}});
  return list;
}

}  // namespace avocado::cli
