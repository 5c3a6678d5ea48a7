#include "chat/jinja/token_stream.h"

namespace avocado::jinja {
namespace {

using Kind = ExpressionKind;
using Expressions = std::vector<const Expression*>;

Expression& make(TokenStream& stream, Kind kind, uint32_t line, Expressions items = {}) {
  Expression& made = stream.tree.expressions.emplace_back();
  made.kind = kind;
  made.line = line;
  made.items = std::move(items);
  return made;
}

const Expression* constant(TokenStream& stream, uint32_t line, const Value& value) {
  Expression& made = make(stream, Kind::constant, line);
  made.value = value;
  return &made;
}

Value literal(TokenStream& stream, const std::string& text) {
  const std::string_view kept = stream.keep(text);
  const auto characters = std::count_if(kept.begin(), kept.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  });
  return &stream.tree.texts.emplace_back(
      Text{.data = kept.data(), .size = kept.size(), .length = characters});
}

void note_macro_variable(TokenStream& stream, std::string_view name) {
  for (Macro* macro : stream.macros) {
    macro->uses_caller |= name == "caller";
    macro->uses_varargs |= name == "varargs";
    macro->uses_kwargs |= name == "kwargs";
  }
}

const Expression* parse_name(TokenStream& stream) {
  const Token& token = stream.take();
  const std::string_view name = token.text;
  if (name == "true" || name == "True") return constant(stream, token.line, true);
  if (name == "false" || name == "False") return constant(stream, token.line, false);
  if (name == "none" || name == "None") return constant(stream, token.line, nullptr);
  Expression& made = make(stream, Kind::variable, token.line);
  made.name = stream.keep(token.text);
  note_macro_variable(stream, made.name);
  return &made;
}

// [a, b] and {a: b}: what stands between commas, the last of which may be one too many.
template <class Read>
void parse_until(TokenStream& stream, std::string_view close, Read read) {
  while (!stream.at_sign(close)) {
    read();
    if (!stream.skip_sign(",")) break;
  }
  stream.expect_sign(close);
}

const Expression* parse_primary(TokenStream& stream) {
  const TokenStream::Level level(stream);
  const Token& token = stream.now();
  const uint32_t line = token.line;
  switch (token.kind) {
    case TokenKind::name:
      return parse_name(stream);
    case TokenKind::string: {
      std::string text;
      while (stream.at(TokenKind::string)) text += stream.take().text;
      return constant(stream, line, literal(stream, text));
    }
    case TokenKind::integer:
      return constant(stream, line, stream.take().integer);
    case TokenKind::real:
      return constant(stream, line, stream.take().real);
    default:
      break;
  }
  Expressions items;
  const auto item = [&] { items.push_back(parse_expression(stream)); };
  if (stream.skip_sign("(")) {
    if (stream.skip_sign(")")) return &make(stream, Kind::tuple, line);
    const Expression* inside = parse_tuple(stream, true);
    stream.expect_sign(")");
    return inside;
  }
  if (stream.skip_sign("[")) {
    parse_until(stream, "]", item);
    return &make(stream, Kind::list, line, std::move(items));
  }
  if (stream.skip_sign("{")) {
    parse_until(stream, "}", [&] {
      item();
      stream.expect_sign(":");
      item();
    });
    return &make(stream, Kind::dict, line, std::move(items));
  }
  stream.fail_expected("an expression");
}

std::vector<Argument> parse_arguments(TokenStream& stream) {
  std::vector<Argument> arguments;
  stream.expect_sign("(");
  parse_until(stream, ")", [&] {
    Argument argument{Argument::Kind::positional, "", nullptr};
    if (stream.skip_sign("*")) {
      argument.kind = Argument::Kind::spread_list;
    } else if (stream.skip_sign("**")) {
      argument.kind = Argument::Kind::spread_dict;
    } else if (stream.at(TokenKind::name) && stream.ahead().is(TokenKind::sign, "=")) {
      argument.kind = Argument::Kind::named;
      argument.name = stream.keep(stream.take().text);
      stream.take();
    }
    using enum Argument::Kind;
    if (!arguments.empty() &&
        (arguments.back().kind == spread_dict ||
         (argument.kind == positional && arguments.back().kind != positional)))
      stream.fail("arguments come in this order: values, name=value, *list, **dict");
    argument.value = parse_expression(stream);
    arguments.push_back(argument);
  });
  return arguments;
}

const Expression* parse_call(TokenStream& stream, const Expression* callee) {
  const uint32_t line = stream.now().line;
  Expression& call = make(stream, Kind::call, line, {callee});
  call.arguments = parse_arguments(stream);
  return &call;
}

// What stands in the brackets of x[...]: an expression or begin:end:step.
const Expression* parse_bracket(TokenStream& stream, const Expression* container, uint32_t line) {
  Expressions bounds;
  const Expression* first = stream.at_sign(":") ? nullptr : parse_expression(stream);
  if (!stream.at_sign(":")) {
    Expressions several = {first};
    while (stream.skip_sign(",") && !stream.at_sign("]"))
      several.push_back(parse_expression(stream));
    if (several.size() > 1) first = &make(stream, Kind::tuple, line, several);
    return &make(stream, Kind::subscript, line, {container, first});
  }
  Expressions items = {container, first, nullptr, nullptr};
  for (size_t i = 2; i < 4 && stream.skip_sign(":"); ++i)
    if (!stream.at_sign(":") && !stream.at_sign("]")) items[i] = parse_expression(stream);
  return &make(stream, Kind::slice, line, std::move(items));
}

const Expression* parse_subscript(TokenStream& stream, const Expression* container) {
  const uint32_t line = stream.now().line;
  if (stream.skip_sign("[")) {
    const Expression* made = parse_bracket(stream, container, line);
    stream.expect_sign("]");
    return made;
  }
  stream.expect_sign(".");
  if (stream.at(TokenKind::integer))
    return &make(stream, Kind::subscript, line,
                 {container, constant(stream, line, stream.take().integer)});
  Expression& made = make(stream, Kind::attribute, line, {container});
  made.name = stream.expect_name("the name of an attribute");
  return &made;
}

const Expression* parse_postfix(TokenStream& stream, const Expression* expression) {
  while (true) {
    if (stream.at_sign(".") || stream.at_sign("[")) {
      expression = parse_subscript(stream, expression);
    } else if (stream.at_sign("(")) {
      expression = parse_call(stream, expression);
    } else {
      return expression;
    }
  }
}

// name.name of a filter or test.
std::string_view parse_dotted_name(TokenStream& stream, std::string_view what) {
  std::string name(stream.expect_name(what));
  while (stream.skip_sign(".")) {
    name += '.';
    name += stream.expect_name(what);
  }
  return stream.keep(name);
}

const Expression* parse_filter(TokenStream& stream, const Expression* input) {
  Expression& filter = make(stream, Kind::filter, stream.now().line, {input});
  filter.name = parse_dotted_name(stream, "the name of a filter");
  if (stream.at_sign("(")) filter.arguments = parse_arguments(stream);
  return &filter;
}

// Behind `is`.
const Expression* parse_test(TokenStream& stream, const Expression* input) {
  const uint32_t line = stream.now().line;
  const bool negated = stream.skip_name("not");
  Expression& test = make(stream, Kind::test, line, {input});
  test.name = parse_dotted_name(stream, "the name of a test");
  if (stream.at_sign("(")) {
    test.arguments = parse_arguments(stream);
  } else {
    const bool word = stream.at(TokenKind::name) && !stream.at_name("else") &&
                      !stream.at_name("or") && !stream.at_name("and");
    const bool value = stream.at(TokenKind::string) || stream.at(TokenKind::integer) ||
                       stream.at(TokenKind::real) || stream.at_sign("[") || stream.at_sign("{");
    if (stream.at_name("is")) stream.fail("tests with 'is' cannot follow one another");
    if (word || value) {
      const Expression* argument = parse_postfix(stream, parse_primary(stream));
      test.arguments.push_back({Argument::Kind::positional, "", argument});
    }
  }
  return negated ? &make(stream, Kind::logical_not, line, {&test}) : &test;
}

const Expression* parse_unary(TokenStream& stream, bool filters) {
  const TokenStream::Level level(stream);
  const uint32_t line = stream.now().line;
  const Expression* made = nullptr;
  if (stream.skip_sign("-")) {
    made = &make(stream, Kind::negate, line, {parse_unary(stream, false)});
  } else if (stream.skip_sign("+")) {
    made = &make(stream, Kind::plus, line, {parse_unary(stream, false)});
  } else {
    made = parse_primary(stream);
  }
  made = parse_postfix(stream, made);
  while (filters) {
    if (stream.skip_sign("|")) {
      made = parse_filter(stream, made);
    } else if (stream.skip_name("is")) {
      made = parse_test(stream, made);
    } else if (stream.at_sign("(")) {
      made = parse_call(stream, made);
    } else {
      break;
    }
  }
  return made;
}

struct BinarySign {
  std::string_view sign;
  Operator op;
};

// Operands of the same precedence, from left to right.
template <class Next, size_t kCount>
const Expression* parse_binary(TokenStream& stream, const BinarySign (&signs)[kCount], Next next) {
  const Expression* left = next(stream);
  while (true) {
    const uint32_t line = stream.now().line;
    const auto* found = std::find_if(std::begin(signs), std::end(signs),
                                     [&](const BinarySign& s) { return stream.skip_sign(s.sign); });
    if (found == std::end(signs)) return left;
    Expression& made = make(stream, Kind::arithmetic, line, {left, next(stream)});
    made.op = found->op;
    left = &made;
  }
}

constexpr BinarySign kPower[] = {{"**", Operator::power}};
constexpr BinarySign kProducts[] = {{"*", Operator::multiply},
                                    {"/", Operator::divide},
                                    {"//", Operator::floor_divide},
                                    {"%", Operator::modulo}};
constexpr BinarySign kSums[] = {{"+", Operator::add}, {"-", Operator::subtract}};

const Expression* parse_power(TokenStream& stream) {
  return parse_binary(stream, kPower, [](TokenStream& s) { return parse_unary(s, true); });
}
const Expression* parse_product(TokenStream& stream) {
  return parse_binary(stream, kProducts, parse_power);
}
const Expression* parse_concat(TokenStream& stream) {
  const uint32_t line = stream.now().line;
  Expressions items = {parse_product(stream)};
  while (stream.skip_sign("~")) items.push_back(parse_product(stream));
  return items.size() == 1 ? items[0] : &make(stream, Kind::concat, line, std::move(items));
}
const Expression* parse_sum(TokenStream& stream) {
  return parse_binary(stream, kSums, parse_concat);
}

bool parse_comparison_sign(TokenStream& stream, Compare& compare) {
  static constexpr std::pair<std::string_view, Compare> kSigns[] = {
      {"==", Compare::equal}, {"!=", Compare::not_equal},     {"<=", Compare::less_equal},
      {"<", Compare::less},   {">=", Compare::greater_equal}, {">", Compare::greater}};
  for (const auto& [sign, meaning] : kSigns) {
    if (!stream.skip_sign(sign)) continue;
    compare = meaning;
    return true;
  }
  if (stream.skip_name("in")) {
    compare = Compare::in;
    return true;
  }
  if (stream.at_name("not") && stream.ahead().is(TokenKind::name, "in")) {
    stream.take();
    stream.take();
    compare = Compare::not_in;
    return true;
  }
  return false;
}

const Expression* parse_comparison(TokenStream& stream) {
  const uint32_t line = stream.now().line;
  Expressions items = {parse_sum(stream)};
  std::vector<Compare> compares;
  for (Compare compare; parse_comparison_sign(stream, compare);) {
    compares.push_back(compare);
    items.push_back(parse_sum(stream));
  }
  if (compares.empty()) return items[0];
  Expression& made = make(stream, Kind::compare, line, std::move(items));
  made.compares = std::move(compares);
  return &made;
}

const Expression* parse_not(TokenStream& stream) {
  const TokenStream::Level level(stream);
  const uint32_t line = stream.now().line;
  if (stream.skip_name("not")) return &make(stream, Kind::logical_not, line, {parse_not(stream)});
  return parse_comparison(stream);
}

const Expression* parse_and(TokenStream& stream) {
  const Expression* left = parse_not(stream);
  for (uint32_t line = stream.now().line; stream.skip_name("and"); line = stream.now().line)
    left = &make(stream, Kind::logical_and, line, {left, parse_not(stream)});
  return left;
}

const Expression* parse_or(TokenStream& stream) {
  const Expression* left = parse_and(stream);
  for (uint32_t line = stream.now().line; stream.skip_name("or"); line = stream.now().line)
    left = &make(stream, Kind::logical_or, line, {left, parse_and(stream)});
  return left;
}

Target as_target(TokenStream& stream, const Expression* expression) {
  Target target;
  if (expression->kind == Kind::variable) {
    target.name = expression->name;
  } else if (expression->kind == Kind::tuple) {
    target.is_tuple = true;
    for (const Expression* item : expression->items)
      target.parts.push_back(as_target(stream, item));
  } else {
    stream.fail("only a name, names with commas, or an attribute of a namespace can be set");
  }
  return target;
}

}  // namespace

