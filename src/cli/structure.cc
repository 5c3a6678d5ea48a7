#include "cli/structure.h"

#include <memory>

#include "cli/input.h"
#include "grammar/matcher.h"

namespace avocado::cli {

using grammar::Constraint;

void add_structure_arguments(CLI::App& verb, StructureArguments& arguments) {
  const auto option = [&](const char* flags, std::string& value, const char* text) {
    return verb.add_option(flags, value, text)->group("Structured output");
  };
  CLI::Option* schema = option("-j,--json-schema", arguments.schema,
                               "The answer is JSON that is valid for this schema; {} is any JSON");
  CLI::Option* schema_file = option("--json-schema-file", arguments.schema_file,
                                    "The same with the schema in a file; -: standard input");
  CLI::Option* grammar = option("--grammar", arguments.grammar,
                                "The answer follows this grammar (GBNF), from its rule root on");
  CLI::Option* grammar_file =
      option("--grammar-file", arguments.grammar_file, "The same with the grammar in a file");
  schema->excludes(schema_file)->excludes(grammar)->excludes(grammar_file);
  schema_file->excludes(grammar)->excludes(grammar_file);
  grammar->excludes(grammar_file);
}

void set_constraint(const StructureArguments& arguments, const Tokenizer& tokenizer,
                    GenerateOptions& options) {
  if (!arguments.schema.empty()) {
    options.constraint = Constraint::from_json_schema(arguments.schema);
  } else if (!arguments.schema_file.empty()) {
    options.constraint = Constraint::from_json_schema(read_bytes(arguments.schema_file));
  } else if (!arguments.grammar.empty()) {
    options.constraint = Constraint::from_gbnf(arguments.grammar);
  } else if (!arguments.grammar_file.empty()) {
    options.constraint = Constraint::from_gbnf(read_bytes(arguments.grammar_file));
  } else {
    return;
  }
  options.trie = std::make_shared<grammar::TokenTrie>(tokenizer);
}

}  // namespace avocado::cli
