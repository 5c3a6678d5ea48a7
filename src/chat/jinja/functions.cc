// Functions that every template can call.

#include <fmt/format.h>

#include <ctime>

#include "chat/jinja/builtins.h"
#include "chat/jinja/interpreter.h"
#include "chat/jinja/print.h"
#include "chat/jinja/template.h"
#include "text/unicode.h"

namespace avocado::jinja {
namespace {

constexpr int64_t kLongestRange = 100'000;  // as in Jinja's sandbox

Value raise_exception(Call& call) {
  throw Raised(std::string(to_text(call.memory, call[0]).view()));
}

Value strftime_now(Call& call) {
  if (!call.interpreter.now())
    call.fail("the template asks for the time; give \"now\" with the conversation");
  const std::string format(call.text(0).view());
  if (format.empty()) return make_text(call.memory, "");
  char text[512];
  const size_t size = std::strftime(text, sizeof text, format.c_str(), &*call.interpreter.now());
  if (size == 0) call.fail("the result is empty or too long");
  if (!unicode::is_valid_utf8({text, size})) call.fail("the result is not UTF-8");
  return make_text(call.memory, std::string_view(text, size));
}

Value range(Call& call) {
  int64_t begin = 0, end = call.integer(0);
  if (call.has(1)) {
    begin = end;
    end = call.integer(1);
  }
  const int64_t step = call.integer(2, 1);
  if (step == 0) call.fail("the step cannot be zero");
  // Distances are unsigned: they may not fit into int64_t.
  const uint64_t low = static_cast<uint64_t>(step > 0 ? begin : end);
  const uint64_t high = static_cast<uint64_t>(step > 0 ? end : begin);
  const uint64_t stride = step > 0 ? static_cast<uint64_t>(step) : 0 - static_cast<uint64_t>(step);
  const bool empty = step > 0 ? begin >= end : begin <= end;
  const uint64_t count = empty ? 0 : (high - low - 1) / stride + 1;
  if (count > kLongestRange) call.fail(fmt::format("has more than {} elements", kLongestRange));
  call.memory.step(count);
  Value* items = call.memory.allocate<Value>(count);
  for (uint64_t i = 0; i < count; ++i)
    items[i] = static_cast<int64_t>(static_cast<uint64_t>(begin) + i * static_cast<uint64_t>(step));
  return call.memory.make<List>(std::span<const Value>(items, count), List::Kind::range);
}

// dict() and namespace(): a dict or pairs, then names.
std::vector<Entry> entries_of(Call& call) {
  std::vector<Entry> entries;
  if (call.given.positional.size() > 1) call.fail("takes one argument, and names");
  for (const Value& from : call.given.positional) {
    if (from.is(Type::dict)) {
      entries.assign(from.dict().entries.begin(), from.dict().entries.end());
      call.memory.charge(entries.size() * sizeof(Entry));
      continue;
    }
    if (from.is_undefined()) fail_undefined(from);
    for (const Value& item : iterate(call.memory, from)) {
      const auto pair = iterate(call.memory, item);
      if (pair.size() != 2) call.fail("takes a dict or pairs");
      call.memory.charge(sizeof(Entry));
      entries.push_back({pair[0], pair[1]});
    }
  }
  for (const Named& named : call.given.named)
    entries.push_back({make_text(call.memory, named.name), named.value});
  return entries;
}

Value make_dict_of(Call& call) { return make_dict(call.memory, entries_of(call)); }

Value make_namespace(Call& call) {
  Namespace* names = call.memory.make<Namespace>();
  for (const Entry& entry : entries_of(call)) {
    if (!entry.key.is_text()) call.fail("takes names that are strings");
    names->variables.set(call.memory, entry.key.text().view(), entry.value);
  }
  return names;
}

constexpr Builtin kFunctions[] = {
    {"dict", "*", make_dict_of},
    {"namespace", "*", make_namespace},
    {"raise_exception", "message", raise_exception},
    {"range", "start stop? step?", range},
    {"strftime_now", "format", strftime_now},
};

}  // namespace

Builtins functions() { return kFunctions; }

}  // namespace avocado::jinja
