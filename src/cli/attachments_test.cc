#include "cli/attachments.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "base/error.h"
#include "temp_folder.h"

namespace avocado::cli {
namespace {

class Attachments : public testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& text) {
    std::ofstream(folder_.file(name), std::ios::binary) << text;
    return folder_.file(name);
  }
  static std::vector<std::string> names(std::string_view line) {
    std::vector<std::string> found;
    for (const Attachment& file : find_attachments(line)) found.push_back(file.name);
    return found;
  }

  test::TempFolder folder_;
};

using Names = std::vector<std::string>;

TEST_F(Attachments, AreFoundInALine) {
  const std::string a = write("a.txt", "one\n"), b = write("b c.txt", "two");
  EXPECT_EQ(names("explain " + a), Names{a});
  EXPECT_EQ(names("explain " + a + ", and again " + a + "?"), Names{a});
  EXPECT_EQ(names("the file \"" + b + "\""), Names{b});
  EXPECT_EQ(names("the file " + folder_.file("b\\ c.txt") + " and " + a), (Names{b, a}));
  EXPECT_EQ(names("and/or " + folder_.path().string() + " /usr ~5 ./none ../none / ~"), Names{});
  EXPECT_EQ(names("a.txt has no path"), Names{});
  setenv("HOME", folder_.path().c_str(), 1);
  const std::vector<Attachment> home = find_attachments("see ~/a.txt");
  ASSERT_EQ(home.size(), 1u);
  EXPECT_EQ(home[0].name, "~/a.txt");
  EXPECT_EQ(home[0].text, "one\n");
}

TEST_F(Attachments, WhatIsNotTextIsRefused) {
  const std::string zero = write("zero", std::string("a\0b", 3)), latin = write("latin",
                                                                                "n\xe9"
                                                                                "e");
  const std::string large = write("large", std::string(kMostAttached + 1, 'a'));
  const std::string half = write("half", std::string(kMostAttached / 2 + 1, 'a'));
  const std::string other = write("other", std::string(kMostAttached / 2 + 1, 'b'));
  for (const std::string& file : {zero, latin, large, half + " " + other})
    EXPECT_THROW(find_attachments(file), Error) << file;
  EXPECT_THROW(read_attachment(folder_.path().string()), Error);
  EXPECT_THROW(read_attachment("/dev/zero"), Error);
  EXPECT_THROW(read_attachment(folder_.file("none")), Error);
}

TEST_F(Attachments, StandBeforeTheMessage) {
  EXPECT_EQ(with_attachments({{"./a", "x\n"}, {"./b", "```\ny"}}, "why?"),
            "./a:\n```\nx\n```\n\n./b:\n````\n```\ny\n````\n\nwhy?");
  EXPECT_EQ(with_attachments({}, "why?"), "why?");
}

}  // namespace
}  // namespace avocado::cli
