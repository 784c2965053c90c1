#!/usr/bin/env bash
# Runs the Python tests in the project's environment against a build: scripts/pytest.sh [BUILD_DIR] [pytest option]...
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

QFA_BUILD_DIR=$(realpath -m "${1:-$root/build}")
export QFA_BUILD_DIR
shift || true
if [[ ! -x $root/.venv/bin/python ]]; then
  echo "pytest: no Python environment in .venv; scripts/setup.sh makes it" >&2
  exit 1
fi
exec "$root/.venv/bin/python" -m pytest -q -p no:cacheprovider "$root/test/python" "$@"
