#include "cli/markdown.h"

#include <gtest/gtest.h>

#include "base/philox.h"

namespace avocado::cli {
namespace {

// The styles of a terminal as tags: <b>, <i>, <u>, <d>im, <c>ode; </> is none of them.
std::string tags(std::string text) {
  const std::pair<std::string, std::string> codes[] = {
      {"\x1b[0m", "</>"},    {"\x1b[0;1m", "<b>"},     {"\x1b[0;2m", "<d>"},
      {"\x1b[0;3m", "<i>"},  {"\x1b[0;1;3m", "<bi>"},  {"\x1b[0;1;4m", "<bu>"},
      {"\x1b[0;36m", "<c>"}, {"\x1b[0;1;36m", "<bc>"}, {"\x1b[0;1;3;36m", "<bic>"}};
  for (const auto& [code, tag] : codes)
    for (size_t at; (at = text.find(code)) != std::string::npos;)
      text.replace(at, code.size(), tag);
  return text;
}

struct Look {
  int width = 0;
  bool colours = true;
};

// `cuts`: how many bytes come at once.
template <class Cut>
std::string shown_in(std::string_view text, Look look, Cut cut) {
  StyledText styled(look.width, look.colours);
  Markdown markdown(styled);
  std::string out;
  while (!text.empty()) {
    const size_t piece = std::min<size_t>(cut(), text.size());
    markdown.push(text.substr(0, piece));
    out += styled.take();
    text.remove_prefix(piece);
  }
  markdown.finish();
  styled.finish();
  return out + styled.take();
}

std::string shown(std::string_view text, Look look = {}) {
  return tags(shown_in(text, look, [] { return size_t{1} << 20; }));
}

TEST(Markdown, Inline) {
  EXPECT_EQ(shown("a **b c** d"), "a <b>b c</> d");
  EXPECT_EQ(shown("*it* and _it_, ***both***"), "<i>it</> and <i>it</>, <bi>both</>");
  EXPECT_EQ(shown("**b *i* `c`**!"), "<b>b <bi>i<b> <bc>c</>!");
  EXPECT_EQ(shown("use `a * b` and ``a ` b``"), "use <c>a * b</> and <c>a ` b</>");
  EXPECT_EQ(shown("これは**太字**です"), "これは<b>太字</>です");
  EXPECT_EQ(shown("\\*no\\* C:\\dir"), "*no* C:\\dir");
}

TEST(Markdown, MarksWithoutAPartnerStay) {
  for (const char* text : {"2 * 3 * 4",   "2*3*4 = 24", "snake_case_name", "*args, **kwargs",
                           "a ** b",      "a `b",       "** **",           "*\n*",
                           "__init__.py", "_ _",        "5 * *",           "``",
                           "a***",        "****x****",  "**bold\n**",      "#tag",
                           "-5 degrees",  "+1",         "#######  seven",  "~~"})
    EXPECT_EQ(shown(text), text);
  // What is never closed is not waited for without end.
  StyledText styled(0, true);
  Markdown markdown(styled);
  markdown.push("*" + std::string(Markdown::kMostHeld + 10, 'x'));
  EXPECT_GT(styled.take().size(), Markdown::kMostHeld);
}

TEST(Markdown, Lines) {
  EXPECT_EQ(shown("# One\ntext\n### Three *it*\n"), "<bu>One</>\ntext\n<b>Three <bi>it</>\n");
  EXPECT_EQ(shown("- a\n  * b\n+ **c**\n1. d\n"), "• a\n  • b\n• <b>c</>\n1. d\n");
  EXPECT_EQ(shown("---\n***\n| a | b |\n> q\n\n"), "---\n***\n| a | b |\n> q\n\n");
}

TEST(Markdown, Code) {
  EXPECT_EQ(shown("```cpp\nint **a; # no\n  ``\n```\n*x*"),
            "<d>```cpp\n<c>int **a; # no\n  ``\n<d>```</>\n<i>x</>");
  EXPECT_EQ(shown("~~~~\n```\n~~~\n~~~~~  \na"), "<d>~~~~\n<c>```\n~~~\n<d>~~~~~  </>\na");
  EXPECT_EQ(shown("  ```\n  x\n  ```"), "<d>  ```\n<c>  x\n<d>  ```</>");
  EXPECT_EQ(shown("```\nnever closed"), "<d>```\n<c>never closed</>");
  EXPECT_EQ(shown("```a``` b"), "<c>a</> b");
}

TEST(Markdown, WithoutColoursCodeKeepsItsMarks) {
  const std::string text =
      shown_in("a `b` **c**\n```\nd\n```\n", {.colours = false}, [] { return size_t{100}; });
  EXPECT_NE(text.find("`b`"), std::string::npos);
  EXPECT_EQ(text.find("36"), std::string::npos);
  EXPECT_NE(text.find("\x1b[0;1mc"), std::string::npos);
}

TEST(Markdown, LinesBreakBetweenWords) {
  EXPECT_EQ(shown("one two three four", {.width = 9}), "one two\nthree\nfour");
  EXPECT_EQ(shown("- one two three", {.width = 10}), "• one two\n  three");
  EXPECT_EQ(shown("one **two** three", {.width = 7}), "one <b>two</>\nthree");
  EXPECT_EQ(shown("日本語の文章です。終わり", {.width = 10}), "日本語の文\n章です。終\nわり");
  EXPECT_EQ(shown("これはテスト。", {.width = 12}), "これはテス\nト。");
  EXPECT_EQ(shown("see http://a.long/address now", {.width = 10}),
            "see\nhttp://a.long/address now");
  EXPECT_EQ(shown("```\none two three four\n```", {.width = 9}),
            "<d>```\n<c>one two three four\n<d>```</>");
}

TEST(Markdown, NothingInItSteersTheTerminal) {
  EXPECT_EQ(shown("a\x1b[2Jb\rc\x07 \xc2\x9b"
                  "31m \xe2\x80\xae"
                  "d"),
            "a[2Jbc 31m d");
  EXPECT_EQ(shown("`\x1b]0;x\x07`"), "<c>]0;x</>");
  EXPECT_EQ(shown("\xff\xe3\x81"), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
}

TEST(Markdown, CutsDoNotMatter) {
  const std::string_view parts[] = {"*",  "**",      "`",    "```",      "\n",    "- ",      "# ",
                                    "_",  "~",       " ",    "a",        "bc",    "\\",      "日本",
                                    "。", "\x1b[1m", "\xe3", "\xf0\x9f", "word ", "```py\n", "\t"};
  const Random random(3, Purpose::test);
  uint32_t drawn = 0;
  for (int i = 0; i < 400; ++i) {
    std::string text;
    const uint64_t count = random.below(drawn++, 60);
    for (uint64_t k = 0; k < count; ++k) text += parts[random.below(drawn++, std::size(parts))];
    const Look look{.width = i % 3 == 0 ? 0 : 5 + i % 20, .colours = i % 2 == 0};
    const std::string whole = shown_in(text, look, [] { return size_t{1} << 20; });
    EXPECT_EQ(shown_in(text, look, [] { return size_t{1}; }), whole) << text;
    EXPECT_EQ(shown_in(text, look, [&] { return 1 + random.below(drawn++, 7); }), whole) << text;
  }
}

}  // namespace
}  // namespace avocado::cli
