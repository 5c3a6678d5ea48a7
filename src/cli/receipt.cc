// avocado receipt: what a run was made of and what came out, signed.

#include "train/receipt.h"

#include <memory>

#include "base/error.h"
#include "cli/inference.h"
#include "cli/software.h"
#include "cli/threads.h"
#include "cli/verbs.h"
#include "files/atomic_file.h"

namespace avocado::cli {
namespace {

struct Arguments {
  std::string run, key, out, new_key;
  ThreadArguments threads;
};

void make_key(const std::string& path) {
  const SigningKey key = SigningKey::make();
  key.save(path);
  print_text(fmt::format("private key  {}\npublic key   {}\nfingerprint  {}\n", path,
                         key.public_key(), key_fingerprint(key.public_key())));
  finish_output();
}

void make_receipt(const Arguments& arguments) {
  ThreadPool pool = make_pool(arguments.threads);
  const Run run = Run::open(arguments.run);
  Receipt receipt = describe_run(run, this_software(), pool);
  if (!arguments.key.empty()) sign_receipt(receipt, SigningKey::load(arguments.key));
  const std::string text = receipt_text(receipt);
  if (arguments.out.empty()) {
    print_text(text);
  } else {
    write_file_atomically(arguments.out, text);
    print_text(fmt::format("receipt      {}\nweights      {}\n", arguments.out, receipt.weights));
    print_text(receipt.signature.empty()
                   ? "not signed; --key signs it\n"
                   : fmt::format("signed by    {}\n", key_fingerprint(receipt.public_key)));
  }
  finish_output();
}

void receipt(const Arguments& arguments) {
  if (arguments.new_key.empty() == arguments.run.empty())
    fail_usage("give either the folder of a run, or --new-key FILE");
  if (!arguments.new_key.empty()) {
    if (!arguments.key.empty() || !arguments.out.empty())
      fail_usage("--new-key makes a key only; run it without --key and -o");
    make_key(arguments.new_key);
  } else {
    make_receipt(arguments);
  }
}

}  // namespace

void add_receipt(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* verb = app.add_subcommand(
      "receipt", "State what a finished run was made of and what came out, and sign that");
  verb->add_option("RUN", arguments->run, "The folder of a finished run");
  verb->add_option("--key", arguments->key, "Private key to sign with (PEM, Ed25519)");
  verb->add_option("-o,--out", arguments->out, "File to write (default: standard output)");
  verb->add_option("--new-key", arguments->new_key,
                   "Make a private key in this new file, and print its public key");
  add_thread_arguments(*verb, arguments->threads);
  verb->callback([arguments] { receipt(*arguments); });
}

}  // namespace avocado::cli
