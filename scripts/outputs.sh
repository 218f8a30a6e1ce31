#!/bin/bash
# scripts/outputs.sh PYTHON GATE_TOML: what a display or a voice needs, where GATE_TOML names one (root): Debian's drivers, and
# the pictures or recordings, made here and laid into the package that PYTHON has installed.
set -euo pipefail
python=$1 settings=$2

names() { "$python" -c 'import sys, tomllib; print(tomllib.load(open(sys.argv[1], "rb")).get(sys.argv[2], {}).get(sys.argv[3], sys.argv[4]))' "$settings" "$@"; }
install() { DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends "$@"; }

# Pillow and the drivers of both buses come with luma.
if [ "$(names display kind none)" != none ]; then
  install python3-luma.oled python3-luma.lcd fonts-dejavu-core
  "$python" -m device.gate.outputs.drawing
fi
if [ "$(names voice speaks False)" = True ]; then
  install espeak-ng alsa-utils
  "$python" -m device.gate.outputs.recording
fi
