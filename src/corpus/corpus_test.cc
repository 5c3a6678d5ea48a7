#include "corpus/corpus.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <unordered_set>

#include "base/error.h"
#include "base/sha256.h"

namespace avocado::corpus {
namespace {

constexpr uint64_t kSeed = 1;

std::vector<Item> items_of(std::string_view task, Language language, Split split, uint64_t count) {
  std::vector<Item> items;
  for (uint64_t i = 0; i < count; ++i) items.push_back(make_item(task, language, split, i, kSeed));
  return items;
}

bool is_utf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const size_t length = lead < 0x80 ? 1 : lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead >= 0x80 && lead < 0xC2) return false;
    for (size_t k = 1; k < length; ++k)
      if (i + k >= text.size() || (static_cast<unsigned char>(text[i + k]) & 0xC0) != 0x80)
        return false;
    i += length;
  }
  return true;
}

std::string digest(Split split) {
  Sha256 sha;
  for (uint64_t i = 0; i < 1000; ++i) {
    const Item item = mixed_item(Mixture::demo, split, i, kSeed);
    for (const std::string& field :
         {item.task, item.key, item.question, item.answer, item.expected})
      sha.update(uint64_t{field.size()}).update(field);
  }
  return sha.hex();
}

// All that the model sees of an item.
std::string shown(const Item& item) {
  std::string text;
  for (const Turn& turn : item.before) text += turn.role + ": " + turn.content + "\n";
  return text + item.question;
}

// Calls body(task, language) for every pair of them; the tasks of the demo are also tasks of nano.
template <class Body>
void for_each_task(const Body& body) {
  for (const TaskInfo& task : tasks(Mixture::nano))
    for (Language language : kLanguages) {
      SCOPED_TRACE(fmt::format("{} {}", task.name, language_name(language)));
      body(task.name, language);
    }
}

TEST(Corpus, TrainingAndHeldOutAreDisjoint) {
  for (Mixture mixture : kMixtures) {
    std::unordered_set<std::string> keys, questions;
    for (uint64_t i = 0; i < 200'000; ++i) {
      Item item = mixed_item(mixture, Split::train, i, kSeed);
      questions.insert(shown(item));
      keys.insert(std::move(item.key));
    }
    // Held-out items of every seed, not only the one of the training items.
    for (uint64_t i = 0; i < 40'000; ++i) {
      const Item item = mixed_item(mixture, Split::held_out, i, kSeed + i % 5);
      ASSERT_FALSE(keys.contains(item.key)) << item.key;
      ASSERT_FALSE(questions.contains(shown(item))) << shown(item);
    }
  }
}

