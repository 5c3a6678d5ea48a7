// The public door, entered through the C++ header, which calls every function of the C interface.

#include <gtest/gtest.h>

#include <cstring>

// The inside's headers come first, because some of its names are also the door's.
// clang-format off
#include "temp_folder.h"
#include "text/bpe_trainer.h"
#include "tiny_model.h"
#include "avocado/avocado.h"
// clang-format on

namespace door = avocado::v0;

namespace {

class DoorTest : public testing::Test {
 protected:
  DoorTest() {
    avocado::BpeTrainerOptions options;
    options.vocab_size = 300;
    options.special_tokens = {"<|begin|>", "<|end|>"};
    options.bos = "<|begin|>";
    options.eos = "<|end|>";
    tokenizer_ = avocado::train_bpe({"a stone in a fruit", "実の中の種"}, options);
    avocado::ModelConfig config = avocado::architecture("llama", "test").tiny();
    config.vocab = tokenizer_->vocab_size();
    path_ = folder_.file("tiny.gguf");
    avocado::test::write_tiny_model(config, path_, tokenizer_.get());
  }

  // The failure of a call, which must fail.
  template <class Call>
  static door::Failure failure(const Call& call) {
    try {
      call();
    } catch (const door::Failure& f) {
      return f;
    }
    ADD_FAILURE() << "nothing was thrown";
    return door::Failure(avocado_error{});
  }

  // What a listener hears: bytes that are no character, drawn by a model that knows nothing, become
  // U+FFFD.
  std::string spoken(const std::vector<int32_t>& ids) const {
    avocado::StreamDecoder decoder(*tokenizer_);
    std::string text;
    for (int32_t id : ids) text += decoder.push(id);
    return text + decoder.finish();
  }

