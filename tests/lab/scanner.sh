#!/bin/bash
# tests/lab/scanner.sh: the reader on a scan module at a USB serial adaptor, in a machine of its own: the kernel's usbserial and
# ftdi_sio are real, QEMU plays the adaptor, and tests/lab/scanner.py the module behind it, which it also pulls out and plugs in.
# Once, about a minute: a Debian 13 root file system and its kernel, 0.2 GB in ${QRGATE_LAB:-~/.cache/qrgate-lab}/scanner; it is made
# anew when what belongs into it has changed. No KVM is needed. The guest has no network, and writes to nothing but its memory.
# shellcheck disable=SC2016,SC2317 # the hook and the inner shells expand what stands in single quotes; `step` calls what it is given
set -euo pipefail
here=$(cd "$(dirname "$0")/../.." && pwd)
lab=${QRGATE_LAB:-$HOME/.cache/qrgate-lab}
root=$lab/scanner
log=$lab/scanner.log

# What the reader imports with a scan module; what makes names under /dev/serial; what makes the first file system.
packages=python3,python3-serial,python3-cbor2,python3-numpy,udev,kmod,busybox-static,cpio,xz-utils
first='9p 9pnet_virtio' # loaded before there is a root file system
drivers='kernel/(fs/9p|fs/netfs|net/9p|drivers/usb/(common|core|host|serial))/|modules\.(builtin|order)'

# The kernel's files only: its own package would bring a boot loader's tools and make an initramfs for this machine.
kernel='export APT_CONFIG=$MMDEBSTRAP_APT_CONFIG; cd "$1/var/tmp"
name=$(apt-cache depends linux-image-amd64 | awk "/Depends: linux-image-/ { print \$2; exit }")
apt-get -q download "$name"; dpkg-deb --fsys-tarfile "$name"_*.deb >kernel.tar; rm ./*.deb
tar -tf kernel.tar | grep -E "/vmlinuz|$DRIVERS" | tar -xf kernel.tar -C "$1" --no-recursion -T -; rm kernel.tar'

init='#!/bin/busybox sh
b=/bin/busybox; $b mount -t proc proc /proc; $b mount -t sysfs sys /sys; $b mount -t devtmpfs dev /dev
for module in /modules/*; do $b insmod "$module"; done
$b mount -t 9p -o trans=virtio,version=9p2000.L,msize=524288,cache=loose,ro root /new
$b mount -t 9p -o trans=virtio,version=9p2000.L,msize=524288,cache=loose,ro checkout /new/mnt
for folder in run tmp; do $b mount -t tmpfs tmpfs /new/$folder; done
for folder in dev proc sys; do $b mount --move /$folder /new/$folder; done
exec $b switch_root /new /bin/sh -c "
  export HOME=/run PATH=/usr/sbin:/usr/bin LANG=C.UTF-8 PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PYTHONPATH=/mnt
  /usr/lib/systemd/systemd-udevd --daemon; modprobe -a xhci_pci ftdi_sio; udevadm trigger; udevadm settle
  cd /run; python3 -m tests.lab.scanner_guest 2>/dev/console; echo o >/proc/sysrq-trigger; sleep 60"'

[ "$(id -u)" = 0 ] || { echo "scanner: left out: it needs root to make a root file system"; exit 77; }
[ "$(dpkg --print-architecture)" = amd64 ] || { echo "scanner: left out: its machine is an amd64, made from this machine's archive"; exit 77; }

step() { # step WHAT COMMAND...: run it, and show what it said only if it failed
  local begin=$SECONDS
  echo "       $1 …"
  if "${@:2}" >"$log" 2>&1; then echo "ok     $1 ($((SECONDS - begin)) s)"; else
    tail -n 40 "$log"
    echo "FAILED $1 ($((SECONDS - begin)) s); all of it: $log"
    exit 1
  fi
}

tool() { # tool COMMAND PACKAGE: install the package where the command is missing
  command -v "$1" >/dev/null || step "$2, which is missing here" eval \
    "apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends $2"
}

debian() {
  # The archive that this machine itself uses.
  local mirror=${MIRROR:-$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | grep -m1 -v security)}
  DRIVERS=$drivers mmdebstrap --variant=essential --include="$packages" --aptopt='Acquire::Languages "none"' \
    --dpkgopt=force-unsafe-io --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' --customize-hook="$kernel" trixie "$root.new" "deb $mirror trixie main"
  # A first file system in memory: it loads what reads the true one, and goes there.
  printf '%s\n' "$init" >"$root.new/opt/init"
  chroot "$root.new" sh -euxc '
    version=$(ls /usr/lib/modules); depmod "$version"; mv /boot/vmlinuz-* /opt/kernel
    mkdir -p /opt/first/bin /opt/first/modules /opt/first/proc /opt/first/sys /opt/first/dev /opt/first/new
    cp /bin/busybox /opt/first/bin/; mv /opt/init /opt/first/; chmod +x /opt/first/init
    modprobe -a -S "$version" --show-depends $1 | awk "/^insmod/ && !seen[\$2]++ { print \$2 }" | while read -r module; do
      number=$((${number:-10} + 1)); xz -dc "$module" >"/opt/first/modules/$number"
    done
    cd /opt/first; find . | cpio -o -H newc >/opt/initramfs; rm -r /opt/first' sh "$first"
}

build() {
  local recipe
  recipe=$(printf '%s\n' "$packages" "$first" "$drivers" "$kernel" "$init"; declare -f debian)
  if [ "$(cat "$root/recipe" 2>/dev/null)" = "$recipe" ]; then return; fi
  rm -rf --one-file-system "$root.new"
  tool mmdebstrap mmdebstrap
  step "a Debian 13 with its kernel" debian
  echo "$recipe" >"$root.new/recipe"
  rm -rf --one-file-system "$root"
  mv "$root.new" "$root"
}

mkdir -p "$lab"
exec 9>"$lab/scanner.lock"
flock 9 # two at once would build into one folder
tool qemu-system-x86_64 qemu-system-x86
build
cd "$here"
exec env PYTHONDONTWRITEBYTECODE=1 python3 -m tests.lab.scanner "$root"
