#!/bin/bash
# Install the Debian packages that demo and tests need, and only those that are missing.
# Asked of the machine itself, not of the package list: Debian 13 calls libzbar0 by another name (libzbar0t64).
set -euo pipefail
export PATH=$PATH:/usr/sbin:/sbin # where Debian keeps mosquitto and ldconfig, and a user's PATH does not look
PYTHON=${PYTHON:-python3}

missing=()
command -v "$PYTHON" >/dev/null && "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
# Read to its end: grep -q would stop early, and ldconfig would die of it.
ldconfig -p | grep 'libzbar\.so\.0' >/dev/null || missing+=(libzbar0)
command -v mosquitto >/dev/null || missing+=(mosquitto)
# Sheets of passes are printed in Vietnamese, for which pillow's own font lacks letters.
font=$(find /usr/share/fonts /usr/local/share/fonts \( -name DejaVuSans-Bold.ttf -o -name LiberationSans-Bold.ttf \) -print -quit 2>/dev/null || true)
[ -n "$font" ] || missing+=(fonts-dejavu-core)
[ ${#missing[@]} -gt 0 ] || exit 0

if ! command -v apt-get >/dev/null; then
  echo "Missing here: ${missing[*]} (the names of Debian's packages). This is no Debian: install them by your system's means, then try again." >&2
  exit 1
fi
sudo=()
if [ "$(id -u)" != 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "Missing here: ${missing[*]}. Neither root nor sudo: ask an administrator to run: apt-get install ${missing[*]}" >&2
    exit 1
  fi
  sudo=(sudo)
fi

echo "Installing ${missing[*]} …"
apt_get=("${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q)
"${apt_get[@]}" update
"${apt_get[@]}" install -y --no-install-recommends "${missing[@]}"

# Debian starts the broker it installs. Demo and tests start their own on free ports; nobody asked for one more.
if [[ " ${missing[*]} " == *" mosquitto "* ]] && [ -d /run/systemd/system ]; then
  "${sudo[@]}" systemctl disable --now mosquitto.service
fi
