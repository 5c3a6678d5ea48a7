#include "parsers.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <stdexcept>

#include "base/error.h"
#include "base/sha256.h"
#include "base/thread_pool.h"
#include "chat/answer_parser.h"
#include "chat/chat_template.h"
#include "cli/markdown.h"
#include "cli/session_parameters.h"
#include "files/gguf.h"
#include "files/input_stream.h"
#include "files/json.h"
#include "files/safetensors.h"
#include "grammar/matcher.h"
#include "infer/sampler.h"
#include "models/adapter_files.h"
#include "models/model.h"
#include "models/packed_file.h"
#include "models/registry.h"
#include "temp_folder.h"
#include "text/bpe_trainer.h"
#include "text/tokenizer.h"
#include "text/unicode.h"
#include "train/dataset.h"
#include "train/documents.h"
#include "train/metrics.h"
#include "train/receipt.h"
#include "train/recipe.h"
#include "train/samples.h"
#include "train/state.h"
#include "train/tensorboard.h"
#include "train/token_file.h"

namespace avocado::test {
namespace {

using Bytes = std::span<const std::byte>;

// Bytes as a file with a path, in memory only.
class MemoryFile {
 public:
  explicit MemoryFile(Bytes bytes) : fd_(::memfd_create("fuzz", MFD_CLOEXEC)) {
    if (fd_ < 0 || ::write(fd_, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) {
      throw std::runtime_error("cannot make a memory file");
    }
  }
  ~MemoryFile() { ::close(fd_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  int fd_;
};

void require(bool holds, const char* what) {
  if (!holds) throw std::logic_error(what);
}

// Reads every byte, so that a sanitizer sees a view that leaves its file.
void touch(Bytes bytes) {
  [[maybe_unused]] static volatile unsigned sink;
  unsigned sum = 0;
  for (const std::byte byte : bytes) sum += static_cast<unsigned>(byte);
  sink = sum;
}

void use_tensors(const std::vector<TensorView>& tensors) {
  for (const TensorView& tensor : tensors) {
    touch(tensor.data);
    const DTypeTraits* traits = dtype_traits(tensor.type);
    require(traits && dtype_bytes(tensor.type, tensor.count()) == tensor.data.size(),
            "a tensor's size is wrong");
    if (traits->to_f32 && tensor.count() <= 1 << 16) to_f32(tensor);
  }
}

std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void parse_gguf(Bytes bytes) {
  const GgufFile file = GgufFile::parse(bytes, "fuzz");
  use_tensors(file.tensors());
  for (const TensorView& tensor : file.tensors())
    require(file.tensor(tensor.name) == &tensor, "a tensor is not found");
  for (const auto& [key, value] : file.metadata())
    require(file.find(key) == &value, "a key is not found");
  // What was read can be written and read again.
  GgufWriter writer;
  for (const auto& [key, value] : file.metadata()) writer.set(key, value);
  for (const TensorView& tensor : file.tensors()) writer.add_tensor(tensor);
  if (file.alignment() > 4096) return;
  const std::vector<std::byte> copy = writer.bytes();
  const GgufFile again = GgufFile::parse(copy, "copy");
  require(again.metadata().size() == file.metadata().size() &&
              again.tensors().size() == file.tensors().size(),
          "a copy differs");
}

void parse_safetensors(Bytes bytes) {
  const SafetensorsFile file = SafetensorsFile::parse(bytes, "fuzz");
  use_tensors(file.tensors());
  for (const TensorView& tensor : file.tensors())
    require(file.tensor(tensor.name) == &tensor, "a tensor is not found");
}

void parse_json(Bytes bytes) {
  const nlohmann::json value = avocado::parse_json(as_text(bytes), "fuzz");
  const std::string text = value.dump();
  require(avocado::parse_json(text, "copy") == value, "a copy differs");
}

void use_tokenizer(const Tokenizer& tokenizer) {
  static constexpr std::string_view kText =
      "Hello,  world!\n\n\t 12345 it's アボカドは果物です。 naïve \U0001f951 <s></s> <|im_end|> "
      "\xff\xc3";
  for (const bool special : {false, true}) {
    const std::vector<int32_t> ids = tokenizer.encode(kText, {.bos = special, .special = special});
    for (const int32_t id : ids)
      require(id >= 0 && id < tokenizer.vocab_size(), "an id is outside the vocabulary");
    tokenizer.decode(ids, special);
    StreamDecoder stream(tokenizer, special);
    for (const int32_t id : ids) stream.push(id);
    stream.finish();
  }
  for (int32_t id = 0; id < std::min(tokenizer.vocab_size(), 100); ++id) {
    tokenizer.token_bytes(id, true);
    tokenizer.find(tokenizer.token_text(id));
    tokenizer.is_end(id);
  }
}

// The first byte chooses the format, the second where the answer is cut in two. An answer without
// calls counts as refused.
void parse_answer(Bytes bytes) {
  if (bytes.size() < 2) fail_input("fuzz: no answer");
  const auto& formats = chat::answer_formats();
  const chat::AnswerFormat& format = *formats[static_cast<size_t>(bytes[0]) % formats.size()];
  chat::AnswerOptions options;
  options.calls = chat::AnswerOptions::Calls::any;
  options.starts_in_thinking = static_cast<size_t>(bytes[0]) >= 128;
  const std::string_view text = as_text(bytes.subspan(2));
  const size_t cut = text.size() * static_cast<size_t>(bytes[1]) / 256;

  chat::AnswerParser parser(format, options);
  std::vector<chat::AnswerEvent> events;
  for (const std::string_view piece : {text.substr(0, cut), text.substr(cut)}) {
    for (chat::AnswerEvent& event : parser.push(piece)) events.push_back(std::move(event));
  }
  for (chat::AnswerEvent& event : parser.finish()) events.push_back(std::move(event));
  chat::Answer answer;
  std::string joined;
  for (const chat::AnswerEvent& event : events) {
    answer.add(event);
    if (event.kind != chat::AnswerEvent::Kind::arguments) joined += event.text;
  }
  require(joined == text, "bytes of an answer are lost");
  require(chat::parse_answer(format, options, text) == answer, "a cut changes an answer");
  if (answer.calls.empty()) fail_input("fuzz: no call");
}

// The width of the terminal, where the text is cut, and the text.
void parse_markdown(Bytes bytes) {
  if (bytes.size() < 2) fail_input("fuzz: no text");
  const std::string_view text = as_text(bytes.subspan(2));
  const size_t cut = text.size() * static_cast<size_t>(bytes[1]) / 256;
  const auto shown = [&](std::initializer_list<std::string_view> pieces) {
    cli::StyledText styled(static_cast<int>(bytes[0]), true);
    cli::Markdown markdown(styled);
    for (const std::string_view piece : pieces) markdown.push(piece);
    markdown.finish();
    styled.finish();
    return styled.take();
  };
  const std::string whole = shown({text});
  require(whole == shown({text.substr(0, cut), text.substr(cut)}), "a cut changes what is shown");
  for (size_t i = 0; i < whole.size(); ++i) {
    const auto c = static_cast<unsigned char>(whole[i]);
    require(c >= 0x20 || c == '\n' || c == '\t' || whole.substr(i, 3) == "\x1b[0",
            "a text steers the terminal");
  }
}

void parse_parameters(Bytes bytes) {
  GenerateOptions options, back;
  cli::read_parameters(options, parse_ordered_json(as_text(bytes), "fuzz"));
  const auto json = cli::parameters_json(options);
  cli::read_parameters(back, json);
  require(cli::parameters_json(back) == json, "a copy differs");
}

void parse_gguf_tokenizer(Bytes bytes) {
  const GgufFile file = GgufFile::parse(bytes, "fuzz");
  use_tokenizer(*Tokenizer::from_gguf(file));
}

void parse_tokenizer_json(Bytes bytes) {
  const MemoryFile file(bytes);
  use_tokenizer(*Tokenizer::from_huggingface(file.path()));
}

void parse_model(Bytes bytes) {
  static ThreadPool pool(1);
  const MemoryFile file(bytes);
  const Model model = Model::load(file.path(), pool);
  require(model.config().vocab > 0 && !model.weights().empty(), "a model is empty");
}

void parse_adapter(Bytes bytes) {
  const Adapter adapter =
      read_adapter_gguf(GgufFile::parse(bytes, "fuzz"), tiny_config(), tiny_graph());
  require(adapter.digest(tiny_graph()).size() == 64, "an adapter has no digest");
}

// The configuration of a PEFT folder whose tensors are whole.
void parse_adapter_config(Bytes bytes) {
  static const std::vector<float> values(1 << 12, 0.5f);
  static const TempFolder folder;
  static const std::string path = [] {
    const graph::Weight& w = tiny_graph().weights[graph::adaptable_weights(tiny_graph())[0]];
    const std::string name =
        "base_model.model." + w.hf_name.substr(0, w.hf_name.rfind(".weight")) + ".lora_";
    const auto floats = [](int64_t count) {
      return std::as_bytes(std::span(values).first(static_cast<size_t>(count)));
    };
    write_safetensors(folder.file("adapter_model.safetensors"),
                      {{name + "A.weight", DType::f32, {2, w.cols}, floats(2 * w.cols)},
                       {name + "B.weight", DType::f32, {w.rows, 2}, floats(2 * w.rows)}},
                      {});
    return folder.file("adapter_model.safetensors");
  }();
  const Adapter adapter = read_adapter_peft(std::string(as_text(bytes)),
                                            SafetensorsFile::open(path), tiny_graph(), "fuzz");
  require(std::isfinite(adapter.scale(2)), "a scale is not finite");
}

void parse_checkpoint(Bytes bytes) {
  const MemoryFile file(bytes);
  static ThreadPool pool(1);
  TrainState state(tiny_graph(), TrainOptions{});
  read_checkpoint(file.path(), tiny_graph(), state, kDefinition, pool);
}

void parse_token_shard(Bytes bytes) {
  const MemoryFile file(bytes);
  const Dataset data = Dataset::open(file.path());
  for (int64_t row = 0; row < data.rows(); ++row) {
    for (int64_t s = data.first_sequence(row); s < data.last_sequence(row); ++s) {
      for (const uint32_t word : data.sequence(s)) {
        require((word & ~Dataset::kLearn) < static_cast<uint64_t>(data.vocab()),
                "a token is outside the vocabulary");
      }
    }
  }
}

void parse_token_file(Bytes bytes) {
  const MemoryFile memory(bytes);
  const TokenFile file = TokenFile::open(memory.path());
  TokenReader reader(file);
  for (TokenDocument document; reader.next(document);) touch(std::as_bytes(document.words));
  line_report_to_json(file.lines());
  file.check_contents();
}

// The first byte chooses compression and format; the rest is a file of training data. One of which
// no line is of use counts as refused.
void parse_documents(Bytes bytes) {
  if (bytes.empty()) fail_input("fuzz: no data");
  const auto choice = static_cast<size_t>(bytes[0]);
  const MemoryFile memory(bytes.subspan(1));
  InputStream input(memory.path(), static_cast<Compression>(choice % 3));
  const DocumentFormat format = kDocumentFormats[1 + choice / 3 % 8].first;
  TextBlocks blocks(input, format != DocumentFormat::plain);
  LineReport report;
  int64_t used = 0;
  int64_t left = 2;  // the time that a file may take would not do for any number of lines
  for (TextBlock block; left > 0 && blocks.next(block); --left) {
    parse_block(block, format, report, [&](int64_t line, std::span<const SourceDocument> found) {
      require(line >= block.first_line, "a line before the block");
      require(found.size() == (format == DocumentFormat::preference ? 2 : 1), "a document is lost");
      for (const SourceDocument& document : found) require(!document.empty(), "an empty document");
      document_hashes(found);
      ++used;
    });
  }
  report.documents = used;
  require(report.lines == used + report.dropped(), "a line is lost");
  require_documents(report, "fuzz");
}

void parse_metrics(Bytes bytes) {
  const MemoryFile file(bytes);
  const MetricsFile metrics = read_metrics(file.path(), kDefinition);
  require(metrics.steps.size() == metrics.step_end.size(), "steps differ");
  if (!metrics.problem.empty()) fail_input("{}", metrics.problem);
}

void parse_event_file(Bytes bytes) {
  const size_t end = end_of_events(as_text(bytes), 2);
  require(end <= bytes.size() && end_of_events(as_text(bytes.first(end)), 2) == end,
          "what is kept is not whole");
  if (end < bytes.size()) fail_input("cut at {}", end);
}

void parse_samples(Bytes bytes) {
  const MemoryFile file(bytes);
  if (read_samples(file.path()).empty()) fail_input("no sample");
}

// A receipt that comes back from its text as it was; a signature that does not hold counts as
// refused.
void parse_receipt(Bytes bytes) {
  const Receipt receipt = avocado::parse_receipt(std::string(as_text(bytes)), "fuzz");
  const Receipt copy = avocado::parse_receipt(receipt_text(receipt), "copy");
  require(receipt_text(copy) == receipt_text(receipt), "a copy differs");
  if (!receipt_signature_holds(receipt)) fail_input("fuzz: the signature does not hold");
}

void parse_recipe(Bytes bytes) {
  recipe_to_json(avocado::parse_recipe(std::string(as_text(bytes)), "fuzz"));
}

void use_packed_file(Bytes bytes) {
  const PackedFile file = PackedFile::parse(bytes, "fuzz");
  for (const PackedEntry& entry : file.entries()) touch(file.data(entry));
  static ThreadPool pool(1);
  file.check_contents(pool);
}

// Follows a constraint for some bytes, always by the first or the last of those that may come.
void use_constraint(const std::shared_ptr<const grammar::Constraint>& constraint) {
  static const auto trie = [] {
    const auto tokenizer = train_bpe({"{\"a\": [1, true]}"}, {.vocab_size = 300});
    return std::make_shared<const grammar::TokenTrie>(*tokenizer);
  }();
  std::vector<uint32_t> bits(trie->mask_words());
  grammar::Matcher matcher(constraint, trie);
  for (int step = 0; step < 12; ++step) {
    matcher.mask(bits);
    int32_t chosen = -1;
    for (int32_t id = 0; id < trie->vocab_size() && (chosen < 0 || step % 2 == 1); ++id)
      if (bits[static_cast<size_t>(id) / 32] >> id % 32 & 1) chosen = id;
    if (chosen < 0) break;
    require(matcher.accept(chosen), "an allowed token is refused");
  }
}

void parse_schema(Bytes bytes) {
  use_constraint(grammar::Constraint::from_json_schema(as_text(bytes)));
}

void parse_gbnf(Bytes bytes) { use_constraint(grammar::Constraint::from_gbnf(as_text(bytes))); }

void parse_pattern(Bytes bytes) { use_constraint(grammar::Constraint::from_regex(as_text(bytes))); }

// Almost all damage is seen by the digest of the table. So the same bytes are tried with that
// digest made right, which leads the damage to the checks behind it.
void parse_packed_file(Bytes bytes) {
  constexpr size_t kTrailer = 64, kDigest = 32;
  std::vector<std::byte> mended(bytes.begin(), bytes.end());
  uint64_t table = 0;
  if (mended.size() >= kTrailer) {
    std::byte* trailer = mended.data() + mended.size() - kTrailer;
    std::memcpy(&table, trailer + 16, sizeof table);
    if (table <= mended.size() - kTrailer) {
      const Digest digest =
          Sha256().update(Bytes(mended).first(mended.size() - kDigest).subspan(table)).digest();
      std::memcpy(trailer + kTrailer - kDigest, digest.data(), kDigest);
    }
  }
  try {
    use_packed_file(mended);
  } catch (const Error&) {
    // The file as it is decides.
  }
  use_packed_file(bytes);
}

// A template that may come with any model meets an ordinary conversation. What it does not refuse
// has to be UTF-8, and the ranges of what people wrote inside it.
void parse_chat_template(Bytes bytes) {
  static const auto conversation = parse_ordered_json(
      R"({"messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "né\n<|x|>"},
          {"role": "assistant", "content": "", "tool_calls": [{"id": "a", "type": "function",
           "function": {"name": "f", "arguments": {"a": [1, 2.5, null, true]}}}]},
          {"role": "tool", "content": "4"}],
          "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
          "add_generation_prompt": true, "now": "2025-07-26"})",
      "conversation");
  const Prompt prompt = ChatTemplate(as_text(bytes), "<s>", "</s>", "fuzz").render(conversation);
  require(unicode::is_valid_utf8(prompt.text), "a prompt is not UTF-8");
  size_t done = 0;
  for (const TextRange& r : prompt.written) {
    require(done <= r.begin && r.begin < r.end && r.end <= prompt.text.size(), "a range is wrong");
    done = r.end;
  }
}

// What the flags of sampling take: a list of stages, one of letters, then a bias per line.
void parse_sampling(Bytes bytes) {
  std::string_view rest = as_text(bytes);
  const auto line = [&rest] {
    const std::string_view first = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), first.size() + 1));
    return first;
  };
  SamplerParameters parameters;
  parameters.samplers = parse_samplers(line());
  for (std::string& name : parse_sampler_letters(line()))
    parameters.samplers.push_back(std::move(name));
  while (!rest.empty() && parameters.logit_bias.size() < 100) {
    LogitBias bias = parse_logit_bias(line());
    if (bias.id < 0) bias.id = static_cast<int32_t>(bias.text.size());  // there is no tokenizer
    parameters.logit_bias.push_back(bias);
  }
  const std::vector<float> logits(40, 1.0f);
  const SamplerChain chain(parameters, 40);
  const int32_t id = chain.sample({logits, {}, 0}).id;
  require(id >= -1 && id < 40, "a token is outside the vocabulary");
}

template <void (*kParse)(Bytes)>
bool accepts(Bytes bytes) {
  try {
    kParse(bytes);
    return true;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace

const ModelConfig& tiny_config() {
  static const ModelConfig config = [] {
    ModelConfig c = architectures().front()->tiny();
    c.vocab = 8;
    c.layers = 1;
    return c;
  }();
  return config;
}

const graph::Graph& tiny_graph() {
  static const graph::Graph graph = build_graph(tiny_config());
  return graph;
}

const std::vector<Parser>& parsers() {
  static const std::vector<Parser> list = {
#define PARSER(name) {#name, accepts<parse_##name>},
#include "parsers.def"
#undef PARSER
  };
  return list;
}

}  // namespace avocado::test
