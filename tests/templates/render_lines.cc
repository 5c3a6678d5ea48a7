// Renders what comes on standard input, for comparison with jinja2. A line is a JSON object
// {"template": ..., "variables": {...}, "now": ...}; the answer is {"text": ...}, {"raised": ...}
// or {"error": ...}.

#include <iostream>
#include <memory>
#include <optional>
#include <string>

#include "chat/chat_template.h"
#include "chat/jinja/template.h"
#include "files/json.h"

int main() {
  using namespace avocado;
  using Json = nlohmann::ordered_json;
  std::ios::sync_with_stdio(false);
  std::string source;
  std::unique_ptr<jinja::Template> parsed;
  for (std::string line; std::getline(std::cin, line);) {
    Json answer;
    try {
      const Json request = parse_ordered_json(line, "request", {.string_bytes = 1 << 24});
      const auto wanted = request["template"].get<std::string>();
      if (!parsed || wanted != source) {
        parsed.reset();
        source = wanted;
        parsed = std::make_unique<jinja::Template>(source, "template");
      }
      std::vector<jinja::Variable> variables;
      const Json& given = request["variables"];
      for (auto variable = given.begin(); variable != given.end(); ++variable)
        variables.push_back({variable.key(), &variable.value()});
      std::optional<std::tm> now;
      if (request.contains("now")) now = parse_time(request["now"].get<std::string>());
      answer["text"] = parsed->render(variables, now).text;
    } catch (const jinja::Refusal& refusal) {
      answer["raised"] = refusal.reason();
    } catch (const Error& error) {
      answer["error"] = error.what();
    }
    std::cout << answer.dump(-1, ' ', true, Json::error_handler_t::replace) << "\n" << std::flush;
  }
}
