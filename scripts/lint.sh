#!/bin/bash
# Every check that needs no running program: format, include direction, sizes, shell scripts, and
# Clang's warnings with .clang-tidy over src/. Goes on after a failure and reports all. (Clang's
# warnings in tests and benchmarks are errors in the clang stage of scripts/test_all.sh.)
#   scripts/lint.sh [--quick]     --quick leaves out clang-tidy
set -uo pipefail
cd "$(dirname "$0")/.." || exit
failed=0
check() {
  local name=$1
  shift
  if "$@"; then
    echo "ok      $name"
  else
    echo "FAILED  $name"
    failed=1
  fi
}

cpp_files() { find include src tests bench -name '*.h' -o -name '*.cc' | sort; }

format() {
  local bad
  bad=$(cpp_files | xargs -n 1 sh -c 'clang-format-14 --dry-run --Werror "$1" 2>/dev/null || echo "  $1"' _)
  [ -z "$bad" ] || printf 'not formatted (make format mends it):\n%s\n' "$bad"
  [ -z "$bad" ]
}

shell() { shellcheck --severity=warning .ci/run scripts/*.sh; }

tidy() {
  cmake --preset clang --log-level=WARNING >/dev/null || return
  find src -name '*.cc' ! -name '*_test.cc' | sort |
    xargs -P "$(nproc)" -n 1 sh -c \
      'clang-tidy-14 -p out/clang --quiet "$1" 2>/dev/null || { echo "clang-tidy: $1" >&2; exit 1; }' _
}

check "include direction" scripts/check_layers.py
check "file sizes" scripts/check_sizes.py
check "format (clang-format-14)" format
check "shell scripts" shell
[ "${1:-}" = --quick ] || check "clang-tidy and Clang's warnings" tidy
exit $failed
