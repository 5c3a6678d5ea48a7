#include <algorithm>

#include "infer/samplers/stages.h"
#include "kernels/math/math.h"

namespace avocado::samplers {

// Keeps tokens whose probability is at least p times that of the best (Nguyen et al., "Turning Up
// the Heat: Min-p Sampling", 2024).
void min_p(Candidates& candidates, const Context& context) {
  const float lowest = candidates.best() + kernels::log(context.parameters.min_p);
  candidates.keep_from(lowest, std::max(1, context.parameters.min_keep));
}

}  // namespace avocado::samplers
