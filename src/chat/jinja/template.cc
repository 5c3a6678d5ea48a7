#include "chat/jinja/template.h"

#include <algorithm>

#include "chat/jinja/interpreter.h"
#include "chat/jinja/parser.h"
#include "files/printable.h"
#include "text/unicode.h"

namespace avocado::jinja {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kLongestSource = size_t{1} << 18;

// The strings of a conversation stay where they are.
class FromJson {
 public:
  explicit FromJson(Memory& memory) : memory_(memory) {}

  Value convert(const Json& json, Origin origin) {
    const Nested nested(memory_);
    memory_.step();
    switch (json.type()) {
      case Json::value_t::null:
        return nullptr;
      case Json::value_t::boolean:
        return json.get<bool>();
      case Json::value_t::number_integer:
        return json.get<int64_t>();
      case Json::value_t::number_unsigned:
        if (json.get<uint64_t>() > INT64_MAX)
          throw Failure("a number of the conversation leaves 64 bits");
        return json.get<int64_t>();
      case Json::value_t::number_float:
        return json.get<double>();
      case Json::value_t::string:
        return text(json.get_ref<const std::string&>(), origin);
      case Json::value_t::array: {
        Value* items = memory_.allocate<Value>(json.size());
        for (size_t i = 0; i < json.size(); ++i) items[i] = convert(json[i], origin);
        return memory_.make<List>(std::span<const Value>(items, json.size()));
      }
      case Json::value_t::object: {
        Entry* entries = memory_.allocate<Entry>(json.size());
        size_t count = 0;
        for (const auto& [key, value] : json.items())
          entries[count++] = {text(key, origin),
                              convert(value, is_role(key, value) ? Origin{0} : origin)};
        return memory_.make<Dict>(std::span<const Entry>(entries, count));
      }
      default:
        throw Failure("the conversation holds a value that is not JSON");
    }
  }

 private:
  // Templates make markers of roles, as in "<|" ~ message.role ~ "|>". A role that is a plain word
  // is not what somebody wrote.
  static bool is_role(const std::string& key, const Json& value) {
    if (key != "role" || !value.is_string()) return false;
    const auto& role = value.get_ref<const std::string&>();
    return std::all_of(role.begin(), role.end(),
                       [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
  }

  Value text(const std::string& bytes, Origin origin) {
    if (!unicode::is_valid_utf8(bytes)) throw Failure("a string of the conversation is not UTF-8");
    Text made{.data = bytes.data(), .size = bytes.size()};
    if (origin != 0 && !bytes.empty())
      made.spans = {memory_.make<Span>(size_t{0}, bytes.size(), origin), 1};
    return make_text(memory_, made);
  }

  Memory& memory_;
};

uint64_t bytes_of(const Json& json, int depth = 0) {
  if (json.is_string()) return json.get_ref<const std::string&>().size() + 8;
  uint64_t bytes = 8;
  if (json.is_structured() && depth < 1000)
    for (const auto& [key, value] : json.items()) bytes += key.size() + bytes_of(value, depth + 1);
  return bytes;
}

}  // namespace

Template::Template(std::string_view source, std::string name) : name_(std::move(name)) {
  if (source.size() > kLongestSource)
    fail_input("{}: the chat template is longer than {} bytes", name_, kLongestSource);
  if (!unicode::is_valid_utf8(source)) fail_input("{}: the chat template is not UTF-8", name_);
  auto tree = std::make_unique<Tree>();
  try {
    parse(source, *tree);
  } catch (const Failure& failure) {
    fail_input("{}: chat template, line {}: {}", name_, failure.line, printable(failure.what()));
  }
  tree_ = std::move(tree);
}

Template::Template(Template&&) noexcept = default;
Template& Template::operator=(Template&&) noexcept = default;
Template::~Template() = default;

Rendered Template::render(const std::vector<Variable>& variables,
                          const std::optional<std::tm>& now) const {
  uint64_t input = 0;
  for (const Variable& variable : variables) input += bytes_of(*variable.value);
  Memory memory(Limits::for_input(input));
  std::vector<Entry> entries;
  Dict context;
  Interpreter interpreter(memory, context, now);
  try {
    for (const Variable& variable : variables)
      entries.push_back({make_text(memory, variable.name),
                         FromJson(memory).convert(*variable.value, variable.origin)});
    context = make_dict(memory, entries).dict();
    TextBuilder out(memory);
    interpreter.run(tree_->body, out);
    return {out.bytes(), out.spans()};
  } catch (const Raised& raised) {
    throw Refusal(fmt::format("{}: chat template, line {}: refuses this conversation: {}", name_,
                              interpreter.line(), raised.what()),
                  raised.what());
  } catch (const Failure& failure) {
    fail_input("{}: chat template, line {}: {}", name_, interpreter.line(),
               printable(failure.what()));
  }
}

}  // namespace avocado::jinja
