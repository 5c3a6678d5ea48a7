#include <cstdio>
#include <exception>
#include <vector>

#include "base/error.h"
#include "cli/verbs.h"

namespace {

using AddVerb = void (*)(CLI::App&);

const std::vector<AddVerb> kVerbs = {
    avocado::cli::add_demo,   avocado::cli::add_train,      avocado::cli::add_verify,
    avocado::cli::add_run,    avocado::cli::add_show,       avocado::cli::add_tokenize,
    avocado::cli::add_logits, avocado::cli::add_perplexity, avocado::cli::add_doctor,
};

int exit_code(avocado::ErrorKind kind) {
  switch (kind) {
    case avocado::ErrorKind::usage:
      return 2;
    case avocado::ErrorKind::interrupted:
      return 130;
    default:
      return 1;
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Avocado: train, run and check Llama-family models. One answer, the same bits everywhere.",
      "avocado");
  app.set_version_flag("--version", AVOCADO_VERSION);
  app.require_subcommand(1);
  for (AddVerb add : kVerbs) add(app);
  try {
    app.parse(argc, argv);
    return 0;
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? 0 : 2;
  } catch (const avocado::Error& error) {
    std::fprintf(stderr, "avocado: %s\n", error.what());
    return exit_code(error.kind());
  } catch (const std::bad_alloc&) {
    std::fprintf(stderr, "avocado: out of memory\n");
    return 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "avocado: %s\n", error.what());
    return 1;
  }
}
