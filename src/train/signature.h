#pragma once
// Ed25519 signatures (RFC 8032) by OpenSSL. Keys and signatures as text are lower-case hex digits:
// 64 of a public key, 128 of a signature.

#include <array>
#include <memory>
#include <string>
#include <string_view>

namespace avocado {

class SigningKey {
 public:
  // From the random numbers of the operating system.
  static SigningKey make();
  // From the 32 bytes of RFC 8032, as in its test vectors.
  static SigningKey from_seed(const std::array<unsigned char, 32>& seed);
  // A PEM file ("PRIVATE KEY", not encrypted). Throws Error(input) when it is none, or when other
  // users may read it.
  static SigningKey load(const std::string& path);
  // As a new PEM file that its owner alone may read. Throws Error(input) when the file is there.
  void save(const std::string& path) const;

  std::string public_key() const;
  std::string sign(std::string_view message) const;

 private:
  struct Impl;
  explicit SigningKey(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const Impl> impl_;
};

// Whether the text is `count` lower-case hex digits.
bool is_hex(std::string_view text, size_t count);

bool signature_holds(const std::string& public_key, const std::string& signature,
                     std::string_view message);

// SHA-256 over the 32 bytes of a public key, as "sha256:" and 64 hex digits.
std::string key_fingerprint(const std::string& public_key);

// A public key as its owner gives it out: 64 hex digits, a fingerprint ("sha256:...") or a PEM file
// ("PUBLIC KEY"). Returns the key's hex digits, or the fingerprint as it is. Throws Error(input).
std::string read_trusted_key(const std::string& text);

}  // namespace avocado
