// Constraints by JSON schemas.

#include <mutex>

#include "base/error.h"
#include "files/json.h"
#include "grammar/json_machine.h"
#include "grammar/walker.h"

namespace avocado::grammar {
namespace {

class JsonConstraint final : public Constraint {
 public:
  explicit JsonConstraint(SchemaSet set) : plans_(std::move(set)) {}

  size_t memory() const override {
    const std::lock_guard lock(mutex_);
    return plans_.memory();
  }
  std::unique_ptr<Walker> start() const override { return std::make_unique<Place>(*this); }

 private:
  class Place final : public Walker {
   public:
    explicit Place(const JsonConstraint& owner) : owner_(owner), machine_(owner.plans_) {
      states_.push_back(machine_.start());
    }
    std::unique_ptr<Walker> clone() const override { return std::make_unique<Place>(*this); }
    std::unique_ptr<Walker> fork() const override {
      auto copy = std::make_unique<Place>(*this);
      copy->states_.erase(copy->states_.begin(), copy->states_.end() - 1);
      return copy;
    }

    bool push(std::string_view bytes) override {
      const std::lock_guard lock(owner_.mutex_);
      JsonMachine::State state = states_.back();
      for (const char byte : bytes)
        if (!machine_.step(state, static_cast<uint8_t>(byte))) return false;
      states_.push_back(state);
      return true;
    }
    void pop(size_t count) override { states_.resize(states_.size() - count); }
    size_t pushes() const override { return states_.size() - 1; }
    bool complete() const override {
      const std::lock_guard lock(owner_.mutex_);
      return machine_.complete(states_.back());
    }
    void mask(const TokenTrie& trie, std::span<uint32_t> bits) override {
      const std::lock_guard lock(owner_.mutex_);
      machine_.mask(states_.back(), trie, bits);
    }
    std::bitset<256> next_bytes() override {
      const std::lock_guard lock(owner_.mutex_);
      std::bitset<256> bytes;
      for (int byte = 0; byte < 256; ++byte) {
        JsonMachine::State state = states_.back();
        bytes[byte] = machine_.step(state, static_cast<uint8_t>(byte));
      }
      return bytes;
    }

   private:
    const JsonConstraint& owner_;
    mutable JsonMachine machine_;
    std::vector<JsonMachine::State> states_;  // at the start and after each push
  };

  mutable std::mutex mutex_;
  mutable Plans plans_;
};

}  // namespace

std::shared_ptr<const Constraint> Constraint::from_parsed_schema(const nlohmann::json& schema,
                                                                 const SchemaOptions& options) {
  return std::make_shared<JsonConstraint>(read_schema(schema, options));
}

std::shared_ptr<const Constraint> Constraint::from_json_schema(std::string_view schema,
                                                               const SchemaOptions& options) {
  try {
    return from_parsed_schema(parse_json(schema, "schema", {.depth = 256}), options);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::input) throw;
    fail_usage("{}", error.what());
  }
}

std::shared_ptr<const Constraint> Constraint::from_json_object(const SchemaOptions& options) {
  return from_parsed_schema(nlohmann::json{{"type", "object"}}, options);
}

}  // namespace avocado::grammar
