// The C interface: handles around models and engines, exceptions turned into values.

#include "avocado/avocado_c.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/thread_pool.h"
#include "infer/engine.h"
#include "infer/generate.h"
#include "models/model.h"

using namespace avocado;

struct avocado_model {
  Model model;
};

struct avocado_session {
  avocado_session(const Model& model, int threads, int64_t context)
      : pool(threads), engine(model, pool, {.context = context}), sequence(engine.create()) {}

  ThreadPool pool;
  Engine engine;
  SequenceId sequence;
};

namespace {

void report(avocado_error* error, avocado_status status, std::string_view message) {
  if (error == nullptr) return;
  error->status = status;
  size_t length = std::min(message.size(), sizeof(error->message) - 1);
  // Shortened before a character, not inside one.
  if (length < message.size())
    while (length > 0 && (static_cast<unsigned char>(message[length]) & 0xC0) == 0x80) --length;
  std::memcpy(error->message, message.data(), length);
  error->message[length] = '\0';
}

avocado_status status_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::usage:
      return AVOCADO_USAGE;
    case ErrorKind::input:
      return AVOCADO_INPUT;
    case ErrorKind::resource:
      return AVOCADO_RESOURCE;
    case ErrorKind::interrupted:
      break;  // no call here asks the user
  }
  return AVOCADO_INTERNAL;
}

// Runs the body; no exception leaves it.
template <class Body>
avocado_status guarded(avocado_error* error, const Body& body) noexcept {
  try {
    body();
    return AVOCADO_OK;
  } catch (const Error& e) {
    report(error, status_of(e.kind()), e.what());
    return status_of(e.kind());
  } catch (const std::bad_alloc&) {
    report(error, AVOCADO_RESOURCE, "out of memory");
    return AVOCADO_RESOURCE;
  } catch (const std::exception& e) {
    report(error, AVOCADO_INTERNAL, e.what());
    return AVOCADO_INTERNAL;
  }
}

int team(int threads) {
  if (threads < 0) fail_usage("{} threads were asked for; give 0 for all cores, or more", threads);
  return threads == 0 ? default_threads() : threads;
}

const Tokenizer& tokenizer(const avocado_model* model) {
  if (model->model.tokenizer() == nullptr) fail_usage("the model has no tokenizer");
  return *model->model.tokenizer();
}

template <class T>
void copy_out(std::span<const T> values, T* out, size_t capacity) {
  std::copy_n(values.begin(), std::min(values.size(), capacity), out);
}

}  // namespace

const char* avocado_version(void) { return AVOCADO_VERSION; }

avocado_model* avocado_model_load(const char* path, int threads, avocado_error* error) {
  avocado_model* model = nullptr;
  guarded(error, [&] {
    ThreadPool pool(team(threads));
    model = new avocado_model{Model::load(path, pool)};
  });
  return model;
}

void avocado_model_free(avocado_model* model) { delete model; }

avocado_model_info avocado_model_describe(const avocado_model* model) {
  const ModelConfig& config = model->model.config();
  const Tokenizer* text = model->model.tokenizer();
  return {.architecture = config.architecture.c_str(),
          .name = config.name.c_str(),
          .parameters = model->model.graph().parameter_count(),
          .vocab = model->model.graph().vocab(),
          .context = config.context,
          .bos = text != nullptr ? text->bos() : -1,
          .eos = text != nullptr ? text->eos() : -1,
          .has_tokenizer = text != nullptr};
}

avocado_status avocado_model_digest(const avocado_model* model, char out[65],
                                    avocado_error* error) {
  return guarded(error, [&] {
    const std::string digest = model->model.weights_digest();
    copy_out<char>({digest.c_str(), digest.size() + 1}, out, 65);
  });
}

int64_t avocado_encode(const avocado_model* model, const char* text, size_t length, int flags,
                       int32_t* ids, size_t capacity, avocado_error* error) {
  int64_t size = -1;
  guarded(error, [&] {
    const EncodeOptions options{.bos = (flags & AVOCADO_BOS) != 0,
                                .special = (flags & AVOCADO_SPECIAL) != 0};
    const auto encoded = tokenizer(model).encode({text, length}, options);
    copy_out<int32_t>(encoded, ids, capacity);
    size = static_cast<int64_t>(encoded.size());
  });
  return size;
}

