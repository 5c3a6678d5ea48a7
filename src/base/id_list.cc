#include "base/id_list.h"

#include <charconv>
#include <system_error>

namespace avocado {
namespace {

constexpr int kMaxIds = 8192;  // the most CPUs for which Linux can be built

}  // namespace

std::vector<int> parse_id_list(std::string_view list) {
  std::vector<int> ids;
  const char *at = list.data(), *end = at + list.size();
  while (at != end) {
    int first = 0;
    auto read = std::from_chars(at, end, first);
    int last = first;
    if (read.ec == std::errc() && read.ptr != end && *read.ptr == '-')
      read = std::from_chars(read.ptr + 1, end, last);
    if (read.ec != std::errc() || first < 0 || last >= kMaxIds) return {};
    for (int id = first; id <= last; ++id) ids.push_back(id);
    at = read.ptr;
    if (at == end) break;
    if (*at++ != ',' || at == end) return {};
  }
  return ids;
}

std::string format_id_list(std::span<const int> ids) {
  std::string list;
  for (size_t i = 0; i < ids.size();) {
    size_t last = i;
    while (last + 1 < ids.size() && ids[last + 1] == ids[last] + 1) ++last;
    if (!list.empty()) list += ',';
    list += std::to_string(ids[i]);
    if (last > i) list += '-' + std::to_string(ids[last]);
    i = last + 1;
  }
  return list;
}

}  // namespace avocado
