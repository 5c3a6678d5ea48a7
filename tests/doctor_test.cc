// avocado doctor: the instruction set named by AVOCADO_ISA is the one that every kernel uses, and a
// name that cannot run is an error.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "kernels/isa.h"
#include "program.h"

namespace avocado::test {
namespace {

TEST(Doctor, EveryKernelUsesTheForcedInstructionSet) {
  for (kernels::Isa isa : kernels::available_isas()) {
    const std::string name = kernels::isa_name(isa);
    const ProgramResult result = run_program({"doctor", "--json"}, {.input = "", .isa = name});
    ASSERT_EQ(result.code, 0) << result.err;
    const auto report = nlohmann::json::parse(result.out);
    EXPECT_EQ(report["instruction_sets"]["in_use"], name);
    EXPECT_GE(report["cpu"]["cores_usable"], 1);
    EXPECT_GE(report["cpu"]["cpus_usable"], report["cpu"]["cores_usable"]);
    EXPECT_GE(report["threads"]["default"], 1);
    EXPECT_NE(report["threads"]["run"], "");
    EXPECT_TRUE(report["memory"]["nodes"].is_array());
    EXPECT_GT(report["memory"]["total_bytes"], 0);
    for (const char* kernel : {"linear", "attention", "rms_norm", "adamw"})
      EXPECT_TRUE(report["kernels"].contains(kernel)) << kernel;
    for (const auto& [kernel, used] : report["kernels"].items()) EXPECT_EQ(used, name) << kernel;
  }
}

TEST(Doctor, WarningsStandAtTheEndAsInTheReport) {
  const ProgramResult json = run_program({"doctor", "--json"}, {.input = "", .isa = "scalar"});
  const ProgramResult text = run_program({"doctor"}, {.input = "", .isa = "scalar"});
  const auto report = nlohmann::json::parse(json.out);
#if defined(__x86_64__)
  EXPECT_GT(report["cpu"]["clock_measured_hz"], 1e8);
#endif
  // What else is said depends on the machine and on the moment.
  if (kernels::available_isas().size() == 1) GTEST_SKIP() << "scalar is the best one here";
  const std::string last = report["warnings"].back();
  EXPECT_NE(last.find("AVOCADO_ISA chose scalar"), std::string::npos) << last;
  EXPECT_NE(text.out.find("warning: " + last), std::string::npos) << text.out;
}

TEST(Doctor, UnknownInstructionSetIsRefusedWithTheChoices) {
  const ProgramResult result = run_program({"doctor"}, {.input = "", .isa = "sse9"});
  EXPECT_EQ(result.code, 2);
  EXPECT_NE(result.err.find("sse9"), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("scalar"), std::string::npos) << result.err;
}

}  // namespace
}  // namespace avocado::test
