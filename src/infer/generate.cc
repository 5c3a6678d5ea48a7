#include "infer/generate.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "infer/answer.h"

namespace avocado {
namespace {

void check_prompt(const Engine& engine, std::span<const int32_t> prompt) {
  if (prompt.empty()) {
    fail_usage(
        "the prompt is empty, and this model has no token that begins a text; give at least one "
        "token");
  }
  engine.check_fits(static_cast<int64_t>(prompt.size()));
}

// The tokens to run next, usually the last one; the sequence is cut before them, since the answer
// may have gone back, or forgotten what was there.
std::span<const int32_t> next_input(Engine& engine, SequenceId sequence, Answer& answer) {
  const std::span<const int32_t> tokens = answer.tokens();
  const auto before = static_cast<int64_t>(tokens.size()) - 1;
  if (answer.take_moved())
    engine.keep_common(sequence, tokens);
  else if (static_cast<int64_t>(engine.ids(sequence).size()) > before)
    engine.truncate(sequence, before);
  return tokens.subspan(engine.ids(sequence).size());
}

// How many tokens may be guessed for the next step.
size_t room_for_drafts(const Engine& engine, Answer& answer, const GenerateOptions& options) {
  auto room = engine.context() - static_cast<int64_t>(answer.tokens().size());
  const auto answered = static_cast<int64_t>(answer.completion().ids.size());
  // The last token that is asked for is chosen from a row of its own.
  if (options.max_tokens > 0) room = std::min(room, options.max_tokens - answered - 1);
  return static_cast<size_t>(std::max<int64_t>(room, 0));
}

}  // namespace

const char* stop_reason_name(StopReason reason) {
  switch (reason) {
    case StopReason::end_token:
      return "end";
    case StopReason::max_tokens:
      return "length";
    case StopReason::context_full:
      return "context";
    case StopReason::interrupted:
      return "interrupted";
    case StopReason::stop_string:
      return "stop";
    case StopReason::exhausted:
      return "exhausted";
    case StopReason::grammar_limit:
      return "grammar";
  }
  return "";
}

Completion generate(Engine& engine, SequenceId sequence, std::span<const int32_t> prompt,
                    const GenerateOptions& options, const GenerateHooks& hooks) {
  check_prompt(engine, prompt);
  Answer answer(engine, prompt, options);
  if (options.max_tokens == 0) return {};
  const auto give = [&](const std::string& text) {
    if (hooks.text && !text.empty()) hooks.text(text);
  };

  engine.keep_common(sequence, prompt);
  std::span<const int32_t> rest = prompt.subspan(engine.ids(sequence).size());
  const auto chunk = static_cast<size_t>(engine.chunk());
  const auto interrupted = [&] { return hooks.interrupted && hooks.interrupted(); };
  std::vector<int32_t> guessed;  // the last token, and guesses of those after it

  bool going = true, begun = false;
  while (going) {
    if (interrupted()) {
      answer.stop(StopReason::interrupted);
      break;
    }
    const bool guessing = begun && options.speculation != nullptr && rest.size() == 1;
    size_t drafted = 0;
    if (guessing) {
      const std::vector<int32_t>& guess = options.speculation->guess(
          answer.tokens(), std::min(chunk - 1, room_for_drafts(engine, answer, options)));
      drafted = guess.size();
      guessed.assign(1, rest[0]);
      guessed.insert(guessed.end(), guess.begin(), guess.end());
      rest = guessed;
    }
    // The prompt goes in by chunks so that it can be interrupted.
    const bool last = rest.size() <= chunk;
    const Engine::Input input{sequence, rest.first(last ? rest.size() : chunk),
                              drafted > 0 ? Want::all
                              : last      ? Want::last
                                          : Want::none};
    const size_t before = answer.tokens().size();
    size_t judged = 0;
    bool agrees = true;  // the tokens that went in are those of the answer
    engine.forward({&input, 1}, [&](const LogitRows& rows) {
      if (!std::exchange(begun, true) && hooks.prompt_done) hooks.prompt_done();
      for (int64_t i = 0; i < rows.count && going && agrees; ++i) {
        going = answer.choose(rows.row(i));
        give(answer.take_text());
        ++judged;
        const std::vector<int32_t>& tokens = answer.tokens();
        agrees =
            judged <= drafted && tokens.size() == before + judged && tokens.back() == rest[judged];
      }
    });
    if (guessing) {
      const std::span<const int32_t> came = answer.tokens();
      answer.completion().drafted += static_cast<int64_t>(drafted);
      answer.completion().drafted_right += static_cast<int64_t>(
          options.speculation->learn(came.subspan(std::min(before, came.size()))));
    }
    if (!last)
      rest = rest.subspan(chunk);
    else if (going)
      rest = next_input(engine, sequence, answer);
  }
  give(answer.finish_text());
  return std::move(answer.completion());
}

std::vector<Completion> generate_batch(Engine& engine, const std::vector<GenerateRequest>& requests,
                                       int64_t batch) {
  if (batch < 1) fail_usage("a batch of {} sequences was asked for", batch);

  struct Running {
    size_t request;
    ScopedSequence sequence;
    Answer answer;
    std::span<const int32_t> input;  // what comes next
  };
  std::vector<Running> running;
  std::vector<Completion> done(requests.size());
  std::vector<Engine::Input> inputs;
  std::vector<char> going;

  // All are checked before the first one runs.
  for (const GenerateRequest& r : requests) {
    check_prompt(engine, r.prompt);
    Answer(engine, r.prompt, r.options);
  }
  size_t next = 0;
  while (next < requests.size() || !running.empty()) {
    for (; next < requests.size() && static_cast<int64_t>(running.size()) < batch; ++next) {
      const GenerateRequest& r = requests[next];
      if (r.options.max_tokens == 0) continue;
      running.push_back(
          {next, ScopedSequence(engine), Answer(engine, r.prompt, r.options), r.prompt});
    }
    if (running.empty()) break;
    inputs.clear();
    for (const Running& r : running) inputs.push_back({r.sequence, r.input});
    going.assign(running.size(), 0);
    engine.forward(inputs, [&](const LogitRows& rows) {
      Answer& answer = running[rows.input].answer;
      going[rows.input] = answer.choose(rows.row(0));
      answer.take_text();
    });
    for (size_t i = running.size(); i-- > 0;) {
      Running& r = running[i];
      if (going[i]) {
        r.input = next_input(engine, r.sequence, r.answer);
        continue;
      }
      r.answer.finish_text();
      done[r.request] = std::move(r.answer.completion());
      running.erase(running.begin() + static_cast<int64_t>(i));
    }
  }
  return done;
}

std::vector<Completion> generate_batch(Engine& engine,
                                       const std::vector<std::vector<int32_t>>& prompts,
                                       const GenerateOptions& options, int64_t batch) {
  std::vector<GenerateRequest> requests;
  requests.reserve(prompts.size());
  for (const auto& prompt : prompts) requests.push_back({prompt, options});
  return generate_batch(engine, requests, batch);
}

}  // namespace avocado
