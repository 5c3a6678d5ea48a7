#include "base/crc32c.h"

#include <gtest/gtest.h>

#include <string>

namespace avocado {
namespace {

// RFC 3720 (iSCSI), appendix B.4, and the check value of the CRC catalogues.
TEST(Crc32c, KnownSums) {
  std::string ascending, descending;
  for (char c = 0; c < 32; ++c) {
    ascending += c;
    descending.insert(descending.begin(), c);
  }
  EXPECT_EQ(crc32c(""), 0u);
  EXPECT_EQ(crc32c("123456789"), 0xE3069283u);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAu);
  EXPECT_EQ(crc32c(std::string(32, '\xFF')), 0x62A8AB43u);
  EXPECT_EQ(crc32c(ascending), 0x46DD794Eu);
  EXPECT_EQ(crc32c(descending), 0x113FDB5Cu);
}

}  // namespace
}  // namespace avocado
