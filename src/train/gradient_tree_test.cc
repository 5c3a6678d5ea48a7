#include "train/gradient_tree.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/philox.h"

namespace avocado {
namespace {

constexpr int64_t kCount = 48;

struct Leaf {
  std::vector<float> gradient;
  double loss = 0;
};

// Magnitudes apart, so that another order of adding gives other bits.
Leaf make_leaf(int64_t index) {
  const Random random(3, Purpose::test, static_cast<uint32_t>(index));
  Leaf leaf;
  for (uint64_t i = 0; i < kCount; ++i)
    leaf.gradient.push_back((random.uniform(i) - 0.5f) *
                            std::exp2(static_cast<float>(random.below(i + kCount, 12))));
  leaf.loss = random.uniform64(1000) * 1e3;
  return leaf;
}

Leaf plus(const Leaf& left, const Leaf& right) {
  Leaf sum = left;
  for (size_t i = 0; i < sum.gradient.size(); ++i) sum.gradient[i] += right.gradient[i];
  sum.loss += right.loss;
  return sum;
}

Leaf through_tree(int64_t begin, int64_t end) {
  ThreadPool pool(1);
  GradientTree tree(kCount, pool);
  Leaf leaf;
  tree.start(0, end - begin, end - begin);
  for (int64_t i = begin; i < end; ++i) {
    leaf = make_leaf(i);
    tree.add(leaf.gradient.data(), leaf.loss);
  }
  EXPECT_TRUE(tree.before().empty());
  return leaf;
}

void expect_equal(const Leaf& a, const Leaf& b) {
  EXPECT_EQ(a.gradient, b.gradient);
  EXPECT_EQ(a.loss, b.loss);
}

TEST(GradientTree, AddsInTheDocumentedOrder) {
  const auto leaf = make_leaf;
  expect_equal(through_tree(0, 1), leaf(0));
  expect_equal(through_tree(0, 2), plus(leaf(0), leaf(1)));
  expect_equal(through_tree(0, 3), plus(plus(leaf(0), leaf(1)), leaf(2)));
  const Leaf four = plus(plus(leaf(0), leaf(1)), plus(leaf(2), leaf(3)));
  expect_equal(through_tree(0, 7), plus(four, plus(plus(leaf(4), leaf(5)), leaf(6))));
}

TEST(GradientTree, AlignedPartsAreSubtrees) {
  for (int64_t leaves : {2, 4, 8, 16}) {
    const int64_t half = leaves / 2;
    expect_equal(through_tree(0, leaves), plus(through_tree(0, half), through_tree(half, leaves)));
  }
}

TEST(GradientTree, APartOfTheLeavesLeavesItsLargestSubtrees) {
  ThreadPool pool(1);
  GradientTree tree(kCount, pool);
  const auto add = [&](int64_t begin, int64_t end, int64_t leaves) {
    Leaf leaf;
    tree.start(begin, end, leaves);
    for (int64_t i = begin; i < end; ++i) {
      leaf = make_leaf(i);
      tree.add(leaf.gradient.data(), leaf.loss);
    }
    return leaf;
  };
  // 3 | 4 5 6, where 7 is missing: the two are subtrees of the whole.
  expect_equal(add(3, 7, 7), through_tree(4, 7));
  ASSERT_EQ(tree.before().size(), 1u);
  EXPECT_EQ(tree.before()[0].loss, make_leaf(3).loss);
  // With 7 there, 6 is no longer at the edge.
  expect_equal(add(3, 7, 8), make_leaf(6));
  ASSERT_EQ(tree.before().size(), 2u);
  EXPECT_EQ(tree.before()[1].loss, through_tree(4, 6).loss);
  const Subtree largest[] = {{3, 4}, {4, 6}, {6, 7}};
  const std::vector<Subtree> found = largest_subtrees(3, 7, 8);
  ASSERT_EQ(found.size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(found[i].begin, largest[i].begin);
    EXPECT_EQ(found[i].end, largest[i].end);
  }
}

TEST(GradientTree, OrderMatters) {
  Leaf chain = make_leaf(0);
  for (int64_t i = 1; i < 8; ++i) chain = plus(chain, make_leaf(i));
  EXPECT_NE(through_tree(0, 8).gradient, chain.gradient);
}

}  // namespace
}  // namespace avocado
