// avocado report: a training run as one page, for a browser and for whoever was not there.

#include <fmt/format.h>

#include <memory>
#include <string>

#include "cli/inference.h"
#include "cli/report_data.h"
#include "cli/report_page.h"
#include "cli/verbs.h"
#include "files/atomic_file.h"

namespace avocado::cli {
namespace {

struct Arguments {
  std::string run, out;
  bool json = false;
};

// As the content of a script element: nothing in it may end the element, whatever a file held.
std::string script_data(const nlohmann::ordered_json& data) {
  std::string text;
  for (const char c :
       data.dump(-1, ' ', /*ensure_ascii=*/true, nlohmann::json::error_handler_t::replace)) {
    if (c == '<' || c == '>' || c == '&')
      text += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    else
      text += c;
  }
  return text;
}

void report(Arguments& arguments) {
  while (arguments.run.size() > 1 && arguments.run.ends_with('/')) arguments.run.pop_back();
  if (arguments.out.empty()) arguments.out = arguments.run + "/report.html";
  const nlohmann::ordered_json data = report_data(arguments.run);
  static constexpr std::string_view kPlace = "/*run*/";
  std::string page = kReportPage;
  page.replace(page.find(kPlace), kPlace.size(), script_data(data));
  write_file_atomically(arguments.out, page);
  if (arguments.json)
    print_json({{"run", arguments.run},
                {"report", arguments.out},
                {"state", data["state"]},
                {"steps", data["steps_done"]}});
  else
    print_text(arguments.out + "\n");
  finish_output();
}

}  // namespace

void add_report(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* verb =
      app.add_subcommand("report", "Make a page of a training run: curves, samples, data, digests");
  verb->add_option("RUN", arguments->run, "The folder of a run, finished or not")->required();
  verb->add_option("-o,--out", arguments->out, "The HTML file to write (default: RUN/report.html)");
  verb->add_flag("--json", arguments->json, "Print one JSON object");
  verb->callback([arguments] { report(*arguments); });
}

}  // namespace avocado::cli
