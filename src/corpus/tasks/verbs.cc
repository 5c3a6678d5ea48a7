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
     {"It trains a small model and asks it questions.",
      "小さなモデルを学習させて質問に答えさせます。"},
     {{{"see a model being born", "モデルが生まれるところを見る"},
       {"try avocado for the first time", "avocadoを初めて試す"},
       {"see what avocado can do", "avocadoの力を見る"}}}},
    {"run",
     {"It lets a model answer or chat.", "モデルと話します。"},
     {{{"chat with a model", "モデルと話す"},
       {"ask a model a question", "モデルに質問する"},
       {"let a model write text", "モデルに文章を書かせる"}}}},
    {"show",
     {"It lists metadata, tensors and memory of a model.",
      "モデルのメタデータとテンソルと必要なメモリを表示します。"},
     {{{"see what is inside a model file", "モデルのファイルの中身を見る"},
       {"list the tensors of a model", "モデルのテンソルを一覧にする"},
       {"see how much memory a model needs", "モデルに必要なメモリを知る"}}}},
    {"tokenize",
     {"It turns text into token ids.", "文章をトークンの番号に変えます。"},
     {{{"turn text into tokens", "文章をトークンに変える"},
       {"see the tokens of a file", "ファイルのトークンを見る"},
       {"get the token ids of a text", "文章のトークンの番号を知る"}}}},
    {"logits",
     {"It writes the raw scores of a model.", "モデルの生の点数を出力します。"},
     {{{"get the raw scores of a model", "モデルの生の点数を得る"},
       {"see the scores of every token", "すべてのトークンの点数を見る"},
       {"compare the scores of two machines", "二台の計算機の点数を比べる"}}}},
    {"perplexity",
     {"It measures how well a model predicts a text.",
      "モデルが文章をどれだけ予測できるか測ります。"},
     {{{"measure a model on a text", "文章でモデルを測る"},
       {"know how well a model predicts a text", "モデルの予測のよさを知る"},
       {"compare two models on a text", "文章で二つのモデルを比べる"}}}},
    {"train",
     {"It trains a model as a TOML file says.", "TOMLファイルのとおりにモデルを学習させます。"},
     {{{"train my own model", "自分のモデルを学習させる"},
       {"go on with a stopped training", "止まった学習を続ける"},
       {"make a model from my texts", "自分の文章からモデルを作る"}}}},
    {"verify",
     {"It replays a training run and compares digests.",
      "学習をやり直してダイジェストを比べます。"},
     {{{"check a training run", "学習の記録を確かめる"},
       {"replay the steps of a run", "学習のステップをやり直す"},
       {"prove that a run is genuine", "学習の記録が本物だと示す"}}}},
    {"doctor",
     {"It reports the CPU, its features and the memory.", "CPUの機能とメモリを報告します。"},
     {{{"check my machine", "自分の計算機を調べる"},
       {"see the features of my CPU", "CPUの機能を見る"},
       {"know what avocado uses on this machine", "avocadoがこの計算機で何を使うか知る"}}}},
};

struct Flag {
  std::string_view verb, name;
  std::array<Words, 2> purposes;
};

constexpr Flag kFlags[] = {
    {"run",
     "-n",
     {{{"limit the length of the reply", "返事の長さを決める"},
       {"set the number of new tokens", "新しいトークンの数を決める"}}}},
    {"run",
     "--temp",
     {{{"set the temperature", "温度を決める"},
       {"make replies more or less random", "返事のばらつきを変える"}}}},
    {"run",
     "--seed",
     {{{"set the random seed", "乱数の種を決める"},
       {"get the same sample again", "同じ結果をもう一度得る"}}}},
    {"run",
     "--ctx",
     {{{"set the context length", "文脈の長さを決める"},
       {"make the context longer", "文脈を長くする"}}}},
    {"run",
     "--threads",
     {{{"set the number of threads", "スレッドの数を決める"},
       {"use more threads", "スレッドを増やす"}}}},
    {"run",
     "--repeat-penalty",
     {{{"avoid repetition", "くり返しを減らす"},
       {"stop the model repeating itself", "同じ言葉のくり返しを防ぐ"}}}},
    {"run",
     "--raw",
     {{{"complete plain text", "ただの文章の続きを書かせる"},
       {"do without the chat format", "チャットの形を使わない"}}}},
    {"tokenize",
     "--ids",
     {{{"print only the ids", "番号だけを表示する"},
       {"see numbers instead of text", "文字でなく番号を見る"}}}},
    {"tokenize",
     "--bos",
     {{{"begin with the BOS token", "BOSトークンから始める"},
       {"add the BOS token", "BOSトークンを加える"}}}},
    {"logits",
     "--out",
     {{{"write the scores to a file", "点数をファイルに書く"},
       {"keep the scores in a file", "点数をファイルに残す"}}}},
    {"logits",
     "--digest",
     {{{"print a digest of the scores", "点数のダイジェストを表示する"},
       {"compare scores by one line", "点数を一行で比べる"}}}},
    {"perplexity",
     "--stride",
     {{{"set the stride of the windows", "窓をずらす幅を決める"},
       {"let the windows overlap", "窓を重ねる"}}}},
    {"verify",
     "--from",
     {{{"choose the first step", "最初のステップを選ぶ"},
       {"begin at a later step", "途中のステップから始める"}}}},
    {"verify",
     "--to",
     {{{"choose the last step", "最後のステップを選ぶ"},
       {"stop at an earlier step", "途中のステップで終える"}}}},
    {"show",
     "--json",
     {{{"print the result as JSON", "結果をJSONで表示する"},
       {"get output for a program", "プログラムで読める形にする"}}}},
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
    {"What is avocado {verb} for?", "avocado {verb} は何のためのものですか。"},
    {"Explain avocado {verb}.", "avocado {verb} を説明してください。"},
    {"What happens with avocado {verb}?", "avocado {verb} を使うとどうなりますか。"},
    {"Why would I use avocado {verb}?", "avocado {verb} はいつ使いますか。"},
};
constexpr Words kAskVerb[] = {
    {"How do I {purpose}?", "{purpose}にはどうしますか。"},
    {"Which verb do I use to {purpose}?", "{purpose}にはどの命令を使いますか。"},
    {"I want to {purpose}.", "{purpose}方法を知りたいです。"},
    {"What do I type to {purpose}?", "{purpose}には何と入力しますか。"},
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
