#!/bin/bash
# Runs what the READMEs tell a newcomer to run, on the model of a short demo: the example of each
# verb, the recipe, and the two commands whose digests are said to be equal.
#   scripts/test_readme.sh PROGRAM README...
set -euo pipefail
program=$(realpath "$1")
shift
readmes=()
for readme in "$@"; do readmes+=("$(realpath "$readme")"); done
top=$(mktemp -d)
trap 'rm -rf "$top"' EXIT
cd "$top"
avocado() { "$program" "$@"; }
isas=$(avocado doctor --json)
avocado demo --quick --out model.gguf >/dev/null 2>&1
cat >adapter.toml <<'TOML'
[model]
base = "model.gguf"
[adapter]
kind = "lora"
[data]
train = ["adapter.toml"]
[train]
steps = 1
rows = 1
TOML
avocado train adapter.toml >/dev/null 2>&1
cp adapter/adapter.gguf adapter.gguf

for readme in "${readmes[@]}"; do
  rm -rf run run.toml
  cp "$readme" book.txt
  awk '/^```toml/ {on = 1; next} /^```/ {on = 0} on' "$readme" >run.toml
  # The last cell of a row of the table of verbs.
  mapfile -t commands < <(sed -n 's/^| `[a-z]*` |.*| `\(.*\)` |$/\1/p' "$readme" | sed 's/\\|/|/g')
  [ ${#commands[@]} -ge 9 ] || { echo "$readme: no table of verbs" >&2; exit 1; }
  for command in "${commands[@]}"; do
    case $command in "avocado demo"*) continue ;; esac
    eval "$command" </dev/null >out.txt 2>err.txt || { cat err.txt; echo "$readme: failed: $command" >&2; exit 1; }
    [ -s out.txt ] || { echo "$readme: printed nothing: $command" >&2; exit 1; }
    echo "ok  $command"
  done

  digests=
  while read -r line; do
    isa=${line#AVOCADO_ISA=}
    grep -q "\"${isa%% *}\"" <<<"$isas" || continue
    digests+=$(eval "$line")$'\n'
  done < <(grep '^AVOCADO_ISA=' "$readme")
  [ "$(sort -u <<<"${digests%$'\n'}" | wc -l)" -eq 1 ] || { echo "$readme: digests differ: $digests" >&2; exit 1; }
  echo "ok  $(wc -l <<<"${digests%$'\n'}") digests are equal"
done
