#!/bin/sh
# check_weak_symbols.sh BUILD_DIR: fails when an object compiled for one instruction set offers weak
# symbols. The linker may choose any one copy of a weak symbol for the whole program, so such an
# object could hand, say, AVX-512 code to a CPU that has none.
set -eu
build=${1:?usage: check_weak_symbols.sh BUILD_DIR}
objects=$(find "$build" -path '*_avx2.dir*' -name '*.o' -o -path '*_avx512.dir*' -name '*.o' \
               -o -path '*_neon.dir*' -name '*.o' | sort)
if [ -z "$objects" ]; then
  echo "no instruction set objects below $build"
  exit 0
fi
bad=0
for object in $objects; do
  # W, V: weak with a definition; u: unique global..
  weak=$(nm -C --defined-only "$object" | awk '$2 ~ /^[WVu]$/ { $1 = ""; print }')
  if [ -n "$weak" ]; then
    echo "$object:"
    echo "$weak"
    bad=1
  fi
done
[ $bad -eq 0 ] && echo "no weak symbols in $(echo "$objects" | wc -l) objects"
exit $bad
