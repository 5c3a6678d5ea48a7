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
#include <vector>

#include "base/cpu_topology.h"
#include "base/id_list.h"
#include "base/machine.h"
#include "base/thread_placement.h"
#include "cli/verbs.h"
#include "kernels/implementations.h"
#include "kernels/isa.h"

namespace avocado::cli {
namespace {

using Json = nlohmann::ordered_json;

const char* compiler() {
#if defined(__clang__)
  return "Clang " __clang_version__;
#else
  return "GCC " __VERSION__;
#endif
}

Json examine(const Machine& machine) {
  Json report;
  report["version"] = AVOCADO_VERSION;
  report["compiler"] = compiler();

  const auto put = [](Json& object, const char* key, const auto& value) {
    if (value) object[key] = *value;
  };
  Json& cpu = report["cpu"];
  cpu["model"] = machine.cpu_model;
  const CpuTopology& topology = cpu_topology();
  cpu["cores_usable"] = topology.cores();
  cpu["performance_cores"] = topology.performance_cores();
  cpu["cpus_usable"] = topology.cpus.size();
  cpu["cpus_online"] = machine.cpus_online;
  cpu["cpus"] = Json::object();  // by kind: lists of ids as the kernel writes them
  for (const bool efficient : {false, true}) {
    std::vector<int> ids;
    for (const Cpu& one : topology.cpus)
      if (one.efficient == efficient) ids.push_back(one.id);
    if (!ids.empty()) cpu["cpus"][efficient ? "efficiency" : "performance"] = format_id_list(ids);
  }
  put(cpu, "load", machine.load);
  put(cpu, "quota", machine.cpu_quota);
  put(cpu, "clock_nominal_hz", machine.clock_nominal);
  put(cpu, "clock_measured_hz", machine.clock_measured);
  cpu["thermal_throttles"] = machine.thermal_throttles;
  if (!machine.governor.empty()) cpu["governor"] = machine.governor;

  Json& threads = report["threads"];
  threads["default"] = default_threads();
  threads["run"] = place_threads(topology, default_threads(), CpuPin::automatic).text;

  Json& isa = report["instruction_sets"];
  isa["available"] = Json::array();
  for (kernels::Isa available : kernels::available_isas())
    isa["available"].push_back(kernels::isa_name(available));
  isa["extensions"] = Json::array();
  if (kernels::has_avx512_bf16()) isa["extensions"].push_back("avx512_bf16");
  if (kernels::has_avx512_vnni()) isa["extensions"].push_back("avx512_vnni");
  if (kernels::has_avx_vnni()) isa["extensions"].push_back("avx_vnni");
  if (kernels::has_arm_dotprod()) isa["extensions"].push_back("dotprod");
  if (kernels::has_arm_bf16()) isa["extensions"].push_back("bf16");
  if (kernels::has_arm_i8mm()) isa["extensions"].push_back("i8mm");
  if (kernels::has_amx_int8()) isa["extensions"].push_back("amx_int8");
  isa["in_use"] = kernels::isa_name(kernels::active_isa());
  const char* forced = std::getenv("AVOCADO_ISA");
  isa["why"] = forced != nullptr && *forced != '\0' ? "AVOCADO_ISA" : "best available";

  Json& memory = report["memory"];
  put(memory, "total_bytes", machine.memory_total);
  put(memory, "available_bytes", machine.memory_available);
  put(memory, "limit_bytes", machine.memory_limit);
  memory["page_bytes"] = static_cast<int64_t>(sysconf(_SC_PAGESIZE));
  memory["transparent_huge_pages"] = machine.transparent_huge_pages;
  memory["nodes"] = topology.memory_nodes;
  memory["pages_lie"] =
      topology.memory_nodes.size() > 1 ? "on all in turn: large buffers, files" : "on the near one";

  Json& uses = report["kernels"] = Json::object();
  for (const kernels::ImplementationList* list : kernels::all_implementations())
    uses[list->name()] = kernels::isa_name(list->current());
  return report;
}

std::vector<std::string> warnings(const Machine& machine, const Json& report) {
  std::vector<std::string> found =
      advice(machine, static_cast<int64_t>(cpu_topology().cpus.size()));
  const Json& isa = report["instruction_sets"];
  if (isa["in_use"] != isa["available"][0])
    found.push_back(fmt::format("AVOCADO_ISA chose {}, though {} is faster here: unset it",
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
  line("cores", fmt::format("{}; {} of {} CPUs usable", describe_cores(cpu_topology()),
                            cpu["cpus_usable"].get<int>(), cpu["cpus_online"].get<int64_t>()));
  if (cpu["cpus"].size() > 1)
    for (const auto& [kind, ids] : cpu["cpus"].items())
      line(("  " + kind).c_str(), "CPUs " + ids.get<std::string>());
  line("threads", fmt::format("{}, {}", report["threads"]["default"].get<int>(),
                              report["threads"]["run"].get<std::string>()));
  for (const auto& [key, name] :
       {std::pair{"clock_nominal_hz", "clock"}, {"clock_measured_hz", "  of a busy core"}})
    if (cpu.contains(key)) line(name, fmt::format("{:.2f} GHz", cpu[key].get<double>() * 1e-9));
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
  if (!memory["nodes"].empty())
    line("memory nodes",
         fmt::format("{}; pages lie {}", format_id_list(memory["nodes"].get<std::vector<int>>()),
                     memory["pages_lie"].get<std::string>()));
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
    Machine machine = read_machine();
    machine.clock_measured = measure_clock();
    Json report = examine(machine);
    report["warnings"] = warnings(machine, report);
    if (*json) {
      std::printf("%s\n", report.dump(-1, ' ', false, Json::error_handler_t::replace).c_str());
    } else {
      print(report);
    }
  });
}

}  // namespace avocado::cli
