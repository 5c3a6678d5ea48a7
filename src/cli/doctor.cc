// avocado doctor: what this machine offers, what this program uses of it, and what is in the way.

#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "base/thread_pool.h"
#include "cli/verbs.h"
#include "kernels/implementations.h"
#include "kernels/isa.h"

namespace avocado::cli {
namespace {

using Json = nlohmann::ordered_json;

// The value of "key : value" or "key: value" in a file of /proc; empty when there is none.
std::string proc_value(const char* path, const std::string& key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.compare(0, key.size(), key) != 0) continue;
    const size_t colon = line.find(':');
    const size_t begin =
        colon == std::string::npos ? colon : line.find_first_not_of(" \t", colon + 1);
    if (begin != std::string::npos) return line.substr(begin);
  }
  return {};
}

std::optional<uint64_t> meminfo_bytes(const std::string& key) {
  const std::string value = proc_value("/proc/meminfo", key + ":");
  if (value.empty()) return std::nullopt;
  return std::strtoull(value.c_str(), nullptr, 10) * 1024;
}

// The container's limit, when there is one.
std::optional<uint64_t> memory_limit() {
  for (const char* path :
       {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    std::ifstream file(path);
    uint64_t bytes = 0;
    if (file >> bytes && bytes < (uint64_t{1} << 60)) return bytes;
  }
  return std::nullopt;
}

// The word in brackets: "always [madvise] never". Empty when the kernel has no such thing.
std::string transparent_huge_pages() {
  std::ifstream file("/sys/kernel/mm/transparent_hugepage/enabled");
  std::string line;
  std::getline(file, line);
  const size_t open = line.find('['), close = line.find(']');
  return open == std::string::npos || close == std::string::npos
             ? ""
             : line.substr(open + 1, close - open - 1);
}

std::string cpu_model() {
  std::string model = proc_value("/proc/cpuinfo", "model name");
  if (!model.empty()) return model;
  utsname names{};
  return uname(&names) == 0 ? std::string(names.machine) + " CPU" : "unknown";
}

const char* compiler() {
#if defined(__clang__)
  return "Clang " __clang_version__;
#else
  return "GCC " __VERSION__;
#endif
}

Json examine() {
  Json report;
  report["version"] = AVOCADO_VERSION;
  report["compiler"] = compiler();

  Json& cpu = report["cpu"];
  cpu["model"] = cpu_model();
  cpu["cores_usable"] = default_threads();
  cpu["cores_online"] = static_cast<int64_t>(sysconf(_SC_NPROCESSORS_ONLN));
  double load = 0;
  if (getloadavg(&load, 1) == 1) cpu["load"] = load;

  Json& isa = report["instruction_sets"];
  isa["available"] = Json::array();
  for (kernels::Isa available : kernels::available_isas())
    isa["available"].push_back(kernels::isa_name(available));
  isa["extensions"] = Json::array();
  if (kernels::has_avx512_bf16()) isa["extensions"].push_back("avx512_bf16");
  if (kernels::has_avx512_vnni()) isa["extensions"].push_back("avx512_vnni");
  if (kernels::has_avx_vnni()) isa["extensions"].push_back("avx_vnni");
  if (kernels::has_arm_dotprod()) isa["extensions"].push_back("dotprod");
  if (kernels::has_amx_int8()) isa["extensions"].push_back("amx_int8");
  isa["in_use"] = kernels::isa_name(kernels::active_isa());
  const char* forced = std::getenv("AVOCADO_ISA");
  isa["why"] = forced != nullptr && *forced != '\0' ? "AVOCADO_ISA" : "best available";

  Json& memory = report["memory"];
  const auto put = [&](const char* key, std::optional<uint64_t> bytes) {
    if (bytes) memory[key] = *bytes;
  };
  put("total_bytes", meminfo_bytes("MemTotal"));
  put("available_bytes", meminfo_bytes("MemAvailable"));
  put("limit_bytes", memory_limit());
  memory["page_bytes"] = static_cast<int64_t>(sysconf(_SC_PAGESIZE));
  memory["transparent_huge_pages"] = transparent_huge_pages();

  Json& uses = report["kernels"] = Json::object();
  for (const kernels::ImplementationList* list : kernels::all_implementations())
    uses[list->name()] = kernels::isa_name(list->current());
  return report;
}

std::vector<std::string> warnings(const Json& report) {
  std::vector<std::string> found;
  const Json& cpu = report["cpu"];
  const int cores = cpu["cores_usable"];
  if (cpu.contains("load") && cpu["load"].get<double>() > 0.5 * cpu["cores_online"].get<double>())
    found.push_back(
        fmt::format("the machine is busy (load {:.1f} on {} cores): times measured now mean little",
                    cpu["load"].get<double>(), cpu["cores_online"].get<int64_t>()));
  if (cores < cpu["cores_online"].get<int64_t>())
    found.push_back(fmt::format("this process may use {} of {} cores", cores,
                                cpu["cores_online"].get<int64_t>()));
  const std::string huge = report["memory"]["transparent_huge_pages"];
  if (huge.empty() || huge == "never")
    found.push_back(
        "no transparent huge pages: large models run slower; as root: echo madvise > "
        "/sys/kernel/mm/transparent_hugepage/enabled");
  const Json& isa = report["instruction_sets"];
  if (isa["in_use"] != isa["available"][0])
    found.push_back(fmt::format("AVOCADO_ISA chose {}, though {} is faster here",
                                isa["in_use"].get<std::string>(),
                                isa["available"][0].get<std::string>()));
  if (isa["available"].size() == 1)
    found.push_back("only the scalar reference runs here: results are right, but slow");
  return found;
}

std::string joined(const Json& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ", ") + name.get<std::string>();
  return text;
}

