#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "infer/drafter.h"

namespace avocado {
namespace {

constexpr size_t kFew = 4;  // tokens that draft() reads in passing

class ModelDrafter : public Drafter {
 public:
  ModelDrafter(Engine& engine, int64_t vocab, const SamplerParameters& parameters)
      : engine_(engine),
        vocab_(vocab),
        sequence_(engine),
        chain_(parameters, engine.vocab(), engine.model().tokenizer()) {}

  Draft draft(std::span<const int32_t> tokens, size_t most) override {
    const auto room = engine_.context() - static_cast<int64_t>(tokens.size());
    most = std::min(most, static_cast<size_t>(std::max<int64_t>(room, 0)));
    if (most == 0) return {};
    engine_.keep_common(sequence_, tokens);
    std::vector<int32_t> text(tokens.begin(), tokens.end());
    while (text.size() < tokens.size() + most) {
      const std::span<const int32_t> rest = std::span(text).subspan(engine_.ids(sequence_).size());
      const Engine::Input input{sequence_, rest, Want::last};
      int32_t next = -1;
      engine_.forward({&input, 1}, [&](const LogitRows& rows) {
        next = chain_.sample({rows.row(0), text, static_cast<int64_t>(text.size())}).id;
      });
      if (next < 0 || next >= vocab_) break;  // rows behind the vocabulary are padding
      text.push_back(next);
    }
    return {{text.begin() + static_cast<int64_t>(tokens.size()), text.end()}};
  }

  bool free() const override { return false; }

  void catch_up(std::span<const int32_t> tokens) override {
    if (static_cast<int64_t>(tokens.size()) > engine_.context()) return;
    engine_.keep_common(sequence_, tokens);
    const std::span<const int32_t> rest = tokens.subspan(engine_.ids(sequence_).size());
    if (rest.size() <= kFew) return;
    const Engine::Input input{sequence_, rest.first(rest.size() - 1), Want::none};
    engine_.forward({&input, 1}, [](const LogitRows&) {});
  }

 private:
  Engine& engine_;
  int64_t vocab_;
  ScopedSequence sequence_;
  SamplerChain chain_;
};

}  // namespace

std::unique_ptr<Drafter> model_drafter(Engine& engine, const Tokenizer& tokenizer,
                                       const SamplerParameters& parameters) {
  const Tokenizer* own = engine.model().tokenizer();
  const auto refuse = [](const std::string& why) {
    fail_usage(
        "the draft model's vocabulary is not the model's: {}; take a smaller model of the same "
        "family, or another quantization of the same one",
        why);
  };
  if (own == nullptr) refuse("it has none");
  if (own->vocab_size() != tokenizer.vocab_size())
    refuse(fmt::format("{} tokens, not {}", own->vocab_size(), tokenizer.vocab_size()));
  for (int32_t id = 0; id < tokenizer.vocab_size(); ++id)
    if (own->token_text(id) != tokenizer.token_text(id))
      refuse(fmt::format("token {} differs", id));
  return std::make_unique<ModelDrafter>(engine, tokenizer.vocab_size(), parameters);
}

}  // namespace avocado
