#include "train/token_cache.h"

#include <algorithm>
#include <filesystem>

#include "base/error.h"
#include "files/atomic_file.h"
#include "files/kept_files.h"
#include "files/spill_file.h"
#include "models/packed_cache.h"
#include "train/documents.h"
#include "train/text_blocks.h"

namespace avocado {
namespace {

namespace fs = std::filesystem;

constexpr const char* kEnding = ".tokens";
// Raised whenever the same document becomes other tokens, or other documents are left out.
constexpr std::string_view kVersion = "avocado-tokens-1";

std::string place_of(const std::string& path) {
  std::error_code ignored;
  return fs::weakly_canonical(path, ignored).string();
}

struct EncodedBlock {
  std::vector<std::byte> documents;
  LineReport report;
};

// A document as shards and token files have it.
struct Words {
  std::vector<uint32_t> words;
  int64_t learned = 0;
};

Words words_of(const Document& tokens) {
  Words result;
  for (size_t i = 0; i < tokens.ids.size(); ++i) {
    const bool learn = tokens.learn.empty() || tokens.learn[i] != 0;
    result.words.push_back(static_cast<uint32_t>(tokens.ids[i]) | (learn ? Dataset::kLearn : 0));
    result.learned += i > 0 && learn;
  }
  return result;
}

// Of what a line holds: a conversation may give several documents, a pair gives its two answers.
std::vector<Words> encode_line(std::span<const SourceDocument> line, bool pair,
                               const TextEncoder& encoder) {
  const auto& [tokenizer, chat_template, digest] = encoder;
  std::vector<Words> all;
  for (const SourceDocument& text : line) {
    if (pair)
      all.push_back(words_of(encode_answer(text, tokenizer, chat_template, "the chat")));
    else
      for (const Document& document : encode_document(text, tokenizer, chat_template, "the chat"))
        all.push_back(words_of(document));
  }
  return all;
}

EncodedBlock encode_block(const TextBlock& block, const TokenRequest& request,
                          DocumentFormat format, const TextEncoder& encoder) {
  EncodedBlock out;
  const bool pair = format == DocumentFormat::preference;
  parse_block(block, format, out.report, [&](int64_t line, std::span<const SourceDocument> texts) {
    if (is_chat(texts[0]) && !encoder.chat_template)  // says so, and ends the preparation
      encode_document(texts[0], encoder.tokenizer, nullptr,
                      fmt::format("{}:{}", request.path, line));
    std::vector<Words> encoded;
    try {
      encoded = encode_line(texts, pair, encoder);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::input) throw;
      throw LineError(LineProblem::refused, error.what());
    }
    std::erase_if(encoded, [](const Words& document) { return document.learned == 0; });
    if (encoded.size() < (pair ? 2 : 1))
      throw LineError(LineProblem::unlearned,
                      pair ? "holds an answer with nothing to learn" : "holds nothing to learn");
    const DocumentHashes hashes = document_hashes(texts);
    for (const Words& document : encoded) {
      append_document(out.documents,
                      {static_cast<uint64_t>(line), hashes.split, hashes.copies, document.words});
      out.report.tokens += static_cast<int64_t>(document.words.size());
      out.report.learned += document.learned;
    }
    ++out.report.documents;
  });
  return out;
}

void make(TokenFileWriter& writer, const TokenRequest& request, const TextEncoder& encoder,
          ThreadPool& pool, const std::function<void(uint64_t, int64_t)>& progress) {
  const DocumentFormat format = resolve_format(request.path, request.format);
  LineReport report;
  map_blocks(
      request.path, format != DocumentFormat::plain, pool,
      [&](const TextBlock& block) { return encode_block(block, request, format, encoder); },
      [&](EncodedBlock&& encoded, uint64_t position) {
        report.append(encoded.report);
        if (request.refuse_bad_lines) refuse_bad_lines(report, request.path);
        writer.add(encoded.documents);
        if (progress) progress(position, report.tokens);
      });
  require_documents(report, request.path);
  writer.finish(place_of(request.path), report);
}

std::optional<TokenFile> find(const std::string& path, const Digest& identity) try {
  TokenFile file = TokenFile::open(path);
  if (file.identity() != identity) return std::nullopt;
  file.check_contents();
  return file;
} catch (const Error&) {
  return std::nullopt;
}

// One name per place and way to read it: the file of a source that changed is replaced.
std::string file_name(const TokenRequest& request, const TextEncoder& encoder) {
  std::error_code ignored;
  return Sha256()
             .update(fs::weakly_canonical(request.path, ignored).string())
             .update("\n")
             .update(format_name(request.format))
             .update("\n")
             .update(encoder.digest)
             .hex()
             .substr(0, 32) +
         kEnding;
}

}  // namespace

