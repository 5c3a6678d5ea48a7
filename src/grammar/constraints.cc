// The constraints that are automata: patterns, choices and grammars.

#include "base/error.h"
#include "grammar/automaton_walker.h"
#include "grammar/dfa.h"
#include "grammar/gbnf.h"
#include "grammar/matcher.h"
#include "grammar/regex.h"

namespace avocado::grammar {
namespace {

struct WholeText : Dfa {
  using Dfa::Dfa;
  bool complete(uint32_t state) const { return accepts(state); }
};

}  // namespace

std::shared_ptr<const Constraint> Constraint::from_gbnf(std::string_view grammar,
                                                        const std::string& root) {
  return std::make_shared<AutomatonConstraint<Pushdown>>(parse_gbnf(grammar, root));
}

std::shared_ptr<const Constraint> Constraint::from_regex(std::string_view pattern) {
  const RegexPattern parsed = parse_regex(pattern);
  if (!parsed.ahead.empty()) fail_usage("pattern: look-ahead is supported only in JSON schemas");
  WholeText dfa(parsed.expr, Dfa::Match::whole, "the pattern");
  if (dfa.start() == Dfa::kDead) fail_usage("pattern: no text matches it");
  return std::make_shared<AutomatonConstraint<WholeText>>(std::move(dfa));
}

std::shared_ptr<const Constraint> Constraint::from_choices(std::span<const std::string> choices) {
  if (choices.empty()) fail_usage("choices: the list is empty");
  std::vector<Expr> parts;
  for (const std::string& choice : choices) {
    if (!unicode::is_valid_utf8(choice))
      fail_usage("choices: number {} is not UTF-8", parts.size());
    parts.push_back(Expr::literal(choice));
  }
  return std::make_shared<AutomatonConstraint<WholeText>>(
      WholeText(Expr::choice(std::move(parts)), Dfa::Match::whole, "the list of choices"));
}

}  // namespace avocado::grammar
