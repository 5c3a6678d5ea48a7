#include "cli/sampling.h"

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace avocado::cli {
namespace {

// Flags of one heading of the help.
class Group {
 public:
  Group(CLI::App& verb, const char* name) : verb_(verb), name_(name) {}

  template <class Value>
  CLI::Option* value(const char* flags, Value& value, const char* text) {
    return verb_.add_option(flags, value, text)->group(name_)->capture_default_str();
  }
  void flag(const char* flags, bool& value, const char* text) {
    verb_.add_flag(flags, value, text)->group(name_);
  }
  // Once per value: the next word is not swallowed.
  void each(const char* flags, const char* type, const char* text,
            const std::function<void(const std::string&)>& take) {
    verb_
        .add_option_function<std::vector<std::string>>(
            flags,
            [take](const std::vector<std::string>& values) {
              for (const std::string& value : values) take(value);
            },
            text)
        ->group(name_)
        ->type_name(type)
        ->expected(1)
        ->allow_extra_args(false)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  }
  void one(const char* flags, const char* type, const char* text,
           const std::function<void(const std::string&)>& take) {
    verb_.add_option_function<std::string>(flags, take, text)->group(name_)->type_name(type);
  }

 private:
  CLI::App& verb_;
  const char* name_;
};

}  // namespace

void add_sampling_arguments(CLI::App& verb, GenerateOptions& options) {
  SamplerParameters& p = options.sampling;

  Group choice(verb, "Choice of tokens");
  choice.one("--samplers", "LIST",
             "The stages in their order, separated by ; (default: penalties;dry;top_n_sigma;top_k;"
             "typ_p;top_p;min_p;xtc;temperature; there is also adaptive_p)",
             [&p](const std::string& list) { p.samplers = parse_samplers(list); });
  choice.one("--sampler-seq,--sampling-seq", "LETTERS",
             "The same by letters (default: edskypmxt; adaptive_p is a)",
             [&p](const std::string& letters) { p.samplers = parse_sampler_letters(letters); });
  choice
      .value("-s,--seed", p.seed,
             "Seed of the random choices; the same command gives the same answer")
      ->check(CLI::NonNegativeNumber);
  choice.value("--temp,--temperature", p.temperature, "Temperature; 0 takes the likeliest token");
  choice.value("--dynatemp-range", p.dynatemp_range,
               "The temperature moves by so much with the entropy; 0: off");
  choice.value("--dynatemp-exp", p.dynatemp_exponent, "Exponent of the entropy's share");
  choice.value("--top-k", p.top_k, "Keep the k likeliest tokens; 0: all");
  choice.value("--top-p", p.top_p, "Keep the likeliest tokens that make up this share");
  choice.value("--min-p", p.min_p, "Drop tokens less likely than this times the best");
  choice.value("--typical,--typical-p", p.typical_p,
               "Keep the most typical tokens that make up this share; 1: off");
  choice.value("--top-nsigma,--top-n-sigma", p.top_n_sigma,
               "Drop logits further from the best than so many standard deviations; -1: off");
  choice.value("--xtc-probability", p.xtc_probability,
               "Chance that all of the likeliest tokens but the last are dropped");
  choice.value("--xtc-threshold", p.xtc_threshold, "How likely those are; above 0.5: off");
  choice.value("--min-keep", p.min_keep,
               "typ_p, top_p, min_p and xtc leave at least so many tokens");
  choice.value(
      "--mirostat", p.mirostat,
      "Aim at a surprise per token by Mirostat 1 or 2, which replaces the stages other than "
      "temperature; 0: off");
  choice.value("--mirostat-ent", p.mirostat_tau, "That surprise, in bits (tau)");
  choice.value("--mirostat-lr", p.mirostat_eta, "How fast it learns (eta)");
  choice.value("--adaptive-target", p.adaptive_target,
               "Aim at tokens of this probability, if adaptive_p is among the stages; -1: off");
  choice.value("--adaptive-decay", p.adaptive_decay, "How much of its memory adaptive_p keeps");

  Group repetition(verb, "Repetition");
  repetition.value("--repeat-last-n", p.repeat_last_n,
                   "Tokens that are penalized; -1: all, 0: none");
  repetition.value("--repeat-penalty", p.repeat_penalty, "Make them less likely; 1: off");
  repetition.value("--frequency-penalty", p.frequency_penalty,
                   "Subtract from their logits once per occurrence");
  repetition.value("--presence-penalty", p.presence_penalty, "Subtract from their logits once");
  repetition.value("--dry-multiplier", p.dry_multiplier,
                   "Penalty of tokens that go on with a repetition (DRY); 0: off");
  repetition.value("--dry-base", p.dry_base, "It grows by this factor with each token repeated");
  repetition.value("--dry-allowed-length", p.dry_allowed_length, "beyond so many");
  repetition.value("--dry-penalty-last-n", p.dry_penalty_last_n,
                   "Tokens in which repetitions are sought; -1: all, 0: none");
  repetition.each("--dry-sequence-breaker", "TEXT",
                  "Ends a repetition, instead of line break, colon, quote and star; may be given "
                  "several times; none: nothing does",
                  [&p, first = true](const std::string& text) mutable {
                    if (std::exchange(first, false)) p.dry_sequence_breakers.clear();
                    if (text != "none") p.dry_sequence_breakers.push_back(text);
                  });

  Group bans(verb, "Wanted and unwanted text");
  bans.each("-l,--logit-bias", "TOKEN(+/-)BIAS[:N]",
            "Add to the logit of a token, an id or a text (of a text, each token gets it), for the "
            "first N tokens of the answer; -inf forbids, +inf allows nothing else; several times",
            [&p](const std::string& text) { p.logit_bias.push_back(parse_logit_bias(text)); });
  bans.flag("--ignore-eos", p.ignore_eos, "Forbid the tokens that end an answer");
  bans.each("--banned-string", "TEXT",
            "The answer never has this text: it goes back to where it began; several times",
            [&options](const std::string& text) { options.banned_strings.push_back(text); });
  bans.each("-r,--stop,--reverse-prompt", "TEXT", "The answer ends before this text; several times",
            [&options](const std::string& text) { options.stop_strings.push_back(text); });

  Group telling(verb, "Probabilities, with --json");
  telling.value("--n-probs", p.n_probs,
                "Tell the log-probabilities of so many tokens for each chosen one");
  telling.flag("--post-sampling-probs", p.post_sampling_probs, "After the stages, not before them");
}

}  // namespace avocado::cli
