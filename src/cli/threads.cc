#include "cli/threads.h"

#include <map>

namespace avocado::cli {

void add_cpu_pin(CLI::App& verb, CpuPin& pin) {
  static const std::map<std::string, CpuPin> kNames = {
      {"auto", CpuPin::automatic}, {"on", CpuPin::on}, {"off", CpuPin::off}};
  // What CLI11 reads an enumeration from is its number.
  const auto to_number = [](std::string& text) -> std::string {
    const auto found = kNames.find(text);
    if (found == kNames.end()) return text + " is none of auto, on, off";
    text = std::to_string(static_cast<int>(found->second));
    return "";
  };
  verb.add_option(
          "--cpu-pin", pin,
          "Bind threads to CPUs: auto where cores or memory nodes differ, on to a CPU each, "
          "off to none (default: auto)")
      ->transform(CLI::Validator(to_number, "auto|on|off"));
}

void add_thread_arguments(CLI::App& verb, ThreadArguments& arguments) {
  verb.add_option("--threads", arguments.count,
                  "Threads; never changes the result (default: one per performance core)")
      ->check(CLI::Range(1, 1024));
  add_cpu_pin(verb, arguments.pin);
}

ThreadPool make_pool(const ThreadArguments& arguments, int by_default) {
  const int threads = arguments.count > 0 ? arguments.count : by_default;
  return ThreadPool(threads, place_threads(cpu_topology(), threads, arguments.pin));
}

}  // namespace avocado::cli
