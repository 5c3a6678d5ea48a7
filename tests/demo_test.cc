// avocado demo --quick: the recorded weights, whatever the instruction set and the threads.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "kernels/isa.h"
#include "program.h"

namespace avocado::test {
namespace {

TEST(Demo, GivesTheRecordedWeightsOnEveryInstructionSetAndThreadCount) {
  const TempFolder folder;
  for (kernels::Isa isa : kernels::available_isas()) {
    for (const char* threads : {"1", "3"}) {
      const ProgramResult result = run_program(
          {"demo", "--quick", "--json", "--threads", threads, "--out", folder.file("demo.gguf")},
          {.input = "", .isa = kernels::isa_name(isa)});
      // Weights other than the recorded ones are an error of the verb.
      EXPECT_EQ(result.code, 0) << kernels::isa_name(isa) << ": " << result.err;
      const auto report = nlohmann::json::parse(result.out);
      EXPECT_EQ(report["weights"], report["recorded"]);
      EXPECT_EQ(report["scores"].size(), 22u);
    }
  }
}

TEST(Demo, AFileThatCannotBeWrittenIsOneMessage) {
  const ProgramResult result =
      run_program({"demo", "--quick", "--out", "/nonexistent-folder/demo.gguf"});
  EXPECT_EQ(result.code, 1);
  EXPECT_NE(result.err.find("/nonexistent-folder/demo.gguf"), std::string::npos) << result.err;
}

}  // namespace
}  // namespace avocado::test
