// Small valid files for every parser, made by this program alone.

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "base/philox.h"
#include "base/sha256.h"
#include "base/thread_pool.h"
#include "chat/answer_format.h"
#include "cli/session_parameters.h"
#include "files/atomic_file.h"
#include "files/gguf.h"
#include "files/safetensors.h"
#include "models/model.h"
#include "models/packed_file.h"
#include "models/registry.h"
#include "parsers.h"
#include "temp_folder.h"
#include "text/bpe_trainer.h"
#include "tiny_adapter.h"
#include "train/dataset.h"
#include "train/metrics.h"
#include "train/receipt.h"
#include "train/samples.h"
#include "train/state.h"
#include "train/tensorboard.h"
#include "train/token_file.h"

namespace avocado::test {
namespace {

using Bytes = std::vector<std::byte>;
using Json = nlohmann::ordered_json;

Bytes bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text.data(), text.size()));
  return Bytes(bytes.begin(), bytes.end());
}

template <class Write>
Bytes bytes_of_file(Write write) {
  const TempFolder folder;
  const std::string path = folder.file("seed");
  write(path);
  return bytes_of(read_text_file(path));
}

std::vector<Bytes> gguf_seeds() {
  GgufWriter every;
  every.set("u8", uint8_t{200});
  every.set("i8", int8_t{-100});
  every.set("u16", uint16_t{60000});
  every.set("i16", int16_t{-30000});
  every.set_u32("u32", 4'000'000'000u);
  every.set_i32("i32", -2);
  every.set_f32("f32", 0.5f);
  every.set_bool("bool", true);
  every.set_string("general.architecture", "llama");
  every.set_u64("u64", 1);
  every.set("i64", int64_t{-1});
  every.set("f64", 0.1);
  every.set("array.u8", GgufArray(std::vector<uint8_t>{1, 2}));
  every.set("array.u16", GgufArray(std::vector<uint16_t>{3}));
  every.set("array.u64", GgufArray(std::vector<uint64_t>{6}));
  every.set("array.bool", GgufArray(std::vector<bool>{true, false}));
  every.set("array.f64", GgufArray(std::vector<double>{7.5}));
  every.set_strings("array.string", {"one", "", "three"});
  every.set_i32s("array.i32", {-4, 5});
  every.set_f32s("array.f32", {0.5f});

  static const std::vector<float> values{1, 2, 3, 4, 5, 6};
  static const std::vector<uint8_t> blocks(144 + 210, 0x21);
  const auto floats = std::as_bytes(std::span(values));
  const auto stored = std::as_bytes(std::span(blocks));
  GgufWriter tensors(64);
  tensors.set_string("general.architecture", "llama");
  tensors.add_tensor({"a.weight", DType::f32, {2, 3}, floats});
  tensors.add_tensor({"scalar", DType::f32, {}, floats.first(4)});
  tensors.add_tensor({"four", DType::q4_k, {1, 256}, stored.first(144)});
  tensors.add_tensor({"six", DType::q6_k, {256}, stored.last(210)});
  tensors.add_tensor({"half", DType::f16, {1, 1, 2, 2}, floats.first(8)});
  return {every.bytes(), tensors.bytes(), GgufWriter().bytes()};
}

std::vector<Bytes> safetensors_seeds() {
  static const std::vector<float> values{1, 2, 3, 4, 5, 6};
  const auto bytes = std::as_bytes(std::span(values));
  return {bytes_of_file([&](const std::string& path) {
            write_safetensors(path,
                              {{"a", DType::f32, {2, 3}, bytes},
                               {"b.weight", DType::bf16, {4}, bytes.first(8)},
                               {"empty", DType::i64, {0}, {}},
                               {"flag", DType::boolean, {}, bytes.first(1)}},
                              {{"format", "pt"}});
          }),
          bytes_of(std::string_view("\2\0\0\0\0\0\0\0{}", 10))};
}

std::vector<Bytes> json_seeds() {
  return {
      bytes_of(
          R"({"a": [1, -2, 3.5e-7, true, false, null], "b": {"c": "text \u00e9 \ud83e\udd51 \n"}, "": []})"),
      bytes_of("[[[[]]], {}, \"\", 18446744073709551615]")};
}

std::unique_ptr<Tokenizer> small_bpe() {
  return train_bpe({"hello world, hello tokens 123", "it's a small world after all"},
                   {.vocab_size = 280,
                    .special_tokens = {"<s>", "</s>", "<|im_end|>"},
                    .bos = "<s>",
                    .eos = "</s>"});
}

std::vector<Bytes> gguf_tokenizer_seeds() {
  GgufWriter bpe;
  small_bpe()->write_gguf(bpe);

  std::vector<std::string> tokens{"<unk>", "<s>", "</s>"};
  std::vector<float> scores{0, 0, 0};
  std::vector<int32_t> kinds{2, 3, 3};
  const auto add = [&](std::string token, float score, int32_t kind) {
    tokens.push_back(std::move(token));
    scores.push_back(score);
    kinds.push_back(kind);
  };
  for (int byte = 0; byte < 256; ++byte) add(fmt::format("<0x{:02X}>", byte), 0, 6);
  for (const char* piece :
       {"▁", "l", "o", "e", "h", "lo", "▁h", "el", "▁hel", "▁hello", "アボカド"}) {
    add(piece, -static_cast<float>(tokens.size()), 1);
  }
  GgufWriter spm, unigram, wordpiece;
  for (GgufWriter* writer : {&spm, &unigram}) {
    writer->set_string("tokenizer.ggml.model", writer == &spm ? "llama" : "t5");
    writer->set_strings("tokenizer.ggml.tokens", tokens);
    writer->set_f32s("tokenizer.ggml.scores", scores);
    writer->set_i32s("tokenizer.ggml.token_type", kinds);
    writer->set_u32("tokenizer.ggml.bos_token_id", 1);
    writer->set_u32("tokenizer.ggml.eos_token_id", 2);
    writer->set_u32("tokenizer.ggml.unknown_token_id", 0);
  }
  wordpiece.set_string("tokenizer.ggml.model", "bert");
  wordpiece.set_strings("tokenizer.ggml.tokens",
                        {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "▁hello", "▁wor", "ld", "▁!", "s"});
  wordpiece.set_i32s("tokenizer.ggml.token_type", {3, 3, 3, 3, 1, 1, 1, 1, 1});
  wordpiece.set_u32("tokenizer.ggml.unknown_token_id", 1);
  wordpiece.set_u32("tokenizer.ggml.seperator_token_id", 3);
  wordpiece.set_u32("tokenizer.ggml.cls_token_id", 2);
  return {bpe.bytes(), spm.bytes(), unigram.bytes(), wordpiece.bytes()};
}

Json added_token(int id, const char* content) {
  return {{"id", id},        {"content", content},  {"single_word", false}, {"lstrip", false},
          {"rstrip", false}, {"normalized", false}, {"special", true}};
}

std::vector<Bytes> tokenizer_json_seeds() {
  // Byte-level BPE.
  const auto bytes = small_bpe();
  Json vocab = Json::object();
  for (int32_t id = 0; id < 256; ++id) vocab[std::string(bytes->token_text(id))] = id;
  for (const char* merged : {"lo", "he", "hel", "Ġw"}) vocab[merged] = vocab.size();
  const Json byte_level = {{"type", "ByteLevel"},
                           {"add_prefix_space", false},
                           {"trim_offsets", true},
                           {"use_regex", true}};
  Json json = {{"version", "1.0"},
               {"truncation", nullptr},
               {"padding", nullptr},
               {"added_tokens",
                {added_token(static_cast<int>(vocab.size()), "<s>"),
                 added_token(static_cast<int>(vocab.size()) + 1, "<|im_end|>")}},
               {"normalizer", nullptr},
               {"pre_tokenizer", byte_level},
               {"post_processor", nullptr},
               {"decoder", byte_level},
               {"model",
                {{"type", "BPE"},
                 {"dropout", nullptr},
                 {"unk_token", nullptr},
                 {"continuing_subword_prefix", nullptr},
                 {"end_of_word_suffix", nullptr},
                 {"fuse_unk", false},
                 {"byte_fallback", false},
                 {"ignore_merges", false},
                 {"vocab", vocab},
                 {"merges", {"l o", "h e", "he l", "Ġ w"}}}}};
  std::vector<Bytes> out{bytes_of(json.dump())};
  json["pre_tokenizer"] = {
      {"type", "Sequence"},
      {"pretokenizers",
       {{{"type", "Split"},
         {"pattern",
          {{"Regex", "(?i:'s|'t)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|\\s+(?!\\S)|\\s+"}}},
         {"behavior", "Isolated"},
         {"invert", false}},
        {{"type", "ByteLevel"},
         {"add_prefix_space", false},
         {"trim_offsets", true},
         {"use_regex", false}}}}};
  json["model"]["merges"] = Json::array({{"l", "o"}, {"h", "e"}});
  out.push_back(bytes_of(json.dump()));

  // SentencePiece BPE with byte fallback.
  Json pieces = {{"<unk>", 0}, {"<s>", 1}, {"</s>", 2}, {"▁", 3},  {"h", 4},
                 {"e", 5},     {"l", 6},   {"o", 7},    {"▁h", 8}, {"lo", 9}};
  for (int byte = 0; byte < 256; byte += 5) pieces[fmt::format("<0x{:02X}>", byte)] = pieces.size();
  const Json spm = {
      {"version", "1.0"},
      {"added_tokens", {added_token(0, "<unk>"), added_token(1, "<s>"), added_token(2, "</s>")}},
      {"normalizer",
       {{"type", "Sequence"},
        {"normalizers",
         {{{"type", "Prepend"}, {"prepend", "▁"}},
          {{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", "▁"}}}}}},
      {"pre_tokenizer", nullptr},
      {"decoder",
       {{"type", "Sequence"},
        {"decoders",
         {{{"type", "Replace"}, {"pattern", {{"String", "▁"}}}, {"content", " "}},
          {{"type", "ByteFallback"}},
          {{"type", "Fuse"}},
          {{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}}}}}},
      {"model",
       {{"type", "BPE"},
        {"unk_token", "<unk>"},
        {"fuse_unk", true},
        {"byte_fallback", true},
        {"vocab", pieces},
        {"merges", {"▁ h", "l o"}}}}};
  out.push_back(bytes_of(spm.dump()));

  Json scored = Json::array();
  for (const auto& [piece, score] :
       std::initializer_list<std::pair<const char*, double>>{{"<unk>", 0.0},
                                                             {"▁", -2.0},
                                                             {"▁hello", -3.5},
                                                             {"h", -5.0},
                                                             {"e", -5.5},
                                                             {"l", -4.0},
                                                             {"o", -4.5}}) {
    scored.push_back(Json::array({piece, score}));
  }
  const Json unigram = {
      {"version", "1.0"},
      {"added_tokens", {added_token(0, "<unk>")}},
      {"normalizer", {{"type", "NFKC"}}},
      {"pre_tokenizer", {{"type", "Metaspace"}, {"replacement", "▁"}, {"add_prefix_space", true}}},
      {"decoder", {{"type", "Metaspace"}, {"replacement", "▁"}, {"add_prefix_space", true}}},
      {"model", {{"type", "Unigram"}, {"unk_id", 0}, {"byte_fallback", false}, {"vocab", scored}}}};
  out.push_back(bytes_of(unigram.dump()));

  const Json wordpiece = {
      {"version", "1.0"},
      {"added_tokens",
       {added_token(0, "[PAD]"), added_token(1, "[UNK]"), added_token(2, "[CLS]"),
        added_token(3, "[SEP]")}},
      {"normalizer",
       {{"type", "BertNormalizer"},
        {"clean_text", true},
        {"handle_chinese_chars", true},
        {"strip_accents", nullptr},
        {"lowercase", true}}},
      {"pre_tokenizer", {{"type", "BertPreTokenizer"}}},
      {"post_processor",
       {{"type", "BertProcessing"}, {"sep", {"[SEP]", 3}}, {"cls", {"[CLS]", 2}}}},
      {"decoder", {{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", true}}},
      {"model",
       {{"type", "WordPiece"},
        {"unk_token", "[UNK]"},
        {"continuing_subword_prefix", "##"},
        {"max_input_chars_per_word", 100},
        {"vocab",
         {{"[PAD]", 0},
          {"[UNK]", 1},
          {"[CLS]", 2},
          {"[SEP]", 3},
          {"hello", 4},
          {"wor", 5},
          {"##ld", 6},
          {"!", 7}}}}}};
  out.push_back(bytes_of(wordpiece.dump()));
  return out;
}

std::vector<float> small_numbers(size_t count) {
  const Random random(1, Purpose::test);
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i) values[i] = random.uniform(i) - 0.5f;
  return values;
}

Bytes model_seed(const Architecture& architecture) {
  ModelConfig config = architecture.tiny();
  config.layers = 1;
  config.vocab = 8;
  const graph::Graph graph = build_graph(config);
  std::vector<std::vector<float>> values;
  std::vector<const float*> weights;
  for (const graph::Weight& weight : graph.weights)
    values.push_back(small_numbers(static_cast<size_t>(weight.count())));
  for (const auto& value : values) weights.push_back(value.data());
  return bytes_of_file([&](const std::string& path) {
    save_gguf(path, config, graph, weights, nullptr, "{{ messages }}");
  });
}

std::vector<Bytes> model_seeds() {
  std::vector<Bytes> out;
  for (const Architecture* architecture : architectures()) out.push_back(model_seed(*architecture));
  return out;
}

std::vector<Bytes> adapter_seeds() {
  std::vector<Bytes> out;
  for (const bool dora : {false, true})
    out.push_back(bytes_of_file([&](const std::string& path) {
      save_adapter_gguf(path, tiny_config(), tiny_graph(),
                        random_adapter(tiny_graph(), dora, 2, 3));
    }));
  return out;
}

std::vector<Bytes> adapter_config_seeds() {
  return {bytes_of(R"({"peft_type": "LORA", "r": 2, "lora_alpha": 16, "use_rslora": true,
"use_dora": false, "bias": "none", "modules_to_save": null, "target_modules": ["q_proj"]})"),
          bytes_of(R"({"peft_type":"LORA","lora_alpha":0.5,"alpha_pattern":{}})")};
}

std::vector<Bytes> checkpoint_seeds() {
  TrainState state(tiny_graph(), TrainOptions{});
  state.step = 3;
  state.position = 24;
  state.chain = "chain";
  ThreadPool pool(1);
  return {bytes_of_file([&](const std::string& path) {
    write_checkpoint(path, tiny_graph(), state, kDefinition, pool);
  })};
}

std::vector<Bytes> token_shard_seeds() {
  const std::vector<Document> documents{
      {{1, 2, 3, 4, 5}, {}}, {{6, 7}, {0, 1}}, {{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2}, {}}};
  return {
      bytes_of_file([&](const std::string& path) { Dataset::pack(documents, 8, 9).save(path); })};
}

std::vector<Bytes> token_file_seeds() {
  const std::vector<uint32_t> words{1, 2 | Dataset::kLearn, 3 | Dataset::kLearn};
  Bytes file, documents;
  for (uint64_t line : {1, 3})
    append_document(documents, {line, 5, 7, std::span(words).first(line)});
  LineReport report{.lines = 3, .documents = 2, .tokens = 4, .learned = 2, .problems = {}};
  report.add(LineProblem::json, 2, "is not JSON");
  TokenFileWriter writer(
      [&](std::span<const std::byte> bytes) {
        file.insert(file.end(), bytes.begin(), bytes.end());
      },
      {});
  writer.add(documents);
  writer.finish("a.jsonl", report);
  return {file};
}

std::vector<Bytes> documents_seeds() {
  const std::string lines =
      "{\"text\": \"a\\u00e9\", \"id\": 3}\n\n{\"prompt\": \"p\", \"completion\": \"c\"}\n"
      "{\"messages\": [{\"role\": \"user\", \"content\": \"u\"}]}\r\n"
      "{\"conversations\": [{\"from\": \"human\", \"value\": \"h\"}], \"system\": \"s\"}\n"
      "{\"instruction\": \"i\", \"input\": \"\", \"output\": \"o\"}\nno JSON\n"
      "{\"prompt\": \"p\", \"chosen\": \"c\", \"rejected\": [{\"role\": \"assistant\", "
      "\"content\": \"r\"}]}";
  // The number in front: compression + 3 * format.
  return {bytes_of('\x03' + lines), bytes_of(std::string(1, '\0') + lines),
          bytes_of('\x15' + lines)};
}

std::vector<Bytes> metrics_seeds() {
  std::string text = Json({{"kind", "run"}, {"definition", kDefinition}}).dump() + "\n";
  std::string chain = kDefinition;
  for (int64_t step = 1; step <= 3; ++step) {
    StepResult result{.step = step,
                      .position = static_cast<uint64_t>(2 * step),
                      .loss = 1.0 / static_cast<double>(step),
                      .grad_norm = 0.5,
                      .lr = 1e-3,
                      .learned = 10,
                      .inputs = 12,
                      .digest = step == 3 ? "digest" : "",
                      .chain = ""};
    result.chain = chain = next_chain(chain, result);
    text += step_record(result, 1000.5).dump() + "\n";
  }
  text += Json({{"kind", "eval"}, {"step", 3}, {"loss", 0.25}}).dump() + "\n";
  return {bytes_of(text)};
}

std::vector<Bytes> event_file_seeds() {
  const TempFolder folder;
  {
    TensorboardLog log(folder.path().string(), 0);
    log.add(1, std::vector<Scalar>{{"loss", 2.5}, {"lr", 1e-3}});
    log.add(2, std::vector<Scalar>{{"loss", 2.25}});
  }
  return {bytes_of(read_text_file(std::filesystem::directory_iterator(folder.path())->path()))};
}

std::vector<Bytes> samples_seeds() {
  return {bytes_of_file([](const std::string& path) {
    append_sample(path,
                  {.step = 5, .prompt = "Once", .text = " upon", .tokens = 1, .ended = false});
    append_sample(path, {.step = 10, .prompt = "Once", .text = "", .tokens = 0, .ended = true});
  })};
}

std::vector<Bytes> receipt_seeds() {
  Receipt receipt;
  receipt.issued = "2026-11-22T13:05:00Z";
  receipt.version = "0.1.0";
  receipt.defines = R"({"train":{"steps":3},"data":")" + std::string(64, 'd') + "\"}";
  receipt.definition = Sha256().update(receipt.defines).hex();
  for (std::string* digest : {&receipt.source, &receipt.data, &receipt.tokenizer, &receipt.chain,
                              &receipt.state, &receipt.weights})
    *digest = std::string(64, 'd');
  receipt.recipe = "[train]\nsteps = 3 # \u30a2\u30dc\u30ab\u30c9\n";
  receipt.sources = {{"book.txt", std::string(64, '1')}};
  receipt.parameters = 1000;
  receipt.steps = 3;
  receipt.files = {{"run.json", 900, std::string(64, '2')}, {"final.gguf", 5000, receipt.weights}};
  std::vector<Bytes> seeds;
  for (const unsigned char byte : {0, 1}) {
    std::array<unsigned char, 32> seed{};
    seed[0] = byte;
    sign_receipt(receipt, SigningKey::from_seed(seed));
    seeds.push_back(bytes_of(receipt_text(receipt)));
  }
  return seeds;
}

std::vector<Bytes> schema_seeds() {
  return {bytes_of(R"({"type":"object","properties":{"a":{"$ref":"#/$defs/n"},"b":{"enum":["x",1]}},
"required":["a"],"additionalProperties":false,"$defs":{"n":{"type":"integer","minimum":0}}})"),
          bytes_of(R"({"anyOf":[{"type":"array","items":{"pattern":"^a+$"},"maxItems":3},
{"oneOf":[{"type":"string","minLength":2},{"not":{"const":"q"}}]}]})"),
          bytes_of(R"({"$id":"http://a/","$ref":"b","if":{"contains":{"const":1}},
"unevaluatedItems":{"type":"null"},"patternProperties":{"^x":true},"unevaluatedProperties":false,
"$defs":{"a":{"$dynamicAnchor":"n","maximum":-1e20},"b":{"$id":"b","dependentSchemas":{"k":
{"properties":{"l":{"$dynamicRef":"#n"}}}},"$defs":{"n":{"$dynamicAnchor":"n"}}}}})")};
}

std::vector<Bytes> gbnf_seeds() {
  return {bytes_of("root ::= item (\",\" item)* # list\nitem ::= [a-z]{1,5} | \"(\" root \")\"\n"),
          bytes_of("root ::= \"\\u00e9\" [^\\n]+\n")};
}

std::vector<Bytes> pattern_seeds() {
  return {bytes_of("^(a|b)*[c-e]{2,5}\\d+$"), bytes_of("(?:\\w+\\s?)+\\b.*\\p{Lu}")};
}

std::vector<Bytes> recipe_seeds() {
  return {bytes_of(R"(# a recipe
[model]
architecture = "llama"
width = 64
layers = 2
heads = 4
kv_heads = 2
ffn = 128
context = 128

[tokenizer]
train = { vocab_size = 512 }

[data]
train = ["a.jsonl", "b.txt"]
eval = ["c.jsonl"]

[train]
steps = 100
rows = 4
lr = 1e-3
seed = 7
)"),
          bytes_of(R"([model]
base = "b.gguf"
[adapter]
kind = "dora"
rank = 4
alpha = 8.5
targets = ["attn_q", "blk.*.ffn_*"]
seed = 3
[data]
train = ["a.txt"]
[train]
steps = 1
)")};
}

std::vector<Bytes> packed_file_seeds() {
  return {bytes_of_file([&](const std::string& path) {
    ThreadPool pool(1);
    PackedFileWriter writer(path, {}, "model.gguf");
    writer.add(pool, {.weight = 0, .type = DType::q4_0, .rows = 16, .cols = 32}, Bytes(288));
    writer.add(pool, {.weight = 2, .type = DType::f32, .rows = 2, .cols = 8}, Bytes(64));
    writer.commit();
  })};
}

std::vector<Bytes> chat_template_seeds() {
  return {bytes_of(R"({{- bos_token }}
{%- macro call(c, last=false) %}{{ c.function.name }}({{ c.function.arguments | tojson }}){% endmacro %}
{%- set ns = namespace(n=0, system='') %}
{% for m in messages if m.role != 'system' -%}
  {%- set ns.n = ns.n + 1 %}
  {% if loop.first or m.content is string and '<|' not in m.content[:2] %}
    {{- '<|' ~ m['role'] ~ '|>\n' + m.content | trim }}
  {%- elif m.tool_calls is defined %}
    {%- for c in m.tool_calls %}{{ call(c, last=loop.last) }}{% if not loop.last %}, {% endif %}{% endfor %}
  {%- else %}{% generation %}{{ m.content.split('</think>')[-1].lstrip('\n') }}{% endgeneration %}{% endif %}
{% endfor %}
{# the answer #}
{% if add_generation_prompt and ns.n > 0 %}<|assistant|>{% endif %}
)"),
          bytes_of(R"({% set x %}{{ strftime_now('%d %b %Y') | upper }}{% endset %}
{% filter indent(2, true) %}{{ x }}{% endfilter %}{% with a = 1, b = -2.5e3 %}{{ a // b ** 2 % 3 }}{% endwith %}
{{ '%s %05d' % (x, 7) }}{{ [1, 'b', {'k': none}][::-1] | map('string') | join('-') }}{% raw %}{{ }}{% endraw %}
{% for k, v in {'b': 1, 'a': (2, 3)} | dictsort recursive %}{{ loop.cycle(k, v) }}{% else %}{% endfor %}
{% macro caller_of(l) %}{{ caller(l | length) }}{% endmacro %}
{% call(y) caller_of(tools) %}{{ y }}{% endcall %})")};
}

std::vector<Bytes> sampling_seeds() {
  return {bytes_of("penalties;dry;top-k;temp\nedskypmxta\n15-inf\n3+1.5:20\n7-1e-3\n8+inf"),
          bytes_of("\n\n\" word\"+2")};
}

std::vector<Bytes> markdown_seeds() {
  return {
      bytes_of("\x14\x40# One **two *three* `four`**\n- a _b_\n\n```cc\nint *a;\n```\n日本語。"),
      bytes_of("\x7f\x7fplain \x1b[2J\\* ``a ` b`` ***x***")};
}

std::vector<Bytes> parameters_seeds() {
  return {bytes_of(cli::parameters_json({}).dump()),
          bytes_of(R"({"stop": ["a", "b"], "seed": 18446744073709551615, "top_p": 1e-3})")};
}

std::vector<Bytes> answer_seeds() {
  // One call in each syntax, behind the number of its format and the place to cut it.
  const std::pair<const char*, const char*> kAnswers[] = {
      {"hermes",
       "<think>\nHm.\n</think>\n\n<tool_call>\n{\"name\": \"f\", \"arguments\": "
       "{\"a\": [1.5e3, \"\\u00e9\", null]}}\n</tool_call>"},
      {"kimi-k2",
       "<|tool_calls_section_begin|><|tool_call_begin|>functions.f:0"
       "<|tool_call_argument_begin|>{}<|tool_call_end|><|tool_calls_section_end|>"},
      {"qwen3-coder",
       "<tool_call>\n<function=f>\n<parameter=a>\nx\n</parameter>\n</function>\n"
       "</tool_call>"},
      {"llama4", "[f(a='\\x41', b={'c': (True, None,)}), g()]"},
      {"harmony",
       "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>commentary "
       "to=functions.f <|constrain|>json<|message|>{\"a\":1}<|call|>"},
  };
  std::vector<Bytes> out;
  const auto& formats = chat::answer_formats();
  for (const auto& [format, text] : kAnswers) {
    const auto at = std::find(formats.begin(), formats.end(), &chat::answer_format(format));
    std::string seed{static_cast<char>(at - formats.begin()), '\x40'};
    out.push_back(bytes_of(seed + text));
  }
  return out;
}

}  // namespace

std::vector<std::vector<std::byte>> seeds(std::string_view parser) {
#define PARSER(name) \
  if (parser == #name) return name##_seeds();
#include "parsers.def"
#undef PARSER
  throw std::logic_error("no seeds for parser " + std::string(parser));
}

}  // namespace avocado::test
