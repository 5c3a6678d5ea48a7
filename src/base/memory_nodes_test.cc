#include "base/memory_nodes.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

namespace avocado {
namespace {

TEST(MemoryNodes, ListsAreRead) {
  using List = std::vector<unsigned>;
  EXPECT_EQ(parse_node_list("0"), List({0}));
  EXPECT_EQ(parse_node_list("0-2,4"), List({0, 1, 2, 4}));
  EXPECT_EQ(parse_node_list("1,3"), List({1, 3}));
  EXPECT_EQ(parse_node_list(""), List());
  for (const char* bad : {"x", "0-", "-1", "0;1", "0-4000000000", "1-x"})
    EXPECT_EQ(parse_node_list(bad), List()) << bad;
}

TEST(MemoryNodes, NothingIsDoneWithOneNode) {
  std::ifstream file("/sys/devices/system/node/has_memory");
  std::string list;
  std::getline(file, list);
  if (parse_node_list(list).size() > 1) GTEST_SKIP() << "this machine has several nodes";
  EXPECT_FALSE(InterleavedPages().active());
}

}  // namespace
}  // namespace avocado
