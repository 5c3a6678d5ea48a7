#pragma once
// Structured output. A Constraint says which texts are allowed; a Matcher follows one text through
// it token by token and says which tokens may come next.
//
//   const auto trie = std::make_shared<TokenTrie>(tokenizer);             // once per model
//   const auto constraint = Constraint::from_json_schema(schema_text);    // once per request
//   Matcher matcher(constraint, trie);
//   matcher.mask(bits);            // a bit per token: 1 may come next
//   matcher.accept(token);         // false, and nothing changed, for a token that may not

#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "grammar/token_trie.h"

namespace avocado::grammar {

class Walker;

struct SchemaOptions {
  bool compact = false;        // no white space between the parts of the document
  bool assert_formats = true;  // known values of "format" are checked; others never are
  // Documents that $ref may name, by URI. Nothing is ever fetched.
  std::map<std::string, nlohmann::json> remotes = {};
};

// Any text and any tokens, but none of these strings; tokens in them by their token_code.
struct FreeText {
  std::vector<std::string> without;
};

// What texts are allowed. Immutable to its users and shared between threads; the automata behind it
// grow as they are used, under a lock. Wrong or unsupported input throws Error(usage) naming the
// place: a schema's keyword by its JSON pointer, a grammar's by line and column.
class Constraint {
 public:
  virtual ~Constraint() = default;

  // JSON text for the schema (draft 2020-12, and draft-07 spellings); see docs/grammars.md.
  static std::shared_ptr<const Constraint> from_json_schema(std::string_view schema,
                                                            const SchemaOptions& options = {});
  static std::shared_ptr<const Constraint> from_parsed_schema(const nlohmann::json& schema,
                                                              const SchemaOptions& options = {});
  // Any JSON object.
  static std::shared_ptr<const Constraint> from_json_object(const SchemaOptions& options = {});
  // A grammar in the notation of llama.cpp (grammar/gbnf.h).
  static std::shared_ptr<const Constraint> from_gbnf(std::string_view grammar,
                                                     const std::string& root = "root");
  // The same with rules that the grammar names but does not define. Where one of these is a
  // constraint, white space before it belongs to the grammar, unless it begins with nothing else.
  using Parts = std::map<std::string, std::variant<FreeText, std::shared_ptr<const Constraint>>>;
  static std::shared_ptr<const Constraint> from_parts(std::string_view grammar, const Parts& parts,
                                                      const std::string& root = "root");
  // The whole text matches the pattern (ECMA-262).
  static std::shared_ptr<const Constraint> from_regex(std::string_view pattern);
  // The text is one of the strings.
  static std::shared_ptr<const Constraint> from_choices(std::span<const std::string> choices);

  // Bytes held now: what was compiled, and the automata and masks made so far.
  virtual size_t memory() const = 0;
  virtual std::unique_ptr<Walker> start() const = 0;
};

// One text on its way through a constraint. Copies go on independently. Not for two threads at
// once; two matchers of one constraint are.
class Matcher {
 public:
  Matcher(std::shared_ptr<const Constraint> constraint, std::shared_ptr<const TokenTrie> trie);
  Matcher(const Matcher& other);
  Matcher& operator=(const Matcher& other);
  Matcher(Matcher&&) noexcept;
  Matcher& operator=(Matcher&&) noexcept;
  ~Matcher();

  // Sets bit `id % 32` of word `id / 32` for each token that may come next, and clears the others.
  // `bits` has trie.mask_words() words. End tokens are allowed exactly when complete(). Throws
  // Error(resource) when an automaton outgrows its bounds.
  void mask(std::span<uint32_t> bits);
  // Goes on by a token; false when it is not allowed, and then nothing has changed. After an end
  // token nothing is allowed any more.
  bool accept(int32_t token);
  // The same for text that is not a token; counts as one token for rewind().
  bool accept_bytes(std::string_view bytes);
  // Whether the text may end here.
  bool complete() const;
  bool ended() const { return ended_; }
  // Takes back the last `tokens` accepted ones. Throws Error(usage) when there are fewer.
  void rewind(size_t tokens);
  // The bytes that must come next whatever is chosen, at most 256 of them; often none.
  std::string forced_bytes();

 private:
  std::shared_ptr<const Constraint> constraint_;
  std::shared_ptr<const TokenTrie> trie_;
  std::unique_ptr<Walker> walker_;
  bool ended_ = false;
};

}  // namespace avocado::grammar
