#include "files/json.h"

#include <unordered_set>
#include <vector>

#include "base/error.h"
#include "files/budget.h"
#include "files/printable.h"

namespace avocado {
namespace {

// The parser copies a string several times before its user sees it, so lengths and depth are
// checked on the text itself first. Anything malformed is left for the parser to name.
void check_limits(std::string_view text, const std::string& name, const JsonLimits& limits) {
  size_t depth = 0, string_start = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\0') fail_input("{}: byte {} of the JSON is zero", name, i);
    if (in_string) {
      if (i - string_start > limits.string_bytes) {
        fail_input("{}: a JSON string at byte {} is longer than {} bytes", name, string_start,
                   limits.string_bytes);
      }
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
      string_start = i;
    } else if (c == '[' || c == '{') {
      if (++depth > limits.depth)
        fail_input("{}: JSON is nested deeper than {} levels", name, limits.depth);
    } else if ((c == ']' || c == '}') && depth > 0) {
      --depth;
    }
  }
}

// Adds a member to an object; null when the key is there already.
nlohmann::json* add_member(nlohmann::json::object_t& object, const std::string& key,
                           std::unordered_set<std::string>&) {
  const auto [at, added] = object.try_emplace(key);
  return added ? &at->second : nullptr;
}

// An ordered object is a list of pairs, which would look through all of them.
nlohmann::ordered_json* add_member(nlohmann::ordered_json::object_t& object, const std::string& key,
                                   std::unordered_set<std::string>& keys) {
  if (!keys.insert(key).second) return nullptr;
  using Pairs = std::vector<std::pair<const std::string, nlohmann::ordered_json>>;
  return &static_cast<Pairs&>(object).emplace_back(key, nullptr).second;
}

// Builds the document, charging the budget for each value and refusing duplicate keys.
template <class Json>
class Builder final : public Json::json_sax_t {
 public:
  Builder(const std::string& name, Budget budget) : name_(name), budget_(budget) {}
  Json root;

  bool null() override { return put(nullptr); }
  bool boolean(bool value) override { return put(value); }
  bool number_integer(int64_t value) override { return put(value); }
  bool number_unsigned(uint64_t value) override { return put(value); }
  bool number_float(double value, const std::string&) override { return put(value); }
  bool string(std::string& value) override {
    budget_.take(kStringCost + value.size());
    return put(value);
  }
  bool binary(typename Json::binary_t&) override { return false; }  // does not occur in JSON text

  bool start_object(size_t) override { return open(Json::object()); }
  bool start_array(size_t) override { return open(Json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(std::string& key) override {
    budget_.take(kKeyCost + key.size());
    auto& object = open_.back()->template get_ref<typename Json::object_t&>();
    member_ = add_member(object, key, keys_.back());
    if (!member_)
      fail_input("{}: the JSON key {} occurs twice in one object", name_, printable(key));
    return true;
  }

  bool parse_error(size_t position, const std::string&,
                   const nlohmann::detail::exception& error) override {
    fail_input("{}: is not valid JSON at byte {}: {}", name_, position, printable(error.what()));
  }

 private:
  // Upper bounds of what the containers take, the doubling of arrays included.
  static constexpr uint64_t kValueCost = 3 * sizeof(Json), kStringCost = 64, kKeyCost = 128,
                            kContainerCost = 80;

  Json* place(Json&& value) {
    budget_.take(kValueCost);
    if (open_.empty()) {
      root = std::move(value);
      return &root;
    }
    if (open_.back()->is_array())
      return &open_.back()->template get_ref<typename Json::array_t&>().emplace_back(
          std::move(value));
    *member_ = std::move(value);
    return member_;
  }
  bool put(Json value) {
    place(std::move(value));
    return true;
  }
  bool open(Json container) {
    budget_.take(kContainerCost);
    open_.push_back(place(std::move(container)));
    keys_.emplace_back();
    return true;
  }
  bool close() {
    open_.pop_back();
    keys_.pop_back();
    return true;
  }

  const std::string& name_;
  Budget budget_;
  std::vector<Json*> open_;                            // containers not yet closed, outermost first
  std::vector<std::unordered_set<std::string>> keys_;  // of each of them
  Json* member_ = nullptr;                             // where the value of the last key goes
};

template <class Json>
Json parse(std::string_view text, const std::string& name, const JsonLimits& limits) {
  check_limits(text, name, limits);
  Builder<Json> builder(name, Budget(name, text.size(), limits.memory));
  Json::sax_parse(text.begin(), text.end(), &builder);
  return std::move(builder.root);
}

}  // namespace

nlohmann::json parse_json(std::string_view text, const std::string& name,
                          const JsonLimits& limits) {
  return parse<nlohmann::json>(text, name, limits);
}

nlohmann::ordered_json parse_ordered_json(std::string_view text, const std::string& name,
                                          const JsonLimits& limits) {
  return parse<nlohmann::ordered_json>(text, name, limits);
}

}  // namespace avocado
