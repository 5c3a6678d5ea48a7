#include "chat/jinja/operators.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "chat/jinja/format.h"

namespace avocado::jinja {
namespace {

constexpr std::string_view kSigns[] = {"+", "-", "*", "/", "//", "%", "**"};

[[noreturn]] void fail_types(Operator op, const Value& a, const Value& b) {
  throw Failure(fmt::format("'{}' is not supported between {} and {}", kSigns[static_cast<int>(op)],
                            type_name(a), type_name(b)));
}

[[noreturn]] void fail_overflow() {
  throw Failure("an integer leaves 64 bits; templates here compute within them");
}

[[noreturn]] void fail_zero() { throw Failure("division by zero"); }

int64_t floor_divide(int64_t a, int64_t b) {
  if (b == 0) fail_zero();
  if (b == -1) {
    if (a == std::numeric_limits<int64_t>::min()) fail_overflow();
    return -a;
  }
  return a / b - ((a % b != 0) && ((a < 0) != (b < 0)));
}

int64_t modulo(int64_t a, int64_t b) {
  if (b == 0) fail_zero();
  if (b == -1) return 0;
  const int64_t rest = a % b;
  return rest != 0 && ((rest < 0) != (b < 0)) ? rest + b : rest;
}

double modulo(double a, double b) {
  if (b == 0) fail_zero();
  double rest = std::fmod(a, b);
  if (rest == 0) return std::copysign(0.0, b);
  if ((rest < 0) != (b < 0)) rest += b;
  return rest;
}

double floor_divide(double a, double b) {
  const double rest = modulo(a, b);
  const double quotient = (a - rest) / b;
  if (quotient == 0) return std::copysign(0.0, a / b);
  const double floor = std::floor(quotient);
  return quotient - floor > 0.5 ? floor + 1 : floor;
}

Value power(int64_t base, int64_t exponent) {
  if (exponent < 0) {
    if (base == 0) fail_zero();
    return std::pow(static_cast<double>(base), static_cast<double>(exponent));
  }
  int64_t result = 1;
  if (base == 1 || base == -1) return exponent % 2 ? base : int64_t{1};
  if (base == 0) return int64_t{exponent == 0};
  for (int64_t i = 0; i < exponent; ++i)
    if (__builtin_mul_overflow(result, base, &result)) fail_overflow();
  return result;
}

Value apply_integers(Operator op, int64_t a, int64_t b) {
  int64_t result = 0;
  switch (op) {
    case Operator::add:
      if (__builtin_add_overflow(a, b, &result)) fail_overflow();
      return result;
    case Operator::subtract:
      if (__builtin_sub_overflow(a, b, &result)) fail_overflow();
      return result;
    case Operator::multiply:
      if (__builtin_mul_overflow(a, b, &result)) fail_overflow();
      return result;
    case Operator::divide:
      if (b == 0) fail_zero();
      return static_cast<double>(static_cast<long double>(a) / static_cast<long double>(b));
    case Operator::floor_divide:
      return floor_divide(a, b);
    case Operator::modulo:
      return modulo(a, b);
    case Operator::power:
      return power(a, b);
  }
  return result;
}

Value apply_reals(Operator op, double a, double b) {
  switch (op) {
    case Operator::add:
      return a + b;
    case Operator::subtract:
      return a - b;
    case Operator::multiply:
      return a * b;
    case Operator::divide:
      if (b == 0) fail_zero();
      return a / b;
    case Operator::floor_divide:
      return floor_divide(a, b);
    case Operator::modulo:
      return modulo(a, b);
    case Operator::power: {
      if (a == 0 && b < 0) fail_zero();
      if (a < 0 && b != std::floor(b)) throw Failure("a root of a negative number is not real");
      const double result = std::pow(a, b);
      if (std::isinf(result) && std::isfinite(a) && std::isfinite(b))
        throw Failure("the result of ** is too large");
      return result;
    }
  }
  return 0.0;
}

bool is_sequence(const Value& v) { return v.is(Type::list) && v.list().kind <= List::Kind::tuple; }

Value repeat(Memory& memory, const Value& sequence, int64_t count) {
  if (sequence.is_text()) {
    TextBuilder out(memory);
    out.append_times(sequence.text(), count);
    Text text = out.finish();
    text.markup = sequence.text().markup;
    return make_text(memory, text);
  }
  const auto items = sequence.list().items;
  const uint64_t times = count > 0 && !items.empty() ? static_cast<uint64_t>(count) : 0;
  if (times > std::numeric_limits<uint32_t>::max()) memory.charge(UINT64_MAX);
  Value* all = memory.allocate<Value>(items.size() * times);
  memory.step(items.size() * times / 8 + times / 8);
  for (uint64_t i = 0; i < times; ++i)
    std::copy(items.begin(), items.end(), all + i * items.size());
  return memory.make<List>(std::span<const Value>(all, items.size() * times), sequence.list().kind);
}

// The index of an element, counted from the end when negative; nothing when outside.
bool place(int64_t index, int64_t size, int64_t& at) {
  at = index < 0 ? index + size : index;
  return at >= 0 && at < size;
}

}  // namespace

Value apply(Memory& memory, Operator op, const Value& a, const Value& b) {
  if (a.is_integral() && b.is_integral()) return apply_integers(op, a.integer(), b.integer());
  if (a.is_number() && b.is_number()) return apply_reals(op, a.real(), b.real());
  if (op == Operator::modulo && a.is_text()) return format_percent(memory, a.text(), b);
  if (a.is_undefined()) fail_undefined(a);
  if (b.is_undefined()) fail_undefined(b);
  if (op == Operator::add) {
    if (a.is_text() && b.is_text()) {
      const bool markup = a.text().markup || b.text().markup;
      TextBuilder out(memory);
      out.append(markup ? escape(memory, a.text()) : a.text());
      out.append(markup ? escape(memory, b.text()) : b.text());
      Text sum = out.finish();
      sum.markup = markup;
      return make_text(memory, sum);
    }
    if (is_sequence(a) && is_sequence(b) && a.list().kind == b.list().kind) {
      const auto x = a.list().items, y = b.list().items;
      Value* all = memory.allocate<Value>(x.size() + y.size());
      memory.step((x.size() + y.size()) / 8);
      std::copy(y.begin(), y.end(), std::copy(x.begin(), x.end(), all));
      return memory.make<List>(std::span<const Value>(all, x.size() + y.size()), a.list().kind);
    }
  }
  if (op == Operator::multiply) {
    if ((a.is_text() || is_sequence(a)) && b.is_integral()) return repeat(memory, a, b.integer());
    if ((b.is_text() || is_sequence(b)) && a.is_integral()) return repeat(memory, b, a.integer());
  }
  fail_types(op, a, b);
}

Value negate(const Value& value) {
  if (value.is_undefined()) fail_undefined(value);
  if (value.is(Type::real)) return -value.real();
  if (!value.is_integral())
    throw Failure(fmt::format("'-' is not supported before {}", type_name(value)));
  return apply_integers(Operator::subtract, 0, value.integer());
}

Value plus(const Value& value) {
  if (value.is_undefined()) fail_undefined(value);
  if (!value.is_number())
    throw Failure(fmt::format("'+' is not supported before {}", type_name(value)));
  return value.is_integral() ? Value(value.integer()) : value;
}

const Value* element(Memory& memory, const Value& container, const Value& index, Value& storage) {
  int64_t at = 0;
  if (container.is(Type::dict)) {
    if (index.is(Type::dict) || (index.is(Type::list) && index.list().kind == List::Kind::list))
      return nullptr;
    return find(memory, container.dict(), index);
  }
  if (!index.is_integral()) return nullptr;
  if (container.is(Type::list) && container.list().kind <= List::Kind::range) {
    const auto items = container.list().items;
    return place(index.integer(), static_cast<int64_t>(items.size()), at)
               ? &items[static_cast<size_t>(at)]
               : nullptr;
  }
  if (container.is_text()) {
    const Text& text = container.text();
    if (!place(index.integer(), length(memory, text), at)) return nullptr;
    const size_t byte = byte_of(memory, text, at);
    storage = make_text(memory, slice(memory, text, byte, byte + char_bytes(text.data[byte])));
    return &storage;
  }
  return nullptr;
}

bool cut(Memory& memory, const Value& container, const Value& begin, const Value& end,
         const Value& step, Value& result) {
  if (!container.is_text() &&
      !(container.is(Type::list) && container.list().kind <= List::Kind::range))
    return false;
  for (const Value* bound : {&begin, &end, &step})
    if (!bound->is_none() && !bound->is_integral()) return false;
  const int64_t stride = step.is_none() ? 1 : step.integer();
  if (stride == 0) throw Failure("the step of a slice cannot be zero");
  const int64_t size = container.is_text() ? length(memory, container.text())
                                           : static_cast<int64_t>(container.list().items.size());
  const int64_t lowest = stride > 0 ? 0 : -1, highest = stride > 0 ? size : size - 1;
  const auto bound = [&](const Value& value, int64_t otherwise) {
    if (value.is_none()) return otherwise;
    const int64_t at = value.integer() < 0 ? value.integer() + size : value.integer();
    return std::min(std::max(at, lowest), highest);
  };
  const int64_t from = bound(begin, stride > 0 ? lowest : highest);
  const int64_t to = bound(end, stride > 0 ? highest : lowest);
  if (stride == 1) {
    const int64_t stop = std::max(from, to);
    if (container.is_text()) {
      const Text& text = container.text();
      const size_t first = byte_of(memory, text, from), last = byte_of(memory, text, stop);
      result = make_text(memory, slice(memory, text, first, last));
    } else {
      result = memory.make<List>(container.list().items.subspan(static_cast<size_t>(from),
                                                                static_cast<size_t>(stop - from)),
                                 container.list().kind);
    }
    return true;
  }
  const auto items = iterate(memory, container);
  Items picked(memory);
  for (int64_t i = from; stride > 0 ? i < to : i > to;) {
    picked.push(items[static_cast<size_t>(i)]);
    if (__builtin_add_overflow(i, stride, &i)) break;
  }
  if (container.is_text()) {
    TextBuilder out(memory);
    for (const Value& character : picked.all()) out.append(character.text());
    result = finish(memory, out);
  } else {
    result = picked.finish(container.list().kind);
  }
  return true;
}

}  // namespace avocado::jinja
