// avocado template: the prompt that a chat template makes of a conversation.

#include <memory>

#include "chat/model_template.h"
#include "cli/inference.h"
#include "cli/input.h"
#include "cli/verbs.h"
#include "files/json.h"
#include "files/printable.h"

namespace avocado::cli {
namespace {

struct Arguments {
  std::string model, conversation, variant;
  bool json = false;
};

void render_template(const Arguments& arguments) {
  const ChatTemplate chat = load_chat_template(arguments.model, arguments.variant);
  auto conversation =
      parse_ordered_json(read_bytes(arguments.conversation), printable(arguments.conversation));
  // What /save in a chat adds says nothing to a template.
  if (conversation.is_object()) conversation.erase("parameters");
  const Prompt prompt = chat.render(conversation);
  if (arguments.json) {
    print_json({{"prompt", prompt.text}});
  } else {
    print_text(prompt.text);
  }
  finish_output();
}

}  // namespace

void add_template(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* verb = app.add_subcommand(
      "template", "Print the prompt that a chat template makes of a conversation");
  verb->add_option("MODEL", arguments->model, "A GGUF file, a Hugging Face folder or a .jinja file")
      ->required();
  verb->add_option("CONVERSATION", arguments->conversation,
                   "JSON with \"messages\", and optionally \"tools\", \"documents\", "
                   "\"add_generation_prompt\", \"extra\" (variables of the template), "
                   "\"bos_token\", \"eos_token\", \"now\" (the time for templates that tell it); "
                   "- is standard input")
      ->required();
  verb->add_option("--variant", arguments->variant,
                   "Which of several templates, such as tool_use or rag");
  verb->add_flag("--json", arguments->json, "Print one JSON object");
  verb->callback([arguments] { render_template(*arguments); });
}

}  // namespace avocado::cli
