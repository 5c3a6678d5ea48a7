// Writes the seeds of every parser below a folder: how the kept corpus began.
//   fuzz_seeds FOLDER

#include <filesystem>
#include <fstream>

#include "parsers.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  for (const avocado::test::Parser& parser : avocado::test::parsers()) {
    const auto folder = std::filesystem::path(argv[1]) / parser.name;
    std::filesystem::create_directories(folder);
    int number = 0;
    for (const auto& bytes : avocado::test::seeds(parser.name)) {
      std::ofstream file(folder / ("seed-" + std::to_string(number++)), std::ios::binary);
      file.write(reinterpret_cast<const char*>(bytes.data()),
                 static_cast<std::streamsize>(bytes.size()));
      if (!file.flush()) return 1;
    }
  }
}
