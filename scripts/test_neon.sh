#!/bin/bash
# Cross-compiles for 64-bit Arm into build/aarch64 and runs the kernel tests there under qemu: NEON
# against the scalar reference, the reference against the digest recorded on x86-64, and the quick
# demo against its recorded weights.
#   scripts/test_neon.sh [build directory] [target...]     default: build/aarch64 kernels_test avocado
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:-build/aarch64}
shift || true
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(kernels_test avocado)

scripts/install_deps.sh neon

cmake -S . -B "$build" -G Ninja --log-level=WARNING -DCMAKE_BUILD_TYPE=Release \
  -DCMAKE_TOOLCHAIN_FILE="$PWD/cmake/toolchains/aarch64.cmake" -DAVOCADO_BENCH=OFF \
  -DCMAKE_CXX_COMPILER_LAUNCHER="$(command -v ccache || true)" >/dev/null
cmake --build "$build" -j "${JOBS:-$(nproc)}" --target "${targets[@]}"
scripts/check_weak_symbols.sh "$build"
for target in "${targets[@]}"; do
  case $target in
    *_test) qemu-aarch64 "$build/bin/$target" ;;
    avocado) qemu-aarch64 "$build/bin/avocado" demo --quick --threads 1 --out "$build/demo.gguf" ;;
  esac
done
