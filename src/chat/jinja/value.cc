#include "chat/jinja/value.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

namespace avocado::jinja {
namespace {

constexpr Undefined kNothing{"the value", "", false};

// Negative, zero, positive; nothing when one is not a number.
std::optional<int> compare_numbers(const Value& a, const Value& b) {
  if (a.is_integral() && b.is_integral())
    return a.integer() < b.integer() ? -1 : a.integer() > b.integer();
  // Every int64 is a long double on the machines at hand; elsewhere the last bits may tie.
  const long double x = a.is_integral() ? static_cast<long double>(a.integer()) : a.real();
  const long double y = b.is_integral() ? static_cast<long double>(b.integer()) : b.real();
  if (std::isnan(x) || std::isnan(y)) return std::nullopt;
  return x < y ? -1 : x > y;
}

constexpr uint32_t kManyEntries = 16;

// The text keys of a large dict, sorted once.
void index_names(Memory& memory, const Dict& dict) {
  const size_t count = dict.entries.size();
  uint32_t* order = memory.allocate<uint32_t>(count);
  uint32_t named = 0;
  for (size_t i = 0; i < count; ++i)
    if (dict.entries[i].key.is_text()) order[named++] = static_cast<uint32_t>(i);
  memory.step(count * 4);
  std::sort(order, order + named, [&](uint32_t a, uint32_t b) {
    return dict.entries[a].key.text().view() < dict.entries[b].key.text().view();
  });
  dict.by_name = order;
  dict.named = named;
}

}  // namespace

Value::Value() : type_(Type::undefined) { undefined_ = &kNothing; }

bool Value::same(const Value& other) const {
  if (type_ != other.type_) return false;
  if (is(Type::real)) return real_ == other.real_;
  return std::memcmp(&integer_, &other.integer_, sizeof integer_) == 0;
}

std::string Undefined::message() const {
  if (blocked)
    return fmt::format(
        "access to attribute '{}' of '{}' object is unsafe; templates may read "
        "values, not change them",
        name, owner);
  if (owner.empty())
    return fmt::format(
        "'{}' is undefined; give it with the conversation, or let the template test "
        "it with \"is defined\"",
        name);
  return fmt::format(
      "'{} object' has no attribute '{}'; give it with the conversation, or let the "
      "template test it with \"is defined\"",
      owner, name);
}

Value* Variables::find(Memory& memory, std::string_view name) const {
  memory.step(size / 8);
  for (uint32_t i = 0; i < size; ++i)
    if (data[i].name == name) return &data[i].value;
  return nullptr;
}

void Variables::set(Memory& memory, std::string_view name, const Value& value) {
  if (Value* old = find(memory, name)) {
    *old = value;
    return;
  }
  if (size == capacity) {
    capacity = capacity == 0 ? 2 : 2 * capacity;
    Variable* more = memory.allocate<Variable>(capacity);
    std::copy(data, data + size, more);
    data = more;
  }
  data[size++] = {name, value};
}

Value make_text(Memory& memory, const Text& text) { return memory.make<Text>(text); }

Value make_text(Memory& memory, std::string_view bytes, Origin origin) {
  TextBuilder builder(memory);
  builder.append(bytes, origin);
  return finish(memory, builder);
}

Value make_list(Memory& memory, std::span<const Value> items, List::Kind kind) {
  return memory.make<List>(memory.copy(items), kind);
}

Value make_dict(Memory& memory, std::span<const Entry> entries) {
  // Through an index when there are many, so that making stays far below quadratic.
  Entry* kept = memory.allocate<Entry>(entries.size());
  const auto all = memory.copy(entries);
  const Dict whole{all};
  if (all.size() > kManyEntries) index_names(memory, whole);
  size_t count = 0;
  for (size_t i = 0; i < all.size(); ++i) {
    const Entry& entry = all[i];
    check_key(entry.key);
    size_t at = count;
    if (entry.key.is_text() && whole.by_name) {
      // Equal names stand together in the index: is an earlier one there?
      const std::string_view name = entry.key.text().view();
      const uint32_t* first = std::lower_bound(
          whole.by_name, whole.by_name + whole.named, name,
          [&](uint32_t a, std::string_view b) { return all[a].key.text().view() < b; });
      const bool alone =
          first + 1 == whole.by_name + whole.named || all[first[1]].key.text().view() != name;
      if (alone) {
        kept[count++] = entry;
        continue;
      }
    }
    memory.step(1 + count / 8);
    for (size_t j = 0; j < count && at == count; ++j)
      if (kept[j].key.type() == entry.key.type() || !entry.key.is_text())
        if (equal(memory, kept[j].key, entry.key)) at = j;
    if (at == count) {
      kept[count++] = entry;
    } else {
      kept[at].value = entry.value;
    }
  }
  return memory.make<Dict>(std::span<const Entry>(kept, count));
}

Value make_undefined(Memory& memory, std::string_view name, std::string_view owner, bool blocked) {
  return memory.make<Undefined>(name, owner, blocked);
}

Value finish(Memory& memory, TextBuilder& builder) { return make_text(memory, builder.finish()); }

std::string_view type_name(const Value& value) {
  switch (value.type()) {
    case Type::undefined:
      return "Undefined";
    case Type::none:
      return "NoneType";
    case Type::boolean:
      return "bool";
    case Type::integer:
      return "int";
    case Type::real:
      return "float";
    case Type::text:
      return "str";
    case Type::list: {
      static constexpr std::string_view kNames[] = {
          "list", "tuple", "range", "dict_keys", "dict_values", "dict_items", "generator"};
      return kNames[static_cast<int>(value.list().kind)];
    }
    case Type::dict:
      return "dict";
    case Type::names:
      return "Namespace";
    case Type::callable:
      return "function";
    case Type::loop:
      return "LoopContext";
  }
  return "";
}

void fail_undefined(const Value& value) { throw Failure(value.undefined().message()); }

bool truth(const Value& value) {
  switch (value.type()) {
    case Type::undefined:
    case Type::none:
      return false;
    case Type::boolean:
    case Type::integer:
      return value.integer() != 0;
    case Type::real:
      return value.real() != 0;
    case Type::text:
      return value.text().size != 0;
    case Type::list:
      return value.list().kind == List::Kind::generator || !value.list().items.empty();
    case Type::dict:
      return !value.dict().entries.empty();
    default:
      return true;
  }
}

bool equal(Memory& memory, const Value& a, const Value& b) {
  memory.step();
  if (a.is_number() && b.is_number()) return compare_numbers(a, b) == 0;
  if (a.type() != b.type()) return false;
  const Nested nested(memory);
  switch (a.type()) {
    case Type::undefined:
    case Type::none:
      return true;
    case Type::text:
      memory.scan(std::min(a.text().size, b.text().size));
      return a.text().view() == b.text().view();
    case Type::list: {
      const List &x = a.list(), &y = b.list();
      if (&x == &y) return true;
      if (x.kind != y.kind || x.kind == List::Kind::generator || x.kind == List::Kind::values)
        return false;
      return std::equal(x.items.begin(), x.items.end(), y.items.begin(), y.items.end(),
                        [&](const Value& i, const Value& j) { return equal(memory, i, j); });
    }
    case Type::dict: {
      const Dict &x = a.dict(), &y = b.dict();
      if (x.entries.size() != y.entries.size()) return false;
      return std::all_of(x.entries.begin(), x.entries.end(), [&](const Entry& entry) {
        const Value* other = find(memory, y, entry.key);
        return other && equal(memory, entry.value, *other);
      });
    }
    default:
      return a.same(b);
  }
}

bool less(Memory& memory, const Value& a, const Value& b) {
  memory.step();
  if (a.is_undefined()) fail_undefined(a);
  if (b.is_undefined()) fail_undefined(b);
  if (a.is_number() && b.is_number()) return compare_numbers(a, b) < 0;
  if (a.is_text() && b.is_text()) {
    memory.scan(std::min(a.text().size, b.text().size));
    return a.text().view() < b.text().view();  // bytes of UTF-8 are in the order of code points
  }
  const Nested nested(memory);
  if (a.is(Type::list) && b.is(Type::list) && a.list().kind == b.list().kind &&
      a.list().kind <= List::Kind::tuple) {
    const auto x = a.list().items, y = b.list().items;
    for (size_t i = 0; i < std::min(x.size(), y.size()); ++i)
      if (!equal(memory, x[i], y[i])) return less(memory, x[i], y[i]);
    return x.size() < y.size();
  }
  throw Failure(fmt::format("'<' is not supported between {} and {}", type_name(a), type_name(b)));
}

bool contains(Memory& memory, const Value& container, const Value& item) {
  switch (container.type()) {
    case Type::undefined:
      return false;
    case Type::text: {
      if (item.is_undefined()) fail_undefined(item);
      if (!item.is_text())
        throw Failure(fmt::format("'in' a string takes a string, not {}", type_name(item)));
      return find(memory, container.text().view(), item.text().view()) != std::string_view::npos;
    }
    case Type::dict:
      return find(memory, container.dict(), item) != nullptr;
    default: {
      const auto items = iterate(memory, container);
      return std::any_of(items.begin(), items.end(),
                         [&](const Value& v) { return v.same(item) || equal(memory, v, item); });
    }
  }
}

int64_t length_of(Memory& memory, const Value& value) {
  switch (value.type()) {
    case Type::undefined:
      return 0;
    case Type::text:
      return length(memory, value.text());
    case Type::dict:
      return static_cast<int64_t>(value.dict().entries.size());
    case Type::list:
      if (value.list().kind != List::Kind::generator)
        return static_cast<int64_t>(value.list().items.size());
      [[fallthrough]];
    default:
      throw Failure(fmt::format("a value of type {} has no length", type_name(value)));
  }
}

std::span<const Value> iterate(Memory& memory, const Value& value) {
  switch (value.type()) {
    case Type::undefined:
      return {};
    case Type::list: {
      List& list = value.list();
      const auto items = list.items;
      if (list.kind == List::Kind::generator) list.items = {};
      return items;
    }
    case Type::dict: {
      const auto entries = value.dict().entries;
      Value* keys = memory.allocate<Value>(entries.size());
      memory.scan(entries.size() * sizeof(Entry));
      for (size_t i = 0; i < entries.size(); ++i) keys[i] = entries[i].key;
      return {keys, entries.size()};
    }
    case Type::text: {
      const Text& text = value.text();
      const auto count = static_cast<size_t>(length(memory, text));
      memory.step(count);
      Value* characters = memory.allocate<Value>(count);
      for (size_t i = 0, at = 0; i < count; ++i) {
        const size_t next = at + char_bytes(text.data[at]);
        characters[i] = make_text(memory, slice(memory, text, at, next));
        at = next;
      }
      return {characters, count};
    }
    default:
      throw Failure(fmt::format("a value of type {} cannot be iterated", type_name(value)));
  }
}

void check_key(const Value& key) {
  if (key.is(Type::list) && key.list().kind == List::Kind::tuple) {
    for (const Value& item : key.list().items) check_key(item);
  } else if (key.is(Type::dict) || (key.is(Type::list) && key.list().kind == List::Kind::list)) {
    throw Failure(fmt::format("a {} cannot be the key of a dict, nor unique", type_name(key)));
  }
}

void sort_by_key(Memory& memory, std::vector<Entry>& entries) {
  std::stable_sort(entries.begin(), entries.end(),
                   [&](const Entry& a, const Entry& b) { return less(memory, a.key, b.key); });
}

const Value* find(Memory& memory, const Dict& dict, std::string_view key) {
  if (dict.entries.size() <= kManyEntries) {
    for (const Entry& entry : dict.entries)
      if (entry.key.is_text() && entry.key.text().view() == key) return &entry.value;
    return nullptr;
  }
  memory.step();
  if (!dict.by_name) index_names(memory, dict);
  const uint32_t* end = dict.by_name + dict.named;
  const uint32_t* at = std::lower_bound(
      dict.by_name, end, key,
      [&](uint32_t a, std::string_view b) { return dict.entries[a].key.text().view() < b; });
  const bool found = at != end && dict.entries[*at].key.text().view() == key;
  return found ? &dict.entries[*at].value : nullptr;
}

const Value* find(Memory& memory, const Dict& dict, const Value& key) {
  if (key.is_text()) return find(memory, dict, key.text().view());
  check_key(key);
  memory.step(dict.entries.size() / 8);
  for (const Entry& entry : dict.entries)
    if (!entry.key.is_text() && equal(memory, entry.key, key)) return &entry.value;
  return nullptr;
}

}  // namespace avocado::jinja
