#!/bin/bash
# Trains one recipe in every way that must not change a bit, and compares the digests of the final
# weights and of the whole log: threads, instruction sets, recomputation, processes, stopped and
# resumed with other processes, killed again and again. Says one line per way; exits with 1 when
# one differs. Takes some minutes.
#   scripts/same_weights.sh PROGRAM [STEPS] [KILLS]      default: 200 steps, 20 kills
set -euo pipefail
program=$(realpath "$1")
steps=${2:-200}
kills=${3:-20}
top=$(mktemp -d)
trap 'rm -rf "$top"' EXIT
cd "$top"
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
avocado() { "$program" "$@"; }
avocado corpus --documents 3000 --out texts.jsonl >/dev/null

# recipe NAME KEY...: the same run, with keys that change nothing of its result
recipe() {
  local name=$1
  shift
  cat >"$name.toml" <<TOML
[model]
architecture = "llama"
width = 96
layers = 3
heads = 6
kv_heads = 2
ffn = 256
context = 128
[tokenizer]
train = { vocab_size = 512 }
[data]
train = ["texts.jsonl"]
[train]
steps = $steps
rows = 2
micro_batches = 8
lr = 2e-3
warmup = 10
seed = 5
ema = 0.99
checkpoint_every = 10
$(printf '%s\n' "$@")
TOML
}

first=
failed=0
# report NAME WHAT: the digests of a finished run, beside those of the first one
report() {
  local found
  found=$(avocado train "$1.toml" --json --threads 1 2>/dev/null | tail -n 1 |
    python3 -c 'import json, sys; end = json.load(sys.stdin); print(end["weights"], end["chain"])')
  [ -n "$first" ] || first=$found
  if [ "$found" = "$first" ]; then
    echo "equal    ${found:0:16}  $2"
  else
    echo "DIFFERS  ${found:0:16}  $2"
    failed=1
  fi
  rm -rf "${1:?}"
}

train() { avocado train "$@" >/dev/null 2>&1; }
processes() {
  local count=$1
  shift
  mpirun --oversubscribe -n "$count" "$program" train "$@" --threads 1 >/dev/null 2>&1
}
logged() { grep -c '"kind":"step"' "$1/metrics.jsonl" 2>/dev/null || true; }
# until_step NAME N: waits until a run has logged so many steps, or has ended
until_step() {
  until [ -e "$1/metrics.jsonl" ] && [ "$(logged "$1")" -ge "$2" ] || ! kill -0 $! 2>/dev/null; do
    sleep 0.02
  done
}

for threads in 1 2; do
  recipe "threads-$threads"
  train "threads-$threads.toml" --threads "$threads"
  report "threads-$threads" "$threads thread(s)"
done
for isa in scalar avx2 avx512 neon; do
  AVOCADO_ISA=$isa avocado doctor >/dev/null 2>&1 || continue
  recipe "isa-$isa"
  AVOCADO_ISA=$isa train "isa-$isa.toml"
  report "isa-$isa" "instruction set: $isa"
done
recipe recompute "recompute = true"
train recompute.toml
report recompute "layers run again for their backward"
if command -v mpirun >/dev/null; then
  for count in 1 2 4 8; do
    recipe "processes-$count"
    processes "$count" "processes-$count.toml"
    report "processes-$count" "$count process(es)"
  done
  recipe resumed
  mpirun --oversubscribe -n 4 "$program" train resumed.toml --threads 1 >/dev/null 2>&1 &
  until_step resumed $((steps / 2))
  kill -USR1 $!
  wait $! || true
  stopped=$(logged resumed)
  processes 2 resumed.toml
  report resumed "stopped after step $stopped with 4 processes, resumed with 2"
else
  echo "skipped           processes: there is no mpirun"
fi
recipe killed
struck=
for step in $(shuf -i 1-$((steps - 1)) -n "$kills" | sort -n); do
  "$program" train killed.toml >/dev/null 2>&1 &
  until_step killed "$step"
  if kill -KILL $! 2>/dev/null; then struck+=" $(logged killed)"; fi
  wait $! 2>/dev/null || true
done
train killed.toml
report killed "killed $(wc -w <<<"$struck") times, after the steps$struck"
exit $failed