TEST(Corpus, ASplitHoldsAnEighthOfTheKeys) {
  int held_out = 0;
  for (int i = 0; i < 80'000; ++i)
    held_out += split_of(fmt::format("add {} 5", i)) == Split::held_out;
  EXPECT_NEAR(held_out, 10'000, 400);
}

TEST(Corpus, ItemsArePureFunctionsOfTheirArguments) {
  for_each_task([](std::string_view task, Language language) {
    const Item late = make_item(task, language, Split::train, 7, kSeed);
    make_item(task, language, Split::train, 8, kSeed);
    const Item again = make_item(task, language, Split::train, 7, kSeed);
    EXPECT_EQ(late.question, again.question);
    EXPECT_EQ(late.answer, again.answer);
    std::set<std::string> seeds;
    for (uint64_t seed = 0; seed < 20; ++seed)
      seeds.insert(shown(make_item(task, language, Split::train, 7, seed)));
    EXPECT_GT(seeds.size(), 10u);
  });
}

TEST(Corpus, TheFirstThousandItemsAreRecorded) {
  EXPECT_EQ(digest(Split::train),
            "1b1183fed051c722730815cc4ba6f7be9e1bcba7c2e9870c270d24499135ad0a");
  EXPECT_EQ(digest(Split::held_out),
            "683e19e3695d45f2495002d7286ab6bba89732ceeae0e7fea4bef2ea4facb130");
}

TEST(Corpus, ItemsAreWellFormed) {
  for_each_task([](std::string_view task, Language language) {
    size_t bytes = 0;
    const auto items = items_of(task, language, Split::train, 2000);
    for (const Item& item : items) {
      for (const std::string& text : {item.question, item.answer, item.expected}) {
        ASSERT_TRUE(is_utf8(text)) << text;
        ASSERT_FALSE(text.empty());
        const bool structured = task == "json" || task == "format" || task == "tools";
        ASSERT_EQ(text.find_first_of(structured ? "\r\t" : "{}\n\r\t"), text.npos) << text;
        ASSERT_EQ(text.find("  "), text.npos) << text;
        ASSERT_NE(text.front(), ' ');
        ASSERT_NE(text.back(), ' ');
      }
      ASSERT_EQ(item.task, task);
      ASSERT_EQ(item.language, language);
      bytes += shown(item).size() + item.answer.size();
    }
    EXPECT_LT(bytes / items.size(), task == "tools" || task == "tales" ? 480u : 320u);
  });
}

TEST(Corpus, EveryItemAcceptsItsOwnAnswerAndNothingElse) {
  for_each_task([](std::string_view task, Language language) {
    const auto items = items_of(task, language, Split::held_out, 400);
    for (const Item& item : items) {
      ASSERT_TRUE(check(item, item.answer)) << item.answer;
      ASSERT_TRUE(check(item, " \n" + item.answer + "\n ")) << item.answer;
      ASSERT_FALSE(check(item, ""));
      ASSERT_FALSE(check(item, item.question));
      ASSERT_FALSE(check(item, item.answer + " x"));
      ASSERT_FALSE(check(item, item.answer.substr(0, item.answer.size() - 1))) << item.answer;
      const Item& other = items[(&item - items.data() + 1) % items.size()];
      if (check(item, other.answer)) {
        ASSERT_TRUE(item.expected == other.expected || item.answer == other.answer)
            << item.question << "\n"
            << other.answer;
      }
    }
  });
}

TEST(Corpus, AConclusionCountsWhateverTheStepsSay) {
  const Item item = make_item("add", Language::english, Split::train, 0, kSeed);
  EXPECT_TRUE(check(item, "The answer is " + item.expected + "."));
  EXPECT_FALSE(check(item, "The answer is 1" + item.expected + "."));
  EXPECT_FALSE(check(item, "The answer is " + item.expected + ". The answer is 0."));
  EXPECT_FALSE(check(item, item.expected));
}

TEST(Corpus, SumsDifferencesAndProductsAreRight) {
  for_each_task([](std::string_view task, Language language) {
    for (const Item& item : items_of(task, language, Split::train, 500)) {
      int a = 0, b = 0;
      const auto numbers = [&](const char* format) {
        return std::sscanf(item.key.c_str(), format, &a, &b) == 2;
      };
      if (numbers("add %d %d")) {
        ASSERT_EQ(std::to_string(a + b), item.expected);
      }
      if (numbers("subtract %d %d")) {
        ASSERT_EQ(std::to_string(a - b), item.expected);
      }
      if (numbers("multiply %d %d")) {
        ASSERT_EQ(std::to_string(a * b), item.expected);
      }
    }
  });
}

TEST(Corpus, AStoryMayBeToldInOtherWordsButNotAboutOthers) {
  for (Language language : kLanguages) {
    std::map<std::string, Item> by_cast;
    int retold = 0;
    for (const Item& item : items_of("story", language, Split::train, 2000)) {
      const auto [known, is_new] = by_cast.emplace(item.expected, item);
      if (!is_new && known->second.answer != item.answer) {
        ASSERT_TRUE(check(item, known->second.answer)) << known->second.answer;
        ++retold;
      }
      // One name changed in the middle of the story.
      const std::string name = item.expected.substr(0, item.expected.find(','));
      std::string other = item.answer;
      other.replace(other.rfind(name), name.size(), language == Language::english ? "Zed" : "ぜん");
      ASSERT_FALSE(check(item, other)) << other;
    }
    EXPECT_GT(retold, 50);
  }
}

TEST(Corpus, JsonAnswersParse) {
  for (Language language : kLanguages)
    for (const Item& item : items_of("json", language, Split::train, 500)) {
      const auto fields = nlohmann::json::parse(item.answer);
      ASSERT_EQ(fields.size(), 3u);
      for (const auto& [name, value] : fields.items()) {
        const std::string shown = value.is_string() ? value.get<std::string>() : value.dump();
        ASSERT_NE(item.question.find(shown), std::string::npos) << item.answer;
      }
    }
}

TEST(Corpus, ChanceIsExact) {
  std::vector<Item> items(4);
  EXPECT_EQ(chance({}), 0);
  items[0].expected = items[1].expected = "a";
  items[2].expected = "b";
  items[3].expected = "c";
  EXPECT_DOUBLE_EQ(chance(items), 2.0 / 12);
}

TEST(Corpus, ChanceIsLow) {
  for_each_task([](std::string_view task, Language language) {
    const double score = chance(items_of(task, language, Split::held_out, 1000));
    fmt::print("{:10} {}  chance {:5.2f} %\n", task, language_name(language), 100 * score);
    // Some have few answers by nature: how many things there are, yes or no, a small table.
    const bool few =
        std::set<std::string_view>{"compare", "letters", "tools", "self", "tales"}.contains(task);
    EXPECT_LT(score, task == "count" ? 0.3 : few ? 0.2 : 0.1);
  });
}

TEST(Corpus, AMixtureHoldsItsTasksInBothLanguages) {
  for (Mixture mixture : kMixtures) {
    std::map<std::pair<std::string, Language>, int> counts;
    for (uint64_t i = 0; i < 5000; ++i) {
      const Item item = mixed_item(mixture, Split::train, i, kSeed);
      ++counts[{item.task, item.language}];
    }
    EXPECT_EQ(counts.size(), 2 * tasks(mixture).size()) << mixture_name(mixture);
  }
  EXPECT_EQ(tasks(Mixture::demo).size(), 11u);
}

TEST(Corpus, ToolCallsNameAFunctionThatWasOffered) {
  for (Language language : kLanguages)
    for (const Item& item : items_of("tools", language, Split::train, 500)) {
      ASSERT_EQ(item.before.size(), 1u);
      ASSERT_EQ(item.before[0].role, "system");
      if (item.answer[0] != '{') continue;
      const auto call = nlohmann::json::parse(item.answer);
      ASSERT_EQ(call.size(), 2u);
      const auto name = call["name"].get<std::string>();
      ASSERT_NE(item.before[0].content.find("\"name\": \"" + name + "\""), std::string::npos);
      for (const auto& [key, value] : call["parameters"].items())
        ASSERT_NE(item.question.find(value.is_string() ? value.get<std::string>() : value.dump()),
                  std::string::npos)
            << item.question << key;
    }
}

TEST(Corpus, FactsOfAConversationWereTold) {
  for (Language language : kLanguages) {
    int unknown = 0;
    for (const Item& item : items_of("memory", language, Split::train, 500)) {
      ASSERT_EQ(item.before.size() % 2, 0u);
      const bool told = shown(item).find(item.expected) != std::string::npos;
      ASSERT_TRUE(told || item.expected == item.answer) << shown(item);
      unknown += !told;
    }
    EXPECT_GT(unknown, 5);
  }
}

TEST(Corpus, AnUnknownTaskIsRefusedByName) {
  try {
    make_item("juggle", Language::english, Split::train, 0, kSeed);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    EXPECT_NE(std::string(error.what()).find("juggle"), std::string::npos);
    EXPECT_NE(std::string(error.what()).find("passage"), std::string::npos);
  }
}

}  // namespace
}  // namespace avocado::corpus
