#pragma once
// Prompts with the answers that people would want, for measurements of guesses: made from a seed
// and from texts.

#include <cstdint>
#include <string>
#include <vector>

namespace avocado::bench {

struct Sample {
  std::string prompt, answer;
};

inline constexpr const char* kKinds[] = {"continuation", "code editing", "summarising"};

// Stories from the corpus, and functions that read, check and add up fields of records.
std::string made_prose(uint64_t seed, size_t bytes);
std::string made_code(uint64_t seed, size_t bytes);

// A stretch of the source of about `bytes`, asked about, and the answer:
//   continuation (prose)   what follows the stretch
//   code editing (code)    the same code with a name changed wherever it stands, and two lines more
//   summarising (prose)    sentences of the stretch, quoted in their order between other words
Sample make_sample(const std::string& kind, const std::string& source, size_t bytes, uint64_t seed);

}  // namespace avocado::bench
