#!/bin/bash
# tests/lab/gpio.sh: the gate on the kernel's own GPIO interface (gpio-sim, lgpio) and on relay boards at a real USB serial port
# (ftdi_sio), in the machine of machine.bash: QEMU plays the adaptor, and tests/lab/gpio.py the board behind it.
# Once, about two minutes: a Debian 13 of 0.6 GB in ${QRGATE_LAB:-~/.cache/qrgate-lab}/machine, which scanner.sh uses, too.
set -euo pipefail
here=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source-path=SCRIPTDIR
. "$here/tests/lab/debian.bash"
. "$here/tests/lab/machine.bash"
boot_machine gpio
