// Methods of dicts and lists. Those that change them exist in Python only: the sandbox of chat
// templates lets a template read what it is given.

#include <algorithm>

#include "chat/jinja/builtins.h"

namespace avocado::jinja {
namespace {

Value get(Call& call) {
  const Value* found = find(call.memory, call.self.dict(), call[0]);
  return found ? *found : call.get(1, nullptr);
}

template <List::Kind kKind>
Value view(Call& call) {
  Items items(call.memory);
  for (const Entry& entry : call.self.dict().entries) {
    if (kKind == List::Kind::keys) items.push(entry.key);
    if (kKind == List::Kind::values) items.push(entry.value);
    if (kKind == List::Kind::items) {
      const Value pair[] = {entry.key, entry.value};
      items.push(make_list(call.memory, pair, List::Kind::tuple));
    }
  }
  return items.finish(kKind);
}

Value copy(Call& call) { return call.self; }

Value index(Call& call) {
  const auto items = call.self.list().items;
  for (size_t i = 0; i < items.size(); ++i)
    if (equal(call.memory, items[i], call[0])) return static_cast<int64_t>(i);
  call.fail("the element is not there");
}

Value count(Call& call) {
  const auto items = call.self.list().items;
  return static_cast<int64_t>(std::count_if(items.begin(), items.end(), [&](const Value& item) {
    return equal(call.memory, item, call[0]);
  }));
}

constexpr Builtin kDictMethods[] = {
    {"clear", "", nullptr},
    {"copy", "", copy},
    {"get", "key default?", get},
    {"items", "", view<List::Kind::items>},
    {"keys", "", view<List::Kind::keys>},
    {"pop", "", nullptr},
    {"popitem", "", nullptr},
    {"setdefault", "", nullptr},
    {"update", "", nullptr},
    {"values", "", view<List::Kind::values>},
};

constexpr Builtin kListMethods[] = {
    {"append", "", nullptr},  {"clear", "", nullptr},  {"count", "value", count},
    {"copy", "", copy},       {"extend", "", nullptr}, {"index", "value", index},
    {"insert", "", nullptr},  {"pop", "", nullptr},    {"remove", "", nullptr},
    {"reverse", "", nullptr}, {"sort", "", nullptr},
};

}  // namespace

Builtins dict_methods() { return kDictMethods; }
Builtins list_methods() { return kListMethods; }

}  // namespace avocado::jinja
