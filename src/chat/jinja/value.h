#pragma once
// Values of a template, with Python's meaning: what is true, equal, less, iterable. All but numbers
// live in a render's Memory and are immutable, save namespaces and the position of a generator.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "chat/jinja/memory.h"
#include "chat/jinja/text.h"

namespace avocado::jinja {

struct Undefined;
struct List;
struct Dict;
struct Namespace;
struct Callable;
struct Loop;

enum class Type : uint8_t {
  undefined,
  none,
  boolean,
  integer,
  real,
  text,
  list,  // and all that is one after the other: tuple, range, views of a dict, generators
  dict,
  names,  // namespace()
  callable,
  loop  // the variable `loop`
};

class Value {
 public:
  Value();  // undefined, of no name
  Value(std::nullptr_t) : type_(Type::none) { integer_ = 0; }
  Value(bool value) : type_(Type::boolean) { integer_ = value; }
  Value(int64_t value) : type_(Type::integer) { integer_ = value; }
  Value(double value) : type_(Type::real) { real_ = value; }
  Value(const Undefined* value) : type_(Type::undefined) { undefined_ = value; }
  Value(const Text* value) : type_(Type::text) { text_ = value; }
  Value(List* value) : type_(Type::list) { list_ = value; }
  Value(const Dict* value) : type_(Type::dict) { dict_ = value; }
  Value(Namespace* value) : type_(Type::names) { names_ = value; }
  Value(const Callable* value) : type_(Type::callable) { callable_ = value; }
  Value(Loop* value) : type_(Type::loop) { loop_ = value; }

  Type type() const { return type_; }
  bool is(Type type) const { return type_ == type; }
  bool is_undefined() const { return is(Type::undefined); }
  bool is_none() const { return is(Type::none); }
  bool is_text() const { return is(Type::text); }
  bool is_number() const { return is_integral() || is(Type::real); }
  bool is_integral() const { return is(Type::integer) || is(Type::boolean); }  // bool is an int

  int64_t integer() const { return integer_; }  // of a boolean too
  double real() const { return is(Type::real) ? real_ : static_cast<double>(integer_); }
  const Undefined& undefined() const { return *undefined_; }
  const Text& text() const { return *text_; }
  List& list() const { return *list_; }
  const Dict& dict() const { return *dict_; }
  Namespace& names() const { return *names_; }
  const Callable& callable() const { return *callable_; }
  Loop& loop() const { return *loop_; }
  // Whether both are one object.
  bool same(const Value& other) const;

 private:
  Type type_;
  union {
    int64_t integer_;
    double real_;
    const Undefined* undefined_;
    const Text* text_;
    List* list_;
    const Dict* dict_;
    Namespace* names_;
    const Callable* callable_;
    Loop* loop_;
  };
};

// What is missing, kept for the message when it is used.
struct Undefined {
  std::string_view name;   // of the variable or attribute
  std::string_view owner;  // the type that lacks the attribute; empty for a variable
  bool blocked = false;    // it exists in Python, and templates may not use it
  std::string message() const;
};

struct List {
  enum class Kind : uint8_t { list, tuple, range, keys, values, items, generator };
  std::span<const Value> items;
  Kind kind = Kind::list;
};

struct Entry {
  Value key, value;
};

struct Dict {
  std::span<const Entry> entries;             // in the order they came
  mutable const uint32_t* by_name = nullptr;  // text keys in order, for large ones
  mutable uint32_t named = 0;
};

// Variables by name: a namespace(), or the variables of a block.
struct Variables {
  struct Variable {
    std::string_view name;
    Value value;
  };
  Variable* data = nullptr;
  uint32_t size = 0, capacity = 0;

  Value* find(Memory& memory, std::string_view name) const;
  void set(Memory& memory, std::string_view name, const Value& value);
};

struct Namespace {
  Variables variables;
};

// Makers.
Value make_text(Memory& memory, const Text& text);
Value make_text(Memory& memory, std::string_view bytes, Origin origin = 0);  // copies the bytes
Value make_list(Memory& memory, std::span<const Value> items, List::Kind kind = List::Kind::list);
Value make_dict(Memory& memory, std::span<const Entry> entries);  // a later key replaces
Value make_undefined(Memory& memory, std::string_view name, std::string_view owner = {},
                     bool blocked = false);
Value finish(Memory& memory, TextBuilder& builder);

// Items as they come; charged as they are kept.
class Items {
 public:
  explicit Items(Memory& memory) : memory_(memory) {}
  void push(const Value& value) {
    memory_.step();
    memory_.charge(sizeof(Value));
    items_.push_back(value);
  }
  std::vector<Value>& all() { return items_; }
  Value finish(List::Kind kind = List::Kind::list) { return make_list(memory_, items_, kind); }

 private:
  Memory& memory_;
  std::vector<Value> items_;
};

// "str", "int", "dict", ...
std::string_view type_name(const Value& value);
// Throws Failure: the undefined value is used as if it were there.
[[noreturn]] void fail_undefined(const Value& value);

bool truth(const Value& value);
bool equal(Memory& memory, const Value& a, const Value& b);
// a < b as sorting and comparing have it. Throws Failure for types that have no order.
bool less(Memory& memory, const Value& a, const Value& b);
// `item in container`.
bool contains(Memory& memory, const Value& container, const Value& item);
// len(); throws Failure for what has none.
int64_t length_of(Memory& memory, const Value& value);
// What a for loop sees: elements, characters, keys. A generator is empty afterwards. Throws Failure
// for what cannot be iterated.
std::span<const Value> iterate(Memory& memory, const Value& value);
// Throws Failure for what Python cannot hash: lists and dicts, which are no keys of a dict.
void check_key(const Value& key);
// Sorts by key, as less() has it.
void sort_by_key(Memory& memory, std::vector<Entry>& entries);
// Null when absent. Throws Failure for a key that cannot be one (a list).
const Value* find(Memory& memory, const Dict& dict, const Value& key);
const Value* find(Memory& memory, const Dict& dict, std::string_view key);

}  // namespace avocado::jinja
