#pragma once
// SHA-256 (FIPS 180-4) by OpenSSL, for digests of weights, checkpoints, logits and data.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace avocado {

using Digest = std::array<std::byte, 32>;

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  Sha256& update(std::span<const std::byte> bytes);
  Sha256& update(std::string_view text);
  // Little-endian bytes of a number or of an array of numbers.
  Sha256& update(uint64_t number);
  template <class T>
  Sha256& update_array(std::span<const T> values) {
    return update(std::as_bytes(values));
  }
  // Digest so far, as it is or as 64 lower-case hex digits; the state is finished afterwards.
  Digest digest();
  std::string hex();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string sha256_hex(std::span<const std::byte> bytes);
// Streams the file; throws Error when it cannot be read.
std::string sha256_file(const std::string& path);

}  // namespace avocado
