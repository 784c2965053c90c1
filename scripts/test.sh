#!/usr/bin/env bash
# Runs all tests from nothing: sets up, builds, checks the format, then ctest; arguments are passed to ctest.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/build.sh
scripts/check-format.sh
ctest --test-dir build --output-on-failure "$@"
