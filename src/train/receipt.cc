#include "train/receipt.h"

#include <algorithm>
#include <cctype>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <set>

#include "base/error.h"
#include "base/sha256.h"
#include "files/atomic_file.h"
#include "files/json.h"
#include "train/json_fields.h"

namespace avocado {

using Json = nlohmann::ordered_json;

void to_json(Json& json, const ReceiptFile& file) {
  json = {{"name", file.name}, {"bytes", file.bytes}, {"sha256", file.sha256}};
}

void to_json(Json& json, const ReceiptSource& source) {
  json = {{"name", source.name}, {"sha256", source.sha256}};
}

namespace {

namespace fs = std::filesystem;

constexpr const char* kFormat = "avocado-receipt-1";
constexpr size_t kDigits = 64;
// Whole numbers beyond are not exact in every JSON library.
constexpr int64_t kMost = int64_t{1} << 53;

// Each field is named once; writing, reading and comparing are visitors of this list. First those
// of the receipt itself, then what it says of the run, then the signature.
template <class R, class Visitor>
void visit_issue(R& r, Visitor&& visit) {
  visit("issued", r.issued);
  visit("version", r.version);
  visit("source", r.source);
}

template <class R, class Visitor>
void visit_run(R& r, Visitor&& visit) {
  visit("definition", r.definition);
  visit("defines", r.defines);
  visit("recipe", r.recipe);
  visit("data", r.data);
  visit("eval", r.eval);
  visit("tokenizer", r.tokenizer);
  visit("sources", r.sources);
  visit("parameters", r.parameters);
  visit("steps", r.steps);
  visit("rows", r.rows);
  visit("inputs", r.inputs);
  visit("learned", r.learned);
  visit("chain", r.chain);
  visit("state", r.state);
  visit("weights", r.weights);
  visit("files", r.files);
}

struct Reader : FieldReader {
  using FieldReader::FieldReader;
  using FieldReader::operator();

  template <class Item, class Read>
  void list(const char* key, std::vector<Item>& items, Read read) {
    for (const Json& entry : field(key, Json::value_t::array, "a list")) {
      const std::string where = fmt::format("{}: \"{}\", entry {}", source, key, items.size() + 1);
      FieldReader reader(entry, where);
      read(reader, items.emplace_back());
      reader.finish();
    }
  }
  void operator()(const char* key, std::vector<ReceiptFile>& files) {
    list(key, files, [](FieldReader& reader, ReceiptFile& file) {
      reader("name", file.name);
      reader("bytes", file.bytes);
      reader("sha256", file.sha256);
    });
  }
  void operator()(const char* key, std::vector<ReceiptSource>& sources) {
    list(key, sources, [](FieldReader& reader, ReceiptSource& entry) {
      reader("name", entry.name);
      reader("sha256", entry.sha256);
    });
  }
};

// The values of the fields, one by one and against each other.
class Check {
 public:
  Check(const Receipt& receipt, const std::string& source) : r_(receipt), source_(source) {}

  void run() const {
    check_issue();
    digest("definition", r_.definition);
    for (const auto& [key, value] : {std::pair{"data", r_.data},
                                     {"chain", r_.chain},
                                     {"state", r_.state},
                                     {"weights", r_.weights}})
      digest(key, value);
    if (!r_.eval.empty()) digest("eval", r_.eval);
    if (!r_.tokenizer.empty()) digest("tokenizer", r_.tokenizer);
    count("parameters", r_.parameters, 1);
    count("steps", r_.steps, 1);
    for (const auto& [key, value] :
         {std::pair{"rows", r_.rows}, {"inputs", r_.inputs}, {"learned", r_.learned}})
      count(key, value, 0);
    check_lists();
    check_definition();
    if (r_.public_key.empty() && r_.signature.empty()) return;
    hex("public_key", r_.public_key, kDigits);
    hex("signature", r_.signature, 2 * kDigits);
  }

 private:
  void hex(const std::string& key, const std::string& value, size_t digits) const {
    if (!is_hex(value, digits))
      fail_input("{}: \"{}\" must have {} lower-case hex digits", source_, key, digits);
  }
  void digest(const std::string& key, const std::string& value) const { hex(key, value, kDigits); }

