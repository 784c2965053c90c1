#!/usr/bin/env bash
# Sets up, configures and builds into build/; arguments are passed to the build, for example --target NAME. Under CI a warning is an error.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/setup.sh
cmake --preset release ${CI:+-DQFA_WARNINGS_AS_ERRORS=ON}
cmake --build --preset release "$@"
