#ifndef AVOCADO_AVOCADO_C_H
#define AVOCADO_AVOCADO_C_H
/* Avocado's C interface. Start here: avocado_model_load, avocado_session_open,
 * avocado_session_generate.
 *
 * Promise: the same model, input and seed give the same bits, whatever threads, chunks, batch or
 * instruction set.
 *
 * Errors. A call that can fail takes `error` last, which may be NULL, and says what it returns
 * then. A failed call changes nothing that it was given, except where stated. `error` is filled
 * only on failure. Nothing is ever printed.
 *
 * Ownership. Handles belong to the caller, who frees each exactly once; freeing NULL does nothing.
 * Everything passed in is read during the call only.
 *
 * Threads. A model never changes: any number of threads may use it at once. A session belongs to
 * one thread at a time; sessions of one model are independent of each other. Threads are never
 * bound to CPUs: on which they run is up to the program.
 */

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define AVOCADO_API __attribute__((visibility("default")))
#else
#define AVOCADO_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef enum avocado_status {
  AVOCADO_OK = 0,
  AVOCADO_USAGE = 1,    /* the call makes no sense; repeating it will not help */
  AVOCADO_INPUT = 2,    /* a file or text is damaged, hostile or not supported */
  AVOCADO_RESOURCE = 3, /* memory, disk or another limit of the machine */
  AVOCADO_INTERNAL = 4  /* a defect of the library; please report the message */
} avocado_status;

typedef struct avocado_error {
  avocado_status status;
  char message[1024]; /* UTF-8, NUL-terminated, shortened to fit */
} avocado_error;

/* "0.1.0" */
AVOCADO_API const char* avocado_version(void);

/* ---- model ---- */

typedef struct avocado_model avocado_model;

typedef struct avocado_model_info {
  const char* architecture; /* "llama", ...; strings live as long as the model */
  const char* name;
  int64_t parameters;
  int64_t vocab;    /* logits per token */
  int64_t context;  /* positions the model was made for */
  int32_t bos, eos; /* -1: none */
  int32_t has_tokenizer;
} avocado_model_info;

/* Loads a GGUF file or a Hugging Face folder. `threads` (0: one per performance core) lay out the
 * weights. NULL on failure. */
AVOCADO_API avocado_model* avocado_model_load(const char* path, int threads, avocado_error* error);
/* Sessions of the model must be closed before. */
AVOCADO_API void avocado_model_free(avocado_model* model);

AVOCADO_API avocado_model_info avocado_model_describe(const avocado_model* model);
/* SHA-256 over names, types, shapes and bytes of all weights: 64 hex digits and a NUL. Reads every
 * weight, so it takes time. */
AVOCADO_API avocado_status avocado_model_digest(const avocado_model* model, char out[65],
                                                avocado_error* error);

/* ---- text ---- */

enum {
  AVOCADO_BOS = 1,    /* encode: add what the model's tokenizer puts around a text */
  AVOCADO_SPECIAL = 2 /* encode: text that spells a special token becomes it;
                         decode: special tokens become their text */
};

/* Both return the length of the whole result and write as much of it as fits `capacity`; -1 on
 * failure. So a call with capacity 0 asks for the size. Nothing is NUL-terminated. */
AVOCADO_API int64_t avocado_encode(const avocado_model* model, const char* text, size_t length,
                                   int flags, int32_t* ids, size_t capacity, avocado_error* error);
AVOCADO_API int64_t avocado_decode(const avocado_model* model, const int32_t* ids, size_t count,
                                   int flags, char* text, size_t capacity, avocado_error* error);

/* ---- session: one sequence of tokens and its cache ---- */

typedef struct avocado_session avocado_session;

/* `threads` as in avocado_model_load; `context`: positions the session may hold (0: as many as the
 * model was made for). NULL on failure. The model must outlive the session. */
AVOCADO_API avocado_session* avocado_session_open(const avocado_model* model, int threads,
                                                  int64_t context, avocado_error* error);
AVOCADO_API void avocado_session_close(avocado_session* session);

/* Tokens in the session. */
AVOCADO_API int64_t avocado_session_length(const avocado_session* session);
/* Forgets the tokens from `length` on. */
AVOCADO_API avocado_status avocado_session_truncate(avocado_session* session, int64_t length,
                                                    avocado_error* error);

/* Appends `count` >= 1 tokens. When `logits` is not NULL it receives one row of `vocab` floats: for
 * the last token, or, when `all` is not 0, for each token. */
AVOCADO_API avocado_status avocado_session_feed(avocado_session* session, const int32_t* ids,
                                                size_t count, int all, float* logits,
                                                avocado_error* error);

typedef struct avocado_sampling {
  float temperature;    /* 0: the most likely token */
  int32_t top_k;        /* 0: all */
  float top_p;          /* 1: all */
  float min_p;          /* 0: all */
  float repeat_penalty; /* 1: none */
  uint64_t seed;
} avocado_sampling;

/* What `avocado run` uses when no flag is given. */
AVOCADO_API avocado_sampling avocado_sampling_default(void);

/* Called with each piece of the answer, in whole UTF-8 characters. Returns 0 to go on; anything
 * else ends the generation before the next token. */
typedef int (*avocado_on_text)(void* user, const char* text, size_t length);

typedef enum avocado_stop {
  AVOCADO_STOP_END = 0,        /* the model ended its answer */
  AVOCADO_STOP_LENGTH = 1,     /* max_tokens were drawn */
  AVOCADO_STOP_CONTEXT = 2,    /* the context is full */
  AVOCADO_STOP_INTERRUPTED = 3 /* the callback said stop */
} avocado_stop;

typedef struct avocado_completion {
  int64_t count; /* tokens drawn, without the one that ended the answer */
  avocado_stop stop;
} avocado_completion;

/* Continues a prompt of `count` >= 1 tokens with up to `max_tokens` (-1: no limit) more. What the
 * session already holds of the prompt's beginning is reused, the rest is forgotten: the answer is
 * the same to the bit. It is a pure function of model, prompt and `sampling`. `on_text` may be
 * NULL; as much of the drawn tokens as fits `capacity` goes to `ids`, which may be NULL when
 * capacity is 0. After a failure the session holds some beginning of prompt and answer. */
AVOCADO_API avocado_status avocado_session_generate(
    avocado_session* session, const int32_t* prompt, size_t count, int64_t max_tokens,
    const avocado_sampling* sampling, avocado_on_text on_text, void* user, int32_t* ids,
    size_t capacity, avocado_completion* completion, avocado_error* error);

#ifdef __cplusplus
}
#endif

#endif
