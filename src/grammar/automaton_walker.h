#pragma once
// Walks an automaton whose states are numbers: of a regular expression, of a list of choices, of a
// grammar. Automaton needs start(), next(state, byte), complete(state), memory(), kDead.

#include <mutex>
#include <unordered_map>
#include <vector>

#include "grammar/automaton_mask.h"
#include "grammar/matcher.h"
#include "grammar/walker.h"

namespace avocado::grammar {

template <class Automaton>
class AutomatonConstraint final : public Constraint {
 public:
  explicit AutomatonConstraint(Automaton automaton) : automaton_(std::move(automaton)) {}

  size_t memory() const override {
    const std::lock_guard lock(mutex_);
    size_t bytes = automaton_.memory();
    for (const auto& [state, mask] : masks_) bytes += mask.size() * sizeof(uint32_t) + 64;
    return bytes + mask_.memory();
  }
  std::unique_ptr<Walker> start() const override { return std::make_unique<Place>(*this); }

 private:
  class Place final : public Walker {
   public:
    explicit Place(const AutomatonConstraint& owner) : owner_(owner) {
      const std::lock_guard lock(owner_.mutex_);
      states_.push_back(owner_.automaton_.start());
    }
    std::unique_ptr<Walker> clone() const override { return std::make_unique<Place>(*this); }
    std::unique_ptr<Walker> fork() const override {
      auto copy = std::make_unique<Place>(*this);
      copy->states_.erase(copy->states_.begin(), copy->states_.end() - 1);
      return copy;
    }

    bool push(std::string_view bytes) override {
      const std::lock_guard lock(owner_.mutex_);
      uint32_t state = states_.back();
      for (const char byte : bytes) {
        state = owner_.automaton_.next(state, static_cast<uint8_t>(byte));
        if (state == Automaton::kDead) return false;
      }
      states_.push_back(state);
      return true;
    }
    void pop(size_t count) override { states_.resize(states_.size() - count); }
    size_t pushes() const override { return states_.size() - 1; }
    bool complete() const override {
      const std::lock_guard lock(owner_.mutex_);
      return owner_.automaton_.complete(states_.back());
    }
    void mask(const TokenTrie& trie, std::span<uint32_t> bits) override {
      const std::lock_guard lock(owner_.mutex_);
      const std::vector<uint32_t>& known = owner_.mask_of(trie, states_.back());
      std::copy(known.begin(), known.end(), bits.begin());
    }
    std::bitset<256> next_bytes() override {
      const std::lock_guard lock(owner_.mutex_);
      std::bitset<256> bytes;
      for (int byte = 0; byte < 256; ++byte)
        bytes[byte] =
            owner_.automaton_.next(states_.back(), static_cast<uint8_t>(byte)) != Automaton::kDead;
      return bytes;
    }

   private:
    const AutomatonConstraint& owner_;
    std::vector<uint32_t> states_;  // at the start and after each push
  };

  const std::vector<uint32_t>& mask_of(const TokenTrie& trie, uint32_t state) const {
    constexpr size_t kMasks = 256;
    if (trie.serial() != masks_for_ || masks_.size() >= kMasks) masks_.clear();
    masks_for_ = trie.serial();
    const auto known = masks_.find(state);
    if (known != masks_.end()) return known->second;
    std::vector<uint32_t> mask(trie.mask_words());
    mask_.fill(automaton_, state, trie, mask);
    return masks_[state] = std::move(mask);
  }

  mutable std::mutex mutex_;
  mutable Automaton automaton_;
  mutable AutomatonMask<Automaton> mask_;
  mutable std::unordered_map<uint32_t, std::vector<uint32_t>> masks_;
  mutable uint64_t masks_for_ = 0;  // serial of the trie; an address may come back
};

}  // namespace avocado::grammar
