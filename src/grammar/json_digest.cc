#include "grammar/json_digest.h"

#include <nlohmann/json.hpp>

#include "grammar/decimal.h"

namespace avocado::grammar {
namespace {

uint64_t mix(uint64_t hash, uint64_t value) {
  hash = (hash ^ value) * 0x9e3779b97f4a7c15;
  return hash ^ hash >> 29;
}

uint64_t digest_text(std::string_view text, uint64_t hash) {
  for (const char c : text) hash = mix(hash, static_cast<uint8_t>(c));
  return mix(hash, text.size());
}

uint64_t digest(const nlohmann::json& value) {
  switch (value.type()) {
    case nlohmann::json::value_t::null:
      return 11;
    case nlohmann::json::value_t::boolean:
      return value.get<bool>() ? 13 : 12;
    case nlohmann::json::value_t::string:
      return digest_text(value.get_ref<const std::string&>(), 14);
    case nlohmann::json::value_t::array: {
      uint64_t hash = 15;
      for (const nlohmann::json& part : value) hash = mix(hash, digest(part));
      return mix(hash, value.size());
    }
    case nlohmann::json::value_t::object: {
      uint64_t hash = 16;  // members are sorted by name
      for (const auto& [name, part] : value.items())
        hash = mix(digest_text(name, hash), digest(part));
      return mix(hash, value.size());
    }
    default: {
      const Decimal number = Decimal::parse(value.dump());
      const uint64_t hash = mix(number.negative ? 17 : 18, static_cast<uint64_t>(number.exponent));
      return digest_text(number.digits, hash);
    }
  }
}

}  // namespace

uint64_t json_digest(std::string_view text) {
  return digest(nlohmann::json::parse(text.begin(), text.end(), nullptr, false));
}

}  // namespace avocado::grammar
