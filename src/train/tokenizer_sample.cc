#include "train/tokenizer_sample.h"

#include <algorithm>

#include "train/documents.h"
#include "train/text_blocks.h"

namespace avocado {
namespace {

struct Text {
  uint64_t hash;
  std::string text;
};

struct Found {
  std::vector<Text> texts;
  LineReport report;
};

// The texts whose hash begins with `zeros` zero bits.
class Sample {
 public:
  explicit Sample(size_t limit) : limit_(limit) {}

  void add(Text&& text) {
    if (!keeps(text)) return;
    bytes_ += text.text.size();
    texts_.push_back(std::move(text));
    while (bytes_ > limit_ && zeros_ < 64) {
      ++zeros_;
      std::erase_if(texts_, [&](const Text& t) { return !keeps(t); });
      bytes_ = 0;
      for (const Text& t : texts_) bytes_ += t.text.size();
    }
  }
  std::vector<std::string> take() {
    std::vector<std::string> texts;
    for (Text& text : texts_) texts.push_back(std::move(text.text));
    return texts;
  }

 private:
  bool keeps(const Text& text) const { return zeros_ == 0 || text.hash >> (64 - zeros_) == 0; }

  size_t limit_, bytes_ = 0;
  int zeros_ = 0;
  std::vector<Text> texts_;
};

// A chat template writes the speaker and an empty line before what is said.
void add_texts(const Part& part, uint64_t hash, std::vector<Text>& texts) {
  const bool spoken = is_chat({part});
  if (spoken) texts.push_back({hash, part.role});
  texts.push_back({hash, (spoken ? "\n\n" : "") + part.content});
}

}  // namespace

std::vector<std::string> tokenizer_sample(const Recipe& recipe, size_t limit, ThreadPool& pool) {
  const double held_out = recipe.data.eval_share;
  Sample sample(limit);
  for (const DataSource& source : recipe.data.train) {
    const std::string path = recipe.resolve(source.path);
    const DocumentFormat format = resolve_format(path, source.format);
    LineReport report;
    map_blocks(
        path, format != DocumentFormat::plain, pool,
        [&](const TextBlock& block) {
          Found found;
          const auto visit = [&](int64_t, std::span<const SourceDocument> documents) {
            const DocumentHashes hashes = document_hashes(documents);
            if (in_share(hashes.split, held_out)) return;
            for (const SourceDocument& document : documents)
              for (const Part& part : document) add_texts(part, hashes.sample, found.texts);
          };
          parse_block(block, format, found.report, visit);
          return found;
        },
        [&](Found&& found, uint64_t) {
          report.append(found.report);
          if (recipe.data.refuse_bad_lines) refuse_bad_lines(report, path);
          for (Text& text : found.texts) sample.add(std::move(text));
        });
  }
  return sample.take();
}

}  // namespace avocado
