#include "infer/generate.h"

#include <algorithm>
#include <optional>

#include "base/error.h"

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

// The life of one answer, a token at a time.
class Answer {
 public:
  Answer(const Engine& engine, const GenerateOptions& options, SequenceId sequence)
      : engine_(&engine), options_(&options), sequence_(sequence) {
    check_sampler(options.sampling);
    if (options.max_tokens < -1) {
      fail_usage("at most {} tokens were asked for; it must be -1 (no limit) or more",
                 options.max_tokens);
    }
  }

  // Chooses from the logits of the sequence's last token. True when the answer goes on.
  bool choose(std::span<const float> logits) {
    const std::vector<int32_t>& history = engine_->ids(sequence_);
    const auto position = static_cast<int64_t>(history.size());
    const int32_t id = sample(logits, history, options_->sampling, position);
    if (options_->stop_at_ends && is_end(id)) return stop(StopReason::end_token);
    completion_.ids.push_back(id);
    if (static_cast<int64_t>(completion_.ids.size()) == options_->max_tokens)
      return stop(StopReason::max_tokens);
    // The token just chosen would be the sequence's next and last one.
    if (position >= engine_->context()) return stop(StopReason::context_full);
    return true;
  }

  bool stop(StopReason reason) {
    completion_.stop = reason;
    return false;
  }
  std::span<const int32_t> last() const { return std::span(completion_.ids).last(1); }
  Completion& completion() { return completion_; }

 private:
  bool is_end(int32_t id) const {
    const Tokenizer* tokenizer = engine_->model().tokenizer();
    if (tokenizer != nullptr && id < tokenizer->vocab_size() && tokenizer->is_end(id)) return true;
    return std::find(options_->ends.begin(), options_->ends.end(), id) != options_->ends.end();
  }

  const Engine* engine_;
  const GenerateOptions* options_;
  SequenceId sequence_;
  Completion completion_;
};

// The answer as text. The prompt goes through the decoder first, unheard: what a token stands for
// can depend on the tokens before it (a character in several tokens, a space at the very
// beginning).
class TextStream {
 public:
  TextStream(const Tokenizer* tokenizer, std::span<const int32_t> prompt,
             const std::function<void(const std::string&)>& sink)
      : tokenizer_(tokenizer), sink_(sink) {
    if (!sink_ || tokenizer_ == nullptr) return;
    decoder_.emplace(*tokenizer_);
    for (int32_t id : prompt) decode(id);
  }
  void push(int32_t id) {
    if (decoder_) emit(decode(id));
  }
  void finish() {
    if (decoder_) emit(decoder_->finish());
  }

 private:
  // Models may have rows for tokens that their tokenizer does not know (padding).
  std::string decode(int32_t id) {
    return id < tokenizer_->vocab_size() ? decoder_->push(id) : std::string();
  }
  void emit(const std::string& text) {
    if (!text.empty()) sink_(text);
  }

  const Tokenizer* tokenizer_;
  const std::function<void(const std::string&)>& sink_;
  std::optional<StreamDecoder> decoder_;
};

// Leaves the longest common beginning in the sequence, short of the prompt's last token, whose
// logits are needed.
void reuse(Engine& engine, SequenceId sequence, std::span<const int32_t> prompt) {
  const std::vector<int32_t>& held = engine.ids(sequence);
  const auto limit = std::min(held.size(), prompt.size() - 1);
  const auto differs =
      std::mismatch(held.begin(), held.begin() + static_cast<int64_t>(limit), prompt.begin()).first;
  engine.truncate(sequence, differs - held.begin());
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
  }
  return "";
}

Completion generate(Engine& engine, SequenceId sequence, std::span<const int32_t> prompt,
                    const GenerateOptions& options, const GenerateHooks& hooks) {
  check_prompt(engine, prompt);
  Answer answer(engine, options, sequence);
  if (options.max_tokens == 0) return {};
  TextStream stream(engine.model().tokenizer(), prompt, hooks.text);

  reuse(engine, sequence, prompt);
  std::span<const int32_t> rest = prompt.subspan(engine.ids(sequence).size());
  const auto chunk = static_cast<size_t>(engine.chunk());
  const auto interrupted = [&] { return hooks.interrupted && hooks.interrupted(); };

  bool going = true;
  while (going) {
    if (interrupted()) {
      answer.stop(StopReason::interrupted);
      break;
    }
    // The prompt goes in by chunks so that it can be interrupted.
    const bool last = rest.size() <= chunk;
    const Engine::Input input{sequence, rest.first(last ? rest.size() : chunk),
                              last ? Want::last : Want::none};
    engine.forward({&input, 1}, [&](const LogitRows& rows) {
      if (answer.completion().ids.empty() && hooks.prompt_done) hooks.prompt_done();
      const size_t before = answer.completion().ids.size();
      going = answer.choose(rows.row(0));
      if (answer.completion().ids.size() > before) stream.push(answer.last()[0]);
    });
    rest = last ? answer.last() : rest.subspan(chunk);
  }
  stream.finish();
  return std::move(answer.completion());
}

std::vector<Completion> generate_batch(Engine& engine,
                                       const std::vector<std::vector<int32_t>>& prompts,
                                       const GenerateOptions& options, int64_t batch) {
  if (batch < 1) fail_usage("a batch of {} sequences was asked for", batch);
  for (const auto& prompt : prompts) check_prompt(engine, prompt);
  if (options.max_tokens == 0) return std::vector<Completion>(prompts.size());

  struct Running {
    size_t prompt;
    ScopedSequence sequence;
    Answer answer;
  };
  std::vector<Running> running;
  std::vector<Completion> done(prompts.size());
  std::vector<Engine::Input> inputs;
  std::vector<char> going;

  size_t next = 0;
  while (next < prompts.size() || !running.empty()) {
    while (next < prompts.size() && static_cast<int64_t>(running.size()) < batch) {
      ScopedSequence sequence(engine);
      const SequenceId id = sequence;
      running.push_back({next++, std::move(sequence), Answer(engine, options, id)});
    }
    inputs.clear();
    for (const Running& r : running) {
      const bool first = engine.ids(r.sequence).empty();
      inputs.push_back(
          {r.sequence, first ? std::span<const int32_t>(prompts[r.prompt]) : r.answer.last()});
    }
    going.assign(running.size(), 0);
    engine.forward(inputs, [&](const LogitRows& rows) {
      going[rows.input] = running[rows.input].answer.choose(rows.row(0));
    });
    for (size_t i = running.size(); i-- > 0;) {
      if (going[i]) continue;
      done[running[i].prompt] = std::move(running[i].answer.completion());
      running.erase(running.begin() + static_cast<int64_t>(i));
    }
  }
  return done;
}

}  // namespace avocado
