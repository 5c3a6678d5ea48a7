// SentencePiece models against the ids that SentencePiece 0.1.97 gives (python3-sentencepiece,
// EncodeAsIds). The .model files are turned into GGUF metadata here.
#include <gtest/gtest.h>

#include <bit>
#include <cstring>

#include "text/test_text.h"
#include "text/tokenizer.h"

namespace avocado {
namespace {

const std::vector<std::string> kTexts = {"Hello world",
                                         " Hello  world ",
                                         "I saw a girl with a telescope.",
                                         "これはテストです。吾輩は猫である。",
                                         "ｱｲｳ ½ ﬁ Ⅳ",
                                         "\u00a0x\ty\nz 🦙",
                                         "",
                                         "   ",
                                         "the theory of <s> and </s>"};

struct Golden {
  const char* model;
  std::vector<std::vector<int32_t>> ids;  // of kTexts
};

const std::vector<Golden> kGolden = {
    {"spm/test_model.model",
     {{151, 88, 21, 887},
      {151, 88, 21, 887},
      {9, 459, 11, 939, 44, 11, 4, 142, 82, 8, 28, 21, 132, 6},
      {4, 0},
      {4, 0, 4, 357, 0, 596, 74, 25, 9, 0},
      {4, 297, 0, 34, 0, 997, 4, 0},
      {},
      {},
      {7, 7, 54, 34, 14, 4, 0, 8, 0, 13, 4, 0, 8, 0}}},
    {"spm/test_ja_model.model",
     {{6, 4066, 1129, 2123, 2123, 1477, 6, 5808, 1477, 2366, 2123, 2453},
      {6, 4066, 1129, 2123, 2123, 1477, 6, 5808, 1477, 2366, 2123, 2453},
      {6,    3213, 6, 1995, 931, 5808, 6,    931,  6,    2373, 1079, 2366, 2123, 6,    5808, 1079,
       1485, 1895, 6, 931,  6,   1485, 1129, 2123, 1129, 1995, 2355, 1477, 2586, 1129, 601},
      {744, 1194, 1165, 16, 94, 5, 3973, 6019, 9, 6022, 24, 5},
      {6, 4588, 491, 6, 39, 0, 32, 6, 5642, 1079, 6, 3213, 5269},
      {6, 5887, 7715, 3826, 0, 6509, 6, 0},
      {},
      {},
      {6,    1485, 1895, 1129, 6,    1485, 1895, 1129, 1477, 2366, 3826, 6,    1477,
       5642, 6,    6051, 1995, 4977, 6,    3832, 2453, 6,    6051, 442,  1995, 4977}}},
    {"small/gemma_export_vocab.spm",
     {{78, 264, 289, 289, 270, 262, 286, 270, 285, 289, 280},
      {78, 264, 289, 289, 270, 262, 286, 270, 285, 289, 280},
      {278, 262, 266, 268, 286, 262, 268, 262, 109, 263, 285, 289, 262, 286, 263,
       272, 275, 262, 268, 262, 272, 264, 289, 264, 266, 279, 270, 271, 264, 265},
      {233, 135, 153, 233, 136, 146, 233, 135, 181, 233, 137, 140, 233, 136, 191, 233, 137,
       142, 233, 135, 173, 233, 135, 159, 233, 134, 136, 235, 150, 196, 238, 194, 175, 233,
       135, 181, 237, 146, 177, 233, 135, 173, 233, 135, 136, 233, 136, 145, 233, 134, 136},
      {233, 136, 168, 233, 136, 170, 233, 136, 172, 262, 55,
       232, 135, 138, 56,  262, 281, 263, 262, 278, 92},
      {287, 262, 127, 262, 274, 262, 246, 165, 172, 159},
      {},
      {},
      {272, 275, 264, 262, 272, 275, 264, 270, 285, 127, 262, 270, 281,
       262, 66,  266, 68,  262, 268, 283, 280, 262, 66,  53,  266, 68}}},
    {"llama2/tokenizer.model",
     {{15043, 3186},
      {29871, 15043, 29871, 3186, 29871},
      {306, 4446, 263, 7826, 411, 263, 26503, 4338, 29889},
      {29871, 30589, 30553, 30449, 30572, 30255, 30279, 30499, 30427, 30267, 232,   147,
       193,   235,   191,   172,   30449, 234,   143,   174,   30499, 30641, 30332, 30267},
      {29871, 242, 192, 180, 242, 192, 181, 242, 192, 182, 29871, 30226, 29871, 31017, 29871, 229,
       136, 166},
      {20246, 29916, 12, 29891, 13, 29920, 29871, 243, 162, 169, 156},
      {},
      {268},
      {278, 6368, 310, 529, 29879, 29958, 322, 1533, 29879, 29958}}},
    {"mistral/tokenizer_240323.model.v3",
     {{23325, 2294},
      {29473, 23325, 29473, 2294, 29473},
      {1083, 3440, 1032, 3514, 1163, 1032, 25267, 7633, 29491},
      {29473, 30311, 30155, 30045, 30378, 29877, 29891, 29998, 29894, 29712, 1000,
       915,   961,   1003,  959,   940,   30045, 32432, 29998, 30442, 29884, 29712},
      {29473, 1010, 960, 948, 1010, 960, 949, 1010, 960, 950, 29473, 29807, 29473, 30928, 29473,
       997, 904, 934},
      {29473, 29768, 29512, 780, 29492, 781, 29532, 29473, 1011, 930, 937, 924},
      {},
      {1028},
      {1040, 6510, 1070, 1291, 29481, 29535, 1072, 2635, 29481, 29535}}},
};

// The fields of a protocol-buffer message: numbers, and for strings and messages their bytes.
struct Field {
  uint64_t number, value = 0;
  std::string_view bytes = {};
};

std::vector<Field> fields_of(std::string_view message) {
  std::vector<Field> fields;
  const auto varint = [&] {
    uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
      const auto byte = static_cast<unsigned char>(message.front());
      message.remove_prefix(1);
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (!message.empty()) {
    const uint64_t key = varint();
    Field field{.number = key >> 3};
    if ((key & 7) == 0) {
      field.value = varint();
    } else {
      const size_t length = (key & 7) == 2 ? varint() : (key & 7) == 5 ? 4 : 8;
      field.bytes = message.substr(0, length);
      message.remove_prefix(length);
    }
    fields.push_back(field);
  }
  return fields;
}

std::unique_ptr<Tokenizer> load_model(const std::string& path) {
  const std::string model = test::read_file(path);
  std::vector<std::string> tokens;
  std::vector<float> scores;
  std::vector<int32_t> types;
  uint64_t kind = 1, dummy_prefix = 1, remove_extra = 1;
  std::string_view charsmap;
  for (const Field& part : fields_of(model)) {
    if (part.number == 1) {  // a piece
      float score = 0;
      int32_t type = 1;
      for (const Field& f : fields_of(part.bytes)) {
        if (f.number == 1) tokens.emplace_back(f.bytes);
        if (f.number == 2) std::memcpy(&score, f.bytes.data(), 4);
        if (f.number == 3) type = static_cast<int32_t>(f.value);
      }
      scores.push_back(score);
      types.push_back(type);
    } else if (part.number == 2) {  // the trainer's settings
      for (const Field& f : fields_of(part.bytes))
        if (f.number == 3) kind = f.value;
    } else if (part.number == 3) {  // the normalizer's
      for (const Field& f : fields_of(part.bytes)) {
        if (f.number == 2) charsmap = f.bytes;
        if (f.number == 3) dummy_prefix = f.value;
        if (f.number == 4) remove_extra = f.value;
      }
    }
  }
  GgufWriter writer;
  writer.set_string("tokenizer.ggml.model", kind == 1 ? "t5" : "llama");
  writer.set_strings("tokenizer.ggml.tokens", tokens);
  writer.set_f32s("tokenizer.ggml.scores", scores);
  writer.set_i32s("tokenizer.ggml.token_type", types);
  writer.set_u32("tokenizer.ggml.unknown_token_id",
                 static_cast<uint32_t>(std::find(types.begin(), types.end(), 2) - types.begin()));
  writer.set_bool("tokenizer.ggml.add_space_prefix", dummy_prefix != 0);
  writer.set_bool("tokenizer.ggml.remove_extra_whitespaces", remove_extra != 0);
  if (!charsmap.empty())
    writer.set("tokenizer.ggml.precompiled_charsmap",
               GgufArray(std::vector<uint8_t>(charsmap.begin(), charsmap.end())));
  const std::vector<std::byte> bytes = writer.bytes();
  return Tokenizer::from_gguf(GgufFile::parse(bytes, path));
}

TEST(SentencePiece, GivesTheIdsOfTheOriginal) {
  REQUIRE_TEST_DATA("tokenizers/spm");
  for (const Golden& golden : kGolden) {
    const auto t = load_model(test::data(std::string("tokenizers/") + golden.model));
    for (size_t i = 0; i < kTexts.size(); ++i)
      EXPECT_EQ(t->encode(kTexts[i]), golden.ids[i])
          << golden.model << " (" << t->type_name() << "): " << kTexts[i];
  }
}

}  // namespace
}  // namespace avocado
