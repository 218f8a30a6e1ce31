#!/bin/bash
# Put the service on this machine, a Raspberry Pi as a rule: program in /opt/qrgate, units, users, folders, examples.
# Run it again to update, or to hand over settings that were copied to /etc/qrgate. Nothing in /etc/qrgate is overwritten.
set -euo pipefail
cd "$(dirname "$0")/.."
program=/opt/qrgate
settings=/etc/qrgate
units=(systemd/*.target systemd/*.service)

die() { echo "make install: $*" >&2; exit 1; }
[ "$(id -u)" = 0 ] || die "this writes to /opt and /etc: sudo make install"
[ -d /run/systemd/system ] || die "no systemd runs here; to try the gate on a laptop: make demo"
command -v apt-get >/dev/null || die "this is made for Raspberry Pi OS and Debian (no apt-get here)"

# Whoever reads the pseudonym keys can tell who came on their days: nobody but root, whatever becomes of the rest.
chmod -f 600 "$settings/pseudonym.json" || true

packages=(python3-venv libzbar0)
# picamera2 and lgpio are Raspberry Pi OS's own, made for its own Python.
if grep -qs 'Raspberry Pi' /proc/device-tree/model; then packages+=(python3-picamera2 python3-lgpio); fi
export DEBIAN_FRONTEND=noninteractive
apt-get -q update
apt-get -q install -y --no-install-recommends "${packages[@]}"

# Made anew while the gate stands still: pip cannot replace a running program in one step.
systemctl stop qrgate.target 'qrgate-*.service' 2>/dev/null || true
# A build left by an older version would bring its removed modules back.
rm -rf build/lib build/bdist.*
/usr/bin/python3 -m venv --clear --system-site-packages "$program"
"$program/bin/python" -m pip --disable-pip-version-check install --quiet --require-hashes -r requirements-gate.lock
"$program/bin/python" -m pip --disable-pip-version-check install --quiet --no-deps --no-build-isolation .
if [ -f "$settings/gate.toml" ]; then scripts/outputs.sh "$program/bin/python" "$settings/gate.toml"; fi

ln -sf "$program/bin/qrgate" /usr/local/bin/qrgate
install -m 644 "${units[@]}" /etc/systemd/system/
install -D -m 644 systemd/sysusers.conf /etc/sysusers.d/qrgate.conf
install -D -m 644 systemd/tmpfiles.conf /etc/tmpfiles.d/qrgate.conf
systemd-sysusers qrgate.conf
systemd-tmpfiles --create qrgate.conf
systemctl daemon-reload
systemctl enable --quiet qrgate.target qrgate-gate.service qrgate-reader.service qrgate-uplink.service

install -d -m 755 "$settings/examples"
for board in hardware/boards/*.toml; do
  cat systemd/gate.toml <(echo) "$board" > "$settings/examples/gate-$(basename "$board")"
done

if [ ! -f "$settings/gate.toml" ] || [ ! -f "$settings/site.toml" ]; then
  echo "Installed, not started: this gate is not provisioned."
  echo "  → on the office's machine: qrgate-provision init; copy what it made for this gate into $settings, then here: sudo make install"
  exit 0
fi

# Nobody's until the settings are known to be good; then each secret to the one process that reads it, and the rest for all
# three and for nobody else.
find "$settings" -type f -exec chmod 600 {} + -o -type d -exec chmod 750 {} +
chown -R root:qrgate "$settings"
"$program/bin/python" - "$settings" <<'END' || die "the settings have mistakes: mend them, then again"
import os, pwd, sys
from pathlib import Path
from device.config import load
from device.errors import QrgateError
from device.gate.keys import PseudonymKey
try:
    settings = load(Path(sys.argv[1]))
    # Taken over into the gate's own folder and erased in /etc, where the gate itself may not delete.
    key = PseudonymKey(settings.paths.state, settings.pseudonyms.key_file, settings.site.site)
    for path in settings.folder.rglob("*"):
        if path.is_file() and path not in (settings.broker.key_file, key.left_behind):
            path.chmod(0o640)
    for secret, user in ((settings.broker.key_file, "qrgate-uplink"), (settings.paths.state / "pseudonym.json", "qrgate-gate")):
        os.chown(secret, pwd.getpwnam(user).pw_uid, -1)
    settings.broker.key_file.chmod(0o400)
except (QrgateError, OSError) as error:
    sys.exit(str(error))
END
systemctl start qrgate.target
echo "Started. \`systemctl status 'qrgate*'\` tells how it is, \`sudo qrgate doctor\` what to mend."
