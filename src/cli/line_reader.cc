#include "cli/line_reader.h"

#include <fcntl.h>
#include <histedit.h>
#include <langinfo.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "base/error.h"
#include "cli/interrupts.h"
#include "files/atomic_file.h"

namespace avocado::cli {
namespace {

constexpr int kRemembered = 1000;              // lines
constexpr uint64_t kLongestHistory = 1 << 24;  // bytes

// The lines of earlier times. A line is added to the file when it was typed, so that several
// programs can do so and none is lost with the program. What cannot be written is not: a chat
// matters more than its history.
class History {
 public:
  explicit History(const std::string& path) : path_(path), lines_(history_init()) {
    HistEvent event;
    history(lines_, &event, H_SETSIZE, kRemembered);
    history(lines_, &event, H_SETUNIQUE, 1);
    if (!path_.empty()) load();
  }
  ~History() { history_end(lines_); }
  History(const History&) = delete;
  History& operator=(const History&) = delete;

  void add(const std::string& line) {
    HistEvent event;
    history(lines_, &event, H_ENTER, line.c_str());
    // In the file a line is a line.
    if (path_.empty() || line.find('\n') != std::string::npos) return;
    const int fd = open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) return;
    const std::string ended = line + "\n";
    [[maybe_unused]] const ssize_t written = write(fd, ended.data(), ended.size());
    close(fd);
  }

  ::History* lines() const { return lines_; }

 private:
  void load() {
    std::error_code error;
    const std::filesystem::path folder = std::filesystem::path(path_).parent_path();
    if (!std::filesystem::exists(folder, error)) {
      std::filesystem::create_directories(folder.parent_path(), error);
      mkdir(folder.c_str(), 0700);
    }
    if (!std::filesystem::is_regular_file(path_, error)) return;
    chmod(path_.c_str(), 0600);
    std::vector<std::string> all;
    try {
      const std::string text = read_text_file(path_, kLongestHistory);
      for (size_t at = 0, end; (end = text.find('\n', at)) != std::string::npos; at = end + 1)
        all.push_back(text.substr(at, end - at));
    } catch (const Error&) {
      return;
    }
    const size_t kept = std::min<size_t>(all.size(), kRemembered);
    HistEvent event;
    for (size_t i = all.size() - kept; i < all.size(); ++i)
      history(lines_, &event, H_ENTER, all[i].c_str());
    if (all.size() > 2 * kRemembered) shorten({all.end() - kRemembered, all.end()});
  }

  void shorten(const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines) text += line + "\n";
    try {
      write_file_atomically(path_, text);
      chmod(path_.c_str(), 0600);
    } catch (const Error&) {
      // It stays long.
    }
  }

  std::string path_;
  ::History* lines_;
};

// Characters are those of UTF-8, also where the environment says nothing: models write nothing
// else.
void use_utf8() {
  std::setlocale(LC_CTYPE, "");
  if (std::string_view(nl_langinfo(CODESET)) != "UTF-8") std::setlocale(LC_CTYPE, "C.UTF-8");
}

// libedit's editor.
class EditedLines : public LineReader {
 public:
  EditedLines(const std::string& history_path, Completer completer)
      : history_(history_path), completer_(std::move(completer)) {
    use_utf8();
    editor_ = el_init("avocado", stdin, stdout, stderr);
    if (editor_ == nullptr) fail_resource("the line editor cannot start");
    el_set(editor_, EL_CLIENTDATA, this);
    el_set(editor_, EL_PROMPT, prompt_of);
    el_set(editor_, EL_HIST, history, history_.lines());
    el_set(editor_, EL_SIGNAL, 1);  // a suspended or ended program leaves the terminal in order
    el_set(editor_, EL_EDITOR, "emacs");
    // While a line is edited Ctrl-C is a key.
    el_set(editor_, EL_SETTY, "-d", "intr=", nullptr);
    el_set(editor_, EL_ADDFN, "avocado-clear", "Clear the line", on_clear);
    el_set(editor_, EL_ADDFN, "avocado-complete", "Complete", on_tab);
    el_set(editor_, EL_ADDFN, "avocado-paste", "Insert what is pasted", on_paste);
    const auto bind = [&](const char* key, const char* function) {
      el_set(editor_, EL_BIND, key, function, nullptr);
    };
    bind("^C", "avocado-clear");
    // So arrives a ^D that was typed before the editor had the terminal.
    bind("^@", "em-delete-or-list");
    bind("^I", "avocado-complete");
    bind("\\e[200~", "avocado-paste");
    bind("^R", "em-inc-search-prev");
    bind("\\e[1;5C", "em-next-word");
    bind("\\e[1;5D", "ed-prev-word");
    bind("\\e[3~", "ed-delete-next-char");
    el_source(editor_, nullptr);  // ~/.editrc
  }
  ~EditedLines() override { el_end(editor_); }

