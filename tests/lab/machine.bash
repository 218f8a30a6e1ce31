# tests/lab/machine.bash: the machine that scanner.sh and gpio.sh boot in QEMU, with the kernel's own drivers for GPIO lines and
# USB serial ports. They source it after debian.bash. No KVM is needed; the guest has no network, and writes to nothing but its memory.
# shellcheck shell=bash disable=SC2016,SC2034,SC2154 # hooks and inner shells expand what stands in single quotes; $here is the caller's

# What makes names under /dev/serial; what makes the first file system; what builds lgpio, of which no wheel is for this Python.
packages=python3,python3-pip,python3-numpy,udev,kmod,busybox-static,cpio,xz-utils,gcc,libc6-dev,make,python3-dev,swig
locked='cbor2 cffi colorzero cryptography gpiozero pycparser pyserial setuptools'
pins='lgpio==0.2.2.0'
first='9p 9pnet_virtio' # loaded before there is a root file system
drivers='kernel/(fs/9p|fs/netfs|fs/configfs|net/9p|drivers/gpio|drivers/usb/(common|core|host|serial))/'

# The kernel of the backports, because Debian 13's own has no simulated GPIO chip (CONFIG_GPIO_SIM). Its files only: its own
# package would bring a boot loader's tools and make an initramfs for this machine.
kernel='export APT_CONFIG=$MMDEBSTRAP_APT_CONFIG; cd "$1/var/tmp"
names=$(apt-get -s install --no-install-recommends -t trixie-backports linux-image-amd64 | awk "/^Inst linux-(binary|modules)-[0-9]/ { print \$2 }")
apt-get -q -t trixie-backports download $names
for deb in ./linux-*.deb; do dpkg-deb --fsys-tarfile "$deb" >kernel.tar
  tar -tf kernel.tar | { grep -E "/vmlinuz|$DRIVERS" || true; } | tar -xf kernel.tar -C "$1" --no-recursion -T -; done; rm kernel.tar ./*.deb'

# The module that runs in there is named on the kernel's command line.
init='#!/bin/busybox sh
b=/bin/busybox; $b mount -t proc proc /proc; $b mount -t sysfs sys /sys; $b mount -t devtmpfs dev /dev
for module in /modules/*; do $b insmod "$module"; done
$b mount -t 9p -o trans=virtio,version=9p2000.L,msize=524288,cache=loose,ro root /new
$b mount -t 9p -o trans=virtio,version=9p2000.L,msize=524288,cache=loose,ro checkout /new/mnt
for folder in run tmp; do $b mount -t tmpfs tmpfs /new/$folder; done
for folder in dev proc sys; do $b mount --move /$folder /new/$folder; done
exec $b switch_root /new /bin/sh -c "
  export HOME=/run PATH=/opt/v/bin:/usr/sbin:/usr/bin LANG=C.UTF-8 PYTHONUNBUFFERED=1 PYTHONPATH=/mnt PYTHONPYCACHEPREFIX=/opt/bytecode
  /usr/lib/systemd/systemd-udevd --daemon; modprobe -a xhci_pci ftdi_sio; udevadm trigger; udevadm settle
  cd /run; python -m \$(sed s/.*job=// /proc/cmdline) 2>/dev/console; echo o >/proc/sysrq-trigger; sleep 60"'

machine_root() {
  DRIVERS=$drivers mmdebstrap --variant=essential --include="$packages" "${lean[@]}" --customize-hook="$kernel" trixie "$root.new" \
    "deb $mirror trixie main" "deb $mirror trixie-backports main"
  # A first file system in memory: it loads what reads the true one, and goes there.
  printf '%s\n' "$init" >"$root.new/opt/init"
  chroot "$root.new" sh -euxc '
    version=$(ls /usr/lib/modules); depmod "$version"; mv "/usr/lib/modules/$version/vmlinuz" /opt/kernel
    mkdir -p /opt/first/bin /opt/first/modules /opt/first/proc /opt/first/sys /opt/first/dev /opt/first/new
    cp /bin/busybox /opt/first/bin/; mv /opt/init /opt/first/; chmod +x /opt/first/init
    modprobe -a -S "$version" --show-depends $1 | awk "/^insmod/ && !seen[\$2]++ { print \$2 }" | while read -r module; do
      number=$((${number:-10} + 1)); xz -dc "$module" >"/opt/first/modules/$number"
    done
    cd /opt/first; find . | cpio -o -H newc >/opt/initramfs; rm -r /opt/first' sh "$first"
}

build_machine() { # into $root, unless what is there was made by the same recipe
  local recipe
  recipe=$(printf '%s\n' "$packages" "$pins" "$first" "$drivers" "$kernel" "$init"; lock_of "$locked"; declare -f machine_root)
  if [ "$(cat "$root/recipe" 2>/dev/null)" = "$recipe" ]; then return; fi
  rm -rf --one-file-system "$root.new"
  tool mmdebstrap mmdebstrap
  step "a Debian 13 with a kernel from its backports" machine_root
  # PYPI: lgpio then builds its C library in, instead of looking for one.
  PYPI=1 step "lgpio and what the gate needs" python_packages "$root.new" "$locked" --no-build-isolation "$pins"
  echo "$recipe" >"$root.new/recipe"
  rm -rf --one-file-system "$root"
  mv "$root.new" "$root"
}

bytecode() { # of the checkout, by the guest's Python, but here, where that takes a tenth of the time; what has not changed stays
  unshare --mount --propagation private bash -euc '
    mount --bind "$2" "$1/mnt"
    exec chroot "$1" env PYTHONPYCACHEPREFIX=/opt/bytecode /opt/v/bin/python -m compileall -q /mnt/device /mnt/tests/lab /mnt/tests/gates.py
  ' bash "$root" "$here"
}

boot_machine() { # boot_machine NAME: the host's half is tests.lab.NAME, the guest's half tests.lab.NAME_guest
  [ "$(id -u)" = 0 ] || { echo "$1: left out: it needs root to make a root file system"; exit 77; }
  [ "$(dpkg --print-architecture)" = amd64 ] || { echo "$1: left out: its machine is an amd64, made from this machine's archive"; exit 77; }
  lab=${QRGATE_LAB:-$HOME/.cache/qrgate-lab} root=$lab/machine log=$lab/machine.log
  mkdir -p "$lab"
  exec 9>"$lab/machine.lock"
  flock 9 # two at once would build into one folder
  tool qemu-system-x86_64 qemu-system-x86
  build_machine
  bytecode
  cd "$here"
  exec env PYTHONDONTWRITEBYTECODE=1 python3 -m "tests.lab.$1" "$root"
}
