#!/bin/bash
# tests/lab/camera.sh: the reader on the real picamera2 and libcamera, whose virtual camera shows our pictures (tests/lab/camera.py).
# Once, about 45 s: a Debian 13 root file system of 0.6 GB in ${QRGATE_LAB:-~/.cache/qrgate-lab}/camera; it is made anew when what
# belongs into it has changed. Then on the host's kernel, in namespaces of its own: no mount and no process is left behind.
# shellcheck disable=SC2016,SC2317 # mmdebstrap and the inner shell expand what stands in single quotes; `step` calls what it is given
set -euo pipefail
here=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source-path=SCRIPTDIR
. "$here/tests/lab/debian.bash"
lab=${QRGATE_LAB:-$HOME/.cache/qrgate-lab}
root=$lab/camera
log=$lab/camera.log
LIMIT_S=120 # for all checks together, which take about 40 s

packages=python3,python3-pip,python3-numpy,python3-prctl,libzbar0t64,python3-libcamera,libcamera-ipa
# What picamera2 imports as it is loaded, but for what needs a compiler (see virtual_camera.py); numpy and prctl are Debian's, as on a Pi.
pins='picamera2==0.3.38 piexif==1.1.3 simplejpeg==1.9.0 videodev2==0.0.4'
# What the gate runs, in the locked versions, and what makes the pictures.
locked='av cbor2 cffi colorzero cryptography gpiozero paho-mqtt pillow pycparser pyserial pyzbar segno zxing-cpp'
backports='Package: src:libcamera
Pin: release n=trixie-backports
Pin-Priority: 600'

[ "$(id -u)" = 0 ] || { echo "camera: left out: it needs root to make a root file system and to enter it"; exit 77; }

debian() {
  PIN=$backports mmdebstrap --variant=essential --include="$packages" "${lean[@]}" \
    --setup-hook='mkdir -p "$1/etc/apt/preferences.d"; echo "$PIN" > "$1/etc/apt/preferences.d/libcamera"' \
    trixie "$root.new" "deb $mirror trixie main" "deb $mirror trixie-backports main"
  local version
  version=$(chroot "$root.new" dpkg-query -W -f '${Version}' python3-libcamera)
  # Before 0.7.1 the virtual camera leaves the status of its frames unset, and picamera2 drops them all.
  dpkg --compare-versions "$version" ge 0.7.1 || { echo "libcamera $version is too old; this needs 0.7.1 from trixie-backports"; return 1; }
}

build() {
  local recipe
  recipe=$(printf '%s\n' "$packages" "$pins" "$backports"; lock_of "$locked")
  if [ "$(cat "$root/recipe" 2>/dev/null)" = "$recipe" ]; then return; fi
  rm -rf --one-file-system "$root.new"
  tool mmdebstrap mmdebstrap
  step "a Debian 13 with libcamera from its backports" debian
  # shellcheck disable=SC2086 # several pins
  step "picamera2 and what the reader needs" python_packages "$root.new" "$locked" $pins
  echo "$recipe" >"$root.new/recipe"
  rm -rf --one-file-system "$root"
  mv "$root.new" "$root"
}

mkdir -p "$lab"
exec 9>"$lab/camera.lock"
flock 9 # two at once would build into one folder
build
# The root file system and the checkout are read-only in there; /run and the folder of the camera's configuration are memory.
exec unshare --mount --pid --fork --kill-child --propagation private bash -euc '
  root=$1 here=$2 limit_s=$3
  mount --bind "$root" "$root"; mount -o remount,ro,bind "$root"
  mount -t proc proc "$root/proc"; mount --rbind /sys "$root/sys"; mount --rbind /dev "$root/dev"
  mount -t tmpfs tmpfs "$root/tmp"; mount -t tmpfs tmpfs "$root/run"; mount -t tmpfs tmpfs "$root/dev/shm"
  mount -t tmpfs tmpfs "$root/usr/share/libcamera/pipeline/virtual"
  mount --bind "$here" "$root/mnt"; mount -o remount,ro,bind "$root/mnt"
  exec chroot "$root" env -i HOME=/run PATH=/usr/bin:/bin LANG=C.UTF-8 PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PYTHONPATH=/mnt \
    timeout -k 10 "$limit_s" /opt/v/bin/python -m tests.lab.camera' bash "$root" "$here" "$LIMIT_S" </dev/null