  void count(const char* key, int64_t value, int64_t least) const {
    if (value < least || value > kMost)
      fail_input("{}: \"{}\" is {}; it must be from {} to 2^53", source_, key, value, least);
  }

  void check_issue() const {
    constexpr std::string_view kForm = "0000-00-00T00:00:00Z";
    const bool fits =
        r_.issued.size() == kForm.size() &&
        std::equal(kForm.begin(), kForm.end(), r_.issued.begin(), [](char form, char c) {
          return form == '0' ? c >= '0' && c <= '9' : c == form;
        });
    if (!fits) fail_input("{}: \"issued\" must be a time as 2026-11-22T13:05:00Z", source_);
    const bool plain = std::all_of(r_.version.begin(), r_.version.end(), [](unsigned char c) {
      return c < 0x80 && (std::isalnum(c) != 0 || c == '.' || c == '+' || c == '-');
    });
    if (r_.version.empty() || r_.version.size() > kDigits || !plain)
      fail_input("{}: \"version\" must be the number of a version", source_);
    digest("source", r_.source);
  }

  void check_lists() const {
    std::set<std::string> names;
    for (const ReceiptFile& file : r_.files) {
      if (file.name.empty() || !names.insert(file.name).second)
        fail_input("{}: \"files\" must name each file once", source_);
      count("bytes", file.bytes, 0);
      digest("sha256", file.sha256);
    }
    for (const ReceiptSource& entry : r_.sources) digest("sha256", entry.sha256);
  }

  void check_definition() const {
    if (Sha256().update(r_.defines).hex() != r_.definition)
      fail_input("{}: \"definition\" is not the SHA-256 of \"defines\"", source_);
    const Json json = parse_ordered_json(r_.defines, source_ + ": \"defines\"");
    const auto member = [](const Json& object, const char* key) {
      const auto found = object.find(key);  // end() when it is no object
      return found == object.end() ? Json() : *found;
    };
    if (member(member(json, "train"), "steps") != r_.steps || member(json, "data") != r_.data)
      fail_input("{}: \"steps\" and \"data\" must be those in \"defines\"", source_);
  }

  const Receipt& r_;
  const std::string& source_;
};

Json unsigned_json(const Receipt& receipt) {
  FieldWriter writer;
  writer("format", std::string(kFormat));
  visit_issue(receipt, writer);
  visit_run(receipt, writer);
  writer("public_key", receipt.public_key);
  return std::move(writer.json);
}

// What is signed: without "signature", members in ascending order, no spaces.
std::string canonical_text(const Receipt& receipt) {
  return nlohmann::json(unsigned_json(receipt)).dump();
}

std::string now() {
  const std::time_t time = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm utc{};
  ::gmtime_r(&time, &utc);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc)};
}

ReceiptFile file_of(const Run& run, const std::string& name) {
  const std::string path = run.folder() + "/" + name;
  return {name, static_cast<int64_t>(fs::file_size(path)), sha256_file(path)};
}

// Of two lists, compared by name.
std::string list_difference(const std::vector<ReceiptFile>& receipt,
                            const std::vector<ReceiptFile>& run) {
  for (const ReceiptFile& said : receipt) {
    const auto found = std::find_if(
        run.begin(), run.end(), [&](const ReceiptFile& file) { return file.name == said.name; });
    if (found == run.end()) return fmt::format("{} is not in the run", said.name);
    if (*found != said)
      return fmt::format("{} has {} bytes and the SHA-256 {}; the receipt says {} and {}",
                         said.name, found->bytes, found->sha256, said.bytes, said.sha256);
  }
  if (run.size() != receipt.size()) return "the run has files that the receipt does not name";
  return {};
}

}  // namespace