  TypedLine read(const std::string& prompt) override {
    prompt_ = prompt;
    cleared_ = false;
    int length = 0;
    const char* term = std::getenv("TERM");
    const bool knows_codes = term != nullptr && std::string_view(term) != "dumb";
    if (knows_codes) std::fputs("\x1b[?2004h", stdout);
    const char* typed = el_gets(editor_, &length);
    const int error = errno;
    if (knows_codes) std::fputs("\x1b[?2004l", stdout);
    if (cleared_ || (typed == nullptr && length < 0 && error == EINTR)) {
      std::fputs("^C\n", stdout);
      return {TypedLine::Kind::cleared};
    }
    if (typed == nullptr || length <= 0) return {TypedLine::Kind::end};
    std::string text(typed, static_cast<size_t>(length));
    if (text.ends_with('\n')) text.pop_back();
    if (remembers_ && text.find_first_not_of(" \t") != std::string::npos) history_.add(text);
    return {TypedLine::Kind::line, text};
  }
  void remember(bool on) override { remembers_ = on; }

 private:
  static EditedLines& of(EditLine* editor) {
    void* self = nullptr;
    el_get(editor, EL_CLIENTDATA, &self);
    return *static_cast<EditedLines*>(self);
  }
  static char* prompt_of(EditLine* editor) { return of(editor).prompt_.data(); }

  static unsigned char on_clear(EditLine* editor, int) {
    of(editor).cleared_ = true;
    return CC_EOF;
  }

  // The terminal marks what is pasted (mode 2004), so that its line breaks send nothing.
  static unsigned char on_paste(EditLine* editor, int) {
    static constexpr std::wstring_view kEnd = L"\x1b[201~";
    std::wstring pasted;
    wchar_t c;
    while (!pasted.ends_with(kEnd) && el_wgetc(editor, &c) == 1) {
      if (c == L'\r') c = L'\n';
      if (c >= L' ' || c == L'\n' || c == L'\t' || c == L'\x1b') pasted += c;
    }
    if (pasted.ends_with(kEnd)) pasted.resize(pasted.size() - kEnd.size());
    std::erase(pasted, L'\x1b');
    while (pasted.ends_with(L'\n')) pasted.pop_back();
    el_winsertstr(editor, pasted.c_str());
    return CC_REFRESH;
  }

  static unsigned char on_tab(EditLine* editor, int key) {
    const LineInfo* line = el_line(editor);
    const std::string before(line->buffer, line->cursor);
    const std::vector<std::string> choices = of(editor).completer_(before);
    if (choices.empty()) return _el_fn_complete(editor, key);
    // As far as all of them agree.
    std::string common = choices[0];
    for (const std::string& choice : choices) {
      const auto differ = std::mismatch(common.begin(), common.end(), choice.begin(), choice.end());
      common.erase(differ.first, common.end());
    }
    if (common.size() > before.size()) {
      el_insertstr(editor, common.c_str() + before.size());
      return CC_REFRESH;
    }
    if (choices.size() < 2) return CC_ERROR;
    std::fputs("\n", stdout);
    for (const std::string& choice : choices) std::fprintf(stdout, "%s\n", choice.c_str());
    return CC_REDISPLAY;
  }

  History history_;
  Completer completer_;
  EditLine* editor_ = nullptr;
  std::string prompt_;
  bool cleared_ = false, remembers_ = true;
};

// The prompt goes to standard error: standard output is a file.
class PlainLines : public LineReader {
 public:
  TypedLine read(const std::string& prompt) override {
    std::fputs(prompt.c_str(), stderr);
    if (!wait_for_input()) {
      std::fputs("\n", stderr);
      return {TypedLine::Kind::cleared};
    }
    char* line = nullptr;
    size_t capacity = 0;
    const ssize_t length = getline(&line, &capacity, stdin);
    TypedLine typed;
    if (length >= 0) typed = {TypedLine::Kind::line, {line, static_cast<size_t>(length)}};
    std::free(line);
    if (typed.text.ends_with('\n')) typed.text.pop_back();
    return typed;
  }
};

}  // namespace

std::unique_ptr<LineReader> make_line_reader(const std::string& history, Completer completer) {
  if (isatty(STDIN_FILENO) != 0 && isatty(STDOUT_FILENO) != 0)
    return std::make_unique<EditedLines>(history, std::move(completer));
  return std::make_unique<PlainLines>();
}

}  // namespace avocado::cli
