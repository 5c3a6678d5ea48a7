#include "kernels/implementations.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace avocado::kernels {
namespace {

std::vector<const ImplementationList*>& registered() {
  static std::vector<const ImplementationList*> lists;
  return lists;
}

bool allows(Isa active, Isa isa) {
  return isa == active || isa == Isa::scalar || (active == Isa::avx512 && isa == Isa::avx2);
}

}  // namespace

ImplementationList::ImplementationList(const char* name, std::vector<Isa> isas)
    : name_(name), isas_(std::move(isas)) {
  registered().push_back(this);
}

size_t ImplementationList::choose() const {
  const Isa active = active_isa();
  size_t index = 0;
  while (index + 1 < isas_.size() && !allows(active, isas_[index])) ++index;
  return index;
}

std::vector<const ImplementationList*> all_implementations() {
  std::vector<const ImplementationList*> lists = registered();
  std::sort(lists.begin(), lists.end(),
            [](auto* a, auto* b) { return std::strcmp(a->name(), b->name()) < 0; });
  return lists;
}

}  // namespace avocado::kernels
