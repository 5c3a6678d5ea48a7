// Filters over lists and dicts. Those that Jinja makes generators give generators here, too: true
// even when empty, without a length, and read once.

#include <fmt/format.h>

#include <algorithm>

#include "chat/jinja/builtins.h"
#include "chat/jinja/interpreter.h"
#include "chat/jinja/lookup.h"
#include "chat/jinja/operators.h"
#include "chat/jinja/print.h"

namespace avocado::jinja {
namespace {

constexpr auto kGenerator = List::Kind::generator;

std::span<const Value> elements(Call& call) { return iterate(call.memory, call.self); }

// Of a filter to which all that is false, none and 0 too, is an empty list.
std::span<const Value> elements_if_any(Call& call) {
  return truth(call.self) ? elements(call) : std::span<const Value>();
}

Value pair(Call& call, const Value& first, const Value& second) {
  const Value both[] = {first, second};
  return make_list(call.memory, both, List::Kind::tuple);
}

Value list(Call& call) { return make_list(call.memory, elements(call)); }

Value count(Call& call) { return length_of(call.memory, call.self); }

Value first(Call& call) {
  if (call.self.is_text() && call.self.text().size > 0) {
    const Text& text = call.self.text();
    return make_text(call.memory, slice(call.memory, text, 0, char_bytes(text.data[0])));
  }
  const auto items = elements(call);
  if (items.empty()) return make_undefined(call.memory, "first of an empty sequence");
  if (call.self.is(Type::list) && call.self.list().kind == kGenerator)
    call.self.list().items = items.subspan(1);
  return items.front();
}

Value last(Call& call) {
  if (call.self.is(Type::list) && call.self.list().kind == kGenerator)
    call.fail("takes no generator; put \"| list\" before it");
  const auto items = elements(call);
  return items.empty() ? make_undefined(call.memory, "last of an empty sequence") : items.back();
}

Value reverse(Call& call) {
  const auto items = elements(call);
  Items reversed(call.memory);
  for (size_t i = items.size(); i > 0; --i) reversed.push(items[i - 1]);
  if (call.self.is_text()) return join(call.memory, {}, reversed.all());
  return reversed.finish(kGenerator);
}

Value items(Call& call) {
  if (call.self.is_undefined()) return make_list(call.memory, {}, kGenerator);
  if (!call.self.is(Type::dict)) call.fail("takes a dict");
  Items pairs(call.memory);
  for (const Entry& entry : call.self.dict().entries)
    pairs.push(pair(call, entry.key, entry.value));
  return pairs.finish(kGenerator);
}

// Elements in the order of their keys; equal ones stay as they were, backwards too.
template <class Element>
void sort_by(Memory& memory, std::vector<std::pair<Value, Element>>& keyed, bool backwards) {
  std::stable_sort(keyed.begin(), keyed.end(), [&](const auto& a, const auto& b) {
    return backwards ? less(memory, b.first, a.first) : less(memory, a.first, b.first);
  });
}

std::vector<std::pair<Value, Value>> keyed_elements(Call& call, const Value& path,
                                                    bool case_sensitive) {
  std::vector<std::pair<Value, Value>> keyed;
  for (const Value& item : elements(call)) {
    call.memory.charge(sizeof keyed[0]);
    keyed.emplace_back(sort_key(call.memory, item, path, case_sensitive), item);
  }
  return keyed;
}

// By one attribute or several with commas between them.
Value sort(Call& call) {
  const Value path = call.get(2, nullptr);
  const bool case_sensitive = call.truth(1, false);
  std::vector<Value> paths = {path};
  if (path.is_text() && path.text().view().find(',') != std::string_view::npos) {
    paths.clear();
    const Text& text = path.text();
    for (size_t at = 0; at <= text.size;) {
      const size_t end = std::min(text.view().find(',', at), text.size);
      paths.push_back(make_text(call.memory, slice(call.memory, text, at, end)));
      at = end + 1;
    }
  }
  std::vector<std::pair<Value, Value>> keyed;
  for (const Value& item : elements(call)) {
    Items key(call.memory);
    for (const Value& part : paths) key.push(sort_key(call.memory, item, part, case_sensitive));
    keyed.emplace_back(key.finish(), item);
  }
  sort_by(call.memory, keyed, call.truth(0, false));
  Items sorted(call.memory);
  for (const auto& [key, item] : keyed) sorted.push(item);
  return sorted.finish();
}

Value dict_sort(Call& call) {
  if (call.self.is_undefined()) fail_undefined(call.self);
  if (!call.self.is(Type::dict)) call.fail("takes a dict");
  const std::string_view by = call.has(1) ? call.text(1).view() : "key";
  if (by != "key" && by != "value") call.fail("sorts by 'key' or 'value'");
  std::vector<std::pair<Value, Value>> keyed;
  for (const Entry& entry : call.self.dict().entries) {
    call.memory.charge(sizeof keyed[0]);
    keyed.emplace_back(
        sort_key(call.memory, by == "key" ? entry.key : entry.value, nullptr, call.truth(0, false)),
        pair(call, entry.key, entry.value));
  }
  sort_by(call.memory, keyed, call.truth(2, false));
  Items sorted(call.memory);
  for (const auto& [key, item] : keyed) sorted.push(item);
  return sorted.finish();
}

Value group_by(Call& call) {
  auto keyed = keyed_elements(call, call[0], call.truth(2, false));
  if (call.has(1))
    for (auto& [key, item] : keyed)
      if (key.is_undefined()) key = call[1];
  sort_by(call.memory, keyed, false);
  Items groups(call.memory);
  for (size_t begin = 0, end = 0; begin < keyed.size(); begin = end) {
    Items members(call.memory);
    while (end < keyed.size() && equal(call.memory, keyed[end].first, keyed[begin].first))
      members.push(keyed[end++].second);
    if (end == begin) ++end;  // NaN equals nothing
    const Value name =
        look_up(call.memory, keyed[begin].second, call[0], call.has(1) ? &call[1] : nullptr);
    groups.push(pair(call, name, members.finish()));
  }
  return groups.finish();
}

Value unique(Call& call) {
  Items keys(call.memory), kept(call.memory);
  for (const auto& [key, item] : keyed_elements(call, call.get(1, nullptr), call.truth(0, false))) {
    check_key(key);
    const auto& seen = keys.all();
    if (std::any_of(seen.begin(), seen.end(),
                    [&, k = key](const Value& other) { return equal(call.memory, other, k); }))
      continue;
    keys.push(key);
    kept.push(item);
  }
  return kept.finish(kGenerator);
}

template <bool kLargest>
Value extreme(Call& call) {
  const auto keyed = keyed_elements(call, call.get(1, nullptr), call.truth(0, false));
  if (keyed.empty()) return make_undefined(call.memory, "extreme of an empty sequence");
  size_t best = 0;
  for (size_t i = 1; i < keyed.size(); ++i) {
    const Value &a = keyed[i].first, &b = keyed[best].first;
    if (kLargest ? less(call.memory, b, a) : less(call.memory, a, b)) best = i;
  }
  return keyed[best].second;
}

Value sum(Call& call) {
  Value total = call.get(1, int64_t{0});
  if (total.is_text()) call.fail("does not add strings; use join");
  for (const Value& item : elements(call)) {
    const bool path = call.has(0) && !call[0].is_none();
    total =
        apply(call.memory, Operator::add, total, path ? look_up(call.memory, item, call[0]) : item);
  }
  return total;
}

// map('filter', arguments...) or map(attribute=path, default=value).
Value map(Call& call) {
  const auto named = [&](std::string_view name) -> const Value* {
    for (const Named& n : call.given.named)
      if (n.name == name) return &n.value;
    return nullptr;
  };
  Items mapped(call.memory);
  if (call.given.positional.empty()) {
    const Value* path = named("attribute");
    const Value* otherwise = named("default");
    if (!path || call.given.named.size() > (otherwise ? 2 : 1))
      call.fail("takes the name of a filter, or attribute= and default=");
    if (otherwise && otherwise->is_none()) otherwise = nullptr;
    for (const Value& item : elements_if_any(call))
      mapped.push(look_up(call.memory, item, *path, otherwise));
    return mapped.finish(kGenerator);
  }
  if (!call.given.positional[0].is_text()) call.fail("takes the name of a filter");
  const Arguments rest{{call.given.positional.begin() + 1, call.given.positional.end()},
                       call.given.named};
  for (const Value& item : elements_if_any(call))
    mapped.push(call.interpreter.filter(call.given.positional[0].text().view(), item, rest));
  return mapped.finish(kGenerator);
}

// select('test', arguments...) and its kin; without a test, what is true.
template <bool kKeep, bool kAttribute>
Value select(Call& call) {
  const auto& given = call.given.positional;
  constexpr size_t kSkip = kAttribute;
  if (given.size() < kSkip) call.fail("takes the name of an attribute");
  const bool has_test = given.size() > kSkip;
  if (has_test && !given[kSkip].is_text()) call.fail("takes the name of a test");
  Arguments rest;
  if (has_test) rest = {{given.begin() + kSkip + 1, given.end()}, call.given.named};
  Items kept(call.memory);
  for (const Value& item : elements_if_any(call)) {
    const Value value = kAttribute ? look_up(call.memory, item, given[0]) : item;
    const bool passes =
        has_test ? call.interpreter.test(given[kSkip].text().view(), value, rest) : truth(value);
    if (passes == kKeep) kept.push(item);
  }
  return kept.finish(kGenerator);
}

Value batch(Call& call) {
  const auto all = elements(call);
  const int64_t size = call.integer(0);
  if (size < 1) call.fail("takes a positive size");
  const auto count = static_cast<size_t>(size);
  Items batches(call.memory);
  for (size_t begin = 0; begin < all.size();) {
    const size_t taken = std::min(count, all.size() - begin);
    Items one(call.memory);
    for (size_t i = 0; i < taken; ++i) one.push(all[begin + i]);
    if (call.has(1) && !call[1].is_none())
      for (size_t i = taken; i < count; ++i) one.push(call[1]);
    batches.push(one.finish());
    begin += taken;
  }
  return batches.finish(kGenerator);
}

Value slice_list(Call& call) {
  const auto all = elements(call);
  const int64_t slices = call.integer(0);
  if (slices < 1) call.fail("takes a positive number");
  const auto count = static_cast<size_t>(slices);
  const size_t each = all.size() / count, more = all.size() % count;
  Items result(call.memory);
  size_t at = 0;
  for (size_t i = 0; i < count; ++i) {
    Items one(call.memory);
    const size_t taken = each + (i < more);
    for (size_t j = 0; j < taken; ++j) one.push(all[at++]);
    if (call.has(1) && !call[1].is_none() && i >= more) one.push(call[1]);
    result.push(one.finish());
  }
  return result.finish(kGenerator);
}

constexpr Builtin kFilters[] = {
    {"batch", "linecount fill_with?", batch},
    {"count", "", count},
    {"dictsort", "case_sensitive? by? reverse?", dict_sort},
    {"first", "", first},
    {"groupby", "attribute default? case_sensitive?", group_by},
    {"items", "", items},
    {"last", "", last},
    {"length", "", count},
    {"list", "", list},
    {"map", "*", map},
    {"max", "case_sensitive? attribute?", extreme<true>},
    {"min", "case_sensitive? attribute?", extreme<false>},
    {"reject", "*", select<false, false>},
    {"rejectattr", "*", select<false, true>},
    {"reverse", "", reverse},
    {"select", "*", select<true, false>},
    {"selectattr", "*", select<true, true>},
    {"slice", "slices fill_with?", slice_list},
    {"sort", "reverse? case_sensitive? attribute?", sort},
    {"sum", "attribute? start?", sum},
    {"unique", "case_sensitive? attribute?", unique},
};

}  // namespace

Builtins list_filters() { return kFilters; }

}  // namespace avocado::jinja