void print(const Json& report) {
  const auto line = [](const char* name, const std::string& value) {
    std::printf("%-18s%s\n", name, value.c_str());
  };
  const Json& cpu = report["cpu"];
  const Json& isa = report["instruction_sets"];
  const Json& memory = report["memory"];
  line("avocado", fmt::format("{}, built by {}", report["version"].get<std::string>(),
                              report["compiler"].get<std::string>()));
  line("CPU", cpu["model"]);
  line("cores", fmt::format("{} usable of {} online", cpu["cores_usable"].get<int>(),
                            cpu["cores_online"].get<int64_t>()));
  line("instruction sets", joined(isa["available"]) +
                               (isa["extensions"].empty() ? "" : "; " + joined(isa["extensions"])));
  line("in use",
       fmt::format("{} ({})", isa["in_use"].get<std::string>(), isa["why"].get<std::string>()));
  for (const auto& [key, name] : {std::pair{"total_bytes", "memory"},
                                  {"available_bytes", "  available"},
                                  {"limit_bytes", "  limit"}})
    if (memory.contains(key))
      line(name, fmt::format("{:.1f} GiB", memory[key].get<double>() / (1 << 30)));
  const std::string huge = memory["transparent_huge_pages"];
  line("pages", fmt::format("{} bytes; transparent huge pages: {}",
                            memory["page_bytes"].get<int64_t>(), huge.empty() ? "none" : huge));
  std::printf("kernels\n");
  for (const auto& [name, used] : report["kernels"].items())
    std::printf("  %-26s%s\n", name.c_str(), used.get<std::string>().c_str());
  for (const auto& warning : report["warnings"])
    std::printf("warning: %s\n", warning.get<std::string>().c_str());
}

}  // namespace

void add_doctor(CLI::App& app) {
  auto json = std::make_shared<bool>(false);
  CLI::App* verb =
      app.add_subcommand("doctor", "Show what this machine offers and what is used of it");
  verb->add_flag("--json", *json, "Print one JSON object");
  verb->callback([json] {
    Json report = examine();
    report["warnings"] = warnings(report);
    if (*json) {
      std::printf("%s\n", report.dump(-1, ' ', false, Json::error_handler_t::replace).c_str());
    } else {
      print(report);
    }
  });
}

}  // namespace avocado::cli
