#include "infer/page_pool.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "expect_error.h"

namespace avocado {
namespace {

TEST(PagePool, BlocksAreZeroEvenWhenUsedBefore) {
  PagePool pool(3, 100, 1 << 20);
  std::byte* first = pool.take();
  std::fill_n(first, 300, std::byte{7});
  pool.give_back(first);
  std::byte* again = pool.take();
  EXPECT_EQ(again, first);
  EXPECT_EQ(std::count(again, again + 300, std::byte{0}), 300);
  EXPECT_EQ(pool.blocks_in_use(), 1);
}

TEST(PagePool, KeepsItsLimit) {
  PagePool pool(2, 256, 1024);  // two blocks of 512 bytes
  EXPECT_AVOCADO_ERROR(pool.check_room(3), ErrorKind::resource, "key-value cache");
  pool.take();
  std::byte* second = pool.take();
  EXPECT_AVOCADO_ERROR(pool.take(), ErrorKind::resource, "key-value cache");
  pool.give_back(second);
  EXPECT_NO_THROW(pool.take());
}

}  // namespace
}  // namespace avocado
