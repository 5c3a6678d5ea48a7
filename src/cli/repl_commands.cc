#include "cli/repl_commands.h"

#include <algorithm>
#include <filesystem>

#include "base/error.h"
#include "base/nearest.h"
#include "cli/session_parameters.h"
#include "cli/user_folders.h"
#include "files/atomic_file.h"
#include "files/json.h"
#include "files/printable.h"

namespace avocado::cli {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kLongestConversation = uint64_t{64} << 20;
constexpr std::string_view kBlank = " \t\n";

// Words of people and of models; neither may steer the terminal.
void print_line(std::string_view text) { print_text(harmless(text) + "\n"); }

std::string_view trimmed(std::string_view text) {
  const size_t begin = std::min(text.find_first_not_of(kBlank), text.size());
  return text.substr(begin, text.find_last_not_of(kBlank) + 1 - begin);
}

// The first word, taken off the text with the blanks behind it.
std::string_view take_word(std::string_view& text) {
  const std::string_view word = text.substr(0, text.find_first_of(kBlank));
  text = trimmed(text.substr(word.size()));
  return word;
}

// A path as it stands, or a name among the user's conversations.
std::string conversation_file(const std::string& name) {
  if (name.find('/') != std::string::npos || name.ends_with(".json")) return with_home(name);
  const std::string folder = data_folder();
  if (folder.empty()) fail_usage("there is no home folder to keep it in; give a path");
  return folder + "/chats/" + name + ".json";
}

std::string json_text(const ChatSession::Json& json, int indent = -1) {
  return json.dump(indent, ' ', false, ChatSession::Json::error_handler_t::replace);
}

void save(Chat& chat, const std::string& name) {
  const std::string file = conversation_file(name);
  const fs::path folder = fs::path(file).parent_path();
  std::error_code error;
  // What was said is nobody else's business.
  if (!folder.empty() && fs::create_directories(folder, error))
    fs::permissions(folder, fs::perms::owner_all, error);
  write_file_atomically(file, json_text(chat.session.save(), 1) + "\n");
  print_line("saved to " + printable(file));
}

void load(Chat& chat, const std::string& name) {
  const std::string file = conversation_file(name), shown = printable(file);
  const JsonLimits limits{.string_bytes = kLongestConversation};
  const auto json = parse_ordered_json(read_text_file(file, kLongestConversation), shown, limits);
  try {
    chat.session.load(json);
  } catch (const Error& error) {
    throw Error(error.kind(), shown + ": " + error.what());
  }
  print_line(fmt::format("{} messages from {}", chat.session.messages().size(), shown));
}

void set_parameter_of(Chat& chat, const std::string& argument) {
  std::string_view value = argument;
  const std::string_view name = take_word(value);
  GenerateOptions options = chat.session.options();
  set_parameter(options, name, value);
  chat.session.set_options(options);
}

void set_format(Chat& chat, const std::string& format) {
  if (format != "json") fail_usage("the format {} is not known; there is json", printable(format));
  chat.session.set_json_answers(true);
}

void show_info(Chat& chat, const std::string&) {
  const Model& model = chat.session.model();
  const ModelConfig& config = model.config();
  print_line(fmt::format("model         {} ({} layers of width {})", config.architecture,
                         config.layers, config.width));
  print_line(fmt::format("parameters    {:.2f} million",
                         static_cast<double>(model.graph().parameter_count()) / 1e6));
  print_line(fmt::format("vocabulary    {} tokens", config.vocab));
  print_line(
      fmt::format("context       {} tokens (made for {})", chat.session.context(), config.context));
  print_line(fmt::format("conversation  {} messages", chat.session.messages().size()));
}

void show_parameters(Chat& chat, const std::string&) {
  const ChatSession::Json all = parameters_json(chat.session.options());
  for (const auto& [name, value] : all.items())
    print_line(fmt::format("{:<18} {}", name, json_text(value)));
}

void show_system(Chat& chat, const std::string&) {
  const std::string text = chat.session.system();
  print_line(text.empty() ? "no system message" : text);
}

void show_messages(Chat& chat, const std::string&) {
  for (const ChatSession::Json& message : chat.session.messages()) {
    const bool text = message.contains("content") && message["content"].is_string() &&
                      !message.contains("tool_calls");
    print_line(fmt::format("{}: {}", message.value("role", ""),
                           text ? message["content"].get<std::string>() : json_text(message)));
  }
  if (chat.session.messages().empty()) print_line("nothing was said yet");
}

std::string usage_of(const Command& command) {
  std::string text(command.name);
  if (!command.argument.empty()) text += " " + std::string(command.argument);
  return text;
}

void print_help(const Command& command) {
  print_line(fmt::format("  {:<28} {}", usage_of(command), command.help));
}

// All commands, or those whose names begin with these words.
void help(Chat&, const std::string& argument) {
  const std::string wanted =
      argument.empty() || argument.starts_with('/') ? argument : "/" + argument;
  bool found = false;
  for (const Command& command : commands()) {
    if (!command.name.starts_with(wanted)) continue;
    print_help(command);
    found = true;
  }
  if (!found) print_help(*parse_command(wanted).command);
  if (!wanted.empty()) return;
  print_text(
      "\nBegin and end a text of several lines with \"\"\". A word such as ./notes.txt attaches "
      "that text\nfile. Tab completes, the arrows fetch earlier lines, Ctrl-R searches them; "
      "Ctrl-C stops an\nanswer or clears the line, Ctrl-D leaves.\n");
}

std::vector<std::string> command_names() {
  std::vector<std::string> names;
  for (const Command& command : commands()) names.emplace_back(command.name);
  return names;
}

std::vector<std::string> formats() { return {"json"}; }

void leave(Chat& chat, const std::string&) { chat.leaving = true; }

}  // namespace

