#include "files/printable.h"

#include <gtest/gtest.h>

namespace avocado {
namespace {

TEST(Printable, OrdinaryTextStays) {
  EXPECT_EQ(printable("blk.0.attn_q.weight"), "blk.0.attn_q.weight");
  EXPECT_EQ(printable("アボカド 🥑 é"), "アボカド 🥑 é");
  EXPECT_EQ(printable(""), "");
}

TEST(Printable, WhatDisturbsATerminalIsEscaped) {
  EXPECT_EQ(printable("\x1b[31mred\x07"), "\\x1b[31mred\\x07");
  EXPECT_EQ(printable("a\nb\tc\r"), "a\\nb\\tc\\x0d");
  EXPECT_EQ(printable("\x7f"), "\\x7f");
  EXPECT_EQ(printable("\u009b2J"), "\\u{9b}2J");            // a C1 control: CSI in one character
  EXPECT_EQ(printable("abc\u202etxt"), "abc\\u{202e}txt");  // right-to-left override
  EXPECT_EQ(printable("\ufeff"), "\\u{feff}");
  EXPECT_EQ(printable("\\x1b"), "\\\\x1b");  // cannot be mistaken for an escape
  EXPECT_EQ(printable(std::string_view("\0", 1)), "\\x00");
}

TEST(Printable, InvalidUtf8IsEscapedByteByByte) {
  EXPECT_EQ(printable("\xff"), "\\xff");
  EXPECT_EQ(printable("a\xc3"), "a\\xc3");                  // cut off
  EXPECT_EQ(printable("\xc0\xaf"), "\\xc0\\xaf");           // overlong
  EXPECT_EQ(printable("\xe0\x80\xaf"), "\\xe0\\x80\\xaf");  // overlong
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // surrogate
  EXPECT_EQ(printable("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");
  EXPECT_EQ(printable("\xe3\x81x"), "\\xe3\\x81x");
}

TEST(Printable, LongTextIsCut) {
  EXPECT_EQ(printable("abcdef", 3), "abc...");
  EXPECT_EQ(printable("abc", 3), "abc");
  EXPECT_LT(printable(std::string(1 << 20, '\x01')).size(), 220u);
}

}  // namespace
}  // namespace avocado