  avocado::test::TempFolder folder_;
  std::unique_ptr<avocado::Tokenizer> tokenizer_;
  std::string path_;
};

TEST_F(DoorTest, DescribesTheModel) {
  const door::Model model(path_);
  const avocado_model_info info = model.info();
  EXPECT_STREQ(info.architecture, "llama");
  EXPECT_STREQ(info.name, "tiny");
  EXPECT_EQ(info.context, 256);
  EXPECT_GT(info.parameters, info.vocab * 24);
  EXPECT_TRUE(info.has_tokenizer);
  EXPECT_EQ(model.decode({info.bos, info.eos}, AVOCADO_SPECIAL), "<|begin|><|end|>");
  EXPECT_EQ(model.digest(), door::Model(path_, 3).digest());
  EXPECT_EQ(model.digest().size(), 64u);
}

TEST_F(DoorTest, TextRoundTrips) {
  const door::Model model(path_);
  const std::string text = "a fruit 実 🥑";
  const auto ids = model.encode(text);
  EXPECT_EQ(model.decode(ids), text);
  const auto with_bos = model.encode(text, AVOCADO_BOS);
  ASSERT_EQ(with_bos.size(), ids.size() + 1);
  EXPECT_EQ(with_bos[0], model.info().bos);
  EXPECT_EQ(model.encode("<|end|>", AVOCADO_SPECIAL), std::vector<int32_t>{model.info().eos});
  EXPECT_GT(model.encode("<|end|>").size(), 1u);

  // Asking for the size, and a buffer that is too small.
  int32_t first[2] = {-7, -7};
  EXPECT_EQ(avocado_encode(model.handle(), text.data(), text.size(), 0, nullptr, 0, nullptr),
            static_cast<int64_t>(ids.size()));
  EXPECT_EQ(avocado_encode(model.handle(), text.data(), text.size(), 0, first, 1, nullptr),
            static_cast<int64_t>(ids.size()));
  EXPECT_EQ(first[0], ids[0]);
  EXPECT_EQ(first[1], -7);
}

TEST_F(DoorTest, LogitsDoNotDependOnThreadsOrOnHowTokensCome) {
  const door::Model model(path_);
  const std::vector<int32_t> ids = avocado::test::random_ids(90, model.info().vocab, 3);
  door::Session at_once(model, 3);
  const std::vector<float> want = at_once.feed(ids);
  EXPECT_EQ(at_once.length(), 90);

  door::Session one_by_one(model, 1);
  std::vector<float> have;
  for (int32_t id : ids) have = one_by_one.feed({id});
  EXPECT_EQ(std::memcmp(want.data(), have.data(), want.size() * sizeof(float)), 0);

  one_by_one.truncate(40);
  EXPECT_EQ(one_by_one.length(), 40);
  have = one_by_one.feed({ids.begin() + 40, ids.end()});
  EXPECT_EQ(std::memcmp(want.data(), have.data(), want.size() * sizeof(float)), 0);

  std::vector<float> all(ids.size() * want.size());
  const std::unique_ptr<avocado_session, void (*)(avocado_session*)> raw(
      avocado_session_open(model.handle(), 2, 0, nullptr), avocado_session_close);
  ASSERT_EQ(avocado_session_feed(raw.get(), ids.data(), ids.size(), 1, all.data(), nullptr),
            AVOCADO_OK);
  EXPECT_EQ(std::memcmp(want.data(), &all[all.size() - want.size()], want.size() * sizeof(float)),
            0);
}

TEST_F(DoorTest, GenerationIsAFunctionOfItsInputs) {
  const door::Model model(path_);
  const auto prompt = model.encode("a stone", AVOCADO_BOS);
  avocado_sampling sampling = avocado_sampling_default();
  sampling.temperature = 1.5f;
  std::string heard;
  door::Session session(model, 2);
  const auto listen = [&](std::string_view text) {
    heard += text;
    return true;
  };
  const door::Completion first = session.generate(prompt, 20, sampling, listen);
  EXPECT_GT(first.ids.size(), 0u);
  EXPECT_EQ(heard, spoken(first.ids));
  EXPECT_EQ(door::Session(model, 1).generate(prompt, 20, sampling).ids, first.ids);
  EXPECT_EQ(session.generate(prompt, 20, sampling).ids, first.ids);  // over its own remains
  sampling.seed = 1;
  EXPECT_NE(session.generate(prompt, 20, sampling).ids, first.ids);
}

TEST_F(DoorTest, ACallbackCanStopAndCanThrow) {
  const door::Model model(path_);
  const auto prompt = model.encode("a stone", AVOCADO_BOS);
  door::Session session(model);
  avocado_sampling sampling = avocado_sampling_default();
  int pieces = 0;
  const door::Completion stopped =
      session.generate(prompt, 100, sampling, [&](std::string_view) { return ++pieces < 3; });
  EXPECT_EQ(stopped.stop, AVOCADO_STOP_INTERRUPTED);
  EXPECT_EQ(pieces, 3);
  EXPECT_LT(stopped.ids.size(), 100u);
  EXPECT_THROW(session.generate(prompt, 100, sampling,
                                [](std::string_view) -> bool { throw std::logic_error("mine"); }),
               std::logic_error);
}

TEST_F(DoorTest, FailuresAreValuesThatSayWhatAndWhere) {
  const auto missing = failure([&] { door::Model("/nowhere/model.gguf"); });
  EXPECT_EQ(missing.status(), AVOCADO_INPUT);
  EXPECT_NE(std::string(missing.what()).find("/nowhere/model.gguf"), std::string::npos);
  EXPECT_EQ(avocado_model_load("/nowhere/model.gguf", 1, nullptr), nullptr);
  EXPECT_EQ(failure([&] { door::Model(path_, -1); }).status(), AVOCADO_USAGE);

  const door::Model model(path_);
  EXPECT_EQ(failure([&] { model.decode({model.info().bos, 1 << 30}); }).status(), AVOCADO_USAGE);
  door::Session session(model, 1, 8);
  EXPECT_EQ(failure([&] { session.feed(std::vector<int32_t>(9, 1)); }).status(), AVOCADO_USAGE);
  EXPECT_EQ(session.length(), 0);
  EXPECT_EQ(failure([&] { session.feed({}); }).status(), AVOCADO_USAGE);
  EXPECT_EQ(failure([&] { session.truncate(1); }).status(), AVOCADO_USAGE);
  EXPECT_EQ(failure([&] { door::Session(model, 1, 1000); }).status(), AVOCADO_USAGE);
  avocado_sampling sampling = avocado_sampling_default();
  sampling.top_p = -1;
  EXPECT_EQ(failure([&] { session.generate({1}, 4, sampling); }).status(), AVOCADO_USAGE);
}

TEST_F(DoorTest, ALongMessageIsShortenedBetweenCharacters) {
  avocado_error error;
  const std::string name = "/" + std::string(100, 'a') + [] {
    std::string text;
    for (int i = 0; i < 600; ++i) text += "種";
    return text;
  }();
  EXPECT_EQ(avocado_model_load(name.c_str(), 1, &error), nullptr);
  const std::string message = error.message;
  EXPECT_GE(message.size(), sizeof(error.message) - 4);
  EXPECT_EQ(message.substr(message.size() - 3), "種");
}

}  // namespace
