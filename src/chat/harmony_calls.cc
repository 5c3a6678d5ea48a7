// gpt-oss: an answer is a list of messages, each with a header that names its channel and, for a
// call, its recipient:
//   <|channel|>analysis<|message|>...<|end|><|start|>assistant<|channel|>commentary
//   to=functions.f <|constrain|>json<|message|>{...}<|call|>

#include "chat/readers.h"
#include "chat/space.h"

namespace avocado::chat {
namespace {

constexpr std::string_view kMessage = "<|message|>";
constexpr std::string_view kChannel = "<|channel|>";
constexpr std::string_view kFunctions = "functions.";
constexpr std::string_view kEnds[] = {"<|call|>", "<|end|>", "<|return|>"};
constexpr size_t kMaxHeader = 512;

// The word of `text` behind `mark`; empty when the mark is not there.
std::string_view word_after(std::string_view text, std::string_view mark) {
  const size_t at = text.find(mark);
  if (at == std::string_view::npos) return "";
  text.remove_prefix(at + mark.size());
  return text.substr(0, text.find_first_of(" \n\t\r<"));
}

class HarmonyReader : public CallReader {
 public:
  explicit HarmonyReader(std::string_view mark) : header_(mark) {}

 private:
  enum class Place { header, arguments, after_call };

  Reading step(CallScope& scope) override {
    if (place_ == Place::header) return header(scope);
    if (place_ == Place::arguments) {
      const Reading reading = arguments_.read(scope);
      if (reading != Reading::done) return reading;
      scope.end();
      place_ = Place::after_call;
      return Reading::next;
    }
    if (!scope.skip_space()) return Reading::more;
    for (const std::string_view mark : kEnds) {
      const Match match = scope.match(mark);
      if (match != Match::no) return match == Match::more ? Reading::more : Reading::done;
    }
    return Reading::done;
  }

  Reading header(CallScope& scope) {
    const std::string_view text = scope.rest().substr(0, kMaxHeader);
    const size_t end = text.find(kMessage);
    if (end == std::string_view::npos) {
      const bool over = text.size() == kMaxHeader || scope.ended();
      return over ? Reading::failed : Reading::more;
    }
    header_ += text.substr(0, end);
    for (const std::string_view mark : kEnds) {
      if (header_.find(mark) != std::string::npos) return Reading::failed;
    }
    std::string_view recipient = word_after(header_, "to=");
    if (recipient.empty()) {
      scope.take(end + kMessage.size());
      return word_after(header_, kChannel) == "analysis" ? Reading::reasoning : Reading::content;
    }
    if (recipient.starts_with(kFunctions)) recipient.remove_prefix(kFunctions.size());
    if (!is_utf8(recipient) || !scope.begin(recipient)) return Reading::failed;
    scope.take(end + kMessage.size());
    place_ = Place::arguments;
    return Reading::next;
  }

  std::string header_;
  Place place_ = Place::header;
  ArgumentsReader arguments_;
};

}  // namespace

std::unique_ptr<CallReader> read_harmony_message(std::string_view mark) {
  return std::make_unique<HarmonyReader>(mark);
}

}  // namespace avocado::chat
