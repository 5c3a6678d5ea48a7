#include <avocado/avocado.h>

#include <iostream>

int main(int argc, char** argv) {
  std::cout << "avocado " << avocado_version() << "\n";
  try {
    avocado::Model model(argc > 1 ? argv[1] : "nowhere.gguf");
    avocado::Session session(model);
    session.generate(model.encode("Once upon a time", AVOCADO_BOS), 100, avocado_sampling_default(),
                     [](std::string_view text) {
                       std::cout << text;
                       return true;
                     });
  } catch (const avocado::Failure& failure) {
    std::cout << failure.what() << "\n";
    return failure.status();
  }
}
