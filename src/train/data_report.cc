#include "train/data_report.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "files/printable.h"

namespace avocado {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kShownText = 200;  // characters of what is wrong with a line

int64_t count_field(const nlohmann::json& json, const char* key, const std::string& source) {
  const auto found = json.find(key);
  if (found == json.end() || !found->is_number_integer() || found->get<int64_t>() < 0)
    fail_input("{}: \"{}\" must be a whole number from 0", source, key);
  return found->get<int64_t>();
}

// 1,234,567
std::string grouped(int64_t number) {
  const std::string digits = std::to_string(number);
  std::string text;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text.push_back(',');
    text.push_back(digits[i]);
  }
  return text;
}

Json shard_to_json(const ShardReport& shard) {
  return {{"documents", shard.documents},
          {"rows", shard.rows},
          {"inputs", shard.inputs},
          {"learned", shard.learned}};
}

}  // namespace

const char* format_name(DocumentFormat format) {
  return kDocumentFormats[static_cast<size_t>(format)].second;
}

void LineReport::add(LineProblem problem, int64_t line, std::string text) {
  Problem& entry = of(problem);
  ++entry.count;
  if (entry.first.size() < kExamples) entry.first.push_back({line, std::move(text)});
}

void LineReport::append(const LineReport& later) {
  lines += later.lines;
  documents += later.documents;
  tokens += later.tokens;
  learned += later.learned;
  for (size_t p = 0; p < problems.size(); ++p) {
    problems[p].count += later.problems[p].count;
    for (const BadLine& bad : later.problems[p].first)
      if (problems[p].first.size() < kExamples) problems[p].first.push_back(bad);
  }
}

int64_t LineReport::dropped() const {
  int64_t count = 0;
  for (const Problem& problem : problems) count += problem.count;
  return count;
}

const BadLine* LineReport::first_bad() const {
  const BadLine* earliest = nullptr;
  for (const Problem& problem : problems)
    if (!problem.first.empty() && (!earliest || problem.first[0].line < earliest->line))
      earliest = &problem.first[0];
  return earliest;
}

void refuse_bad_lines(const LineReport& report, const std::string& path) {
  if (const BadLine* bad = report.first_bad())
    fail_input("{}:{}: {}; mend the line, or leave such lines out with bad_lines = \"drop\"", path,
               bad->line, bad->text);
}

void require_documents(const LineReport& report, const std::string& path) {
  if (report.documents > 0) return;
  const BadLine* bad = report.first_bad();
  if (!bad) fail_input("{}: is empty", path);
  fail_input("{}: none of its {} lines can be used; line {}: {}", path, report.lines, bad->line,
             bad->text);
}

Json line_report_to_json(const LineReport& report) {
  Json dropped = Json::object();
  for (const LineProblemName& name : kLineProblems) {
    const LineReport::Problem& problem = report.problems[static_cast<size_t>(name.problem)];
    if (problem.count == 0) continue;
    Json first = Json::array();
    for (const BadLine& bad : problem.first)
      first.push_back({{"line", bad.line}, {"problem", bad.text}});
    dropped[name.key] = {{"count", problem.count}, {"first", std::move(first)}};
  }
  return {{"lines", report.lines},
          {"documents", report.documents},
          {"tokens", report.tokens},
          {"learned", report.learned},
          {"dropped", std::move(dropped)}};
}

LineReport line_report_from_json(const nlohmann::json& json, const std::string& source) {
  if (!json.is_object()) fail_input("{}: must be an object", source);
  LineReport report;
  report.lines = count_field(json, "lines", source);
  report.documents = count_field(json, "documents", source);
  report.tokens = count_field(json, "tokens", source);
  report.learned = count_field(json, "learned", source);
  const nlohmann::json dropped = json.value("dropped", nlohmann::json::object());
  for (const LineProblemName& name : kLineProblems) {
    const auto found = dropped.find(name.key);
    if (found == dropped.end()) continue;
    LineReport::Problem& problem = report.of(name.problem);
    problem.count = count_field(*found, "count", source);
    for (const nlohmann::json& bad : found->value("first", nlohmann::json::array())) {
      if (!bad.contains("problem") || !bad["problem"].is_string() ||
          problem.first.size() == LineReport::kExamples)
        fail_input("{}: \"first\" must hold at most {} lines with their problems", source,
                   LineReport::kExamples);
      problem.first.push_back(
          {count_field(bad, "line", source), bad["problem"].get<std::string>()});
    }
  }
  return report;
}

Json data_report_to_json(const DataReport& report) {
  Json sources = Json::array();
  for (const SourceReport& source : report.sources) {
    Json json = {{"path", source.source.path},
                 {"use", source.eval ? "eval" : "train"},
                 {"format", format_name(source.source.format)},
                 {"weight", source.source.weight},
                 {"sha256", source.sha256},
                 {"bytes", source.bytes},
                 {"held_out", source.held_out},
                 {"cut", source.long_documents}};
    json.update(line_report_to_json(source.lines));
    sources.push_back(std::move(json));
  }
  return {{"format", "avocado-data-report-1"},
          {"train", shard_to_json(report.train)},
          {"eval", report.eval ? shard_to_json(*report.eval) : Json()},
          {"sources", std::move(sources)}};
}

std::vector<std::string> data_report_lines(const DataReport& report) {
  std::vector<std::string> lines;
  for (const SourceReport& source : report.sources) {
    const LineReport& found = source.lines;
    const std::string path = printable(source.source.path, 1000);
    lines.push_back(fmt::format("{}: {} documents, {} tokens{}", path, grouped(found.documents),
                                grouped(found.tokens), source.found ? " (kept from before)" : ""));
    if (source.held_out > 0) lines.back() += fmt::format(", {} held out", grouped(source.held_out));
    for (const LineProblemName& name : kLineProblems) {
      const LineReport::Problem& problem = found.problems[static_cast<size_t>(name.problem)];
      if (problem.count == 0) continue;
      lines.push_back(fmt::format("  {} left out: {}", grouped(problem.count), name.words));
      for (const BadLine& bad : problem.first)
        lines.push_back(
            fmt::format("    {}:{}: {}", path, bad.line, printable(bad.text, kShownText)));
    }
  }
  return lines;
}

}  // namespace avocado
