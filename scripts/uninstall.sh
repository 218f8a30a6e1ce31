#!/bin/bash
# Take the service off this machine. Settings, keys and records stay: they are not ours to throw away.
set -euo pipefail
cd "$(dirname "$0")/.."
[ "$(id -u)" = 0 ] || { echo "make uninstall: this removes from /opt and /etc: sudo make uninstall" >&2; exit 1; }

if [ -d /run/systemd/system ]; then
  systemctl disable --quiet --now qrgate.target qrgate-gate.service qrgate-reader.service qrgate-uplink.service 2>/dev/null || true
fi
for unit in systemd/*.target systemd/*.service; do rm -f "/etc/systemd/system/$(basename "$unit")"; done
rm -f /etc/sysusers.d/qrgate.conf /etc/tmpfiles.d/qrgate.conf /usr/local/bin/qrgate
rm -rf /opt/qrgate /etc/qrgate/examples
if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
echo "Removed. These stay: /etc/qrgate (settings, keys), /var/lib/qrgate (records), the users qrgate-gate, -reader, -uplink."
