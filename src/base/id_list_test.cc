#include "base/id_list.h"

#include <gtest/gtest.h>

namespace avocado {
namespace {

using Ids = std::vector<int>;

TEST(IdList, ListsAreRead) {
  EXPECT_EQ(parse_id_list("0"), Ids({0}));
  EXPECT_EQ(parse_id_list("0-2,4"), Ids({0, 1, 2, 4}));
  EXPECT_EQ(parse_id_list("1,3"), Ids({1, 3}));
  EXPECT_EQ(parse_id_list(""), Ids());
  for (const char* bad : {"x", "0-", "-1", "0;1", "0-4000000000", "0-8192", "1-x", "1,", ",1"})
    EXPECT_EQ(parse_id_list(bad), Ids()) << bad;
}

TEST(IdList, ListsAreWrittenAsTheyAreRead) {
  for (const char* list : {"", "3", "0-1", "0-2,4,6-8191"})
    EXPECT_EQ(format_id_list(parse_id_list(list)), list);
}

}  // namespace
}  // namespace avocado
