#include "files/input_stream.h"

#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include <fstream>

#include "expect_error.h"
#include "temp_folder.h"

namespace avocado {
namespace {

std::string gzip(const std::string& text) {
  z_stream stream = {};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, text.size()) + 32, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string zstd(const std::string& text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

std::string sample() {
  std::string text;
  for (int i = 0; i < 60000; ++i) text += std::to_string(i * 7919) + "\n";
  return text;
}

class InputStreams : public testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& bytes) {
    std::ofstream(folder_.file(name), std::ios::binary) << bytes;
    return folder_.file(name);
  }
  // Reads in pieces of `step` bytes.
  static std::string read(const std::string& path, size_t step) {
    InputStream input(path);
    std::string text, buffer(step, '\0');
    for (size_t got; (got = input.read(buffer)) > 0;) text.append(buffer, 0, got);
    EXPECT_EQ(input.position(), std::filesystem::file_size(path));
    return text;
  }
  test::TempFolder folder_;
};

TEST_F(InputStreams, GiveTheSameTextHoweverItIsStored) {
  const std::string text = sample();
  for (const size_t step : {size_t{1000}, size_t{1} << 16, size_t{1} << 24}) {
    EXPECT_EQ(read(write("a.txt", text), step), text);
    EXPECT_EQ(read(write("a.gz", gzip(text)), step), text);
    EXPECT_EQ(read(write("a.zst", zstd(text)), step), text);
    EXPECT_EQ(read(write("two.gz", gzip(text) + gzip("more")), step), text + "more");
    EXPECT_EQ(read(write("two.zst", zstd(text) + zstd("more")), step), text + "more");
  }
  EXPECT_EQ(read(write("empty.gz", gzip("")), 10), "");
  EXPECT_EQ(read(write("empty.zst", zstd("")), 10), "");
  EXPECT_EQ(read(write("empty.txt", ""), 10), "");
}

TEST_F(InputStreams, AreRefusedWhenCutOffAnywhere) {
  for (const auto& [name, whole] :
       {std::pair{"cut.gz", gzip(sample())}, {"cut.zst", zstd(sample())}})
    for (const size_t left : {size_t{0}, size_t{1}, size_t{5}, whole.size() / 2, whole.size() - 1})
      EXPECT_AVOCADO_ERROR(read(write(name, whole.substr(0, left)), 1 << 16), ErrorKind::input,
                           "the file is cut off");
}

TEST_F(InputStreams, NameWhatIsDamaged) {
  for (const auto& [name, whole] :
       {std::pair{"bad.gz", gzip(sample())}, {"bad.zst", zstd(sample())}}) {
    std::string bytes = whole;
    bytes[bytes.size() / 2] = static_cast<char>(~bytes[bytes.size() / 2]);
    EXPECT_AVOCADO_ERROR(read(write(name, bytes), 1 << 16), ErrorKind::input, "damaged");
    EXPECT_AVOCADO_ERROR(read(write(name, "{\"text\": \"not compressed\"}"), 100), ErrorKind::input,
                         "damaged");
  }
  EXPECT_AVOCADO_ERROR(InputStream(folder_.file("none.gz")), ErrorKind::input, "cannot open");
  std::string buffer(1, '\0');
  EXPECT_AVOCADO_ERROR(InputStream(folder_.path()).read(buffer), ErrorKind::input, "cannot read");
}

}  // namespace
}  // namespace avocado
