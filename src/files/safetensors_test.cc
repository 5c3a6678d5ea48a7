#include "files/safetensors.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "expect_error.h"
#include "files/atomic_file.h"
#include "temp_folder.h"
#include "test_data.h"

namespace avocado {
namespace {

std::string with_header(std::string_view header, size_t data_bytes) {
  const uint64_t size = header.size();
  std::string out(reinterpret_cast<const char*>(&size), sizeof size);
  out += header;
  out.resize(out.size() + data_bytes, '\1');
  return out;
}

SafetensorsFile parse(const std::string& bytes) {
  return SafetensorsFile::parse(std::as_bytes(std::span(bytes.data(), bytes.size())),
                                "bad.safetensors");
}

#define EXPECT_REFUSED(header, data, message) \
  EXPECT_AVOCADO_ERROR(parse(with_header(header, data)), ErrorKind::input, message)

TEST(Safetensors, WhatIsWrittenComesBack) {
  const test::TempFolder folder;
  const std::string path = folder.file("model.safetensors");
  const std::vector<float> a{1, 2, 3, 4, 5, 6};
  const std::vector<uint16_t> b{0x3f80};
  const TensorView ta{"z.first", DType::f32, {2, 3}, std::as_bytes(std::span(a))};
  const TensorView tb{"a.second", DType::bf16, {}, std::as_bytes(std::span(b))};
  const TensorView tc{"m.empty", DType::i64, {0, 4}, {}};
  write_safetensors(path, {ta, tb, tc}, {{"format", "pt"}, {"hostile", "\x1b\n"}});

  const SafetensorsFile file = SafetensorsFile::open(path);
  ASSERT_EQ(file.tensors().size(), 3u);
  EXPECT_EQ(file.metadata().at("format"), "pt");
  EXPECT_EQ(file.metadata().at("hostile"), "\x1b\n");
  EXPECT_EQ(file.tensor("z.first")->shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(to_f32(*file.tensor("z.first")), a);
  EXPECT_EQ(to_f32(*file.tensor("a.second")), std::vector<float>{1});
  EXPECT_EQ(file.tensor("m.empty")->count(), 0);
  EXPECT_EQ(file.tensor("none"), nullptr);
  EXPECT_EQ(SafetensorsFile::open_folder(folder.path().string()).tensors().size(), 3u);

  EXPECT_AVOCADO_ERROR(write_safetensors(path, {ta, ta}, {}), ErrorKind::usage, "twice");
  EXPECT_AVOCADO_ERROR(write_safetensors(path, {{"q", DType::q4_0, {32}, {}}}, {}),
                       ErrorKind::usage, "Q4_0");
  EXPECT_AVOCADO_ERROR(write_safetensors(path, {{"t", DType::f32, {32}, {}}}, {}), ErrorKind::usage,
                       "does not match");
  EXPECT_AVOCADO_ERROR(write_safetensors("/dev/full", {ta}, {}), ErrorKind::resource,
                       "No space left");
  EXPECT_EQ(SafetensorsFile::open(path).tensors().size(), 3u);
}

TEST(Safetensors, BadHeadersAreNamed) {
  EXPECT_EQ(parse(with_header("{}", 0)).tensors().size(), 0u);
  EXPECT_EQ(parse(with_header("{\"__metadata__\":null}   ", 0)).tensors().size(), 0u);
  EXPECT_AVOCADO_ERROR(parse(""), ErrorKind::input, "too short");
  EXPECT_AVOCADO_ERROR(parse("1234567"), ErrorKind::input, "too short");
  EXPECT_AVOCADO_ERROR(parse(std::string(8, '\xff')), ErrorKind::input,
                       "header of 18446744073709551615 bytes");
  EXPECT_AVOCADO_ERROR(parse(with_header("{}", 0).substr(0, 9)), ErrorKind::input, "truncated");
  EXPECT_REFUSED("", 0, "does not begin with {");
  EXPECT_REFUSED(" {}", 0, "does not begin with {");
  EXPECT_REFUSED("[]", 0, "does not begin with {");
  EXPECT_REFUSED("{} x", 0, "not valid JSON");
  EXPECT_REFUSED("{\"a\":" + std::string(100'000, '['), 0, "nested deeper");
  EXPECT_REFUSED("{}", 1, "data that belongs to no tensor");
  EXPECT_REFUSED(R"({"__metadata__":{"a":1}})", 0, "__metadata__.a is not a string");
  EXPECT_REFUSED(R"({"__metadata__":[]})", 0, "__metadata__ is not an object");
}

TEST(Safetensors, BadTensorsAreNamed) {
  EXPECT_EQ(parse(with_header(R"({"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 8))
                .tensors()
                .size(),
            1u);
  EXPECT_REFUSED(R"({"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 7,
                 "tensor t has data_offsets outside the 7 bytes");
  EXPECT_REFUSED(R"({"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 9,
                 "belongs to no tensor");
  EXPECT_REFUSED(R"({"t":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})", 8,
                 "data_offsets outside");
  EXPECT_REFUSED(R"({"t":{"dtype":"F32","shape":[2],"data_offsets":[0,18446744073709551615]}})", 8,
                 "data_offsets outside");
  EXPECT_REFUSED(R"({"t":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}})", 8, "whole numbers");
  EXPECT_REFUSED(R"({"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8.0]}})", 8, "whole numbers");
  EXPECT_REFUSED(R"({"t":{"dtype":"F32","shape":[2],"data_offsets":[0]}})", 8,
                 "data_offsets outside");
  EXPECT_REFUSED(R"({"t":{"dtype":"F32","shape":[2],"data_offsets":"0"}})", 8, "not a short array");
  EXPECT_REFUSED(R"({"t":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})", 8,
                 "does not match its shape");
  EXPECT_REFUSED(
      R"({"t":{"dtype":"F32","shape":[4294967296,4294967296,4294967296],"data_offsets":[0,8]}})", 8,
      "too large");
  EXPECT_REFUSED(R"({"t":{"dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,8]}})", 8,
                 "dimension of 18446744073709551615");
  EXPECT_REFUSED(R"({"t":{"dtype":"F32","shape":[4611686018427387906],"data_offsets":[0,8]}})", 8,
                 "does not match");
  EXPECT_REFUSED(R"({"t":{"dtype":"Q4_0","shape":[32],"data_offsets":[0,18]}})", 18,
                 "unknown dtype Q4_0");
  EXPECT_REFUSED(R"({"t":{"dtype":3,"shape":[2],"data_offsets":[0,8]}})", 8,
                 "dtype that is not a string");
  EXPECT_REFUSED(R"({"t":{"dtype":"F32","shape":[2]}})", 8, "must have exactly");
  EXPECT_REFUSED(R"({"t":{"dtype":"F32","shape":[2],"offsets":[0,8]}})", 8, "has no data_offsets");
  EXPECT_REFUSED(R"({"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1}})", 8,
                 "must have exactly");
  EXPECT_REFUSED(R"({"t":7})", 8, "must have exactly");
  EXPECT_REFUSED(R"({"t":{"dtype":"U8","dtype":"U8","shape":[2],"data_offsets":[0,2]}})", 2,
                 "dtype occurs twice");
  EXPECT_REFUSED(
      R"({"t":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"t":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})",
      2, "t occurs twice");
}