const Expression* parse_expression(TokenStream& stream, bool conditional) {
  const TokenStream::Level level(stream);
  const Expression* value = parse_or(stream);
  while (conditional && stream.at_name("if")) {
    const uint32_t line = stream.take().line;
    const Expression* condition = parse_or(stream);
    const Expression* otherwise = stream.skip_name("else") ? parse_expression(stream) : nullptr;
    value = &make(stream, Kind::conditional, line, {condition, value, otherwise});
  }
  return value;
}

const Expression* parse_tuple(TokenStream& stream, bool conditional, std::string_view end) {
  const uint32_t line = stream.now().line;
  const auto at_end = [&] {
    return stream.at(TokenKind::close) || stream.at_sign(")") ||
           (!end.empty() && stream.at_name(end));
  };
  Expressions items;
  bool comma = false;
  while (!at_end()) {
    items.push_back(parse_expression(stream, conditional));
    if (!stream.skip_sign(",")) break;
    comma = true;
  }
  if (comma) return &make(stream, Kind::tuple, line, std::move(items));
  if (items.empty()) stream.fail_expected("an expression");
  return items[0];
}

const Expression* parse_filters(TokenStream& stream, const Expression* input) {
  do {
    input = parse_filter(stream, input);
  } while (stream.skip_sign("|"));
  return input;
}

Target parse_target(TokenStream& stream, bool with_attribute) {
  Target target;
  if (with_attribute && stream.ahead().is(TokenKind::sign, ".")) {
    target.name = stream.expect_name("the name of a namespace");
    stream.take();
    target.attribute = stream.expect_name("the name of an attribute");
    return target;
  }
  const uint32_t line = stream.now().line;
  Expressions items;
  bool comma = false;
  do {
    comma |= !items.empty();
    if (!items.empty() && (stream.at_name("in") || stream.at(TokenKind::close))) break;
    items.push_back(parse_primary(stream));
  } while (stream.skip_sign(","));
  return as_target(stream, comma ? &make(stream, Kind::tuple, line, std::move(items)) : items[0]);
}

}  // namespace avocado::jinja
