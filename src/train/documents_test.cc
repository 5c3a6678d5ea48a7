#include "train/documents.h"

#include <gtest/gtest.h>

#include "chat/own_template.h"
#include "expect_error.h"
#include "text/bpe_trainer.h"

namespace avocado {
namespace {

std::unique_ptr<Tokenizer> tokenizer(bool chat) {
  BpeTrainerOptions options;
  options.vocab_size = 300;
  options.special_tokens = chat ? kOwnSpecialTokens : std::vector<std::string>{"<s>", "</s>"};
  options.bos = options.special_tokens[0];
  options.eos = options.special_tokens[1];
  return train_bpe({"some words to begin with, some words to end with"}, options);
}

Document encode(const SourceDocument& source, const Tokenizer& t) {
  const ChatTemplate chat(kOwnTemplate, t, "test");
  const std::vector<Document> documents = encode_document(source, t, &chat, "source");
  EXPECT_EQ(documents.size(), 1u);
  return documents.at(0);
}

std::string learned(const Document& document, const Tokenizer& t) {
  std::string text;
  for (size_t i = 0; i < document.ids.size(); ++i)
    if (document.learn[i]) text += t.token_bytes(document.ids[i], true);
  return text;
}

std::string problem_of(const std::string& line, DocumentFormat format, LineProblem problem) {
  try {
    parse_document(line, format);
    ADD_FAILURE() << line << " is taken";
  } catch (const LineError& error) {
    EXPECT_EQ(error.problem(), problem) << line << ": " << error.what();
    return error.what();
  }
  return "";
}

TEST(Documents, ATextIsOneDocument) {
  const auto t = tokenizer(false);
  const Document document = encode({{"text", "one\ntwo\n"}}, *t);
  EXPECT_EQ(document.ids.front(), t->bos());
  EXPECT_EQ(document.ids.back(), t->eos());
  EXPECT_EQ(t->decode(document.ids), "one\ntwo\n");
}

struct Form {
  DocumentFormat format;
  std::string line;
  SourceDocument document;
};

const std::vector<Form> kForms = {
    {DocumentFormat::text, R"({"text": "a", "id": 7})", {{"text", "a"}}},
    {DocumentFormat::completion,
     R"({"prompt": "", "completion": "c"})",
     {{"prompt", ""}, {"completion", "c"}}},
    {DocumentFormat::messages,
     R"({"messages": [{"role": "user", "content": "u"}, {"role": "assistant", "content": "a"}]})",
     {{"user", "u"}, {"assistant", "a"}}},
    {DocumentFormat::sharegpt,
     R"({"conversations": [{"from": "human", "value": "h"}, {"from": "gpt", "value": "g"}],
         "system": "s"})",
     {{"system", "s"}, {"user", "h"}, {"assistant", "g"}}},
    {DocumentFormat::sharegpt,
     R"({"conversations": [{"from": "system", "value": "s"}, {"from": "user", "value": "h"},
                           {"from": "assistant", "value": "g"}]})",
     {{"system", "s"}, {"user", "h"}, {"assistant", "g"}}},
    {DocumentFormat::alpaca,
     R"({"instruction": "i", "input": "x", "output": "o"})",
     {{"user", "i\n\nx"}, {"assistant", "o"}}},
    {DocumentFormat::alpaca,
     R"({"instruction": "i", "input": null, "output": "o", "system": "s"})",
     {{"system", "s"}, {"user", "i"}, {"assistant", "o"}}},
};

TEST(Documents, FormsAreToldByTheirFieldsOrGiven) {
  for (const Form& form : kForms) {
    EXPECT_EQ(parse_document(form.line, DocumentFormat::jsonl), form.document) << form.line;
    EXPECT_EQ(parse_document(form.line, form.format), form.document) << form.line;
    for (const Form& other : kForms)
      if (other.format != form.format) problem_of(form.line, other.format, LineProblem::fields);
  }
}

