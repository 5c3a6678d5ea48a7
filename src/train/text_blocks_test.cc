#include "train/text_blocks.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/philox.h"
#include "temp_folder.h"
#include "train/data_report.h"

namespace avocado {
namespace {

struct Line {
  int64_t number;
  std::string text;
  bool operator==(const Line&) const = default;
};

class TextBlocksTest : public testing::Test {
 protected:
  std::vector<TextBlock> blocks(const std::string& text, bool lines) {
    std::ofstream(folder_.file("text"), std::ios::binary) << text;
    InputStream input(folder_.file("text"));
    TextBlocks reader(input, lines);
    std::vector<TextBlock> all;
    for (TextBlock block; reader.next(block);) all.push_back(block);
    return all;
  }
  std::vector<Line> lines(const std::string& text) {
    std::vector<Line> all;
    for (const TextBlock& block : blocks(text, true))
      for_each_line(block, [&](int64_t number, std::string_view line) {
        all.push_back({number, std::string(line)});
      });
    return all;
  }
  test::TempFolder folder_;
};

TEST_F(TextBlocksTest, LinesKeepTheirNumbers) {
  EXPECT_EQ(lines("a\n\n b \r\n\xef\xbb\xbf"
                  "c"),
            (std::vector<Line>{{1, "a"}, {3, "b"}, {4, "c"}}));
  EXPECT_TRUE(lines("").empty());
  EXPECT_TRUE(lines("\n \n").empty());
  // Lines of random lengths, some longer than a block.
  const Random random(1, Purpose::test);
  std::string text;
  std::vector<Line> expected;
  for (uint64_t i = 0; i < 400; ++i) {
    const uint64_t length = i % 50 == 49 ? 300000 + random.below(i, 900000) : random.below(i, 9000);
    std::string line(length, static_cast<char>('a' + i % 26));
    text += line + "\n";
    if (length > 0) expected.push_back({static_cast<int64_t>(i) + 1, std::move(line)});
  }
  EXPECT_EQ(lines(text), expected);
  const std::vector<TextBlock> made = blocks(text, true);
  EXPECT_GT(made.size(), 10u);
  std::string joined;
  for (const TextBlock& block : made) {
    EXPECT_TRUE(block.text.ends_with('\n'));
    joined += block.text;
  }
  EXPECT_EQ(joined, text);
}

TEST_F(TextBlocksTest, PassesOverLinesThatAreTooLong) {
  const std::string giant(kLongestLine + 1000000, 'x');
  const std::vector<TextBlock> made = blocks("a\n" + giant + "\nb\n" + giant, true);
  ASSERT_EQ(made.size(), 4u);
  EXPECT_EQ(made[0].text, "a\n");
  EXPECT_TRUE(made[1].too_long);
  EXPECT_EQ(made[1].first_line, 2);
  EXPECT_EQ(made[1].text, "");
  EXPECT_EQ(made[2].text, "b\n");
  EXPECT_EQ(made[2].first_line, 3);
  EXPECT_TRUE(made[3].too_long);
  EXPECT_EQ(made[3].first_line, 4);
}

TEST_F(TextBlocksTest, CutsLongTextsBehindALineOrBetweenCharacters) {
  constexpr size_t kMost = TextBlocks::kLongestText;
  EXPECT_EQ(blocks(std::string(kMost, 'x'), false).size(), 1u);
  std::string lines(kMost + 5, 'x');
  lines[kMost - 100] = '\n';
  std::vector<TextBlock> made = blocks(lines, false);
  ASSERT_EQ(made.size(), 2u);
  EXPECT_EQ(made[0].text.size(), kMost - 99);
  EXPECT_EQ(made[1].first_line, 2);
  EXPECT_EQ(made[0].text + made[1].text, lines);
  // é on the border.
  const std::string letters = std::string(kMost - 1, 'x') + "\xc3\xa9z";
  made = blocks(letters, false);
  ASSERT_EQ(made.size(), 2u);
  EXPECT_EQ(made[1].text, "\xc3\xa9z");
}

TEST_F(TextBlocksTest, WorkIsTakenInOrderOnAnyNumberOfThreads) {
  std::string text;
  for (int i = 0; i < 300000; ++i) text += std::to_string(i) + "\n";
  std::ofstream(folder_.file("text")) << text;
  for (const int threads : {1, 4}) {
    ThreadPool pool(threads);
    std::string joined;
    map_blocks(
        folder_.file("text"), true, pool, [](const TextBlock& block) { return block.text; },
        [&](std::string&& part, uint64_t) { joined += part; });
    EXPECT_EQ(joined, text);
  }
}

}  // namespace
}  // namespace avocado
