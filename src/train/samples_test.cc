#include "train/samples.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "files/atomic_file.h"
#include "temp_folder.h"

namespace avocado {
namespace {

class Samples : public testing::Test {
 protected:
  test::TempFolder folder_;
  const std::string path_ = folder_.file("samples.jsonl");
  const std::vector<TextSample> made_ = {{10, "Once", " upon\n\"a\" time", 4, true},
                                         {10, "むかし", "むかし", 2, false},
                                         {20, "Once", "", 0, true},
                                         {30, "Once", "<b>", 1, false}};
};

TEST_F(Samples, ComeBackAsTheyWere) {
  EXPECT_TRUE(read_samples(path_).empty());
  for (const TextSample& sample : made_) append_sample(path_, sample);
  EXPECT_EQ(read_samples(path_), made_);
}

TEST_F(Samples, AreCutAfterAStep) {
  for (const TextSample& sample : made_) append_sample(path_, sample);
  std::ofstream(path_, std::ios::app) << "{\"step\":40";  // a killed process
  cut_samples(path_, 20);
  EXPECT_EQ(read_samples(path_), std::vector(made_.begin(), made_.begin() + 3));
  EXPECT_EQ(read_text_file(path_).back(), '\n');
  cut_samples(path_, 0);
  EXPECT_EQ(read_text_file(path_), "");
  cut_samples(folder_.file("none"), 0);
  EXPECT_FALSE(std::filesystem::exists(folder_.file("none")));
}

TEST_F(Samples, BrokenCharactersAreReplaced) {
  append_sample(path_, {1, "a", "b\xE3\x82", 2, false});
  EXPECT_EQ(read_samples(path_).at(0).text, "b\xEF\xBF\xBD");
}

TEST_F(Samples, ReadingStopsAtALineThatIsDamaged) {
  append_sample(path_, made_[2]);
  const std::string good = read_text_file(path_);
  for (const char* bad :
       {"{}\n", "[]\n", "nonsense\n", "{\"step\":\"x\"}\n",
        "{\"step\":10,\"prompt\":\"\",\"text\":\"\",\"tokens\":1}\n",
        "{\"step\":30,\"prompt\":\"\",\"text\":\"\",\"tokens\":1,\"ended\":3}\n"}) {
    std::ofstream(path_) << good << bad << good;
    EXPECT_EQ(read_samples(path_).size(), 1u) << bad;
  }
}

}  // namespace
}  // namespace avocado
