#include "files/gguf.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "expect_error.h"
#include "files/atomic_file.h"
#include "temp_folder.h"
#include "test_data.h"

namespace avocado {
namespace {

// Bytes of a GGUF file written field by field, right or wrong.
struct Raw {
  std::string bytes;

  template <class T>
  Raw& n(T number) {
    bytes.append(reinterpret_cast<const char*>(&number), sizeof number);
    return *this;
  }
  Raw& s(std::string_view text) {
    n(static_cast<uint64_t>(text.size()));
    bytes += text;
    return *this;
  }
  Raw& header(uint64_t tensors, uint64_t keys, uint32_t version = 3) {
    bytes += "GGUF";
    return n(version).n(tensors).n(keys);
  }
  Raw& tensor(std::string_view name, std::vector<uint64_t> dimensions, uint32_t type,
              uint64_t offset) {
    s(name).n(static_cast<uint32_t>(dimensions.size()));
    for (uint64_t d : dimensions) n(d);
    return n(type).n(offset);
  }
  Raw& data(size_t size, size_t alignment = 32) {
    bytes.resize((bytes.size() + alignment - 1) / alignment * alignment + size);
    return *this;
  }
  GgufFile parse() const {
    return GgufFile::parse(std::as_bytes(std::span(bytes.data(), bytes.size())), "bad.gguf");
  }
};

#define EXPECT_REFUSED(raw, message) EXPECT_AVOCADO_ERROR((raw).parse(), ErrorKind::input, message)

TensorView floats(const std::string& name, std::vector<int64_t> shape,
                  const std::vector<float>& values) {
  return {name, DType::f32, std::move(shape), std::as_bytes(std::span(values))};
}

GgufWriter writer_with_every_type() {
  GgufWriter w;
  w.set("u8", uint8_t{200});
  w.set("i8", int8_t{-100});
  w.set("u16", uint16_t{60000});
  w.set("i16", int16_t{-30000});
  w.set_u32("u32", 4'000'000'000u);
  w.set_i32("i32", -2'000'000'000);
  w.set_f32("f32", 0.1f);
  w.set_bool("yes", true);
  w.set_string("string", "text\0with zero");
  w.set_u64("u64", std::numeric_limits<uint64_t>::max());
  w.set("i64", std::numeric_limits<int64_t>::min());
  w.set("f64", 0.1);
  w.set("a.u8", GgufArray(std::vector<uint8_t>{1, 2}));
  w.set("a.i8", GgufArray(std::vector<int8_t>{-1}));
  w.set("a.u16", GgufArray(std::vector<uint16_t>{3}));
  w.set("a.i16", GgufArray(std::vector<int16_t>{-3}));
  w.set("a.u32", GgufArray(std::vector<uint32_t>{4, 5}));
  w.set_i32s("a.i32", {-4, 5});
  w.set_f32s("a.f32", {0.5f, -1});
  w.set("a.bool", GgufArray(std::vector<bool>{true, false, true}));
  w.set_strings("a.string", {"one", "", "three"});
  w.set("a.u64", GgufArray(std::vector<uint64_t>{6}));
  w.set("a.i64", GgufArray(std::vector<int64_t>{-6}));
  w.set("a.f64", GgufArray(std::vector<double>{7.5}));
  w.set("a.empty", GgufArray(std::vector<std::string_view>{}));
  return w;
}

TEST(Gguf, EveryMetadataTypeComesBack) {
  const std::vector<std::byte> bytes = writer_with_every_type().bytes();
  const GgufFile file = GgufFile::parse(bytes, "m");
  EXPECT_EQ(file.version(), 3u);
  EXPECT_EQ(file.alignment(), 32u);
  EXPECT_EQ(file.metadata().size(), 25u);
  EXPECT_EQ(file.metadata()[0].first, "u8");
  EXPECT_EQ(file.get_int("u8"), 200);
  EXPECT_EQ(file.get_int("i8"), -100);
  EXPECT_EQ(file.get_int("u16"), 60000);
  EXPECT_EQ(file.get_int("i16"), -30000);
  EXPECT_EQ(file.get_int("u32"), 4'000'000'000);
  EXPECT_EQ(file.get_int("i32"), -2'000'000'000);
  EXPECT_EQ(file.get_float("f32"), static_cast<double>(0.1f));
  EXPECT_TRUE(file.get_bool("yes", false));
  EXPECT_EQ(file.get_string("string"), "text");
  EXPECT_EQ(std::get<uint64_t>(*file.find("u64")), std::numeric_limits<uint64_t>::max());
  EXPECT_EQ(file.get_int("i64"), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(file.get_float("f64"), 0.1);
  EXPECT_EQ(*file.get_array<uint8_t>("a.u8"), (std::vector<uint8_t>{1, 2}));
  EXPECT_EQ(*file.get_array<int8_t>("a.i8"), std::vector<int8_t>{-1});
  EXPECT_EQ(*file.get_array<uint16_t>("a.u16"), std::vector<uint16_t>{3});
  EXPECT_EQ(*file.get_array<int16_t>("a.i16"), std::vector<int16_t>{-3});
  EXPECT_EQ(*file.get_array<uint32_t>("a.u32"), (std::vector<uint32_t>{4, 5}));
  EXPECT_EQ(*file.get_array<int32_t>("a.i32"), (std::vector<int32_t>{-4, 5}));
  EXPECT_EQ(*file.get_array<float>("a.f32"), (std::vector<float>{0.5f, -1}));
  EXPECT_EQ(*file.get_array<bool>("a.bool"), (std::vector<bool>{true, false, true}));
  EXPECT_EQ(*file.get_array<std::string_view>("a.string"),
            (std::vector<std::string_view>{"one", "", "three"}));
  EXPECT_EQ(*file.get_array<uint64_t>("a.u64"), std::vector<uint64_t>{6});
  EXPECT_EQ(*file.get_array<int64_t>("a.i64"), std::vector<int64_t>{-6});
  EXPECT_EQ(*file.get_array<double>("a.f64"), std::vector<double>{7.5});
  EXPECT_TRUE(file.get_array<std::string_view>("a.empty")->empty());
}

TEST(Gguf, TypedAccessChecksAndNames) {
  GgufWriter w = writer_with_every_type();
  w.set_f32("nan", std::nanf(""));
  const std::vector<std::byte> bytes = w.bytes();
  const GgufFile file = GgufFile::parse(bytes, "m.gguf");
  EXPECT_EQ(file.get_int("absent", 7), 7);
  EXPECT_EQ(file.get_float("absent", 0.5), 0.5);
  EXPECT_EQ(file.get_string("absent", "x"), "x");
  EXPECT_FALSE(file.get_bool("absent", false));
  EXPECT_EQ(file.get_array<float>("absent"), nullptr);
  EXPECT_EQ(file.get_float("i8"), -100);
  EXPECT_AVOCADO_ERROR(file.get_int("absent"), ErrorKind::input,
                       "m.gguf: metadata key absent is missing");
  EXPECT_AVOCADO_ERROR(file.get_int("f32"), ErrorKind::input,
                       "must be an integer below 2^63, but is f32");
  EXPECT_AVOCADO_ERROR(file.get_int("u64", 1), ErrorKind::input, "integer below 2^63");
  EXPECT_AVOCADO_ERROR(file.get_int("yes"), ErrorKind::input, "but is bool");
  EXPECT_AVOCADO_ERROR(file.get_string("u8", "x"), ErrorKind::input, "must be a string, but is u8");
  EXPECT_AVOCADO_ERROR(file.get_bool("u8", true), ErrorKind::input, "must be a boolean");
  EXPECT_AVOCADO_ERROR(file.get_float("string"), ErrorKind::input, "must be a number");
  EXPECT_AVOCADO_ERROR(file.get_float("nan"), ErrorKind::input, "not a finite number");
  EXPECT_AVOCADO_ERROR(file.get_array<int32_t>("a.f32"), ErrorKind::input,
                       "must be array of i32, but is array of f32");
  EXPECT_AVOCADO_ERROR(file.get_array<float>("f32"), ErrorKind::input,
                       "must be array of f32, but is f32");
}

TEST(Gguf, TensorsComeBackAlignedAndOutermostFirst) {
  const std::vector<float> a{1, 2, 3, 4, 5, 6}, b{7};
  const std::vector<uint8_t> q(18 * 2, 0x42);
  for (uint32_t alignment : {8u, 32u, 64u, 4096u, 65536u}) {
    GgufWriter w(alignment);
    w.set_string("general.architecture", "test");
    w.add_tensor(floats("a", {2, 3}, a));
    w.add_tensor(floats("scalar", {}, b));
    w.add_tensor({"q", DType::q4_0, {2, 32}, std::as_bytes(std::span(q))});
    const std::vector<std::byte> bytes = w.bytes();
    EXPECT_EQ(bytes.size() % alignment, 0u);
    const GgufFile file = GgufFile::parse(bytes, "m");
    EXPECT_EQ(file.alignment(), alignment);
    ASSERT_EQ(file.tensors().size(), 3u);
    EXPECT_EQ(file.tensors()[0].name, "a");
    EXPECT_EQ(file.tensor("a")->shape, (std::vector<int64_t>{2, 3}));
    EXPECT_EQ(to_f32(*file.tensor("a")), a);
    EXPECT_EQ(file.tensor("scalar")->shape, std::vector<int64_t>{});
    EXPECT_EQ(to_f32(*file.tensor("scalar")), b);
    EXPECT_EQ(file.tensor("q")->type, DType::q4_0);
    EXPECT_EQ(file.tensor("q")->data.size(), q.size());
    EXPECT_EQ(file.tensor("none"), nullptr);
    for (const TensorView& t : file.tensors()) {
      EXPECT_EQ(static_cast<size_t>(t.data.data() - bytes.data()) % alignment, 0u);
    }
  }
}

TEST(Gguf, BytesAreThoseOfTheFormat) {
  const std::vector<float> one{1};
  GgufWriter w;
  w.set_u32("k", 5);
  w.add_tensor(floats("t", {1}, one));
  Raw raw;
  raw.header(1, 1).s("k").n(uint32_t{4}).n(uint32_t{5}).tensor("t", {1}, 0, 0).data(0);
  raw.n(1.0f).data(0);
  const std::vector<std::byte> bytes = w.bytes();
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()), raw.bytes);
}

TEST(Gguf, WriteAndOpenGiveTheSameBytes) {
  const test::TempFolder folder;
  const std::string path = folder.file("m.gguf");
  GgufWriter w = writer_with_every_type();
  const std::vector<float> values{1, 2};
  w.add_tensor(floats("t", {2}, values));
  w.write(path);
  const std::vector<std::byte> bytes = w.bytes();
  EXPECT_EQ(read_text_file(path),
            std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  GgufFile file = GgufFile::open(path);
  const GgufFile moved = std::move(file);
  EXPECT_EQ(to_f32(*moved.tensor("t")), values);
  EXPECT_EQ(moved.path(), path);
  EXPECT_AVOCADO_ERROR(w.write("/dev/full"), ErrorKind::resource, "No space left");
}

TEST(Gguf, SettingAKeyAgainReplacesIt) {
  GgufWriter w;
  w.set_u32("a", 1);
  w.set_u32("b", 2);
  w.set_string("a", "text");
  const std::vector<std::byte> bytes = w.bytes();
  const GgufFile file = GgufFile::parse(bytes, "m");
  EXPECT_EQ(file.metadata().size(), 2u);
  EXPECT_EQ(file.get_string("a"), "text");
}

TEST(Gguf, WriterRefusesWhatReadersWould) {
  const std::vector<float> values{1, 2};
  GgufWriter w;
  w.add_tensor(floats("t", {2}, values));
  EXPECT_AVOCADO_ERROR(w.add_tensor(floats("t", {2}, values)), ErrorKind::usage, "twice");
  EXPECT_AVOCADO_ERROR(w.add_tensor(floats("", {2}, values)), ErrorKind::usage, "name");
  EXPECT_AVOCADO_ERROR(w.add_tensor(floats(std::string(64, 'n'), {2}, values)), ErrorKind::usage,
                       "63 bytes");
  EXPECT_AVOCADO_ERROR(w.add_tensor(floats("u", {3}, values)), ErrorKind::usage, "does not match");
  EXPECT_AVOCADO_ERROR(w.add_tensor(floats("u", {1, 1, 1, 1, 2}, values)), ErrorKind::usage,
                       "4 dimensions");
  EXPECT_AVOCADO_ERROR(w.add_tensor(floats("u", {-2}, values)), ErrorKind::usage, "dimension");
  EXPECT_AVOCADO_ERROR(w.add_tensor({"u", DType::u8, {8}, std::as_bytes(std::span(values))}),
                       ErrorKind::usage, "U8");
  EXPECT_AVOCADO_ERROR(w.set("", true), ErrorKind::usage, "key");
  EXPECT_AVOCADO_ERROR(GgufWriter(24), ErrorKind::usage, "power of two");
  EXPECT_AVOCADO_ERROR(GgufWriter(0), ErrorKind::usage, "power of two");
}

TEST(Gguf, Version2IsReadOthersAreRefused) {
  EXPECT_EQ(Raw().header(0, 0, 2).parse().version(), 2u);
  EXPECT_REFUSED(Raw().header(0, 0, 1), "GGUF version 1;");
  EXPECT_REFUSED(Raw().header(0, 0, 4), "GGUF version 4;");
  EXPECT_REFUSED(Raw().header(0, 0, 0x03000000), "big-endian");
  EXPECT_REFUSED(Raw{"GGML"}.n(uint32_t{3}), "not a GGUF file");
  EXPECT_REFUSED(Raw{"GG"}, "not a GGUF file");
  EXPECT_REFUSED(Raw{}, "not a GGUF file");
}

TEST(Gguf, EveryTruncationIsRefused) {
  const std::vector<float> values(16, 1.0f);  // 64 bytes: no padding behind them
  GgufWriter w = writer_with_every_type();
  w.add_tensor(floats("a", {2, 8}, values));
  const std::vector<std::byte> bytes = w.bytes();
  for (size_t size = 0; size < bytes.size(); ++size) {
    const auto cut = std::span(bytes).first(size);
    EXPECT_THROW(GgufFile::parse(cut, "cut"), Error) << size;
  }
}

TEST(Gguf, HugeCountsAreRefusedBeforeTheyAreUsed) {
  const uint64_t huge = std::numeric_limits<uint64_t>::max();
  for (const uint64_t count :
       {huge, huge / 8, uint64_t{1} << 40, uint64_t{1} << 62, uint64_t{100}}) {
    EXPECT_REFUSED(Raw().header(count, 0), "tensors cannot fit");
    EXPECT_REFUSED(Raw().header(0, count), "metadata keys cannot fit");
    EXPECT_REFUSED(Raw().header(0, 1).n(count).data(20), "bytes");
    EXPECT_REFUSED(Raw().header(0, 1).s("k").n(uint32_t{8}).n(count).data(20), "value of k");
    for (uint32_t type = 0; type <= 12; ++type) {
      if (type == 9) continue;
      EXPECT_REFUSED(Raw().header(0, 1).s("k").n(uint32_t{9}).n(type).n(count).data(1, 1),
                     "cannot fit");
    }
  }
}

TEST(Gguf, BadValuesAreNamed) {
  EXPECT_REFUSED(Raw().header(0, 1).s("k").n(uint32_t{13}).n(uint64_t{0}),
                 "value of k has the unknown type 13");
  EXPECT_REFUSED(Raw().header(0, 1).s("k").n(uint32_t{7}).n(uint8_t{2}).data(8), "only 0 and 1");
  EXPECT_REFUSED(Raw().header(0, 1).s("k").n(uint32_t{9}).n(uint32_t{9}).n(uint64_t{0}),
                 "array of arrays");
  EXPECT_REFUSED(Raw().header(0, 1).s("k").n(uint32_t{9}).n(uint32_t{77}).n(uint64_t{0}),
                 "unknown type 77");
  EXPECT_REFUSED(Raw().header(0, 1).s("").n(uint32_t{8}).s("v").data(8), "length of 0");
  EXPECT_REFUSED(Raw().header(0, 1).s(std::string(65536, 'k')).n(uint32_t{4}).n(uint32_t{1}),
                 "length of 65536");
  EXPECT_REFUSED(Raw().header(0, 2).s("k").n(uint32_t{4}).n(1).s("k").n(uint32_t{4}).n(1),
                 "k occurs twice");
  EXPECT_REFUSED(
      Raw().header(0, 2).s("\x1b[2J").n(uint32_t{4}).n(1).s("\x1b[2J").n(uint32_t{4}).n(1),
      "\\x1b[2J occurs twice");
}

TEST(Gguf, AlignmentMustBeAPowerOfTwo) {
  for (uint32_t alignment : {0u, 1u, 4u, 24u, 33u, 0xffffffffu}) {
    EXPECT_REFUSED(Raw().header(0, 1).s("general.alignment").n(uint32_t{4}).n(alignment),
                   "power of two");
  }
  EXPECT_REFUSED(Raw().header(0, 1).s("general.alignment").n(uint32_t{8}).s("32"),
                 "integer power of two");
  EXPECT_REFUSED(Raw().header(0, 1).s("general.alignment").n(uint32_t{10}).n(uint64_t{1} << 63),
                 "power of two");
  EXPECT_EQ(
      Raw().header(0, 1).s("general.alignment").n(uint32_t{10}).n(uint64_t{64}).parse().alignment(),
      64u);
}

TEST(Gguf, BadTensorsAreNamed) {
  const uint64_t huge = std::numeric_limits<uint64_t>::max();
  EXPECT_EQ(Raw().header(1, 0).tensor("t", {4}, 0, 0).data(16).parse().tensors().size(), 1u);
  EXPECT_REFUSED(Raw().header(1, 0).tensor("t", {4}, 0, 0).data(15),
                 "tensor t reaches beyond the end");
  EXPECT_REFUSED(Raw().header(1, 0).tensor("t", {4}, 0, 32).data(16), "beyond the end");
  EXPECT_REFUSED(Raw().header(1, 0).tensor("t", {4}, 0, huge - 31).data(16), "beyond the end");
  EXPECT_REFUSED(Raw().header(1, 0).tensor("t", {4}, 0, 4).data(64), "offset 4, not a multiple");
  EXPECT_REFUSED(Raw().header(1, 0).tensor("t", {4}, 4, 0).data(64),
                 "tensor t has the unknown type 4");
  EXPECT_REFUSED(Raw().header(1, 0).tensor("t", {4}, 1003, 0).data(64), "unknown type 1003");
  EXPECT_REFUSED(Raw().header(1, 0).tensor("t", {33}, 2, 0).data(64),
                 "rows of 33 elements, not a multiple of Q4_0's block of 32");
  EXPECT_REFUSED(Raw().header(1, 0).tensor("t", {16, 2}, 2, 0).data(64), "rows of 16");
  EXPECT_REFUSED(Raw().header(1, 0).tensor("t", {4, 0}, 0, 0).data(64), "dimension of 0");
  EXPECT_REFUSED(Raw().header(1, 0).tensor("t", {huge}, 0, 0).data(64), "makes no sense");
  EXPECT_REFUSED(
      Raw().header(1, 0).tensor("t", {uint64_t{1} << 32, uint64_t{1} << 32}, 0, 0).data(64),
      "makes no sense");
  EXPECT_REFUSED(Raw().header(1, 0).tensor("t", {uint64_t{1} << 62}, 0, 0).data(64),
                 "beyond the end");
  EXPECT_REFUSED(Raw().header(1, 0).tensor("t", {1, 1, 1, 1, 1}, 0, 0).data(64), "5 dimensions");
  EXPECT_REFUSED(Raw().header(1, 0).tensor("", {4}, 0, 0).data(64), "name of 0 bytes");
  EXPECT_REFUSED(Raw().header(1, 0).tensor(std::string(300, 'n'), {4}, 0, 0).data(64),
                 "name of 300 bytes");
  EXPECT_REFUSED(Raw().header(2, 0).tensor("t", {4}, 0, 0).tensor("t", {4}, 0, 32).data(64),
                 "tensor t occurs twice");
  EXPECT_REFUSED(Raw().header(2, 0).tensor("a", {16}, 0, 0).tensor("b", {4}, 0, 32).data(64),
                 "tensors a and b overlap");
  EXPECT_REFUSED(Raw().header(2, 0).tensor("a", {4}, 0, 32).tensor("b", {4}, 0, 32).data(64),
                 "overlap");
}

TEST(Gguf, RealFilesOpenAndCopyToEqualFiles) {
  for (const char* name : {"weights/stories260K/stories260K.gguf",
                           "weights/malformed-and-tiny-gguf/llama-2-tiny-random.gguf"}) {
    REQUIRE_TEST_DATA(name);
    const std::string path = test::data(name).string();
    const GgufFile file = GgufFile::open(path);
    GgufWriter w;
    for (const auto& [key, value] : file.metadata()) w.set(key, value);
    for (const TensorView& tensor : file.tensors()) w.add_tensor(tensor);
    const std::vector<std::byte> copy = w.bytes();
    // Equal up to padding at the end, which some writers leave out.
    const std::string original = read_text_file(path);
    ASSERT_LE(original.size(), copy.size());
    EXPECT_LT(copy.size() - original.size(), 32u);
    EXPECT_EQ(std::memcmp(copy.data(), original.data(), original.size()), 0) << name;
  }
  const GgufFile stories =
      GgufFile::open(test::data("weights/stories260K/stories260K.gguf").string());
  EXPECT_EQ(stories.get_string("general.architecture"), "llama");
  EXPECT_EQ(stories.tensor("token_embd.weight")->shape, (std::vector<int64_t>{512, 64}));
}

TEST(Gguf, MalformedFilesOfOthersAreRefused) {
  REQUIRE_TEST_DATA("weights/malformed-and-tiny-gguf");
  const auto folder = test::data("weights/malformed-and-tiny-gguf");
  EXPECT_AVOCADO_ERROR(GgufFile::open((folder / "parser-tiny.gguf").string()), ErrorKind::input,
                       "test.weight.0");
  EXPECT_AVOCADO_ERROR(GgufFile::open((folder / "ollama-api-test.gguf").string()), ErrorKind::input,
                       "truncated");
  EXPECT_EQ(GgufFile::open((folder / "parser-empty.gguf").string()).tensors().size(), 0u);
}

}  // namespace
}  // namespace avocado
