#pragma once
// samples.jsonl of a run: what the model made of some prompts while it learned, one JSON object per
// line (docs/formats/run.md). It is there to be read; nothing of the run depends on it.

#include <cstdint>
#include <string>
#include <vector>

namespace avocado {

struct TextSample {
  int64_t step = 0;    // steps completed
  std::string prompt;  // as in the recipe
  std::string text;    // what followed it
  int64_t tokens = 0;  // of the text
  bool ended = false;  // by a token that ends texts, not by the limit

  bool operator==(const TextSample&) const = default;
};

// The samples up to the first line that is damaged, unfinished or of an earlier step than the one
// before it. A missing file has none.
std::vector<TextSample> read_samples(const std::string& path);

// Appended with one write. Throws Error(resource).
void append_sample(const std::string& path, const TextSample& sample);

// Keeps what read_samples gives of steps up to `completed`.
void cut_samples(const std::string& path, int64_t completed);

}  // namespace avocado
