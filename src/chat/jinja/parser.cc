#include "chat/jinja/parser.h"

#include <initializer_list>

#include "chat/jinja/token_stream.h"

namespace avocado::jinja {
namespace {

using Ends = std::initializer_list<std::string_view>;

Body parse_body(TokenStream& stream, Ends ends);

void expect_close(TokenStream& stream) {
  if (!stream.at(TokenKind::close)) stream.fail_expected("the end of the tag");
  stream.take();
}

// The body of a tag, from the end of the tag to {% end %}, whose name is taken.
std::string_view parse_block(TokenStream& stream, Body& body, Ends ends) {
  stream.skip_sign(":");
  expect_close(stream);
  body = parse_body(stream, ends);
  return stream.expect_name("the end of a block");
}

Statement& make(TokenStream& stream, StatementKind kind, uint32_t line) {
  Statement& made = stream.tree.statements.emplace_back();
  made.kind = kind;
  made.line = line;
  return made;
}

const Statement* parse_if(TokenStream& stream, uint32_t line) {
  Statement& first = make(stream, StatementKind::conditional, line);
  Statement* branch = &first;
  while (true) {
    branch->expressions = {parse_tuple(stream, false)};
    const std::string_view next = parse_block(stream, branch->body, {"elif", "else", "endif"});
    if (next == "elif") {
      Statement& more = make(stream, StatementKind::conditional, stream.now().line);
      branch->otherwise = {&more};
      branch = &more;
      continue;
    }
    if (next == "else") parse_block(stream, branch->otherwise, {"endif"});
    return &first;
  }
}

const Statement* parse_for(TokenStream& stream, uint32_t line) {
  Statement& made = make(stream, StatementKind::loop, line);
  For& loop = stream.tree.loops.emplace_back();
  made.loop = &loop;
  loop.target = parse_target(stream, false);
  if (!stream.skip_name("in")) stream.fail_expected("'in'");
  loop.over = parse_tuple(stream, false, "recursive");
  loop.condition = stream.skip_name("if") ? parse_expression(stream) : nullptr;
  loop.recursive = stream.skip_name("recursive");
  ++stream.loops;
  const std::string_view next = parse_block(stream, loop.body, {"endfor", "else"});
  --stream.loops;
  if (next == "else") parse_block(stream, loop.otherwise, {"endfor"});
  return &made;
}

const Statement* parse_set(TokenStream& stream, uint32_t line) {
  Statement& made = make(stream, StatementKind::set, line);
  made.targets = {parse_target(stream, true)};
  if (stream.skip_sign("=")) {
    made.expressions = {parse_tuple(stream, true)};
    return &made;
  }
  made.kind = StatementKind::set_block;
  made.expressions = {stream.skip_sign("|") ? parse_filters(stream, nullptr) : nullptr};
  parse_block(stream, made.body, {"endset"});
  return &made;
}

// (name, name=default, ...)
void parse_parameters(TokenStream& stream, Macro& macro) {
  stream.expect_sign("(");
  while (!stream.at_sign(")")) {
    Parameter parameter{stream.expect_name("the name of a parameter"), nullptr};
    if (stream.skip_sign("=")) {
      parameter.otherwise = parse_expression(stream);
    } else if (!macro.parameters.empty() && macro.parameters.back().otherwise) {
      stream.fail("a parameter without a default follows one with a default");
    }
    macro.parameters.push_back(parameter);
    if (!stream.skip_sign(",")) break;
  }
  stream.expect_sign(")");
}

void parse_macro_body(TokenStream& stream, Macro& macro, std::string_view end) {
  stream.macros.push_back(&macro);
  const int loops = std::exchange(stream.loops, 0);
  parse_block(stream, macro.body, {end});
  stream.loops = loops;
  stream.macros.pop_back();
}

const Statement* parse_macro(TokenStream& stream, uint32_t line) {
  Statement& made = make(stream, StatementKind::macro, line);
  Macro& macro = stream.tree.macros.emplace_back();
  made.macro = &macro;
  macro.name = stream.expect_name("the name of a macro");
  parse_parameters(stream, macro);
  parse_macro_body(stream, macro, "endmacro");
  return &made;
}

const Statement* parse_call_block(TokenStream& stream, uint32_t line) {
  Statement& made = make(stream, StatementKind::call, line);
  Macro& macro = stream.tree.macros.emplace_back();
  made.macro = &macro;
  macro.name = "caller";
  if (stream.at_sign("(")) parse_parameters(stream, macro);
  made.expressions = {parse_expression(stream)};
  if (made.expressions[0]->kind != ExpressionKind::call)
    stream.fail("{% call %} takes the call of a macro");
  parse_macro_body(stream, macro, "endcall");
  return &made;
}

const Statement* parse_filter_block(TokenStream& stream, uint32_t line) {
  Statement& made = make(stream, StatementKind::filter, line);
  made.expressions = {parse_filters(stream, nullptr)};
  parse_block(stream, made.body, {"endfilter"});
  return &made;
}

const Statement* parse_with(TokenStream& stream, uint32_t line) {
  Statement& made = make(stream, StatementKind::with, line);
  while (!stream.at(TokenKind::close)) {
    if (!made.targets.empty()) stream.expect_sign(",");
    made.targets.push_back(parse_target(stream, false));
    stream.expect_sign("=");
    made.expressions.push_back(parse_expression(stream));
  }
  parse_block(stream, made.body, {"endwith"});
  return &made;
}

const Statement* parse_print(TokenStream& stream, uint32_t line) {
  Statement& made = make(stream, StatementKind::print, line);
  while (!stream.at(TokenKind::close)) {
    if (!made.expressions.empty()) stream.expect_sign(",");
    made.expressions.push_back(parse_expression(stream));
  }
  return &made;
}

// The assistant's words, marked for training (an extension of Hugging Face's).
const Statement* parse_generation(TokenStream& stream, uint32_t line) {
  Statement& made = make(stream, StatementKind::generation, line);
  parse_block(stream, made.body, {"endgeneration"});
  return &made;
}

const Statement* parse_jump(TokenStream& stream, StatementKind kind, uint32_t line) {
  if (stream.loops == 0) stream.fail("break and continue stand inside a for loop");
  return &make(stream, kind, line);
}

const Statement* parse_break(TokenStream& stream, uint32_t line) {
  return parse_jump(stream, StatementKind::break_loop, line);
}

const Statement* parse_continue(TokenStream& stream, uint32_t line) {
  return parse_jump(stream, StatementKind::continue_loop, line);
}

struct Tag {
  std::string_view name;
  const Statement* (*parse)(TokenStream&, uint32_t line);  // behind the name
};

constexpr Tag kTags[] = {
    {"if", parse_if},       {"for", parse_for},          {"set", parse_set},
    {"macro", parse_macro}, {"call", parse_call_block},  {"filter", parse_filter_block},
    {"with", parse_with},   {"print", parse_print},      {"generation", parse_generation},
    {"break", parse_break}, {"continue", parse_continue}};

const Statement* parse_statement(TokenStream& stream) {
  const uint32_t line = stream.now().line;
  if (!stream.at(TokenKind::name)) stream.fail_expected("the name of a tag");
  const std::string_view name = stream.now().text;
  for (const Tag& tag : kTags) {
    if (tag.name != name) continue;
    stream.take();
    return tag.parse(stream, line);
  }
  stream.fail(fmt::format("the tag {{% {} %}} is not known, or its block is not open", name));
}

// Statements up to a tag whose name is one of `ends`; the stream is then at the name. Without
// `ends`, to the end of the template.
Body parse_body(TokenStream& stream, Ends ends) {
  const TokenStream::Level level(stream);
  Body body;
  while (!stream.at(TokenKind::end)) {
    const uint32_t line = stream.now().line;
    if (stream.at(TokenKind::data)) {
      const std::string_view text = stream.keep(stream.take().text);
      Statement& made = make(stream, StatementKind::data, line);
      made.text = {.data = text.data(), .size = text.size()};
      body.push_back(&made);
      continue;
    }
    const bool expression = stream.take().text == "{{";
    if (expression) {
      Statement& made = make(stream, StatementKind::print, line);
      made.expressions = {parse_tuple(stream, true)};
      body.push_back(&made);
    } else {
      if (stream.at(TokenKind::name) &&
          std::find(ends.begin(), ends.end(), stream.now().text) != ends.end())
        return body;
      body.push_back(parse_statement(stream));
    }
    expect_close(stream);
  }
  if (ends.size() > 0)
    stream.fail(fmt::format("the template ends where {{% {} %}} is expected",
                            fmt::join(ends, " %} or {% ")));
  return body;
}

}  // namespace

void parse(std::string_view source, Tree& tree) {
  TokenStream stream(tokenize(source), tree);
  tree.body = parse_body(stream, {});
}

}  // namespace avocado::jinja