Receipt describe_run(const Run& run, const Software& software, ThreadPool& pool) {
  const MetricsFile metrics = read_metrics(run.metrics_path(), run.definition());
  if (!metrics.problem.empty()) fail_input("{}", metrics.problem);
  const auto final_record =
      std::find_if(metrics.records.begin(), metrics.records.end(),
                   [](const MetricsRecord& record) { return record.kind == "final"; });
  if (final_record == metrics.records.end())
    fail_input("{}: the run is not finished (step {} of {}); a receipt is of a finished one",
               run.folder(), metrics.steps.size(), run.options().steps);
  const auto trainer = run.make_trainer(pool);

  Receipt receipt;
  receipt.issued = now();
  receipt.version = software.version;
  receipt.source = software.source;
  receipt.definition = run.definition();
  receipt.defines = trainer->definition_text();
  if (fs::exists(run.folder() + "/run.toml"))
    receipt.recipe = read_text_file(run.folder() + "/run.toml", uint64_t{1} << 20);
  receipt.data = run.manifest().value("data", "");
  receipt.eval = run.manifest().value("eval", "");
  receipt.tokenizer = run.manifest().value("tokenizer", "");
  const Json sources = run.manifest().value("sources", Json::object());
  for (const auto& [name, digest] : sources.items())
    receipt.sources.push_back(
        {name, record_field<std::string>(sources, name.c_str(), run.manifest_path())});
  for (const graph::Weight& weight : trainer->graph().weights) receipt.parameters += weight.count();
  for (const StepResult& step : metrics.steps) {
    receipt.inputs += step.inputs;
    receipt.learned += step.learned;
  }
  const StepResult& last = metrics.steps.back();
  receipt.steps = last.step;
  receipt.rows = static_cast<int64_t>(last.position);
  receipt.chain = last.chain;
  receipt.state = last.digest;
  receipt.weights = record_field<std::string>(final_record->json, "weights", final_record->source);

  const auto final_name =
      record_field<std::string>(final_record->json, "file", final_record->source);
  for (const char* name : {"run.json", "run.toml", "metrics.jsonl", "data-report.json",
                           "train.rows", "eval.rows", "tokenizer.gguf", "final-ema.gguf"})
    if (fs::exists(run.folder() + "/" + name)) receipt.files.push_back(file_of(run, name));
  if (!fs::exists(run.folder() + "/" + final_name))
    fail_input("{}/{}: missing, but {} has its digest", run.folder(), final_name,
               final_record->source);
  receipt.files.push_back(file_of(run, final_name));
  if (receipt.files.back().sha256 !=
      record_field<std::string>(final_record->json, "sha256", final_record->source))
    fail_input("{}/{}: its SHA-256 is not the one logged ({})", run.folder(), final_name,
               final_record->source);
  return receipt;
}

Receipt parse_receipt(const std::string& text, const std::string& source) {
  const Json json = parse_ordered_json(text, source);
  Receipt receipt;
  Reader reader(json, source);
  std::string format;
  reader("format", format);
  if (format != kFormat)
    fail_input("{}: \"format\" is \"{}\"; this build reads {}", source, format, kFormat);
  visit_issue(receipt, reader);
  visit_run(receipt, reader);
  reader("public_key", receipt.public_key);
  reader("signature", receipt.signature);
  reader.finish();
  Check(receipt, source).run();
  return receipt;
}

std::string receipt_text(const Receipt& receipt) {
  Json json = unsigned_json(receipt);
  json["signature"] = receipt.signature;
  return json.dump(2) + "\n";
}

void sign_receipt(Receipt& receipt, const SigningKey& key) {
  receipt.public_key = key.public_key();
  receipt.signature = key.sign(canonical_text(receipt));
}

bool receipt_signature_holds(const Receipt& receipt) {
  return signature_holds(receipt.public_key, receipt.signature, canonical_text(receipt));
}

std::string receipt_difference(const Receipt& receipt, const Receipt& run) {
  FieldWriter said, found;
  visit_run(receipt, said);
  visit_run(run, found);
  for (const auto& [key, value] : said.json.items()) {
    const Json& other = found.json[key];
    if (value == other) continue;
    if (key == "files") return list_difference(receipt.files, run.files);
    if (key == "sources" || key == "recipe" || key == "defines")
      return fmt::format("\"{}\" of the receipt is not that of the run", key);
    return fmt::format("\"{}\": the receipt says {}, the run has {}", key, value.dump(),
                       other.dump());
  }
  return {};
}

}  // namespace avocado
