#!/bin/bash
# tests/lab/scanner.sh: the reader on a scan module at a USB serial adaptor, in a machine of its own: the kernel's usbserial and
# ftdi_sio are real, QEMU plays the adaptor, and tests/lab/scanner.py the module behind it, which it also pulls out and plugs in.
# The machine is that of machine.bash, made once, in about a minute; gpio.sh uses it, too.
set -euo pipefail
here=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source-path=SCRIPTDIR
. "$here/tests/lab/debian.bash"
. "$here/tests/lab/machine.bash"
boot_machine scanner
