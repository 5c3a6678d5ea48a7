#!/bin/bash
# Installs what is missing of the given package groups (scripts/packages.txt). With nothing missing
# it does nothing, needs no network and no rights.
#   scripts/install_deps.sh build [lint fuzz neon]
set -euo pipefail

list=$(dirname "$0")/packages.txt
packages=()
for group in "$@"; do
  mapfile -t found < <(awk -v g="$group" '$1 == g {print $2}' "$list")
  if [ ${#found[@]} -eq 0 ]; then
    echo "install_deps: no group '$group' in $list" >&2
    exit 2
  fi
  packages+=("${found[@]}")
done

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  echo "install_deps: not a Debian system; these Debian 12 packages must be there under your system's names:" >&2
  echo "  ${packages[*]}" >&2
  exit 0
fi

# A name may carry an architecture, as in libfmt-dev:arm64; without one it is this machine's or "all".
native=$(dpkg --print-architecture)
installed=$(dpkg-query -W -f='${Package}:${Architecture} ${db:Status-Status}\n' "${packages[@]%%:*}" 2>/dev/null || true)
missing=()
foreign=()
for package in "${packages[@]}"; do
  name=${package%%:*} architectures="($native|all)"
  [ "$name" = "$package" ] || architectures=${package#*:}
  if ! grep -qxE "${name//+/\\+}:$architectures installed" <<<"$installed"; then
    missing+=("$package")
    [ "$name" = "$package" ] || foreign+=("${package#*:}")
  fi
done
[ ${#missing[@]} -eq 0 ] && exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "install_deps: packages are missing and there is no sudo. As root:" >&2
    echo "  apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi

echo "Installing ${#missing[@]} Debian packages: ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
for architecture in $(printf '%s\n' "${foreign[@]}" | sort -u); do
  "${as_root[@]}" dpkg --add-architecture "$architecture"
done
apt() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get -q \
    -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3 "$@" </dev/null >"$log" 2>&1 && return
  cat "$log" >&2
  echo "install_deps: apt-get $1 failed (see above); mend it and run make again" >&2
  exit 1
}
apt update
apt install -y --no-install-recommends "${missing[@]}"
