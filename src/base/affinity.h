#pragma once
// On which CPUs the calling thread may run. New threads begin with the set of their maker.

#include <span>
#include <vector>

namespace avocado {

// Ascending. Where the system does not say, as many from 0 on as it has.
std::vector<int> thread_cpus();

// Keeps the calling thread to these CPUs. False when the system refuses (none of them may be used,
// or a container forbids the call): it then goes on where it was.
bool bind_thread(std::span<const int> cpus);

}  // namespace avocado
