#pragma once
// Event files for TensorBoard (`tensorboard --logdir RUN`), written without its libraries.
//
// A file is a list of records: the length of an event (8 bytes), the masked CRC-32C of these 8
// bytes, the event, its masked CRC-32C; little-endian. An event is a protobuf message, written here
// field by field: wall_time = 1 (double), step = 2 (varint), file_version = 3 (string),
// summary = 5 (message of values = 1, each tag = 1 and simple_value = 2, a float),
// session_log = 7 (message, status = 1: START).

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "files/append_file.h"

namespace avocado {

struct Scalar {
  std::string_view tag;
  double value;
};

class TensorboardLog {
 public:
  // Goes on after step `completed` in a new file of this folder. What the files that are there say
  // of later steps, and records that a killed process left unfinished, are cut off, so that no step
  // is there twice. Throws Error(resource) when a file cannot be written.
  TensorboardLog(const std::string& folder, int64_t completed);

  // One event, with the time of now. Steps must not descend.
  void add(int64_t step, std::span<const Scalar> scalars);

 private:
  void append(std::string_view event);

  AppendFile file_;
};

// Where the first record of `file` begins that is damaged, unfinished or of a step after `step`;
// the size of the file when there is none.
size_t end_of_events(std::string_view file, int64_t step);

}  // namespace avocado
