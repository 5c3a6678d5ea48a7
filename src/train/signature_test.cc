#include "train/signature.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "files/atomic_file.h"

namespace avocado {
namespace {

namespace fs = std::filesystem;

std::array<unsigned char, 32> bytes32(const std::string& hex) {
  std::array<unsigned char, 32> bytes;
  for (size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<unsigned char>(std::stoi(hex.substr(2 * i, 2), nullptr, 16));
  return bytes;
}

// RFC 8032, section 7.1, tests 1 and 2.
TEST(Signature, KnownAnswers) {
  const SigningKey empty = SigningKey::from_seed(
      bytes32("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"));
  EXPECT_EQ(empty.public_key(), "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
  EXPECT_EQ(
      empty.sign(""),
      "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701c"
      "f9b46bd25bf5f0595bbe24655141438e7a100b");
  const SigningKey one = SigningKey::from_seed(
      bytes32("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"));
  EXPECT_EQ(one.public_key(), "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
  EXPECT_EQ(
      one.sign("\x72"),
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0"
      "f11d8c387b2eaeb4302aeeb00d291612bb0c00");
}

TEST(Signature, HoldsForItsMessageAndKeyOnly) {
  const SigningKey key = SigningKey::make(), other = SigningKey::make();
  const std::string message = "avocado", signature = key.sign(message);
  EXPECT_NE(key.public_key(), other.public_key());
  EXPECT_TRUE(signature_holds(key.public_key(), signature, message));
  EXPECT_FALSE(signature_holds(other.public_key(), signature, message));
  EXPECT_FALSE(signature_holds(key.public_key(), signature, "avocadi"));
  EXPECT_FALSE(signature_holds(key.public_key(), "", message));
  EXPECT_FALSE(signature_holds("", signature, message));
  for (size_t i = 0; i < signature.size(); ++i) {
    std::string changed = signature;
    changed[i] = changed[i] == '0' ? '1' : '0';
    EXPECT_FALSE(signature_holds(key.public_key(), changed, message)) << i;
  }
}

class KeyFile : public testing::Test {
 protected:
  void TearDown() override { fs::remove(path_); }
  std::string path_ = (fs::path(testing::TempDir()) / "signature_test_key.pem").string();
};

TEST_F(KeyFile, ComesBackAndIsItsOwnersAlone) {
  fs::remove(path_);
  const SigningKey key = SigningKey::make();
  key.save(path_);
  struct stat status {};
  ASSERT_EQ(::stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  EXPECT_EQ(SigningKey::load(path_).public_key(), key.public_key());
  // A key that is there stays.
  EXPECT_THROW(SigningKey::make().save(path_), Error);
  EXPECT_EQ(SigningKey::load(path_).public_key(), key.public_key());
  fs::permissions(path_, fs::perms::group_read, fs::perm_options::add);
  EXPECT_THROW(SigningKey::load(path_), Error);
}

TEST_F(KeyFile, WhatIsNoKeyIsRefused) {
  for (const char* text : {"", "no key",
                           // An X25519 key.
                           "-----BEGIN PRIVATE KEY-----\n"
                           "MC4CAQAwBQYDK2VuBCIEIHcHbQpzGKV9PBbBclGyZkXfTC+H68CZKrF3+6UduSwq\n"
                           "-----END PRIVATE KEY-----\n"}) {
    fs::remove(path_);
    write_file_atomically(path_, text);
    fs::permissions(path_, fs::perms::owner_read | fs::perms::owner_write);
    EXPECT_THROW(SigningKey::load(path_), Error) << text;
    EXPECT_THROW(read_trusted_key(path_), Error) << text;
  }
  EXPECT_THROW(SigningKey::load(path_ + ".none"), Error);
}

TEST(Signature, TrustedKeysAreReadInEveryForm) {
  const std::string key = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
  EXPECT_EQ(read_trusted_key(key), key);
  const std::string fingerprint = key_fingerprint(key);
  EXPECT_EQ(fingerprint, "sha256:21fe31dfa154a261626bf854046fd2271b7bed4b6abe45aa58877ef47f9721b9");
  EXPECT_EQ(read_trusted_key(fingerprint), fingerprint);
  EXPECT_THROW(read_trusted_key(fingerprint + "0"), Error);
  EXPECT_THROW(read_trusted_key(key + "0"), Error);
  const std::string path = (fs::path(testing::TempDir()) / "signature_test_public.pem").string();
  write_file_atomically(path,
                        "-----BEGIN PUBLIC KEY-----\n"
                        "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
                        "-----END PUBLIC KEY-----\n");
  EXPECT_EQ(read_trusted_key(path), key);
  fs::remove(path);
}

}  // namespace
}  // namespace avocado
