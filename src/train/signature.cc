#include "train/signature.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>
#include <vector>

#include "base/error.h"
#include "base/sha256.h"
#include "files/atomic_file.h"

namespace avocado {
namespace {

constexpr size_t kKeyBytes = 32, kSignatureBytes = 64;
constexpr std::string_view kFingerprint = "sha256:";

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Memory = std::unique_ptr<BIO, decltype(&BIO_free_all)>;
using Context = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;

[[noreturn]] void fail_openssl() {
  fail_resource("Ed25519 is not available in the OpenSSL library of this machine");
}

std::string hex(std::span<const unsigned char> bytes) {
  std::string text;
  for (const unsigned char byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

// Of text that is_hex has checked.
std::vector<unsigned char> bytes_of_hex(std::string_view text) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::vector<unsigned char> bytes;
  for (size_t i = 0; i + 1 < text.size(); i += 2)
    bytes.push_back(static_cast<unsigned char>(digit(text[i]) * 16 + digit(text[i + 1])));
  return bytes;
}

std::string public_hex(const EVP_PKEY* key) {
  std::array<unsigned char, kKeyBytes> bytes;
  size_t size = bytes.size();
  if (EVP_PKEY_get_raw_public_key(key, bytes.data(), &size) != 1 || size != bytes.size())
    fail_openssl();
  return hex(bytes);
}

const unsigned char* data(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

// No passphrase is asked for: an encrypted key is refused.
int no_passphrase(char*, int, int, void*) { return -1; }

template <class Read>
Key read_pem(const std::string& path, const char* what, Read read) {
  const std::string text = read_text_file(path, uint64_t{1} << 16);
  const Memory memory(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), BIO_free_all);
  if (!memory) fail_openssl();
  Key key(read(memory.get(), nullptr, no_passphrase, nullptr), EVP_PKEY_free);
  if (!key || EVP_PKEY_get_id(key.get()) != EVP_PKEY_ED25519)
    fail_input("{}: is not {} of Ed25519 in PEM without a passphrase", path, what);
  return key;
}

}  // namespace

struct SigningKey::Impl {
  Key key;
};

SigningKey SigningKey::make() {
  Key key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"), EVP_PKEY_free);
  if (!key) fail_openssl();
  return SigningKey(std::make_shared<const Impl>(Impl{std::move(key)}));
}

SigningKey SigningKey::from_seed(const std::array<unsigned char, 32>& seed) {
  Key key(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, seed.data(), seed.size()),
          EVP_PKEY_free);
  if (!key) fail_openssl();
  return SigningKey(std::make_shared<const Impl>(Impl{std::move(key)}));
}

SigningKey SigningKey::load(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0 && (status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    fail_input("{}: other users may read this private key; chmod 600 {}", path, path);
  return SigningKey(
      std::make_shared<const Impl>(Impl{read_pem(path, "a private key", PEM_read_bio_PrivateKey)}));
}

void SigningKey::save(const std::string& path) const {
  const Memory memory(BIO_new(BIO_s_mem()), BIO_free_all);
  if (!memory || PEM_write_bio_PKCS8PrivateKey(memory.get(), impl_->key.get(), nullptr, nullptr, 0,
                                               nullptr, nullptr) != 1)
    fail_openssl();
  char* text = nullptr;
  const auto size = static_cast<size_t>(BIO_get_mem_data(memory.get(), &text));
  // Not by way of a renamed file: that would replace a key that is there.
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0 && errno == EEXIST)
    fail_input("{}: is there already; a key is never replaced, choose another name", path);
  if (fd < 0) fail_resource("{}: cannot be made: {}", path, std::strerror(errno));
  const ssize_t written = ::write(fd, text, size);
  const int error = written < 0 ? errno : ENOSPC;
  const bool whole = written == static_cast<ssize_t>(size) && ::fsync(fd) == 0;
  ::close(fd);
  if (whole) return;
  ::unlink(path.c_str());
  fail_resource("{}: cannot write: {}", path, std::strerror(error));
}

std::string SigningKey::public_key() const { return public_hex(impl_->key.get()); }

std::string SigningKey::sign(std::string_view message) const {
  const Context context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  std::array<unsigned char, kSignatureBytes> signature;
  size_t size = signature.size();
  if (!context ||
      EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, impl_->key.get()) != 1 ||
      EVP_DigestSign(context.get(), signature.data(), &size, data(message), message.size()) != 1 ||
      size != signature.size())
    fail_openssl();
  return hex(signature);
}

bool is_hex(std::string_view text, size_t count) {
  return text.size() == count && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

bool signature_holds(const std::string& public_key, const std::string& signature,
                     std::string_view message) {
  if (!is_hex(public_key, 2 * kKeyBytes) || !is_hex(signature, 2 * kSignatureBytes)) return false;
  const std::vector<unsigned char> key_bytes = bytes_of_hex(public_key);
  const std::vector<unsigned char> signature_bytes = bytes_of_hex(signature);
  const Key key(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, key_bytes.data(), kKeyBytes),
                EVP_PKEY_free);
  const Context context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  return key && context &&
         EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
         EVP_DigestVerify(context.get(), signature_bytes.data(), kSignatureBytes, data(message),
                          message.size()) == 1;
}

std::string key_fingerprint(const std::string& public_key) {
  if (!is_hex(public_key, 2 * kKeyBytes))
    fail_input("\"{}\" is not a public key of Ed25519 ({} hex digits)", public_key, 2 * kKeyBytes);
  const std::vector<unsigned char> bytes = bytes_of_hex(public_key);
  return std::string(kFingerprint) + sha256_hex(std::as_bytes(std::span(bytes)));
}

std::string read_trusted_key(const std::string& text) {
  if (is_hex(text, 2 * kKeyBytes)) return text;
  if (text.starts_with(kFingerprint)) {
    if (!is_hex(text.substr(kFingerprint.size()), 64))
      fail_input("{}: a fingerprint has 64 lower-case hex digits after \"{}\"", text, kFingerprint);
    return text;
  }
  return public_hex(read_pem(text, "a public key", PEM_read_bio_PUBKEY).get());
}

}  // namespace avocado
