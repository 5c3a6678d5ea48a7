// The libFuzzer entry of one parser, named by AVOCADO_FUZZ_PARSER.

#include <cstdint>
#include <string_view>

#include "parsers.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const avocado::test::Parser parser = [] {
    for (const avocado::test::Parser& p : avocado::test::parsers()) {
      if (std::string_view(p.name) == AVOCADO_FUZZ_PARSER) return p;
    }
    __builtin_trap();
  }();
  parser.parse(std::as_bytes(std::span(data, size)));
  return 0;
}
