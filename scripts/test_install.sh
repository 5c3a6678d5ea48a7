#!/bin/bash
# Installs a build into a temporary folder and uses it as a newcomer would: the program, the man
# page, and a small program of one's own through pkg-config and through CMake.
#   scripts/test_install.sh BUILD_DIR
set -euo pipefail
build=$(realpath "$1")
cd "$(dirname "$0")/.."
top=$(mktemp -d)
trap 'rm -rf "$top"' EXIT
cmake --install "$build" --prefix "$top/usr" >/dev/null

"$top/usr/bin/avocado" --version
for file in include/avocado/avocado.h share/man/man1/avocado.1 share/bash-completion/completions/avocado \
  share/zsh/site-functions/_avocado; do
  test -s "$top/usr/$file"
done

# The program finds its module for several processes where it is installed.
if [ -n "$(find "$top/usr" -name avocado_mpi.so)" ]; then
  said=$(PMI_SIZE=2 "$top/usr/bin/avocado" train nothing.toml 2>&1 || true)
  grep -q 'Open MPI sees 1 ' <<<"$said" || { echo "$said" >&2; exit 1; }
fi

# Only the C interface is visible.
library=$(echo "$top"/usr/lib*/libavocado.so)
if nm -D --defined-only "$library" | grep ' T ' | grep -v ' avocado_'; then
  echo "these symbols should be hidden" >&2
  exit 1
fi

# A missing model ends in AVOCADO_INPUT = 2 and a message, not in a crash.
use() {
  local status=0
  (cd "$top" && LD_LIBRARY_PATH=$(dirname "$library") "$1" >out.txt) || status=$?
  cat "$top/out.txt"
  [ "$status" -eq 2 ] && grep -q 'nowhere.gguf' "$top/out.txt"
}
PKG_CONFIG_PATH=$(dirname "$library")/pkgconfig
export PKG_CONFIG_PATH
# shellcheck disable=SC2046
c++ -std=c++17 -Wall -Wextra -Werror tests/install/main.cc -o "$top/by_pkg_config" $(pkg-config --cflags --libs avocado)
use "$top/by_pkg_config"
cmake -S tests/install -B "$top/b" -DCMAKE_PREFIX_PATH="$top/usr" >/dev/null
cmake --build "$top/b" >/dev/null
use "$top/b/door"
