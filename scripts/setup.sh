#!/usr/bin/env bash
# Installs what QFA needs on Debian 12: the compiler's packages with apt, and the Python packages of tests and examples in .venv.
# A second run only checks. Run as root, or as a user who may sudo.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# mlir-22-tools and llvm-22-tools are needed to configure: the exported CMake targets check that the tools exist.
packages=(
  libmlir-22-dev mlir-22-tools llvm-22-dev llvm-22-tools clang-22 clang-format-22 lld-22 libclang-rt-22-dev
  zlib1g-dev libzstd-dev libxml2-dev cmake ninja-build ccache git ca-certificates
  libgtest-dev nlohmann-json3-dev libcli11-dev libfmt-dev libxxhash-dev libyaml-cpp-dev libsentencepiece-dev
  python3-dev python3-venv
)

say() { echo "setup: $*"; }

# The packages among the arguments that are not installed, one a line.
missing() {
  local name
  for name in "$@"; do
    [[ $(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null) == installed ]] || echo "$name"
  done
}

# The packages among the arguments that no apt source offers, one a line.
unknown() {
  local name
  for name in "$@"; do
    [[ $(LC_ALL=C apt-cache policy "$name") =~ Candidate:\ [^\(] ]] || echo "$name"
  done
}

install_packages() {
  local wanted root=() absent
  mapfile -t wanted < <(missing "${packages[@]}")
  if [[ ${#wanted[@]} == 0 ]]; then
    say "all ${#packages[@]} Debian packages are installed"
    return
  fi
  if [[ $EUID != 0 ]]; then
    command -v sudo >/dev/null || { say "neither root nor sudo: as root, run apt-get install ${wanted[*]}" >&2; exit 1; }
    root=(sudo)
  fi
  say "installing ${wanted[*]}"
  "${root[@]}" apt-get update -q
  mapfile -t absent < <(unknown "${wanted[@]}")
  if [[ ${#absent[@]} != 0 ]]; then
    say "no apt source offers: ${absent[*]}" >&2
    say "LLVM 22 comes with Debian 12's security updates. The source wanted is" >&2
    say "  deb http://deb.debian.org/debian-security bookworm-security main" >&2
    say "beside deb http://deb.debian.org/debian bookworm main" >&2
    exit 1
  fi
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${wanted[@]}"
}

# Debian's own python, so that the environment does not depend on which python stands first in the PATH.
install_python() {
  local stamp=.venv/requirements.sha256 wanted
  wanted=$(sha256sum requirements.txt | cut -d' ' -f1)
  if [[ -x .venv/bin/python && -f $stamp && $(<"$stamp") == "$wanted" ]]; then
    say "the Python environment .venv matches requirements.txt"
    return
  fi
  say "making the Python environment .venv"
  /usr/bin/python3 -m venv --clear .venv
  .venv/bin/python -m pip install -q --disable-pip-version-check --retries 10 -r requirements.txt
  echo "$wanted" > "$stamp"
}

[[ -r /etc/debian_version ]] || { say "this script knows Debian 12 only; needed are ${packages[*]}" >&2; exit 1; }
install_packages
install_python
say "done"
