// Templates that want to take the machine: each must end soon, in little memory, with one message.

#include <gtest/gtest.h>

#include <ctime>

#include "chat/jinja/template.h"

namespace avocado::jinja {
namespace {

std::string repeat(std::string_view part, int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += part;
  return text;
}

struct Hostile {
  const char* about;
  std::string source;
};

const std::vector<Hostile>& hostile_templates() {
  static const std::string kDouble =
      "{% set n = namespace(x='0123456789') %}{% for i in range(100000) %}";
  static const std::vector<Hostile> list = {
      {"a macro without end", "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}"},
      {"macros that call each other",
       "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}{% endmacro %}{{ a() }}"},
      {"a macro that calls itself twice",
       "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(40) "
       "}}"},
      {"a loop without end", "{% for x in [[1]] recursive %}{{ loop([[1]]) }}{% endfor %}"},
      {"loops in loops",
       repeat("{% for x in range(100000) %}", 5) + "a" + repeat("{% endfor %}", 5)},
      {"empty loops in loops",
       "{% for x in range(100000) %}{% for x in range(100000) %}{% endfor %}{% endfor %}"},
      {"a filtered loop",
       "{% for x in range(100000) if x in range(100000) and x < 0 %}{% endfor %}"},
      {"a long string", "{{ 'x' * 10 ** 9 }}"},
      {"an overlong string", "{{ 'xx' * 9223372036854775807 }}"},
      {"a long list", "{{ [1] * 10 ** 9 }}"},
      {"an overlong list", "{{ [1, 2] * 9223372036854775807 }}"},
      {"nothing, often",
       "{{ '' * 10 ** 18 }}{% for i in range(100000) %}{{ [] * 10 ** 18 }}{% endfor %}" +
           repeat("{% for i in range(100000) %}{{ i }}{% endfor %}", 20)},
      {"doubling a string", kDouble + "{% set n.x = n.x + n.x %}{% endfor %}"},
      {"doubling by ~", kDouble + "{% set n.x = n.x ~ n.x %}{% endfor %}"},
      {"doubling by join", kDouble + "{% set n.x = [n.x, n.x] | join %}{% endfor %}"},
      {"doubling by replace", kDouble + "{% set n.x = n.x.replace('0', n.x) %}{% endfor %}"},
      {"doubling by a block", kDouble + "{% set n.x %}{{ n.x }}{{ n.x }}{% endset %}{% endfor %}"},
      {"doubling by format", kDouble + "{% set n.x = '%s%s' % (n.x, n.x) %}{% endfor %}"},
      {"doubling by braces", kDouble + "{% set n.x = '{0}{0}'.format(n.x) %}{% endfor %}"},
      {"doubling a list", kDouble + "{% set n.x = [n.x, n.x] %}{% endfor %}{{ n.x }}"},
      {"doubling a list for JSON",
       kDouble + "{% set n.x = [n.x, n.x] %}{% endfor %}{{ n.x | tojson }}"},
      {"comparing doubled lists",
       "{% set n = namespace(x=[1], y=[1]) %}{% for i in range(60) %}{% set n.x = [n.x, n.x] %}"
       "{% set n.y = [n.y, n.y] %}{% endfor %}{{ n.x == n.y }}"},
      {"a deep list", kDouble + "{% set n.x = [n.x] %}{% endfor %}{{ n.x }}"},
      {"comparing deep lists", kDouble + "{% set n.x = [n.x] %}{% endfor %}{{ n.x == [n.x] }}"},
      {"a deep dict as JSON", kDouble + "{% set n.x = {'a': n.x} %}{% endfor %}{{ n.x | tojson }}"},
      {"a namespace in itself", "{% set n = namespace() %}{% set n.n = n %}{{ n }}{{ n == n }}"},
      {"center", "{{ 'a' | center(10 ** 12) }}"},
      {"indent", "{{ 'a\nb' | indent(10 ** 12) }}"},
      {"indent with much", "{{ ('a\n' * 100000) | indent('x' * 100000) }}"},
      {"ljust", "{{ 'a'.ljust(10 ** 18) }}"},
      {"zfill", "{{ 'a'.zfill(9223372036854775807) }}"},
      {"tabs", "{{ '\t\t\t'.expandtabs(10 ** 12) }}"},
      {"percent width", "{{ '%1000000000d' % 1 }}"},
      {"percent precision", "{{ '%.1000000000f' % 1 }}"},
      {"brace width", "{{ '{:>1000000000}'.format(1) }}"},
      {"brace precision", "{{ '{:.1000000000f}'.format(1) }}"},
      {"a date of great width", "{{ strftime_now('%1000000000d') }}"},
      {"join", "{{ range(100000) | join('x' * 100000) }}"},
      {"join of joins", "{{ ([range(100000) | join] * 100000) | join }}"},
      {"range", "{{ range(10 ** 18) | list }}"},
      {"ranges", "{% for i in range(100000) %}{% set x = range(100000) | list %}{% endfor %}"},
      {"batch", "{{ [1] | batch(10 ** 12, 'x') | list }}"},
      {"slices", "{{ [1] | slice(10 ** 12) | list }}"},
      {"unique", "{{ range(100000) | unique | list }}"},
      {"sorting",
       "{% for i in range(1000) %}{% set x = range(100000) | sort(reverse=true) %}{% endfor %}"},
      {"sorting long strings",
       "{% set s = 'x' * 1000000 %}{% for i in range(1000) %}{% set x = [s ~ 'b', s ~ 'a'] | sort "
       "%}{% endfor %}"},
      {"searching",
       "{% set s = 'x' * 1000000 %}{% for i in range(100000) %}{% set x = 'y' in s %}{% endfor %}"},
      {"searching what nearly fits",
       "{% set s = 'a' * 1000000 %}{% set t = 'a' * 1000 ~ 'b' %}{% for i in range(1000) %}{% set "
       "x = t in s %}{% endfor %}"},
      {"counting characters",
       "{% set s = 'é' * 1000000 %}{% for i in range(100000) %}{% set x = s[500000] %}{% endfor "
       "%}"},
      {"slicing",
       "{% set s = 'é' * 1000000 %}{% for i in range(100000) %}{% set x = s[::-1] %}{% endfor %}"},
      {"splitting",
       "{% for i in range(1000) %}{% set x = ('a,' * 1000000).split(',') %}{% endfor %}"},
      {"splitting from the right", "{{ (' a' * 1000000).rsplit() | length }}"},
      {"lines",
       "{% for i in range(1000) %}{% set x = ('\n' * 1000000).splitlines() %}{% endfor %}"},
      {"upper case", "{% for i in range(1000) %}{% set x = ('ß' * 1000000) | upper %}{% endfor %}"},
      {"sigmas",
       "{{ ('Σ' ~ '.' * 1000000) | lower | length }}{{ ('.Σ' * 500000) | lower | length }}"},
      {"stripping",
       "{% set s = ' ' * 1000000 %}{% for i in range(100000) %}{% set x = s | trim %}{% endfor %}"},
      {"JSON", "{% for i in range(1000) %}{% set x = ('\"' * 1000000) | tojson %}{% endfor %}"},
      {"JSON far to the right", "{{ [[[[[[[[1]]]]]]]] | tojson(indent='x' * 1000000) }}"},
      {"escaping", "{{ ('<' * 10000000) | e | length }}"},
      {"a large dict",
       "{% for i in range(1000) %}{% set x = dict(range(100000) | batch(2)) %}{% endfor %}"},
      {"numbers as keys",
       "{% set x = dict(range(100000) | batch(2)) %}{% for i in range(100000) %}{% set y = x[i] "
       "%}{% endfor %}"},
      {"many arguments", "{% macro m() %}{{ varargs }}{% endmacro %}{{ m(*('x' * 1000000)) }}"},
      {"power", "{{ 7 ** 10 ** 9 }}"},
      {"small powers",
       "{% for i in range(100000) %}{{ 1 ** 10 ** 18 }}{{ (-1) ** 10 ** 18 }}{% endfor %}"},
      {"deep brackets", "{{ " + repeat("(", 100'000) + "1" + repeat(")", 100'000) + " }}"},
      {"deep lists", "{{ " + repeat("[", 100'000) + repeat("]", 100'000) + " }}"},
      {"deep dicts", "{{ " + repeat("{1:", 80'000) + "1" + repeat("}", 80'000) + " }}"},
      {"many signs", "{{ " + repeat("-", 200'000) + "1 }}"},
      {"many nots", "{{ " + repeat("not ", 60'000) + "1 }}"},
      {"a long sum", "{{ 1" + repeat("+1", 100'000) + " }}"},
      {"a long path", "{{ a" + repeat(".a", 100'000) + " }}"},
      {"a long chain of filters", "{{ 1" + repeat("|e", 100'000) + " }}"},
      {"a long chain of calls", "{{ a" + repeat("()", 100'000) + " }}"},
      {"a long chain of ifs", "{{ 1" + repeat(" if 1 else 1", 20'000) + " }}"},
      {"a long chain of and", "{{ 1" + repeat(" and 1", 40'000) + " }}"},
      {"deep blocks", repeat("{% if 1 %}", 20'000)},
      {"deep loops", repeat("{% for x in y %}", 10'000)},
      {"deep macros", repeat("{% macro m() %}", 10'000)},
      {"open comments", repeat("{#", 100'000)},
      {"open raw blocks", repeat("{% raw %}", 20'000)},
      {"an open string", "{{ '" + std::string(200'000, 'x')},
      {"a long template", std::string(1 << 20, 'x')},
      {"many variables",
       [] {
         std::string source = "{% macro m() %}";
         for (int i = 0; i < 6000; ++i) source += "{{ v" + std::to_string(i) + " }}";
         source += "{% endmacro %}";
         for (int i = 0; i < 6000; ++i) source += "{% set v" + std::to_string(i) + " = 1 %}";
         return source + "{% for i in range(1000) %}{{ m() }}{% endfor %}";
       }()},
      {"a long number", "{{ " + std::string(200'000, '9') + " }}"},
  };
  return list;
}

double cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(NDEBUG) || \
    !defined(__x86_64__)  // which is an emulator in this project's tests
constexpr double kSeconds = 5;
#else
constexpr double kSeconds = 0.1;
#endif

TEST(Hostile, EndsSoonWithOneMessage) {
  double slowest = 0;
  const char* which = "";
  for (const Hostile& hostile : hostile_templates()) {
    SCOPED_TRACE(hostile.about);
    const double start = cpu_seconds();
    try {
      const Rendered rendered = Template(hostile.source, "hostile").render({});
      // What does not fail has to be small.
      EXPECT_LT(rendered.text.size(), size_t{1} << 24);
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find("hostile: "), std::string::npos) << error.what();
      EXPECT_LT(std::string(error.what()).size(), 500u);
    }
    const double seconds = cpu_seconds() - start;
    EXPECT_LT(seconds, kSeconds);
    if (seconds > slowest) {
      slowest = seconds;
      which = hostile.about;
    }
  }
  std::printf("%zu hostile templates, the slowest %.1f ms: %s\n", hostile_templates().size(),
              slowest * 1e3, which);
}

TEST(Hostile, ALongConversationHasMoreRoom) {
  nlohmann::ordered_json messages = nlohmann::ordered_json::array();
  for (int i = 0; i < 5000; ++i)
    messages.push_back(
        {{"role", i % 2 ? "assistant" : "user"}, {"content", std::string(400, 'x')}});
  const Template chat(
      "{% for m in messages %}{% if m.role == 'user' or loop.last %}<{{ m.role }}>{% endif %}"
      "{{ m.content | trim }}{% for n in messages[-3:] %}{{ n.role | length }}{% endfor %}\n{% "
      "endfor %}",
      "chat");
  EXPECT_GT(chat.render({{"messages", &messages}}).text.size(), 2'000'000u);
}

}  // namespace
}  // namespace avocado::jinja
