#!/bin/bash
# The long way round: slow tests, one training run in many ways, sanitizers, other builds, Arm under emulation, fuzzing. Goes on
# after a failure; ends with one line per stage. Logs are kept in out/test-all/.
#   scripts/test_all.sh [stage...]     default: all stages
set -uo pipefail
cd "$(dirname "$0")/.." || exit
scripts/install_deps.sh build lint fuzz neon || exit 1
logs=out/test-all
mkdir -p "$logs"

# Configures, builds and tests one preset.
preset() {
  cmake --preset "$1" --log-level=WARNING -DCMAKE_CXX_COMPILER_LAUNCHER="$(command -v ccache)" &&
    cmake --build --preset "$1" -j "$(nproc)" && ctest --preset "$1" -j "$(nproc)"
}

slow() { AVOCADO_SLOW_TESTS=1 scripts/run_tests.sh build; }
same_weights() { scripts/same_weights.sh build/bin/avocado; }
asan() { AVOCADO_DAMAGE_COUNT=20000 preset asan; }
tsan() { preset tsan; }
portable() { preset portable; }
clang() { preset clang; }
neon() { scripts/test_neon.sh; }
fuzz() { scripts/fuzz.sh 30; }

stages=(slow same_weights asan tsan portable clang neon fuzz)
[ $# -gt 0 ] && stages=("$@")
failed=0
report=
for stage in "${stages[@]}"; do
  echo "test-all: $stage (log in $logs/$stage.log)"
  start=$SECONDS
  if "$stage" >"$logs/$stage.log" 2>&1; then
    result=ok
  else
    result=FAILED
    failed=1
    tail -n 40 "$logs/$stage.log"
  fi
  report+=$(printf '%-13s %-7s %4d s' "$stage" "$result" $((SECONDS - start)))$'\n'
done
printf '\n%s' "$report"
exit $failed
