#include "infer/page_pool.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "expect_error.h"

namespace avocado {
namespace {

TEST(PagePool, BlocksAreZeroEvenWhenUsedBefore) {
  PagePool pool(3, 100, 1 << 20);
  float* first = pool.take();
  std::fill_n(first, 300, 7.0f);
  pool.give_back(first);
  float* again = pool.take();
  EXPECT_EQ(again, first);
  EXPECT_EQ(std::count(again, again + 300, 0.0f), 300);
  EXPECT_EQ(pool.blocks_in_use(), 1);
}

TEST(PagePool, KeepsItsLimit) {
  PagePool pool(2, 64, 1024);  // two blocks of 512 bytes
  EXPECT_AVOCADO_ERROR(pool.check_room(3), ErrorKind::resource, "key-value cache");
  pool.take();
  float* second = pool.take();
  EXPECT_AVOCADO_ERROR(pool.take(), ErrorKind::resource, "key-value cache");
  pool.give_back(second);
  EXPECT_NO_THROW(pool.take());
}

}  // namespace
}  // namespace avocado
