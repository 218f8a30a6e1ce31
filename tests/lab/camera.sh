#!/bin/bash
# tests/lab/camera.sh: the reader on the real picamera2 and libcamera, whose virtual camera shows our pictures (tests/lab/camera.py).
# Once, about 45 s: a Debian 13 root file system of 0.6 GB in ${QRGATE_LAB:-~/.cache/qrgate-lab}/camera; it is made anew when what
# belongs into it has changed. Then on the host's kernel, in namespaces of its own: no mount and no process is left behind.
# shellcheck disable=SC2016,SC2317 # apt and the inner shells expand what stands in single quotes; `step` calls what it is given
set -euo pipefail
here=$(cd "$(dirname "$0")/../.." && pwd)
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

step() { # step WHAT COMMAND...: run it, and show what it said only if it failed
  local begin=$SECONDS
  echo "       $1 …"
  if "${@:2}" >"$log" 2>&1; then echo "ok     $1 ($((SECONDS - begin)) s)"; else
    tail -n 40 "$log"
    echo "FAILED $1 ($((SECONDS - begin)) s); all of it: $log"
    exit 1
  fi
}

lock_of() { # the locked requirements of the packages $1, with their hashes
  awk -v wanted="$1" 'BEGIN { split(wanted, names, " "); for (n in names) keep[names[n]] }
    /^[a-z]/ { split($0, name, "=="); on = name[1] in keep } on' "$here/requirements.lock"
}

debian() {
  # The archive that this machine itself uses.
  local mirror=${MIRROR:-$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | grep -m1 -v security)}
  PIN=$backports mmdebstrap --variant=essential --include="$packages" --aptopt='Acquire::Languages "none"' \
    --dpkgopt=force-unsafe-io --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' \
    --setup-hook='mkdir -p "$1/etc/apt/preferences.d"; echo "$PIN" > "$1/etc/apt/preferences.d/libcamera"' \
    trixie "$root.new" "deb $mirror trixie main" "deb $mirror trixie-backports main"
  local version
  version=$(chroot "$root.new" dpkg-query -W -f '${Version}' python3-libcamera)
  # Before 0.7.1 the virtual camera leaves the status of its frames unset, and picamera2 drops them all.
  dpkg --compare-versions "$version" ge 0.7.1 || { echo "libcamera $version is too old; this needs 0.7.1 from trixie-backports"; return 1; }
}

python_packages() {
  lock_of "$locked" >"$root.new/opt/locked"
  # How this machine reaches its registry is no part of the project: its settings are lent for this one step, unread.
  unshare --mount --propagation private bash -euc '
    root=$1 pins=$2
    mount -t proc proc "$root/proc"; mount --rbind /dev "$root/dev"; mount -t tmpfs tmpfs "$root/tmp"
    settings=(/etc/pip.conf /etc/xdg/pip "$HOME/.pip" "$HOME/.config/pip")
    { printf "%s\n" /etc/resolv.conf /etc/hosts /etc/ssl/certs "${settings[@]}"
      for name in $(compgen -e | grep -E "^(PIP_|SSL_CERT|REQUESTS_CA|CURL_CA)"); do printf "%s\n" ${!name}; done
    } | grep "^/." | sort -u | while read -r path; do
      [ -e "$path" ] || continue
      if [ -d "$path" ]; then mkdir -p "$root$path"; else mkdir -p "$root${path%/*}"; [ -e "$root$path" ] || : >"$root$path"; fi
      mount --bind "$path" "$root$path"
    done
    pip=(chroot "$root" pip --python /opt/v/bin/python install --quiet --no-compile --no-deps)
    chroot "$root" python3 -m venv --system-site-packages --without-pip /opt/v
    "${pip[@]}" --require-hashes -r /opt/locked
    "${pip[@]}" $pins
    chroot "$root" /opt/v/bin/python -m compileall -q /opt/v/lib' bash "$root.new" "$pins"
}

build() {
  local recipe
  recipe=$(printf '%s\n' "$packages" "$pins" "$backports"; lock_of "$locked")
  if [ "$(cat "$root/recipe" 2>/dev/null)" = "$recipe" ]; then return; fi
  rm -rf --one-file-system "$root.new"
  command -v mmdebstrap >/dev/null ||
    step "mmdebstrap, which is missing here" eval 'apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends mmdebstrap'
  step "a Debian 13 with libcamera from its backports" debian
  step "picamera2 and what the reader needs" python_packages
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
