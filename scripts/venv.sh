#!/bin/bash
# scripts/venv.sh FOLDER: a fresh virtual environment with exactly what requirements.lock names, and this checkout in it.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$1
PYTHON=${PYTHON:-python3}

"$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
  echo "$("$PYTHON" --version) is too old: qrgate needs Python 3.11 or newer (make PYTHON=/path/to/python3)" >&2
  exit 1
}
options=(--clear)
# On a Pi picamera2, libcamera and lgpio come from apt, for the system's Python only.
if grep -qs 'Raspberry Pi' /proc/device-tree/model; then options+=(--system-site-packages); fi

echo "making $folder, about 20 s"
"$PYTHON" -m venv "${options[@]}" "$folder"
"$folder/bin/python" -m pip --disable-pip-version-check install --quiet --require-hashes -r requirements.lock
# Everything it depends on is there already, the builder too: nothing is fetched for this step.
"$folder/bin/python" -m pip --disable-pip-version-check install --quiet --no-deps --no-build-isolation --editable .
