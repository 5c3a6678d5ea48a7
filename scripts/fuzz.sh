#!/bin/bash
# Builds the libFuzzer targets (tests/fuzz/NAME_fuzz.cc) and runs each for some seconds over its kept
# corpus (tests/fuzz/corpus/NAME). New inputs and crashes go to out/fuzz-found/NAME.
#   scripts/fuzz.sh [SECONDS_EACH]
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
cmake --preset fuzz --log-level=WARNING -DCMAKE_CXX_COMPILER_LAUNCHER="$(command -v ccache || true)" >/dev/null
cmake --build --preset fuzz -j "$(nproc)"
shopt -s nullglob
programs=(out/fuzz/bin/*_fuzz)
if [ ${#programs[@]} -eq 0 ]; then
  echo "fuzz: no target was built" >&2
  exit 1
fi
for program in "${programs[@]}"; do
  name=$(basename "$program" _fuzz)
  found=out/fuzz-found/$name
  mkdir -p "$found"
  echo "fuzz: $name, $seconds s"
  "$program" -max_total_time="$seconds" -timeout=5 -rss_limit_mb=2048 -print_final_stats=1 \
    -verbosity=0 -artifact_prefix="$found/" "$found" "tests/fuzz/corpus/$name"
done
