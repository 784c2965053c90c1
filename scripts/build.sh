#!/usr/bin/env bash
# Sets up, configures and builds into build/; arguments are passed to the build, for example a target.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/setup.sh
cmake --preset release
cmake --build --preset release "$@"
