// The values of "format" that are checked, as patterns.

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <unordered_map>

#include "grammar/schema.h"

namespace avocado::grammar {
namespace {

#define OCTET "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
#define IPV4 OCTET "(\\." OCTET "){3}"
#define H16 "[0-9a-fA-F]{1,4}"
#define LS32 "(" H16 ":" H16 "|" IPV4 ")"
#define IPV6                                                                                \
  "((" H16 ":){6}" LS32 "|::(" H16 ":){5}" LS32 "|(" H16 ")?::(" H16 ":){4}" LS32 "|((" H16 \
  ":){0,1}" H16 ")?::(" H16 ":){3}" LS32 "|((" H16 ":){0,2}" H16 ")?::(" H16 ":){2}" LS32   \
  "|((" H16 ":){0,3}" H16 ")?::" H16 ":" LS32 "|((" H16 ":){0,4}" H16 ")?::" LS32 "|((" H16 \
  ":){0,5}" H16 ")?::" H16 "|((" H16 ":){0,6}" H16 ")?::)"

// Months with their days; 29 February only in leap years.
#define LEAP "([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)"
#define DATE                                                                               \
  "([0-9]{4}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)" \
  "|02-(0[1-9]|1[0-9]|2[0-8]))|" LEAP "-02-29)"
#define HOUR "([01][0-9]|2[0-3])"
#define ZONE "([Zz]|[+-]" HOUR ":[0-5][0-9])"
#define TIME \
  "(" HOUR ":[0-5][0-9]:[0-5][0-9](\\.[0-9]+)?" ZONE "|23:59:60(\\.[0-9]+)?([Zz]|[+-]00:00))"

#define UNRESERVED "a-zA-Z0-9._~\\-"
#define SUB "!$&'()*+,;="
#define ENCODED "%[0-9a-fA-F]{2}"
#define PCHAR(more) "([" UNRESERVED SUB ":@" more "]|" ENCODED ")"
#define HOST(more)                                                                     \
  "(\\[(" IPV6 "|[vV][0-9a-fA-F]+\\.[" UNRESERVED SUB ":]+)\\]|([" UNRESERVED SUB more \
  "]|" ENCODED ")*)"
#define AUTHORITY(more) "(([" UNRESERVED SUB ":" more "]|" ENCODED ")*@)?" HOST(more) "(:[0-9]*)?"
#define TAIL(more, query) "(\\?(" PCHAR(more query) "|[/?])*)?(#(" PCHAR(more) "|[/?])*)?"
#define SCHEME "[a-zA-Z][a-zA-Z0-9+.-]*:"
#define HIER(more)                                                                              \
  "(//" AUTHORITY(more) "(/" PCHAR(more) "*)*|/(" PCHAR(more) "+(/" PCHAR(more) "*)*)?|" PCHAR( \
      more) "+(/" PCHAR(more) "*)*|)"
#define RELATIVE(more) \
  "(//" AUTHORITY(more) "(/" PCHAR(more) "*)*|/(" PCHAR(more) "+(/" PCHAR(more) "*)*)?|" \
  "([" UNRESERVED SUB "@" more "]|" ENCODED ")+(/" PCHAR(more) "*)*|)"
#define URI(more, query) SCHEME HIER(more) TAIL(more, query)
#define URI_REFERENCE(more, query) "(" URI(more, query) "|" RELATIVE(more) TAIL(more, query) ")"
#define BEYOND "\\u00a0-\\ud7ff\\uf900-\\ufdcf\\ufdf0-\\uffef\\u{10000}-\\u{efffd}"
#define PRIVATE "\\ue000-\\uf8ff\\u{f0000}-\\u{ffffd}\\u{100000}-\\u{10fffd}"

#define LABEL "[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
// A label that does not begin with xn--: whether the name it stands for is allowed only tables of
// IDNA would tell.
#define NO_PUNYCODE                                                                          \
  "([a-wyzA-WYZ0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?|[xX][a-zA-Z0-9]?|[xX][a-mo-zA-MO-Z0-9-]" \
  "[a-zA-Z0-9-]{0,60}[a-zA-Z0-9]|[xX][nN](-?[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]{0,59}"       \
  "[a-zA-Z0-9]|-[a-zA-Z0-9][a-zA-Z0-9-]{0,58}[a-zA-Z0-9]))"
#define HOSTNAME "(?!.{254})" NO_PUNYCODE "(\\." NO_PUNYCODE ")*"
#define ATOM "[a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]+"
#define QUOTED "\"([ !#-\\[\\]-~]|\\\\[ -~])*\""
#define MAILBOX \
  "(" ATOM "(\\." ATOM ")*|" QUOTED ")@(" LABEL "(\\." LABEL ")*|\\[(" IPV4 "|IPv6:" IPV6 ")\\])"
#define POINTER "(/([^~/]|~[01])*)*"

// Patterns whose groups are at most three deep; an automaton cannot count further. Left out too is
// what only part of the readings of ECMA-262 knows, and ranges other than of letters or digits.
std::string regex_pattern() {
  const std::string hex = "[0-9a-fA-F]";
  const std::string escape = "\\\\([dDwWsSfnrtv^$\\\\.*+?()\\[\\]{}|/]|c[a-zA-Z]|x" + hex +
                             "{2}|u" + hex + "{4}|[pP]\\{[LMNPSZ]\\})";
  std::string ranges;
  for (const std::string_view all :
       {"0123456789", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz"})
    for (const char first : all) ranges += fmt::format("|{}-[{}-{}]", first, first, all.back());
  const std::string set = "\\[\\^?-?([^\\]\\\\-]|" + escape + "|\\\\[b-]" + ranges + ")*-?\\]";
  std::string counts = "\\{([0-9]{1,3},?|0,[0-9]{1,3}|[1-9],[1-9][0-9]{1,2}";
  for (char first = '1'; first <= '9'; ++first) counts += fmt::format("|{},[{}-9]", first, first);
  counts += ")\\}";
  const std::string atom = "([^\\^$\\\\.*+?()\\[\\]{}|]|\\.|" + escape + "|" + set + ")";
  const std::string quantifier = "(([*+?]|" + counts + ")[?]?)?";
  const std::string flat = atom + quantifier + "|[\\^$|]|\\\\[bB]";
  std::string nested = "(" + flat + ")*";
  const std::string look = "\\(\\?<?[=!]" + nested + "\\)";
  for (int depth = 0; depth < 3; ++depth)
    nested = "(" + flat + "|\\((\\?:)?" + nested + "\\)" + quantifier +
             (depth == 2 ? "|" + look : "") + ")*";
  return "^" + nested + "$";
}

const std::unordered_map<std::string_view, const char*>& patterns() {
  static const std::string regex = regex_pattern();
  static const std::unordered_map<std::string_view, const char*> table = {
      {"date", "^" DATE "$"},
      {"time", "^" TIME "$"},
      {"date-time", "^" DATE "[Tt]" TIME "$"},
      {"duration",
       "^P([0-9]+W|([0-9]+Y([0-9]+M([0-9]+D)?)?|[0-9]+M([0-9]+D)?|[0-9]+D)"
       "(T([0-9]+H([0-9]+M([0-9]+S)?)?|[0-9]+M([0-9]+S)?|[0-9]+S))?|"
       "T([0-9]+H([0-9]+M([0-9]+S)?)?|[0-9]+M([0-9]+S)?|[0-9]+S))$"},
      {"email", "^" MAILBOX "$"},
      {"hostname", "^" HOSTNAME "$"},
      {"ipv4", "^" IPV4 "$"},
      {"ipv6", "^" IPV6 "$"},
      {"uuid", "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"},
      {"uri", "^" URI("", "") "$"},
      {"uri-reference", "^" URI_REFERENCE("", "") "$"},
      {"iri", "^" URI(BEYOND, PRIVATE) "$"},
      {"iri-reference", "^" URI_REFERENCE(BEYOND, PRIVATE) "$"},
      {"uri-template",
       "^([^\\u0000-\\u0020\\u007f\"%<>\\\\^`{|}]|%[0-9a-fA-F]{2}|\\{[+#./;?&=,!@|]?"
       "([a-zA-Z0-9_]|%[0-9a-fA-F]{2})(\\.?([a-zA-Z0-9_]|%[0-9a-fA-F]{2}))*(:[1-9][0-9]{0,3}|\\*)?"
       "(,([a-zA-Z0-9_]|%[0-9a-fA-F]{2})(\\.?([a-zA-Z0-9_]|%[0-9a-fA-F]{2}))*"
       "(:[1-9][0-9]{0,3}|\\*)?)*\\})*$"},
      {"json-pointer", "^" POINTER "$"},
      {"regex", regex.c_str()},
      {"relative-json-pointer", "^(0|[1-9][0-9]*)(#|" POINTER ")$"},
  };
  return table;
}

}  // namespace

const char* format_pattern(const std::string& format) {
  const auto found = patterns().find(format);
  return found == patterns().end() ? nullptr : found->second;
}

}  // namespace avocado::grammar
