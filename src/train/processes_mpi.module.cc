// Processes joined by MPI, as a module that processes.cc loads when a launcher asks for it. It uses
// nothing of the program but headers.

#include <mpi.h>

#include <algorithm>
#include <cstdlib>

#include "base/error.h"
#include "train/processes.h"

namespace avocado {
namespace {

constexpr size_t kMostBytes = size_t{1} << 30;  // in one message; MPI counts in int
constexpr int kTag = 1;

void check(int code, const char* what) {
  if (code == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING];
  int length = 0;
  MPI_Error_string(code, text, &length);
  fail_resource("MPI: {}: {}", what, std::string_view(text, static_cast<size_t>(length)));
}

class MpiProcesses : public Processes {
 public:
  MpiProcesses() {
    int provided = 0;
    check(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided), "start");
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    check(MPI_Comm_rank(MPI_COMM_WORLD, &rank_), "rank");
    check(MPI_Comm_size(MPI_COMM_WORLD, &size_), "size");
    MPI_Comm machine = MPI_COMM_NULL;
    check(MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &machine),
          "processes of this machine");
    check(MPI_Comm_size(machine, &on_this_machine_), "processes of this machine");
    MPI_Comm_free(&machine);
  }
  ~MpiProcesses() override { MPI_Finalize(); }

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  int on_this_machine() const override { return on_this_machine_; }

  void exchange(std::span<const Outgoing> out, std::span<const Incoming> in) override {
    requests_.clear();
    for (const Incoming& message : in)
      for (size_t i = 0; i < message.bytes.size(); i += kMostBytes)
        check(MPI_Irecv(message.bytes.data() + i, piece(message.bytes.size(), i), MPI_BYTE,
                        message.from, kTag, MPI_COMM_WORLD, next_request()),
              "receive");
    for (const Outgoing& message : out)
      for (size_t i = 0; i < message.bytes.size(); i += kMostBytes)
        check(MPI_Isend(message.bytes.data() + i, piece(message.bytes.size(), i), MPI_BYTE,
                        message.to, kTag, MPI_COMM_WORLD, next_request()),
              "send");
    check(MPI_Waitall(static_cast<int>(requests_.size()), requests_.data(), MPI_STATUSES_IGNORE),
          "exchange");
  }

  void abort(int status) override {
    MPI_Abort(MPI_COMM_WORLD, status);
    std::_Exit(status);
  }

 private:
  static int piece(size_t size, size_t at) {
    return static_cast<int>(std::min(kMostBytes, size - at));
  }
  MPI_Request* next_request() { return &requests_.emplace_back(MPI_REQUEST_NULL); }

  int rank_ = 0, size_ = 1, on_this_machine_ = 1;
  std::vector<MPI_Request> requests_;
};

}  // namespace

extern "C" __attribute__((visibility("default"))) Processes* avocado_open_mpi() {
  return new MpiProcesses;
}

}  // namespace avocado
