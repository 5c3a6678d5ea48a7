#include "cli/print_answer.h"

#include <fmt/format.h>

#include <cstdio>
#include <span>

#include "base/sha256.h"

namespace avocado::cli {
namespace {

// One object per token: its own log-probability, and those of the likeliest.
nlohmann::json probabilities_json(const Tokenizer& tokenizer, const Completion& completion) {
  const auto one = [&](const TokenProbability& t) -> nlohmann::json {
    const bool known = t.id < tokenizer.vocab_size();
    return {{"id", t.id},
            {"token", known ? tokenizer.token_bytes(t.id, true) : std::string()},
            {"logprob", t.logprob}};
  };
  nlohmann::json all = nlohmann::json::array();
  for (const TokenProbabilities& p : completion.probabilities) {
    nlohmann::json token = one(p.chosen);
    token["top_logprobs"] = nlohmann::json::array();
    for (const TokenProbability& t : p.top) token["top_logprobs"].push_back(one(t));
    all.push_back(std::move(token));
  }
  return all;
}

void print_as_json(const ChatSession& session, const Answered& answer) {
  const Completion& completion = answer.completion;
  const SamplerParameters& sampling = session.options().sampling;
  Sha256 hash;
  hash.update_array(std::span<const int32_t>(completion.ids));
  nlohmann::json json = {{"text", completion.text},
                         {"ids", completion.ids},
                         {"stop", stop_reason_name(completion.stop)},
                         {"prompt_tokens", answer.prompt_tokens},
                         {"answer_tokens", completion.ids.size()},
                         {"prompt_seconds", answer.prompt_seconds},
                         {"answer_seconds", answer.answer_seconds},
                         {"guessed", completion.drafted},
                         {"guessed_right", completion.drafted_right},
                         {"seed", sampling.seed},
                         {"digest", hash.hex()}};
  if (completion.stop == StopReason::stop_string) json["stop_string"] = completion.stop_string;
  if (session.chats()) json["message"] = message_of(answer.said);
  if (answer.dropped.tokens > 0)
    json["dropped"] = {{"turns", answer.dropped.turns},
                       {"messages", answer.dropped.messages},
                       {"tokens", answer.dropped.tokens}};
  if (completion.forgotten > 0) json["forgotten"] = completion.forgotten;
  if (sampling.n_probs > 0)
    json["probabilities"] = probabilities_json(session.tokenizer(), completion);
  print_json(json);
  finish_output();
}

std::string speed(size_t tokens, double seconds) {
  const double rate = seconds > 0 ? static_cast<double>(tokens) / seconds : 0;
  return fmt::format("{} tokens in {:.3f} s ({:.1f}/s)", tokens, seconds, rate);
}

void tell(const ChatSession& session, const Answered& answer) {
  const Completion& completion = answer.completion;
  std::string text =
      "prompt: " + speed(answer.prompt_tokens - answer.reused_tokens, answer.prompt_seconds);
  if (answer.reused_tokens > 0) text += fmt::format(", {} kept from before", answer.reused_tokens);
  text += "\nanswer: " + speed(completion.ids.size(), answer.answer_seconds) + "; " +
          stop_reason_name(completion.stop) + "\n";
  const double share =
      static_cast<double>(answer.context_used) / static_cast<double>(session.context());
  text += fmt::format("context: {} of {} tokens ({:.1f} %)\n", answer.context_used,
                      session.context(), 100 * share);
  if (completion.drafted > 0)
    text += fmt::format("guessed: {} tokens, {} of them right ({:.1f} %)\n", completion.drafted,
                        completion.drafted_right,
                        100 * static_cast<double>(completion.drafted_right) /
                            static_cast<double>(completion.drafted));
  std::fputs(text.c_str(), stderr);
}

}  // namespace

Answered print_answer(ChatSession& session, const std::string& prompt,
                      const PrintOptions& options) {
  AnswerView view(options.view);
  Answered answer;
  try {
    answer = session.answer(prompt, [&](const chat::AnswerEvent& event) {
      if (!options.json) view.show(event);
    });
  } catch (...) {
    if (view.begun()) view.finish();
    throw;
  }
  if (options.json)
    print_as_json(session, answer);
  else
    view.finish();
  tell_dropped(answer.dropped);
  tell_stop(answer.completion);
  if (options.verbose) tell(session, answer);
  return answer;
}

}  // namespace avocado::cli