TEST(Documents, BadLinesAreToldApart) {
  const auto jsonl = DocumentFormat::jsonl;
  for (const char* line : {"{", "{\"text\": \"a\"} x", "{\"text\": \"a\", \"text\": \"b\"}"})
    problem_of(line, jsonl, LineProblem::json);
  problem_of("{\"text\": \"\xff\"}", jsonl, LineProblem::utf8);
  problem_of("{\"text\": \"" + std::string(kLongestLine, 'a') + "\"}", jsonl,
             LineProblem::long_line);
  for (const char* line :
       {"[]", "{}", "3", R"({"text": 3})", R"({"text": "a", "messages": []})", R"({"prompt": "p"})",
        R"({"messages": [{"role": "king", "content": ""}]})", R"({"messages": [3]})",
        R"({"messages": "m"})", R"({"conversations": [{"from": "bard", "value": ""}]})",
        R"({"instruction": "i"})", R"({"instruction": "i", "input": 3, "output": "o"})",
        R"({"prompt": "p", "chosen": "c", "rejected": "r"})"})
    problem_of(line, jsonl, LineProblem::fields);
  for (const char* line : {R"({"text": ""})", R"({"prompt": "p", "completion": ""})",
                           R"({"messages": []})", R"({"instruction": "i", "output": ""})"})
    problem_of(line, jsonl, LineProblem::empty);
  EXPECT_EQ(
      problem_of(R"({"messages": [{"role": "king", "content": ""}]})", jsonl, LineProblem::fields),
      "role \"king\"; system, user and assistant are known");
}

TEST(Documents, PreferencePairs) {
  const PreferencePair texts =
      parse_preference(R"({"prompt": "p", "chosen": "good", "rejected": "bad"})");
  EXPECT_EQ(texts.chosen, (SourceDocument{{"prompt", "p"}, {"completion", "good"}}));
  EXPECT_EQ(texts.rejected, (SourceDocument{{"prompt", "p"}, {"completion", "bad"}}));
  const std::string answer = R"([{"role": "assistant", "content": "a"}])";
  const SourceDocument chat = {{"user", "u"}, {"assistant", "a"}};
  for (const std::string& line :
       {R"({"prompt": "u", "chosen": )" + answer + R"(, "rejected": )" + answer + "}",
        R"({"prompt": [{"role": "user", "content": "u"}], "chosen": )" + answer +
            R"(, "rejected": )" + answer + "}",
        std::string(R"({"prompt": [{"role": "user", "content": "u"}], "chosen": "a",
                        "rejected": [{"role": "assistant", "content": "a"}]})"),
        std::string(R"({"chosen": [{"role": "user", "content": "u"},
                                   {"role": "assistant", "content": "a"}],
                        "prompt": "not looked at",
                        "rejected": [{"role": "user", "content": "u"},
                                     {"role": "assistant", "content": "a"}]})")}) {
    const PreferencePair pair = parse_preference(line);
    EXPECT_EQ(pair.chosen, chat) << line;
    EXPECT_EQ(pair.rejected, chat) << line;
  }
  for (const std::string& line :
       {std::string(R"({"prompt": "p", "chosen": "c"})"),
        std::string(R"({"chosen": "c", "rejected": "r"})"), R"({"chosen": )" + answer + "}"})
    EXPECT_THROW(parse_preference(line), LineError) << line;
}

TEST(Documents, LinesOfPairsGiveTwoDocuments) {
  const std::string good = R"({"prompt": "p", "chosen": "c", "rejected": "r"})";
  LineReport report;
  std::vector<int64_t> lines;
  parse_block({.text = good + "\n{}\n\n" + good}, DocumentFormat::preference, report,
              [&](int64_t line, std::span<const SourceDocument> documents) {
                lines.push_back(line);
                ASSERT_EQ(documents.size(), 2u);
                EXPECT_EQ(documents[0].back().content, "c");
                EXPECT_EQ(documents[1].back().content, "r");
              });
  EXPECT_EQ(lines, (std::vector<int64_t>{1, 4}));
  EXPECT_EQ(report.of(LineProblem::fields).first.at(0).line, 2);
}

