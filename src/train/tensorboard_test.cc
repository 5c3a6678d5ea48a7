#include "train/tensorboard.h"

#include <gtest/gtest.h>

#include <fstream>
#include <vector>

#include "base/error.h"
#include "files/atomic_file.h"
#include "temp_folder.h"

namespace avocado {
namespace {

namespace fs = std::filesystem;

class Tensorboard : public testing::Test {
 protected:
  void write(int64_t completed, int64_t last) {
    TensorboardLog log(folder_.file("events"), completed);
    for (int64_t step = completed + 1; step <= last; ++step)
      log.add(step, std::vector<Scalar>{{"loss", 1.0 / static_cast<double>(step)}, {"lr", 0.5}});
  }
  std::vector<std::string> files() {
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator(folder_.file("events")))
      found.push_back(entry.path());
    std::sort(found.begin(), found.end());
    return found;
  }

  test::TempFolder folder_;
};

// Bytes by hand, but for the time: what tests/read_events.py checks of whole runs.
TEST_F(Tensorboard, BytesOfAnEvent) {
  write(299, 300);
  const std::string bytes = read_text_file(files().at(0));
  const size_t version = 16 + 26, start = 16 + 16;
  ASSERT_GT(bytes.size(), version + start);
  EXPECT_EQ(bytes.substr(0, 8), std::string("\x1A\0\0\0\0\0\0\0", 8));
  EXPECT_EQ(bytes.substr(12 + 9, 17), std::string("\x10\x00\x1A\x0D"
                                                  "brain.Event:2",
                                                  17));
  // The session begins at step 300, which is AC 02 as a varint.
  EXPECT_EQ(bytes.substr(version + 12 + 9, 7), "\x10\xAC\x02\x3A\x02\x08\x01");
  const std::string event = bytes.substr(version + start + 12);
  EXPECT_EQ(event[0], '\x09');
  EXPECT_EQ(event.substr(9, 29), std::string("\x10\xAC\x02"
                                             "\x2A\x18"
                                             "\x0A\x0B\x0A\x04loss\x15\x0E\x74\x5A\x3B"
                                             "\x0A\x09\x0A\x02lr\x15\x00\x00\x00\x3F",
                                             29));
}

TEST_F(Tensorboard, LaterStepsAreCutFromFormerFiles) {
  write(0, 10);
  const std::string first = files().at(0);
  const uint64_t whole = fs::file_size(first);
  write(7, 12);
  EXPECT_LT(fs::file_size(first), whole);
  const std::string bytes = read_text_file(first);
  EXPECT_EQ(end_of_events(bytes, 7), bytes.size());
  EXPECT_LT(end_of_events(bytes, 6), bytes.size());
  ASSERT_EQ(files().size(), 2u);
  write(0, 1);
  for (const std::string& file : files())
    EXPECT_EQ(end_of_events(read_text_file(file), 1), fs::file_size(file));
}

TEST_F(Tensorboard, DamagedAndUnfinishedRecordsAreFound) {
  write(0, 3);
  const std::string bytes = read_text_file(files().at(0));
  std::vector<size_t> ends = {0, end_of_events(bytes, 0), end_of_events(bytes, 1),
                              end_of_events(bytes, 2), bytes.size()};
  ASSERT_TRUE(std::is_sorted(ends.begin(), ends.end()));
  for (size_t i = 0; i < bytes.size(); ++i) {
    const size_t kept = *(std::upper_bound(ends.begin(), ends.end(), i) - 1);
    EXPECT_EQ(end_of_events(bytes.substr(0, i), 3), kept);
    std::string damaged = bytes;
    damaged[i] ^= 1;
    EXPECT_EQ(end_of_events(damaged, 3), kept) << i;
  }
}

TEST_F(Tensorboard, OtherFilesAreLeftAlone) {
  fs::create_directory(folder_.file("events"));
  std::ofstream(folder_.file("events/notes.txt")) << "mine";
  write(0, 1);
  EXPECT_EQ(read_text_file(folder_.file("events/notes.txt")), "mine");
}

}  // namespace
}  // namespace avocado
