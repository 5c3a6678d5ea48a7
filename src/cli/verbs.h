#pragma once
// One function per verb; each adds its sub-command to the program. A new verb is one file and one
// line in main.cc.

#include <CLI/CLI.hpp>

namespace avocado::cli {

void add_show(CLI::App& app);
void add_tokenize(CLI::App& app);
void add_template(CLI::App& app);
void add_logits(CLI::App& app);
void add_run(CLI::App& app);
void add_perplexity(CLI::App& app);
void add_train(CLI::App& app);
void add_verify(CLI::App& app);
void add_merge(CLI::App& app);
void add_report(CLI::App& app);
void add_receipt(CLI::App& app);
void add_demo(CLI::App& app);
void add_corpus(CLI::App& app);
void add_quantize(CLI::App& app);
void add_bench(CLI::App& app);
void add_cache(CLI::App& app);
void add_doctor(CLI::App& app);

}  // namespace avocado::cli
