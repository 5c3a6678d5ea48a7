// Questions about avocado's own verbs and flags. What is held out here is the combination of
// subject, greeting, form of question and paraphrase: the facts themselves must be learned.

#include <fmt/format.h>

#include "corpus/words.h"

namespace avocado::corpus {
namespace {

struct Verb {
  std::string_view name;
  Words what_it_does;
  std::array<Words, 3> purposes;  // "How do I ...?", "...にはどうしますか。"
};

constexpr Verb kVerbs[] = {
    {"demo",
     {"It trains a small model and asks it questions.", "小さなモデルを作って、質問します。"},
     {{{"see a model being born", "モデルが生まれるのを見る"},
       {"try avocado for the first time", "avocadoを初めて使う"},
       {"see what avocado can do", "avocadoの力を見る"}}}},
    {"run",
     {"It lets a model answer a prompt.", "モデルに答えを書かせます。"},
     {{{"chat with a model", "モデルと話す"},
       {"ask a model a question", "モデルに質問する"},
       {"let a model write text", "モデルに文章を書かせる"}}}},
    {"show",
     {"It lists what is inside a model file.", "モデルの中身を表示します。"},
     {{{"see what is inside a model file", "モデルの中身を見る"},
       {"list the tensors of a model", "モデルのテンソルを見る"},
       {"see how much memory a model needs", "モデルに必要なメモリを知る"}}}},
    {"tokenize",
     {"It turns text into tokens.", "文章をトークンに変えます。"},
     {{{"turn text into tokens", "文章をトークンに変える"},
       {"see the tokens of a file", "ファイルのトークンを見る"},
       {"get the token ids of a text", "文章のトークン番号を知る"}}}},
    {"logits",
     {"It writes the raw scores of a model.", "モデルの生の点数を出します。"},
     {{{"get the raw scores of a model", "モデルの生の点数を出す"},
       {"see the score of every token", "トークンの点数を見る"},
       {"compare the scores of two models", "二つのモデルの点数を比べる"}}}},
    {"perplexity",
     {"It measures how well a model predicts a text.", "モデルが文章をよく予測するか測ります。"},
     {{{"measure a model on a text", "文章でモデルを測る"},
       {"know how well a model predicts a text", "モデルの予測のよさを知る"},
       {"find the better model for a text", "文章に合うモデルを知る"}}}},
    {"train",
     {"It trains a model on your texts.", "文章からモデルを作ります。"},
     {{{"train my own model", "自分のモデルを作る"},
       {"go on with a stopped training", "止まった学習を続ける"},
       {"make a model from my texts", "自分の文章からモデルを作る"}}}},
    {"verify",
     {"It replays a training and compares the results.", "学習をもう一度して、結果を比べます。"},
     {{{"check a training", "学習の結果を確かめる"},
       {"replay the steps of a training", "学習をもう一度する"},
       {"prove that a training is genuine", "学習が本物だと示す"}}}},
    {"doctor",
     {"It reports what this machine can do.", "この機械の力を調べます。"},
     {{{"check my machine", "自分の機械を調べる"},
       {"see the features of my CPU", "CPUの力を見る"},
       {"know how much memory this machine has", "この機械のメモリを知る"}}}},
};

struct Flag {
  std::string_view verb, name;
  std::array<Words, 2> purposes;
};

constexpr Flag kFlags[] = {
    {"run",
     "-n",
     {{{"limit the length of the answer", "答えの長さを決める"},
       {"set the number of new tokens", "書くトークンの数を決める"}}}},
    {"run",
     "--temp",
     {{{"set the temperature", "温度を決める"},
       {"make answers more random", "答えをもっと自由にする"}}}},
    {"run",
     "--seed",
     {{{"set the random seed", "乱数の種を決める"},
       {"get the same answer again", "同じ答えをもう一度見る"}}}},
    {"run",
     "--ctx",
     {{{"set the context length", "文脈の長さを決める"},
       {"make the context longer", "文脈を長くする"}}}},
    {"run",
     "--threads",
     {{{"set the number of threads", "スレッドの数を決める"},
       {"use more threads", "スレッドをもっと使う"}}}},
    {"run",
     "--raw",
     {{{"complete plain text", "文章の続きを書かせる"},
       {"do without the chat format", "会話の形を使わない"}}}},
    {"tokenize",
     "--ids",
     {{{"print only the ids", "番号だけを表示する"}, {"see numbers", "番号を見る"}}}},
    {"tokenize",
     "--bos",
     {{{"begin with the BOS token", "BOSトークンから始める"},
       {"add the BOS token", "BOSトークンを加える"}}}},
    {"logits",
     "--out",
     {{{"write the scores to a file", "点数をファイルに書く"},
       {"keep the scores in a file", "点数をファイルに残す"}}}},
    {"verify",
     "--from",
     {{{"choose the first step", "最初のステップを決める"},
       {"begin at a later step", "途中のステップから始める"}}}},
    {"verify",
     "--to",
     {{{"choose the last step", "最後のステップを決める"},
       {"stop at an earlier step", "途中のステップまでにする"}}}},
    {"show",
     "--json",
     {{{"print the result as JSON", "結果をJSONで表示する"},
       {"get a result for a program", "プログラムで使える形にする"}}}},
};

constexpr Words kGreetings[] = {
    {"", ""},
    {"Hello. ", "こんにちは。"},
    {"A question: ", "質問です。"},
    {"Please help me. ", "助けてください。"},
    {"I am new here. ", "初めて使います。"},
    {"Tell me: ", "教えてください。"},
};

constexpr Words kAskWhat[] = {
    {"What does avocado {verb} do?", "avocado {verb} は何をしますか。"},
    {"What is avocado {verb} for?", "avocado {verb} は何に使いますか。"},
    {"Explain avocado {verb}.", "avocado {verb} を説明してください。"},
    {"What happens with avocado {verb}?", "avocado {verb} を使うとどうなりますか。"},
    {"Why would I use avocado {verb}?", "avocado {verb} の働きは何ですか。"},
};
constexpr Words kAskVerb[] = {
    {"How do I {purpose}?", "{purpose}にはどうしますか。"},
    {"Which verb do I use to {purpose}?", "{purpose}にはどの命令を使いますか。"},
    {"I want to {purpose}.", "{purpose}方法を知りたいです。"},
    {"What do I type to {purpose}?", "{purpose}には何と書きますか。"},
    {"Is there a way to {purpose}?", "{purpose}ことはできますか。"},
};
constexpr Words kAskFlag[] = {
    {"Which flag of avocado {verb} do I need to {purpose}?",
     "avocado {verb} で{purpose}フラグはどれですか。"},
    {"With avocado {verb}, how do I {purpose}?", "avocado {verb} で{purpose}にはどうしますか。"},
    {"What do I add to avocado {verb} to {purpose}?",
     "avocado {verb} で{purpose}には何を付けますか。"},
    {"I want avocado {verb} to {purpose}.", "avocado {verb} で{purpose}方法を知りたいです。"},
};

}  // namespace

Draft draw_verbs(Dice& dice, Language language) {
  enum { what, verb, flag };
  const int kind = dice.below(3), greeting = dice.below(std::size(kGreetings));
  std::string question(kGreetings[greeting].in(language));
  int subject = 0, form = 0, paraphrase = 0;
  std::string answer;
  if (kind == what) {
    subject = dice.below(std::size(kVerbs));
    form = dice.below(std::size(kAskWhat));
    question += fill(kAskWhat[form].in(language), {{"verb", kVerbs[subject].name}});
    answer = kVerbs[subject].what_it_does.in(language);
  } else if (kind == verb) {
    subject = dice.below(std::size(kVerbs));
    form = dice.below(std::size(kAskVerb));
    const auto& purposes = kVerbs[subject].purposes;
    paraphrase = dice.below(size_of(purposes));
    question +=
        fill(kAskVerb[form].in(language), {{"purpose", word(purposes, paraphrase, language)}});
    constexpr Words reply{"Use avocado {verb}.", "avocado {verb} を使います。"};
    answer = fill(reply.in(language), {{"verb", kVerbs[subject].name}});
  } else {
    subject = dice.below(std::size(kFlags));
    form = dice.below(std::size(kAskFlag));
    const Flag& it = kFlags[subject];
    paraphrase = dice.below(size_of(it.purposes));
    question += fill(kAskFlag[form].in(language),
                     {{"verb", it.verb}, {"purpose", word(it.purposes, paraphrase, language)}});
    constexpr Words reply{"Add {flag}.", "{flag} を付けます。"};
    answer = fill(reply.in(language), {{"flag", it.name}});
  }
  return {key_of("verbs", {kind, subject, greeting, form, paraphrase}), question, answer, answer};
}

}  // namespace avocado::corpus
