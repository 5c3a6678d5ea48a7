#pragma once
// The processes that train one run together (docs/processes.md). They hand each other bytes and
// nothing else: every number is added by this program, in the orders of docs/numerics.md. So their
// count changes no bit.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace avocado {

class Processes {
 public:
  struct Outgoing {
    int to;
    std::span<const std::byte> bytes;
  };
  struct Incoming {
    int from;
    std::span<std::byte> bytes;
  };

  virtual ~Processes() = default;
  Processes() = default;
  Processes(const Processes&) = delete;
  Processes& operator=(const Processes&) = delete;

  virtual int rank() const = 0;  // of this process, from 0
  virtual int size() const = 0;
  virtual int on_this_machine() const = 0;     // how many of them, this one included
  bool leader() const { return rank() == 0; }  // writes the files and speaks to the user

  // Sends and receives all of these and returns when that is done. What one process sends to
  // another arrives in the order of the list; their sizes must agree. To be called by one thread.
  // Throws Error(resource) when a message cannot be delivered.
  virtual void exchange(std::span<const Outgoing> out, std::span<const Incoming> in) = 0;
  // Ends all processes at once; the job has this exit status.
  [[noreturn]] virtual void abort(int status) = 0;
};

// This process alone.
Processes& single_process();

// The processes that mpirun or srun started together with this one, joined by MPI; without such a
// launcher this process alone. Destroying them waits for all. Throws Error(resource) when this
// build cannot join them, Error(usage) when the launcher and MPI do not know each other.
std::unique_ptr<Processes> open_processes();

// Of the numbers `all`, process r knows [cuts[r], cuts[r + 1]); afterwards everyone knows all.
void all_gather_bytes(Processes& processes, std::byte* all, std::span<const int64_t> cuts);
template <class T>
void all_gather(Processes& processes, T* all, std::span<const int64_t> cuts) {
  std::vector<int64_t> bytes(cuts.begin(), cuts.end());
  for (int64_t& cut : bytes) cut *= sizeof(T);
  all_gather_bytes(processes, reinterpret_cast<std::byte*>(all), bytes);
}

// Afterwards everyone has the bytes of the leader.
void broadcast(Processes& processes, std::span<std::byte> bytes);

// Returns once the leader has called it.
void wait_for_leader(Processes& processes);

// Whether it is true in any process.
bool any(Processes& processes, bool value);

}  // namespace avocado