TEST(Documents, NamesTellTheFormat) {
  const auto automatic = DocumentFormat::automatic;
  EXPECT_EQ(resolve_format("a.jsonl", automatic), DocumentFormat::jsonl);
  EXPECT_EQ(resolve_format("a.jsonl.gz", automatic), DocumentFormat::jsonl);
  EXPECT_EQ(resolve_format("a.jsonl.zst", automatic), DocumentFormat::jsonl);
  EXPECT_EQ(resolve_format("a.txt.zst", automatic), DocumentFormat::plain);
  EXPECT_EQ(resolve_format("a.json", automatic), DocumentFormat::plain);
  EXPECT_EQ(resolve_format("a.jsonl", DocumentFormat::plain), DocumentFormat::plain);
}

TEST(Documents, HashesAreOfTheContentAlone) {
  const auto split = [](const SourceDocument& d) { return document_hashes(d).split; };
  EXPECT_EQ(split(kForms[2].document), split(parse_document(kForms[2].line, kForms[2].format)));
  EXPECT_NE(split({{"text", "ab"}}), split({{"text", "ac"}}));
  EXPECT_NE(split({{"prompt", "ab"}, {"completion", "c"}}),
            split({{"prompt", "a"}, {"completion", "bc"}}));
  // Part of the reproducibility contract.
  EXPECT_EQ(split({{"text", "avocado"}}), uint64_t{0x94017cc7743d24fe});
}

TEST(Documents, SharesAreExact) {
  EXPECT_FALSE(in_share(0, 0));
  EXPECT_TRUE(in_share(UINT64_MAX, 1));
  EXPECT_TRUE(in_share((uint64_t{1} << 63) - 1, 0.5));
  EXPECT_FALSE(in_share(uint64_t{1} << 63, 0.5));
}

TEST(Documents, OnlyAnswersAreLearned) {
  const auto t = tokenizer(true);
  const Document chat =
      encode({{"user", "question "}, {"assistant", " answer"}, {"user", "more"}}, *t);
  EXPECT_EQ(learned(chat, *t), "answer<|eot_id|>");
  std::string all;
  for (int32_t id : chat.ids) all += t->token_bytes(id, true);
  EXPECT_EQ(all,
            "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nquestion<|eot_id|>"
            "<|start_header_id|>assistant<|end_header_id|>\n\nanswer<|eot_id|>"
            "<|start_header_id|>user<|end_header_id|>\n\nmore<|eot_id|>");
  const Document pair = encode({{"prompt", "p"}, {"completion", "c"}}, *t);
  EXPECT_EQ(learned(pair, *t), "c<|end_of_text|>");
}

TEST(Documents, OfAPairsConversationOnlyTheLastAnswerIsLearned) {
  const auto t = tokenizer(true);
  const ChatTemplate chat(kOwnTemplate, *t, "test");
  const SourceDocument document = {
      {"user", "one"}, {"assistant", "two"}, {"user", "three"}, {"assistant", "four"}};
  EXPECT_EQ(learned(encode(document, *t), *t), "two<|eot_id|>four<|eot_id|>");
  EXPECT_EQ(learned(encode_answer(document, *t, &chat, "source"), *t), "four<|eot_id|>");
}

TEST(Documents, ContentNeverBecomesMarkup) {
  const auto t = tokenizer(true);
  const Document document = encode({{"user", "<|eot_id|>"}, {"assistant", "a"}}, *t);
  EXPECT_EQ(std::count(document.ids.begin(), document.ids.end(), t->find("<|eot_id|>")), 2);
}

TEST(Documents, AChatNeedsATemplate) {
  EXPECT_AVOCADO_ERROR(encode_document({{"user", "u"}}, *tokenizer(false), nullptr, "chat"),
                       ErrorKind::input, "needs a model with a chat template");
}

}  // namespace
}  // namespace avocado
