#!/usr/bin/env bash
# Checks what a formatter cannot: who includes whom, the length of files, and no path of a single machine.
# Prints one line per finding, file first, and fails when there is one.
set -euo pipefail
cd "${1:-$(dirname "${BASH_SOURCE[0]}")/..}"

findings=0
finding() {
  echo "$*"
  findings=$((findings + 1))
}

# Stages speak through IR only: a stage sees Dialect, Support, Format and itself. Pipelines puts the stages together.
check_stage_includes() {
  local file stage line seen
  while IFS= read -r file; do
    stage=${file#include/qfa/}
    stage=${stage#lib/}
    [[ $stage == */* ]] || continue
    stage=${stage%%/*}
    [[ $stage == Pipelines ]] && continue
    while IFS=: read -r line seen; do
      case $seen in
        Dialect | Support | Format | "$stage") ;;
        *) finding "$file:$line: stage $stage includes qfa/$seen, wanted only Dialect, Support, Format or $stage" ;;
      esac
    done < <(grep -nE '^ *# *include +["<]qfa/[A-Z]' "$file" | sed -E 's|^([0-9]+):.*qfa/([A-Za-z]+)/.*|\1:\2|')
  done < <(git ls-files -- 'lib/*.cpp' 'lib/*.h' 'include/qfa/*.h')
}

# The runtime is linked into programs that run where no LLVM is.
check_runtime_includes() {
  local found
  while IFS= read -r found; do
    finding "${found%%:#*}: the runtime includes a header of the compiler's libraries"
  done < <(git ls-files -z -- 'runtime/*.cpp' 'runtime/*.h' 'runtime/*.c' |
    xargs -0r grep -nHE '^#include +["<](mlir|llvm)[-/]' | sort -u)
}

check_lengths() {
  local file lines
  while IFS= read -r file; do
    lines=$(wc -l < "$file")
    ((lines <= 800)) || finding "$file: $lines lines, wanted at most 800"
  done < <(git ls-files -- '*.cpp' '*.h' '*.c' '*.td' '*.mlir' '*.py' '*.sh' '*.cmake' '*CMakeLists.txt')
}

check_machine_paths() {
  local found
  while IFS= read -r found; do
    finding "$found: a path that one machine has"
  done < <(git grep -nIE '(^|[^A-Za-z0-9_.}/])/(work|root|home)/[A-Za-z]' -- . | cut -d: -f1,2)
}

check_stage_includes
check_runtime_includes
check_lengths
check_machine_paths
if ((findings > 0)); then
  echo "lint: $findings findings" >&2
  exit 1
fi
echo "lint: $(git ls-files | wc -l) files, nothing found"
