#pragma once
// Avocado's C++ interface: owning handles over avocado_c.h, which says what each call promises
// about threads and errors. Start here: Model, then Session.
//
//   avocado::Model model("model.gguf");
//   avocado::Session session(model);
//   session.generate(model.encode("1 + 1 =", AVOCADO_BOS), 32, avocado_sampling_default(),
//                    [](std::string_view text) { std::cout << text; return true; });
//
// Every failure is thrown as avocado::Failure. Header only: what a program links is the C library,
// so any C++17 compiler will do.

#include <avocado/avocado_c.h>

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace avocado {

// An inline namespace of its own: the library's inside uses some of the same names.
inline namespace v0 {

class Failure : public std::runtime_error {
 public:
  explicit Failure(const avocado_error& error)
      : std::runtime_error(error.message), status_(error.status) {}
  avocado_status status() const { return status_; }

 private:
  avocado_status status_;
};

class Model {
 public:
  // A GGUF file or a Hugging Face folder; `threads` 0: one per performance core.
  explicit Model(const std::string& path, int threads = 0) {
    avocado_error error;
    handle_.reset(avocado_model_load(path.c_str(), threads, &error));
    if (handle_ == nullptr) throw Failure(error);
  }

  avocado_model_info info() const { return avocado_model_describe(handle_.get()); }

  // SHA-256 of all weights, 64 hex digits.
  std::string digest() const {
    avocado_error error;
    char text[65];
    if (avocado_model_digest(handle_.get(), text, &error) != AVOCADO_OK) throw Failure(error);
    return text;
  }

  // flags: AVOCADO_BOS | AVOCADO_SPECIAL.
  std::vector<int32_t> encode(std::string_view text, int flags = 0) const {
    // No tokenizer gives more tokens than bytes and the few it puts around a text.
    std::vector<int32_t> ids(text.size() + 8);
    return sized(std::move(ids), [&](int32_t* out, size_t capacity, avocado_error* error) {
      return avocado_encode(handle_.get(), text.data(), text.size(), flags, out, capacity, error);
    });
  }

  std::string decode(const std::vector<int32_t>& ids, int flags = 0) const {
    return sized(
        std::string(ids.size() * 8, '\0'), [&](char* out, size_t capacity, avocado_error* error) {
          return avocado_decode(handle_.get(), ids.data(), ids.size(), flags, out, capacity, error);
        });
  }

  const avocado_model* handle() const { return handle_.get(); }

 private:
  // Calls once, and again with the right size when the guess was too small.
  template <class Buffer, class Call>
  static Buffer sized(Buffer buffer, const Call& call) {
    avocado_error error;
    int64_t size = call(buffer.data(), buffer.size(), &error);
    if (size > static_cast<int64_t>(buffer.size())) {
      buffer.resize(static_cast<size_t>(size));
      size = call(buffer.data(), buffer.size(), &error);
    }
    if (size < 0) throw Failure(error);
    buffer.resize(static_cast<size_t>(size));
    return buffer;
  }

  struct Free {
    void operator()(avocado_model* model) const { avocado_model_free(model); }
  };
  std::unique_ptr<avocado_model, Free> handle_;
};

struct Completion {
  std::vector<int32_t> ids;
  avocado_stop stop = AVOCADO_STOP_LENGTH;
};

class Session {
 public:
  // Returns false to stop.
  using OnText = std::function<bool(std::string_view)>;

  // The model must outlive the session. `context` 0: as many positions as the model was made for.
  explicit Session(const Model& model, int threads = 0, int64_t context = 0)
      : vocab_(model.info().vocab), room_(context > 0 ? context : model.info().context) {
    avocado_error error;
    handle_.reset(avocado_session_open(model.handle(), threads, context, &error));
    if (handle_ == nullptr) throw Failure(error);
  }

  int64_t length() const { return avocado_session_length(handle_.get()); }

  void truncate(int64_t length) {
    avocado_error error;
    if (avocado_session_truncate(handle_.get(), length, &error) != AVOCADO_OK) throw Failure(error);
  }

  // Appends tokens; returns the logits of the last one.
  std::vector<float> feed(const std::vector<int32_t>& ids) {
    avocado_error error;
    std::vector<float> logits(static_cast<size_t>(vocab_));
    if (avocado_session_feed(handle_.get(), ids.data(), ids.size(), 0, logits.data(), &error) !=
        AVOCADO_OK)
      throw Failure(error);
    return logits;
  }

  // An exception of `on_text` ends the generation and comes out of this call.
  Completion generate(const std::vector<int32_t>& prompt, int64_t max_tokens,
                      const avocado_sampling& sampling = avocado_sampling_default(),
                      const OnText& on_text = {}) {
    struct Listener {
      const OnText& on_text;
      std::exception_ptr thrown;
    } listener{on_text, nullptr};
    const avocado_on_text forward = [](void* user, const char* text, size_t length) -> int {
      auto& l = *static_cast<Listener*>(user);
      try {
        return l.on_text(std::string_view(text, length)) ? 0 : 1;
      } catch (...) {
        l.thrown = std::current_exception();
        return 1;
      }
    };
    avocado_error error;
    avocado_completion done;
    Completion result;
    result.ids.resize(
        static_cast<size_t>(max_tokens >= 0 && max_tokens < room_ ? max_tokens : room_));
    const avocado_status status =
        avocado_session_generate(handle_.get(), prompt.data(), prompt.size(), max_tokens, &sampling,
                                 on_text ? forward : nullptr, &listener, result.ids.data(),
                                 result.ids.size(), &done, &error);
    if (listener.thrown) std::rethrow_exception(listener.thrown);
    if (status != AVOCADO_OK) throw Failure(error);
    result.ids.resize(static_cast<size_t>(done.count));
    result.stop = done.stop;
    return result;
  }

 private:
  struct Close {
    void operator()(avocado_session* session) const { avocado_session_close(session); }
  };
  int64_t vocab_, room_;
  std::unique_ptr<avocado_session, Close> handle_;
};

}  // namespace v0
}  // namespace avocado
