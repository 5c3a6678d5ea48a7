#!/bin/bash
# Runs every benchmark of the release build, one after the other.
set -euo pipefail
cd "$(dirname "$0")/.."
shopt -s nullglob
programs=(build/bin/*_bench)
if [ ${#programs[@]} -eq 0 ]; then
  echo "bench: no benchmark was built" >&2
  exit 1
fi
for program in "${programs[@]}"; do
  echo "== $(basename "$program")"
  "$program"
done