TEST(Safetensors, HolesAndOverlapsAreRefused) {
  EXPECT_REFUSED(
      R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}})",
      3, "b overlaps");
  EXPECT_REFUSED(
      R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[3,5]}})",
      5, "b leaves a hole");
  EXPECT_REFUSED(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}})", 3, "a leaves a hole");
  EXPECT_REFUSED(
      R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})",
      2, "overlaps");
  // Any order in the header, and empty tensors in between, are fine.
  const auto file = parse(with_header(
      R"({"b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]},"e":{"dtype":"U8","shape":[0],"data_offsets":[2,2]},"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})",
      3));
  EXPECT_EQ(file.tensors().size(), 3u);
}

class Folder : public testing::Test {
 protected:
  void shard(const std::string& name, const std::vector<std::string>& tensors) {
    std::vector<TensorView> views;
    for (const auto& t : tensors)
      views.push_back({t, DType::f32, {1}, std::as_bytes(std::span(one_))});
    write_safetensors(folder_.file(name), views, {});
  }
  void index(const std::string& map) {
    write_file_atomically(folder_.file("model.safetensors.index.json"),
                          R"({"metadata":{"total_size":8},"weight_map":)" + map + "}");
  }
  SafetensorsFile open() { return SafetensorsFile::open_folder(folder_.path().string()); }

