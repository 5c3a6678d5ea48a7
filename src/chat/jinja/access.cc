#include "chat/jinja/access.h"

#include "chat/jinja/builtins.h"
#include "chat/jinja/loop.h"
#include "chat/jinja/operators.h"

namespace avocado::jinja {
namespace {

Builtins methods_of(const Value& value) {
  switch (value.type()) {
    case Type::text:
      return text_methods();
    case Type::dict:
      return dict_methods();
    case Type::list:
      return value.list().kind <= List::Kind::range ? list_methods() : Builtins{};
    case Type::loop:
      return loop_methods();
    default:
      return {};
  }
}

// What Python's getattr gives; false when there is no such attribute.
bool native(Memory& memory, const Value& value, std::string_view name, Value& result) {
  if (value.is(Type::names)) {
    const Value* found = value.names().variables.find(memory, name);
    if (found) result = *found;
    return found != nullptr;
  }
  if (value.is(Type::loop) && loop_attribute(memory, value.loop(), name, result)) return true;
  if (value.is(Type::callable) && value.callable().macro && name == "name") {
    result = make_text(memory, value.callable().name);
    return true;
  }
  const Builtin* method = find_builtin(methods_of(value), name);
  if (!method) return false;
  // Lists change by methods that tuples and ranges do not have.
  if (!method->run && value.is(Type::list) && value.list().kind != List::Kind::list) return false;
  result = method->run ? Value(memory.make<Callable>(method->name, method, value))
                       : make_undefined(memory, method->name, type_name(value), true);
  return true;
}

}  // namespace

Value attribute(Memory& memory, const Value& value, std::string_view name) {
  memory.step();
  if (value.is_undefined()) fail_undefined(value);
  Value result;
  if (native(memory, value, name, result)) return result;
  if (value.is(Type::dict))
    if (const Value* found = find(memory, value.dict(), name)) return *found;
  return make_undefined(memory, name, type_name(value));
}

Value subscript(Memory& memory, const Value& value, const Value& index) {
  memory.step();
  if (value.is_undefined()) fail_undefined(value);
  Value result;
  if (const Value* found = element(memory, value, index, result)) return *found;
  if (index.is_text() && native(memory, value, index.text().view(), result)) return result;
  const std::string_view name = index.is_text()       ? index.text().view()
                                : index.is_integral() ? std::string_view("[index]")
                                                      : std::string_view("[...]");
  return make_undefined(memory, name, type_name(value));
}

}  // namespace avocado::jinja
