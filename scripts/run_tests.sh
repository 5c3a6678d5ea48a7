#!/bin/bash
# Runs the tests of a build folder. Skipped tests are counted and named before ctest's summary, so
# that a skip is never silent.
#   scripts/run_tests.sh BUILD_DIR [ctest arguments]
set -uo pipefail
build=$1
shift

name_skips() {
  local skips
  skips=$(grep -oP '^\[  SKIPPED \] \K\S+(?= \()' "$build/Testing/Temporary/LastTest.log" 2>/dev/null)
  [ -z "$skips" ] || printf 'Skipped %s tests:\n%s\n\n' "$(wc -l <<<"$skips")" "${skips//$'\n'/, }"
}

ctest --test-dir "$build" --output-on-failure --no-tests=error -j "$(nproc)" "$@" |
  while IFS= read -r line; do
    [[ $line == *"tests passed, "* ]] && name_skips
    printf '%s\n' "$line"
  done