int64_t avocado_decode(const avocado_model* model, const int32_t* ids, size_t count, int flags,
                       char* text, size_t capacity, avocado_error* error) {
  int64_t size = -1;
  guarded(error, [&] {
    const Tokenizer& t = tokenizer(model);
    for (int32_t id : std::span(ids, count))
      if (id < 0 || id >= t.vocab_size())
        fail_usage("token id {} is outside the vocabulary of {}", id, t.vocab_size());
    const std::string decoded = t.decode({ids, count}, (flags & AVOCADO_SPECIAL) != 0);
    copy_out<char>(decoded, text, capacity);
    size = static_cast<int64_t>(decoded.size());
  });
  return size;
}

avocado_session* avocado_session_open(const avocado_model* model, int threads, int64_t context,
                                      avocado_error* error) {
  avocado_session* session = nullptr;
  guarded(error, [&] { session = new avocado_session(model->model, team(threads), context); });
  return session;
}

void avocado_session_close(avocado_session* session) { delete session; }

int64_t avocado_session_length(const avocado_session* session) {
  return static_cast<int64_t>(session->engine.ids(session->sequence).size());
}

avocado_status avocado_session_truncate(avocado_session* session, int64_t length,
                                        avocado_error* error) {
  return guarded(error, [&] { session->engine.truncate(session->sequence, length); });
}

avocado_status avocado_session_feed(avocado_session* session, const int32_t* ids, size_t count,
                                    int all, float* logits, avocado_error* error) {
  return guarded(error, [&] {
    const Want want = logits == nullptr ? Want::none : all != 0 ? Want::all : Want::last;
    const Engine::Input input{session->sequence, {ids, count}, want};
    session->engine.forward({&input, 1}, [&](const LogitRows& rows) {
      logits = std::copy_n(rows.data, rows.count * rows.vocab, logits);
    });
  });
}

avocado_sampling avocado_sampling_default(void) {
  const SamplerParameters p;
  return {.temperature = p.temperature,
          .top_k = p.top_k,
          .top_p = p.top_p,
          .min_p = p.min_p,
          .repeat_penalty = p.repeat_penalty,
          .seed = p.seed};
}

avocado_status avocado_session_generate(avocado_session* session, const int32_t* prompt,
                                        size_t count, int64_t max_tokens,
                                        const avocado_sampling* sampling, avocado_on_text on_text,
                                        void* user, int32_t* ids, size_t capacity,
                                        avocado_completion* completion, avocado_error* error) {
  return guarded(error, [&] {
    GenerateOptions options;
    options.max_tokens = max_tokens;
    options.sampling.temperature = sampling->temperature;
    options.sampling.top_k = sampling->top_k;
    options.sampling.top_p = sampling->top_p;
    options.sampling.min_p = sampling->min_p;
    options.sampling.repeat_penalty = sampling->repeat_penalty;
    options.sampling.seed = sampling->seed;

    bool stop = false;
    GenerateHooks hooks;
    hooks.interrupted = [&] { return stop; };
    if (on_text != nullptr)
      hooks.text = [&](const std::string& text) {
        if (!stop && !text.empty()) stop = on_text(user, text.data(), text.size()) != 0;
      };
    const Completion done =
        generate(session->engine, session->sequence, {prompt, count}, options, hooks);
    copy_out<int32_t>(done.ids, ids, capacity);
    completion->count = static_cast<int64_t>(done.ids.size());
    switch (done.stop) {
      case StopReason::end_token:
        completion->stop = AVOCADO_STOP_END;
        break;
      case StopReason::max_tokens:
        completion->stop = AVOCADO_STOP_LENGTH;
        break;
      case StopReason::context_full:
        completion->stop = AVOCADO_STOP_CONTEXT;
        break;
      case StopReason::interrupted:
        completion->stop = AVOCADO_STOP_INTERRUPTED;
        break;
      case StopReason::stop_string:
      case StopReason::exhausted:
      case StopReason::grammar_limit:
        break;  // no string, no bias and no grammar can be given here
    }
  });
}
