#include "infer/samplers/stages.h"

namespace avocado::samplers {

void top_k(Candidates& candidates, const Context& context) {
  candidates.keep_best(context.parameters.top_k);
}

}  // namespace avocado::samplers
