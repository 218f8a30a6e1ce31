#!/bin/bash
# Write requirements.lock (demo, tests, work on the project) and requirements-gate.lock (what a gate runs, the same versions):
# every version pinned, with the hashes of all its files, so that one lock serves Python 3.11 and 3.13 on amd64 and arm64.
# Versions in the locks stay while pyproject.toml allows them; with --upgrade the newest are taken.
set -euo pipefail
cd "$(dirname "$0")/.."
PYTHON=${PYTHON:-python3}

[ -x build/lock/bin/uv ] || { "$PYTHON" -m venv build/lock && build/lock/bin/pip install --quiet uv; }
lock() {
  # The files must be of use everywhere: no name of a registry, no path, nothing of this machine's own configuration.
  build/lock/bin/uv pip compile pyproject.toml --group build --quiet --no-config --custom-compile-command "make lock" \
    --universal --python-version 3.11 --fork-strategy fewest --generate-hashes \
    --no-emit-index-url --no-emit-find-links --no-annotate "$@"
}
lock "$@" --extra provision --extra video --extra dev --output-file requirements.lock
lock "$@" --extra video --constraint requirements.lock --output-file requirements-gate.lock