const std::vector<Command>& commands() {
  static const std::vector<Command> all = {
      {"/set system", "TEXT", "what the model is told before everything else",
       [](Chat& chat, const std::string& text) { chat.session.set_system(text); }},
      {"/set parameter", "NAME VALUE", "how tokens are chosen", set_parameter_of, parameter_names},
      {"/set verbose", "", "print speed and context behind each answer",
       [](Chat& chat, const std::string&) { chat.print.verbose = true; }},
      {"/set quiet", "", "do not",
       [](Chat& chat, const std::string&) { chat.print.verbose = false; }},
      {"/set wordwrap", "", "break lines between words",
       [](Chat& chat, const std::string&) { chat.print.view.word_wrap = true; }},
      {"/set nowordwrap", "", "leave that to the terminal",
       [](Chat& chat, const std::string&) { chat.print.view.word_wrap = false; }},
      {"/set history", "", "remember lines for the next time",
       [](Chat& chat, const std::string&) { chat.lines.remember(true); }},
      {"/set nohistory", "", "do not",
       [](Chat& chat, const std::string&) { chat.lines.remember(false); }},
      {"/set think", "", "think before answering, if the template can",
       [](Chat& chat, const std::string&) { chat.session.set_thinking(true); }},
      {"/set nothink", "", "do not",
       [](Chat& chat, const std::string&) { chat.session.set_thinking(false); }},
      {"/set format", "json", "answers are JSON", set_format, formats},
      {"/set noformat", "", "answers are any text",
       [](Chat& chat, const std::string&) { chat.session.set_json_answers(false); }},
      {"/show info", "", "the model and its context", show_info},
      {"/show parameters", "", "how tokens are chosen", show_parameters},
      {"/show system", "", "the system message", show_system},
      {"/show template", "", "the chat template",
       [](Chat& chat, const std::string&) { print_line(chat.session.template_text()); }},
      {"/show messages", "", "what was said", show_messages},
      {"/save", "FILE", "write conversation and parameters, also by a name", save},
      {"/load", "FILE", "go on with what /save wrote", load},
      {"/clear", "", "forget what was said, but not the system message",
       [](Chat& chat, const std::string&) { chat.session.clear(); }},
      {"/bye", "", "leave", leave},
      {"/exit", "", "leave", leave},
      {"/help", "[COMMAND]", "this list, or what one command does", help, command_names},
      {"/?", "[COMMAND]", "the same", help, command_names},
  };
  return all;
}

CommandLine parse_command(std::string_view line) {
  line = trimmed(line);
  // With single blanks between the words, as the names are written.
  std::string words;
  std::string_view rest = line;
  for (int i = 0; i < 2 && !rest.empty(); ++i) {
    words += (words.empty() ? "" : " ") + std::string(take_word(rest));
    for (const Command& command : commands()) {
      if (command.name != words) continue;
      const bool needs = !command.argument.empty() && !command.argument.starts_with('[');
      if (rest.empty() ? needs : command.argument.empty())
        fail_usage("it is written {}", usage_of(command));
      return {&command, std::string(rest)};
    }
  }
  std::string_view after = line;
  const std::string first(take_word(after));
  std::vector<std::string> same;
  for (const std::string& name : command_names())
    if (name.starts_with(first + " ")) same.push_back(name);
  if (same.empty()) {
    fail_usage("there is no command {}; the nearest is {}, and /? lists all", printable(first),
               nearest(first, command_names()));
  }
  fail_usage("there is no command {}; the nearest is {}, and /? {} lists all of its kind",
             printable(words), nearest(words, same), first.substr(1));
}

std::vector<std::string> complete_command(std::string_view line) {
  std::vector<std::string> lines;
  for (const Command& command : commands()) {
    const std::string name(command.name);
    if (name.starts_with(line)) {
      lines.push_back(command.argument.empty() ? name : name + " ");
    } else if (command.choices != nullptr && line.starts_with(name + " ")) {
      for (const std::string& choice : command.choices()) {
        const std::string whole = name + " " + choice;
        if (whole.starts_with(line)) lines.push_back(whole);
      }
    }
  }
  return lines;
}

}  // namespace avocado::cli
