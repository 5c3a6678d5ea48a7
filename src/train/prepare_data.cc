#include "train/prepare_data.h"

#include <cmath>
#include <filesystem>

#include "base/error.h"
#include "train/documents.h"
#include "train/shard_writer.h"

namespace avocado {
namespace {

namespace fs = std::filesystem;

// A source and its tokens.
struct Source {
  SourceReport report;
  TokenFile tokens;
};

std::vector<SourceReport> sources_of(const Recipe& recipe) {
  std::vector<SourceReport> reports;
  const auto add = [&](const DataSource& source, bool eval) {
    SourceReport& report = reports.emplace_back();
    report.source = source;
    report.eval = eval;
    const std::string path = recipe.resolve(source.path);
    report.sha256 = sha256_file(path);
    std::error_code ignored;
    report.bytes = fs::file_size(path, ignored);
  };
  for (const DataSource& source : recipe.data.train) add(source, false);
  const DocumentFormat eval =
      recipe.options.prefers() ? DocumentFormat::preference : DocumentFormat::automatic;
  for (const std::string& path : recipe.data.eval) add({.path = path, .format = eval}, true);
  return reports;
}

// Packs the documents of sources that belong to one shard.
class Packing {
 public:
  Packing(const Recipe& recipe, ShardWriter& writer, ShardReport& report)
      : data_(recipe.data), writer_(writer), report_(report) {}

  // Those a model is trained on, as often as the weight says: all of them once, then again, ...
  void add_trained(Source& source) {
    const double weight = source.report.source.weight, whole = std::floor(weight);
    for (double seen = 0; seen < weight; ++seen)
      each(source, seen == 0, [&](const TokenDocument& document) {
        if (in_share(document.split, data_.eval_share)) return false;
        return seen < whole || in_share(document.copies, weight - whole);
      });
  }
  // Those that are held out, once.
  void add_held_out(Source& source) {
    each(source, true, [&](const TokenDocument& document) {
      if (source.report.eval) return true;
      if (!in_share(document.split, data_.eval_share)) return false;
      ++source.report.held_out;
      return true;
    });
  }

 private:
  // Of a pair the chosen document comes before the rejected one, with the same line and hashes.
  template <class Wanted>
  void each(Source& source, bool first, Wanted&& wanted) {
    const bool pairs = source.report.source.format == DocumentFormat::preference;
    TokenReader reader(source.tokens);
    std::vector<uint32_t> chosen;
    for (TokenDocument document; reader.next(document);) {
      if (pairs) {
        chosen.assign(document.words.begin(), document.words.end());
        if (!reader.next(document)) fail_input("{}: a pair is cut off", source.report.source.path);
      }
      if (!wanted(document)) continue;
      const auto inputs =
          static_cast<int64_t>(chosen.size() + document.words.size()) - (pairs ? 2 : 1);
      if (inputs > writer_.row_tokens()) {
        if (first) note_long(source.report, document, inputs);
        if (data_.drop_long) continue;
      }
      if (pairs)
        writer_.add_pair(chosen, document.words);
      else
        writer_.add(document.words);
      ++report_.documents;
    }
  }

  void note_long(SourceReport& report, const TokenDocument& document, int64_t inputs) {
    if (data_.drop_long)
      report.lines.add(LineProblem::long_document, static_cast<int64_t>(document.line),
                       fmt::format("has {} tokens, a row {}", inputs, writer_.row_tokens()));
    else
      ++report.long_documents;
  }

  const DataOptions& data_;
  ShardWriter& writer_;
  ShardReport& report_;
};

// The finished shard, with its numbers.
Dataset finish(ShardWriter& writer, const std::string& path, ShardReport& report) {
  writer.commit();
  Dataset data = Dataset::open(path);
  report.rows = data.rows();
  report.inputs = data.inputs();
  report.learned = data.learned_tokens();
  return data;
}

}  // namespace

PreparedData prepare_data(const Recipe& recipe, const TextEncoder& encoder, int64_t row_tokens,
                          int64_t vocab, const std::string& folder, const TokenCache& cache,
                          ThreadPool& pool, const DataObserver& observer) {
  DataProgress progress;
  std::vector<SourceReport> reports = sources_of(recipe);
  for (const SourceReport& report : reports) progress.total += report.bytes;
  std::vector<Source> sources;
  for (SourceReport& report : reports) {
    const DataProgress before = progress;
    progress.source = report.source.path;
    const auto notice = [&](uint64_t bytes, int64_t tokens) {
      progress.bytes = before.bytes + bytes;
      progress.tokens = before.tokens + tokens;
      if (observer.on_progress) observer.on_progress(progress);
    };
    SourceTokens tokens = tokens_of_source({.path = recipe.resolve(report.source.path),
                                            .sha256 = report.sha256,
                                            .format = report.source.format,
                                            .refuse_bad_lines = recipe.data.refuse_bad_lines},
                                           encoder, cache, pool, notice);
    report.found = tokens.found;
    report.lines = tokens.file.lines();
    notice(report.bytes, report.lines.tokens);
    sources.push_back({std::move(report), std::move(tokens.file)});
  }

  std::error_code error;
  fs::create_directories(folder, error);
  if (error) fail_resource("{}: cannot be made: {}", folder, error.message());
  PreparedData prepared;
  {
    const std::string path = folder + "/train.rows";
    ShardWriter writer(path, row_tokens, vocab);
    Packing packing(recipe, writer, prepared.report.train);
    for (Source& source : sources)
      if (!source.report.eval) packing.add_trained(source);
    if (writer.rows() == 0)
      fail_input("[data]: nothing is left to train on; see eval_share = {} and the weights",
                 recipe.data.eval_share);
    prepared.train = finish(writer, path, prepared.report.train);
  }
  if (recipe.data.has_eval()) {
    const std::string path = folder + "/eval.rows";
    ShardWriter writer(path, row_tokens, vocab);
    Packing packing(recipe, writer, prepared.report.eval.emplace());
    for (Source& source : sources)
      if (source.report.eval || recipe.data.eval_share > 0) packing.add_held_out(source);
    if (writer.rows() == 0)
      fail_input("[data]: eval_share = {} takes none of {} documents; raise it, or leave it out",
                 recipe.data.eval_share, prepared.report.train.documents);
    prepared.eval = finish(writer, path, *prepared.report.eval);
  }
  for (Source& source : sources) prepared.report.sources.push_back(std::move(source.report));
  if (observer.on_report) observer.on_report(prepared.report);
  return prepared;
}

}  // namespace avocado
