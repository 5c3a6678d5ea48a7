#include "tensor/dtype.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <functional>
#include <iterator>
#include <limits>
#include <set>

#include "base/error.h"
#include "base/philox.h"
#include "base/sha256.h"
#include "tensor/blocks/iq_grids.h"
#include "tensor/view.h"
#include "test_data.h"

namespace avocado {
namespace {

using Bytes = std::vector<uint8_t>;

// Reads a stored block as a string of bits, the lowest bit of each byte first.
struct Bits {
  const uint8_t* block;
  int at(int byte, int bit, int width) const {
    int value = 0;
    for (int i = 0; i < width; ++i)
      value |= (block[byte + (bit + i) / 8] >> ((bit + i) % 8) & 1) << i;
    return value;
  }
  double half(int byte) const { return f16_to_f32(static_cast<uint16_t>(at(byte, 0, 16))); }
};

// Element i of a block, straight from the written layout, in double.
using Element = std::function<double(Bits, int)>;

double k_quant(Bits b, int i, double q) {
  const int group = i / 32;
  int scale, minimum;
  if (group < 4) {
    scale = b.at(4 + group, 0, 6);
    minimum = b.at(8 + group, 0, 6);
  } else {
    scale = b.at(8 + group, 0, 4) + 16 * b.at(group, 6, 2);
    minimum = b.at(8 + group, 4, 4) + 16 * b.at(4 + group, 6, 2);
  }
  return b.half(0) * scale * q - b.half(2) * minimum;
}

// The 4-bit non-linear values, as their quantizer chooses between them.
double iq4(int code) {
  constexpr int kValues[] = {-127, -104, -83, -65, -49, -35, -22, -10,
                             1,    13,   25,  38,  53,  69,  89,  113};
  return kValues[code];
}

// Sign, two bits of exponent, one of fraction; exponent 0 is subnormal.
double e2m1(int code) {
  const int exponent = code >> 1 & 3, fraction = code & 1;
  const double size = exponent == 0 ? 0.5 * fraction : std::ldexp(1 + 0.5 * fraction, exponent - 1);
  return code & 8 ? -size : size;
}

// Number i of a codebook's entry.
int grid2(uint16_t entry, int i) { return entry >> (2 * i) & 3; }
int grid3(uint16_t entry, int i) { return entry >> (3 * i) & 7; }
constexpr int kSizes2[] = {8, 25, 43, 0};
constexpr int kSizes3[] = {4, 12, 20, 28, 36, 44, 52, 62};

// Whether element i of eight is negative, of which seven have a stored sign and the last makes
// their number even.
double even_sign(int seven, int i) {
  int signs = 0;
  for (int bit = 0; bit < 7; ++bit) signs += seven >> bit & 1;
  return (i < 7 ? seven >> i & 1 : signs % 2) ? -1 : 1;
}

// Digit n of a byte that holds base-3 digits as a binary fraction.
double trit(int byte, int n) {
  const double shifted = byte / 256.0 * std::pow(3.0, n);
  return std::floor(3 * (shifted - std::floor(shifted)));
}

struct Case {
  const char* name;
  const char* fixture;  // of blocks made by another program; null: there is none
  int row;
  double error;             // largest error for inputs in [-1, 1], one to two steps of the type
  std::vector<int> halves;  // where the scales stand
  Element element;
};

const Case kCases[] = {
    {"Q8_0",
     "q8_0",
     64,
     0.005,
     {0},
     [](Bits b, int i) { return b.half(0) * (b.at(2 + i, 0, 7) - 128 * b.at(2 + i, 7, 1)); }},
    {"Q4_0",
     "q4_0",
     64,
     0.16,
     {0},
     [](Bits b, int i) { return b.half(0) * (b.at(2 + i % 16, i / 16 * 4, 4) - 8); }},
    {"Q4_1",
     "q4_1",
     64,
     0.09,
     {0, 2},
     [](Bits b, int i) { return b.half(0) * b.at(4 + i % 16, i / 16 * 4, 4) + b.half(2); }},
    {"Q5_0",
     "q5_0",
     64,
     0.08,
     {0},
     [](Bits b, int i) {
       return b.half(0) * (b.at(6 + i % 16, i / 16 * 4, 4) + 16 * b.at(2, i, 1) - 16);
     }},
    {"Q5_1",
     "q5_1",
     64,
     0.05,
     {0, 2},
     [](Bits b, int i) {
       return b.half(0) * (b.at(8 + i % 16, i / 16 * 4, 4) + 16 * b.at(4, i, 1)) + b.half(2);
     }},
    {"Q4_K",
     "q4_k",
     512,
     0.13,
     {0, 2},
     [](Bits b, int i) {
       return k_quant(b, i, b.at(16 + i / 64 * 32 + i % 32, i / 32 % 2 * 4, 4));
     }},
    {"Q5_K",
     "q5_k",
     512,
     0.05,
     {0, 2},
     [](Bits b, int i) {
       const int low = b.at(48 + i / 64 * 32 + i % 32, i / 32 % 2 * 4, 4);
       return k_quant(b, i, low + 16 * b.at(16 + i % 32, i / 32, 1));
     }},
    {"Q6_K",
     "q6_k",
     512,
     0.05,
     {208},
     [](Bits b, int i) {
       const int p = i % 128;
       const int low = b.at(i / 128 * 64 + p % 64, p / 64 * 4, 4);
       const int high = b.at(128 + i / 128 * 32 + p % 32, p / 32 * 2, 2);
       const int scale = b.at(192 + i / 16, 0, 7) - 128 * b.at(192 + i / 16, 7, 1);
       return b.half(208) * scale * (low + 16 * high - 32);
     }},
    {"Q2_K",
     "q2_k",
     512,
     0.7,
     {80, 82},
     [](Bits b, int i) {
       const int scale = b.at(i / 16, 0, 4), minimum = b.at(i / 16, 4, 4);
       const int q = b.at(16 + i / 128 * 32 + i % 32, i % 128 / 32 * 2, 2);
       return b.half(80) * scale * q - b.half(82) * minimum;
     }},
    {"Q3_K",
     "q3_k",
     512,
     0.3,
     {108},
     [](Bits b, int i) {
       const int g = i / 16;
       const int scale = b.at(96 + g % 8, g / 8 * 4, 4) + 16 * b.at(104 + g % 4, g / 4 * 2, 2) - 32;
       const int q =
           b.at(32 + i / 128 * 32 + i % 32, i % 128 / 32 * 2, 2) + 4 * b.at(i % 32, i / 32, 1);
       return b.half(108) * scale * (q - 4);
     }},
    {"IQ4_NL",
     "iq4_nl",
     64,
     0.13,
     {0},
     [](Bits b, int i) { return b.half(0) * iq4(b.at(2 + i % 16, i / 16 * 4, 4)); }},
    {"IQ4_XS",
     nullptr,
     0,
     0,
     {0},
     [](Bits b, int i) {
       const int g = i / 32, scale = b.at(4 + g / 2, g % 2 * 4, 4) + 16 * b.at(2, 2 * g, 2) - 32;
       return b.half(0) * scale * iq4(b.at(8 + g * 16 + i % 16, i % 32 / 16 * 4, 4));
     }},
    {"MXFP4",
     nullptr,
     0,
     0,
     {},
     [](Bits b, int i) {
       return std::ldexp(e2m1(b.at(1 + i % 16, i / 16 * 4, 4)), b.at(0, 0, 8) - 127);
     }},
    {"TQ1_0",
     nullptr,
     0,
     0,
     {52},
     [](Bits b, int i) {
       const double digit = i < 160   ? trit(b.at(i % 32, 0, 8), i / 32)
                            : i < 240 ? trit(b.at(32 + i % 16, 0, 8), (i - 160) / 16)
                                      : trit(b.at(48 + i % 4, 0, 8), (i - 240) / 4);
       return b.half(52) * (digit - 1);
     }},
    {"TQ2_0",
     nullptr,
     0,
     0,
     {64},
     [](Bits b, int i) {
       return b.half(64) * (b.at(i / 128 * 32 + i % 32, i % 128 / 32 * 2, 2) - 1);
     }},
    {"IQ1_S",
     nullptr,
     0,
     0,
     {0},
     [](Bits b, int i) {
       const int word = 34 + i / 32 * 2;
       const int entry = b.at(2 + i / 8, 0, 8) + 256 * b.at(word, i / 8 % 4 * 3, 3);
       const double delta = b.at(word, 15, 1) ? -0.125 : 0.125;
       return b.half(0) * (2 * b.at(word, 12, 3) + 1) * (grid2(kIq1Grid[entry], i % 8) - 1 + delta);
     }},
    {"IQ1_M",
     nullptr,
     0,
     0,
     {54},
     [](Bits b, int i) {
       const int d =
           b.at(48, 12, 4) + 16 * b.at(50, 12, 4) + 256 * b.at(52, 12, 4) + 4096 * b.at(54, 12, 4);
       const int entry = b.at(i / 8, 0, 8) + 256 * b.at(32, i / 8 * 4, 3);
       const double delta = b.at(32, i / 8 * 4 + 3, 1) ? -0.125 : 0.125;
       const int scale = b.at(48 + i / 64 * 2, i / 16 % 4 * 3, 3);
       return f16_to_f32(static_cast<uint16_t>(d)) * (2.0 * scale + 1) *
              (grid2(kIq1Grid[entry], i % 8) - 1 + delta);
     }},
    {"IQ2_XXS",
     nullptr,
     0,
     0,
     {0},
     [](Bits b, int i) {
       const int group = 2 + i / 32 * 8, eight = i / 8 % 4;
       const double size = kSizes2[grid2(kIq2XxsGrid[b.at(group + eight, 0, 8)], i % 8)];
       return b.half(0) * (0.5 + b.at(group + 4, 28, 4)) * 0.25 * size *
              even_sign(b.at(group + 4, eight * 7, 7), i % 8);
     }},
    {"IQ2_XS",
     nullptr,
     0,
     0,
     {0},
     [](Bits b, int i) {
       const int word = 2 + i / 8 * 2;
       const double size = kSizes2[grid2(kIq2XsGrid[b.at(word, 0, 9)], i % 8)];
       return b.half(0) * (0.5 + b.at(66, i / 16 * 4, 4)) * 0.25 * size *
              even_sign(b.at(word, 9, 7), i % 8);
     }},
    {"IQ2_S",
     nullptr,
     0,
     0,
     {0},
     [](Bits b, int i) {
       const int entry = b.at(2 + i / 8, 0, 8) + 256 * b.at(66, i / 8 * 2, 2);
       const double size = kSizes2[grid2(kIq2SGrid[entry], i % 8)];
       return b.half(0) * (0.5 + b.at(74, i / 16 * 4, 4)) * 0.25 * size * (b.at(34, i, 1) ? -1 : 1);
     }},
    {"IQ3_XXS",
     nullptr,
     0,
     0,
     {0},
     [](Bits b, int i) {
       const double size = kSizes3[grid3(kIq3XxsGrid[b.at(2 + i / 4, 0, 8)], i % 4)];
       const int word = 66 + i / 32 * 4;
       return b.half(0) * (0.5 + b.at(word, 28, 4)) * 0.5 * size *
              even_sign(b.at(word, i / 8 % 4 * 7, 7), i % 8);
     }},
    {"IQ3_S",
     nullptr,
     0,
     0,
     {0},
     [](Bits b, int i) {
       const int entry = b.at(2 + i / 4, 0, 8) + 256 * b.at(66, i / 4, 1);
       const double size = 2 * grid3(kIq3SGrid[entry], i % 4) + 1;
       return b.half(0) * (1 + 2 * b.at(106, i / 32 * 4, 4)) * size * (b.at(74, i, 1) ? -1 : 1);
     }},
};

std::vector<float> decode(const DTypeTraits& type, const Bytes& bytes) {
  std::vector<float> out(bytes.size() / static_cast<size_t>(type.block_bytes) *
                         static_cast<size_t>(type.block));
  type.to_f32(reinterpret_cast<const std::byte*>(bytes.data()), out.data(),
              static_cast<int64_t>(out.size()));
  return out;
}

void expect_elements(const Case& c, const DTypeTraits& type, const Bytes& bytes,
                     const std::vector<float>& values) {
  for (size_t i = 0; i < values.size(); ++i) {
    const size_t block = i / static_cast<size_t>(type.block);
    const Bits bits{bytes.data() + block * static_cast<size_t>(type.block_bytes)};
    const float wanted =
        static_cast<float>(c.element(bits, static_cast<int>(i % static_cast<size_t>(type.block))));
    ASSERT_EQ(values[i], wanted) << c.name << " element " << i;
  }
}

TEST(Blocks, RandomBlocksDecodeToTheNearestFloatOfTheFormula) {
  for (const Case& c : kCases) {
    const DTypeTraits* type = dtype_by_name(c.name);
    ASSERT_TRUE(type && type->to_f32) << c.name;
    const Random random(1, Purpose::test);
    Bytes bytes(static_cast<size_t>(type->block_bytes) * 500);
    for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(random.u32(i));
    // Finite scales: clear the top exponent bit of each half.
    for (size_t block = 0; block < 500; ++block) {
      uint8_t* b = bytes.data() + block * static_cast<size_t>(type->block_bytes);
      for (int half : c.halves) b[half + 1] &= 0xbf;
    }
    expect_elements(c, *type, bytes, decode(*type, bytes));
  }
}

Bytes read_all(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return Bytes(std::istreambuf_iterator<char>(file), {});
}

TEST(Blocks, BlocksMadeByAnotherProgramDecodeNearTheirInputs) {
  REQUIRE_TEST_DATA("reference/ggml_quants");
  for (const Case& c : kCases) {
    if (!c.fixture) continue;
    for (const char* variant : {"noim", "im"}) {
      const std::string stem = fmt::format("{}_{}_{}_", c.fixture, c.row, variant);
      const auto folder = test::data("reference/ggml_quants");
      const Bytes input = read_all(folder / (stem + "input.bin"));
      const Bytes blocks = read_all(folder / (stem + "expected.bin"));
      const DTypeTraits& type = *dtype_by_name(c.name);
      const std::vector<float> values = decode(type, blocks);
      ASSERT_EQ(values.size() * sizeof(float), input.size()) << stem;
      ASSERT_GT(values.size(), 0u);
      expect_elements(c, type, blocks, values);
      double worst = 0;
      for (size_t i = 0; i < values.size(); ++i) {
        float wanted;
        std::memcpy(&wanted, input.data() + i * sizeof wanted, sizeof wanted);
        worst = std::max(worst, std::abs(static_cast<double>(values[i]) - wanted));
      }
      EXPECT_LT(worst, c.error) << stem;
      EXPECT_GT(worst, 0) << stem;
    }
  }
}

// The digest of a codebook as other programs write it, a byte for each value.
template <size_t N>
std::string digest_of_grid(const uint16_t (&grid)[N], int count,
                           std::initializer_list<int> values) {
  const int bits = count == 8 ? 2 : 3;
  Bytes bytes;
  for (const uint16_t entry : grid)
    for (int i = 0; i < count; ++i)
      bytes.push_back(
          static_cast<uint8_t>(values.begin()[entry >> (bits * i) & ((1 << bits) - 1)]));
  Sha256 digest;
  digest.update_array<uint8_t>(bytes);
  return digest.hex();
}

TEST(Blocks, CodebooksAreThoseOfTheFormat) {
  EXPECT_EQ(digest_of_grid(kIq1Grid, 8, {-1, 0, 1}),
            "07540ffc1aeaf6ad4d97e96b0fcc765aae39671d4ae4a27bbd0e796fde167c6a");
  EXPECT_EQ(digest_of_grid(kIq2XxsGrid, 8, {8, 25, 43}),
            "05826b5d3e472a3a78f196be62ac78acf81df0f909626e12ab9fa2a5d490dd54");
  EXPECT_EQ(digest_of_grid(kIq2XsGrid, 8, {8, 25, 43}),
            "06e47aaca60b4dc1d9b5a3f34540437058a6b142b4d7a59d5ded769b4d1bf1de");
  EXPECT_EQ(digest_of_grid(kIq2SGrid, 8, {8, 25, 43}),
            "e1aa1473412b0552c2174c30ef22ab4073f6a181b85a17056e8249bd2932fd88");
  EXPECT_EQ(digest_of_grid(kIq3XxsGrid, 4, {4, 12, 20, 28, 36, 44, 52, 62}),
            "46e35f5a997efdee6c99ce57854c8a0d4f0ff8ca57e5e8a60c0793ea580acf5d");
  EXPECT_EQ(digest_of_grid(kIq3SGrid, 4, {1, 3, 5, 7, 9, 11, 13, 15}),
            "bd1af4945a1717c65610b0284e4628b9a1ba3b306fae3a06f6e5f597356e349f");
}

TEST(DType, TheTableIsConsistent) {
  std::set<std::string_view> names;
  int known = 0;
  for (uint32_t number = 0; number < 2000; ++number) {
    const DTypeTraits* type = dtype_traits(static_cast<DType>(number));
    if (!type) continue;
    ++known;
    EXPECT_EQ(static_cast<uint32_t>(type->type), number);
    EXPECT_TRUE(names.insert(type->name).second) << type->name;
    EXPECT_EQ(dtype_by_name(type->name), type);
    EXPECT_GT(type->block, 0);
    EXPECT_GT(type->block_bytes, 0);
  }
  EXPECT_EQ(known, 39);
  EXPECT_EQ(dtype_traits(static_cast<DType>(4)), nullptr);
  EXPECT_EQ(dtype_by_name("Q4_2"), nullptr);
}

TEST(DType, BytesAreCountedOnlyWhenTheyCanBe) {
  EXPECT_EQ(dtype_bytes(DType::f32, 3), 12u);
  EXPECT_EQ(dtype_bytes(DType::q4_k, 512), 288u);
  EXPECT_EQ(dtype_bytes(DType::f32, 0), 0u);
  EXPECT_EQ(dtype_bytes(DType::q4_k, 100), std::nullopt);
  EXPECT_EQ(dtype_bytes(DType::f32, -1), std::nullopt);
  EXPECT_EQ(dtype_bytes(static_cast<DType>(4), 32), std::nullopt);
  EXPECT_EQ(dtype_bytes(DType::f64, std::numeric_limits<int64_t>::max() / 4), std::nullopt);
}

template <class T>
std::vector<float> numbers(DType type, std::vector<T> values) {
  return to_f32(
      {"t", type, {static_cast<int64_t>(values.size())}, std::as_bytes(std::span(values))});
}

TEST(View, PlainTypesDecode) {
  EXPECT_EQ(numbers<float>(DType::f32, {1.5f, -0.0f}), (std::vector<float>{1.5f, -0.0f}));
  EXPECT_EQ(numbers<double>(DType::f64, {0.1}), (std::vector<float>{0.1f}));
  EXPECT_EQ(numbers<uint16_t>(DType::f16, {0x3c00, 0xc000}), (std::vector<float>{1, -2}));
  EXPECT_EQ(numbers<uint16_t>(DType::bf16, {0x3f80, 0xc000}), (std::vector<float>{1, -2}));
  EXPECT_EQ(numbers<int8_t>(DType::i8, {-128, 127}), (std::vector<float>{-128, 127}));
  EXPECT_EQ(numbers<int16_t>(DType::i16, {-300}), (std::vector<float>{-300}));
  EXPECT_EQ(numbers<int32_t>(DType::i32, {16777217}), (std::vector<float>{16777216}));
  EXPECT_EQ(numbers<int64_t>(DType::i64, {-5}), (std::vector<float>{-5}));
  EXPECT_EQ(numbers<uint8_t>(DType::u8, {255}), (std::vector<float>{255}));
}

TEST(View, WhatCannotBeDecodedIsRefusedByName) {
  const Bytes bytes(292);
  const TensorView undecodable{"blk.0.x", DType::q8_k, {256}, std::as_bytes(std::span(bytes))};
  try {
    to_f32(undecodable);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::input);
    EXPECT_NE(std::string(error.what()).find("blk.0.x"), std::string::npos);
    EXPECT_NE(std::string(error.what()).find("Q8_K"), std::string::npos);
  }
  const TensorView short_of_bytes{"t", DType::f32, {74}, std::as_bytes(std::span(bytes))};
  EXPECT_THROW(to_f32(short_of_bytes), Error);
}

}  // namespace
}  // namespace avocado
