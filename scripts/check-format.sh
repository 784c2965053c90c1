#!/usr/bin/env bash
# Fails when a C++ file of the repository is not formatted as .clang-format says; --fix formats instead.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [[ ${1:-} == --fix ]]; then
  mode=(-i)
else
  mode=(--dry-run -Werror)
fi
mapfile -t files < <(git ls-files -- '*.cpp' '*.h')
if [[ ${#files[@]} == 0 ]]; then
  echo "check-format: git knows no C++ file here" >&2
  exit 1
fi
clang-format-22 "${mode[@]}" "${files[@]}"
echo "check-format: ${#files[@]} files"
