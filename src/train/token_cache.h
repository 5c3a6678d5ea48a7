#pragma once
// The tokens of large sources are kept in the user's cache folder (models/packed_cache.h), one file
// per source, tokenizer, chat template and format, so that a second run does not make them again.
// Safe to delete at any time: a file that is missing, damaged, or made from another content is made
// again.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "chat/chat_template.h"
#include "text/tokenizer.h"
#include "train/token_file.h"

namespace avocado {

struct TokenCache {
  std::string folder;                        // empty: nothing is kept
  uint64_t least_bytes = uint64_t{4} << 20;  // smaller sources are read anew as fast
};

// As default_packed_cache() says, AVOCADO_PACKED_CACHE included.
TokenCache default_token_cache();

// How texts become tokens.
struct TextEncoder {
  // `template_text` is that of `chat_template`, which may be null; both must outlive this.
  TextEncoder(const Tokenizer& tokenizer, const ChatTemplate* chat_template,
              const std::string& template_text);

  const Tokenizer& tokenizer;
  const ChatTemplate* chat_template;
  Digest digest;  // of everything the tokens of a document depend on
};

struct TokenRequest {
  std::string path;
  std::string sha256;  // of the file
  DocumentFormat format = DocumentFormat::automatic;
  bool refuse_bad_lines = false;
};

struct SourceTokens {
  TokenFile file;
  bool found = false;  // it was in the cache
};

// The tokens of a source, found in the cache or made. Without a cache they are in a nameless file
// in $TMPDIR or /tmp. progress(bytes of the source done, tokens so far) may throw to stop. Throws
// Error(input) when the source cannot be read, has no document of use, or holds a bad line and
// those are refused.
SourceTokens tokens_of_source(const TokenRequest& request, const TextEncoder& encoder,
                              const TokenCache& cache, ThreadPool& pool,
                              const std::function<void(uint64_t, int64_t)>& progress);

// What a folder keeps, but for what is being written just now.
struct KeptTokens {
  std::string path;
  uint64_t bytes = 0;
  std::string source;   // path of what they were made from; empty when damaged
  std::string problem;  // why the file cannot be used, with its path; empty when it can
};
std::vector<KeptTokens> list_tokens(const std::string& folder);

}  // namespace avocado