  test::TempFolder folder_;
  std::vector<float> one_{1};
};

TEST_F(Folder, ShardsAreUnited) {
  shard("s1.safetensors", {"a", "c"});
  shard("s2.safetensors", {"b"});
  index(R"({"a":"s1.safetensors","b":"s2.safetensors","c":"s1.safetensors"})");
  const SafetensorsFile file = open();
  EXPECT_EQ(file.tensors().size(), 3u);
  for (const char* name : {"a", "b", "c"}) EXPECT_EQ(to_f32(*file.tensor(name)), one_);
}

TEST_F(Folder, IndexAndShardsMustAgree) {
  EXPECT_AVOCADO_ERROR(open(), ErrorKind::input, "neither model.safetensors nor");
  shard("s1.safetensors", {"a", "c"});
  shard("s2.safetensors", {"b"});
  index(R"({"a":"s1.safetensors","b":"s2.safetensors"})");
  EXPECT_AVOCADO_ERROR(open(), ErrorKind::input, "tensor c is not listed");
  index(R"({"a":"s1.safetensors","b":"s1.safetensors","c":"s1.safetensors"})");
  EXPECT_AVOCADO_ERROR(open(), ErrorKind::input, "lists tensor b");
  index(R"({"a":"s1.safetensors","b":"s3.safetensors","c":"s1.safetensors"})");
  EXPECT_AVOCADO_ERROR(open(), ErrorKind::input, "s3.safetensors");
  shard("s2.safetensors", {"b", "a"});
  index(R"({"a":"s1.safetensors","b":"s2.safetensors","c":"s1.safetensors"})");
  EXPECT_AVOCADO_ERROR(open(), ErrorKind::input, "tensor a is not listed for this shard");
}

TEST_F(Folder, TheIndexCannotLeadOutOfTheFolder) {
  index(R"({"a":"../s1.safetensors"})");
  EXPECT_AVOCADO_ERROR(open(), ErrorKind::input, "not a .safetensors file of this folder");
  index(R"({"a":"/etc/passwd"})");
  EXPECT_AVOCADO_ERROR(open(), ErrorKind::input, "not a .safetensors file of this folder");
  index(R"({"a":7})");
  EXPECT_AVOCADO_ERROR(open(), ErrorKind::input, "weight_map.a is not a string");
  index("[]");
  EXPECT_AVOCADO_ERROR(open(), ErrorKind::input, "has no object weight_map");
}

TEST(Safetensors, RealFilesOpen) {
  REQUIRE_TEST_DATA("weights/safetensors");
  size_t opened = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(test::data("weights"))) {
    if (entry.path().extension() != ".safetensors") continue;
    if (entry.path().filename() == "parser-tiny.safetensors") {
      // One byte of data more than the tensor; the reference implementation refuses it too.
      EXPECT_AVOCADO_ERROR(SafetensorsFile::open(entry.path().string()), ErrorKind::input,
                           "belongs to no tensor");
      continue;
    }
    EXPECT_GT(SafetensorsFile::open(entry.path().string()).tensors().size(), 0u) << entry.path();
    ++opened;
  }
  EXPECT_GE(opened, 20u);
  EXPECT_EQ(SafetensorsFile::open_folder(test::data("weights/tiny/tiny_llama3").string())
                .tensors()
                .size(),
            21u);
  EXPECT_EQ(SafetensorsFile::open_folder(test::data("weights/tiny/tiny_qwen3_sharded").string())
                .tensors()
                .size(),
            57u);
  const auto sample = SafetensorsFile::open(
      test::data("weights/safetensors/dtype-samples/tensor-2d-float64.safetensors").string());
  EXPECT_EQ(sample.tensor("embedding")->shape, (std::vector<int64_t>{2, 3}));
}

}  // namespace
}  // namespace avocado