TokenCache default_token_cache() {
  const PackedCache weights = default_packed_cache();
  TokenCache cache;
  cache.folder = weights.folder;
  if (weights.min_bytes == 0) cache.least_bytes = 0;
  return cache;
}

TextEncoder::TextEncoder(const Tokenizer& t, const ChatTemplate* c, const std::string& text)
    : tokenizer(t), chat_template(c) {
  GgufWriter writer;
  tokenizer.write_gguf(writer);
  digest =
      Sha256().update(kVersion).update(text.size()).update(text).update(writer.bytes()).digest();
}

SourceTokens tokens_of_source(const TokenRequest& request, const TextEncoder& encoder,
                              const TokenCache& cache, ThreadPool& pool,
                              const std::function<void(uint64_t, int64_t)>& progress) {
  const Digest identity = Sha256()
                              .update(request.sha256)
                              .update(format_name(resolve_format(request.path, request.format)))
                              .update(encoder.digest)
                              .digest();
  std::error_code error;
  const uint64_t stored = fs::file_size(request.path, error);
  if (!cache.folder.empty() && !error && stored >= cache.least_bytes) {
    const std::string path = (fs::path(cache.folder) / file_name(request, encoder)).string();
    if (auto file = find(path, identity)) {
      if (request.refuse_bad_lines) refuse_bad_lines(file->lines(), request.path);
      return {std::move(*file), true};
    }
    fs::create_directories(cache.folder, error);
    fs::remove(path, error);  // its room is needed
    remove_abandoned(cache.folder, kEnding);
    // Tokens take about as much as their text, which may be a fifth when it is compressed.
    try {
      if (has_room(cache.folder, 5 * stored)) {
        AtomicFile file(path);
        TokenFileWriter writer([&](std::span<const std::byte> bytes) { file.write(bytes); },
                               identity);
        make(writer, request, encoder, pool, progress);
        file.commit();
        return {TokenFile::open(path), false};
      }
    } catch (const Error& failure) {
      // The folder cannot be written to, or the disk is full.
      if (failure.kind() != ErrorKind::resource) throw;
    }
  }
  const fs::path scratch = fs::temp_directory_path(error);
  SpillFile file(error ? "/tmp" : scratch.string());
  TokenFileWriter writer([&](std::span<const std::byte> bytes) { file.append(bytes); }, identity);
  make(writer, request, encoder, pool, progress);
  return {TokenFile::open(file.release(), "the tokens of " + request.path), false};
}

std::vector<KeptTokens> list_tokens(const std::string& folder) {
  std::vector<KeptTokens> all;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const bool abandoned = is_abandoned(entry, kEnding);
    if (!abandoned && entry.path().extension() != kEnding) continue;
    KeptTokens kept;
    kept.path = entry.path().string();
    kept.bytes = entry.file_size(error);
    if (abandoned) {
      kept.problem = kept.path + ": was left by a process that was killed";
    } else {
      try {
        kept.source = TokenFile::open(kept.path).source();
      } catch (const Error& failure) {
        kept.problem = failure.what();
      }
    }
    all.push_back(std::move(kept));
  }
  std::sort(all.begin(), all.end(),
            [](const KeptTokens& a, const KeptTokens& b) { return a.path < b.path; });
  return all;
}

}  // namespace avocado
