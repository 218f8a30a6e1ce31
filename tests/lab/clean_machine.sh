#!/bin/bash
# tests/lab/clean_machine.sh [bookworm|trixie...]: a stranger's day, for Debian 12 and 13. A minimal root file system (git, make,
# ca-certificates and nothing else), a clone of this checkout, then `make demo` and `make test` as root with nothing done by hand.
# What git knows or would add is cloned, committed or not. Needs root and mmdebstrap; the archive and pip settings are this machine's.
# shellcheck disable=SC2016,SC2317 # apt and the inner shell expand what stands in single quotes; `attempt` calls what it is given
set -euo pipefail
here=$(cd "$(dirname "$0")/../.." && pwd)
[ "$(id -u)" = 0 ] || { echo "clean_machine: needs root" >&2; exit 77; }
for tool in mmdebstrap git unshare; do
  command -v "$tool" >/dev/null || { echo "clean_machine: no $tool here: apt-get install mmdebstrap git util-linux"; exit 77; }
done
releases=("$@")
[ $# -gt 0 ] || releases=(bookworm trixie)
# The Debian archive that this machine itself uses.
mirror=${MIRROR:-$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | grep -m1 -v security)}
work=$(mktemp -d "${TMPDIR:-/var/tmp}/qrgate-clean.XXXXXX")
trap 'rm -rf --one-file-system "$work"' EXIT

# A checkout as a stranger would get it: the files of this one, and no trace of what was built here.
snapshot() {
  local clone=$1
  mkdir -p "$clone"
  git -C "$here" ls-files -z --cached --others --exclude-standard |
    (cd "$here" && while IFS= read -r -d '' file; do [ ! -e "$file" ] || printf '%s\0' "$file"; done) |
    tar -C "$here" --null --files-from=- -cf - | tar -C "$clone" -xf -
  git -C "$clone" init -q
  git -C "$clone" add -A
  git -C "$clone" -c user.name=lab -c user.email=lab@example.invalid commit -q -m 'lab: What is to be tried'
}

# How this machine reaches its archives (a proxy, a mirror, an authority of its own) is no part of the project: it is handed on unread.
hand_on_settings() {
  local root=$1 file folder
  for file in /etc/pip.conf /etc/xdg/pip /etc/apt/apt.conf.d/*proxy* /etc/ssl/certs/ca-certificates.crt; do
    [ ! -e "$file" ] || cp -rL --parents --remove-destination "$file" "$root"
  done
  # Folders of packages that pip.conf or the environment name.
  for folder in ${PIP_FIND_LINKS:-}; do [ ! -d "$folder" ] || mkdir -p "$root$folder"; done
}

# In namespaces of its own: whatever make starts ends with it, and no mount is left behind.
inside() {
  local root=$1
  shift
  local settings=() name
  for name in $(compgen -e | grep -E '^(PIP_|SSL_CERT|REQUESTS_CA|CURL_CA|https?_proxy|HTTPS?_PROXY|no_proxy|NO_PROXY)'); do
    settings+=("$name=${!name}")
  done
  unshare --mount --pid --fork --kill-child --propagation slave sh -euc '
    root=$1; shift
    mount -t proc proc "$root/proc"; mount --rbind /sys "$root/sys"; mount --rbind /dev "$root/dev"
    mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"; mount -t tmpfs -o mode=755 tmpfs "$root/run"
    exec chroot "$root" "$@"' sh "$root" \
    env -i HOME=/root LANG=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin CI="${CI:-}" "${settings[@]}" \
    timeout -k 10 "${T:-900}" "$@" </dev/null
}

failed=0
LAST=1
attempt() { # attempt WHAT COMMAND...: a verdict, and the last $LAST lines the command said, or many if it failed
  local what=$1 begin=$SECONDS log=$work/log
  shift
  if "$@" >"$log" 2>&1; then
    tail -n "$LAST" "$log" | sed 's/^/       /'
    echo "ok     $what ($((SECONDS - begin)) s)"
  else
    tail -n 80 "$log"
    echo "FAILED $what ($((SECONDS - begin)) s)"
    failed=1
    return 1
  fi
}

for release in "${releases[@]}"; do
  LAST=0
  root=$work/$release
  attempt "$release: a minimal machine" \
    mmdebstrap --quiet --variant=minbase --include=git,make,ca-certificates \
    --aptopt='Acquire::Languages "none"' --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
    "$release" "$root" "$mirror" || continue
  hand_on_settings "$root"
  cp --remove-destination /etc/resolv.conf /etc/hosts "$root/etc/"
  snapshot "$root/srv/origin"
  attempt "$release: git clone" inside "$root" git -c safe.directory='*' clone -q /srv/origin /srv/qrgate || continue
  attempt "$release: make lists its targets" inside "$root" make --no-print-directory -C /srv/qrgate || true
  LAST=25
  attempt "$release: make demo" inside "$root" make --no-print-directory -C /srv/qrgate demo || true
  attempt "$release: make demo again, all installed" inside "$root" make --no-print-directory -C /srv/qrgate demo || true
  LAST=1
  attempt "$release: make test" inside "$root" make --no-print-directory -C /srv/qrgate test || true
  echo "       $release: $(du -sm --one-file-system "$root" | cut -f1) MiB, $(du -sm "$root/srv/qrgate/.venv" | cut -f1) MiB of it .venv"
  rm -rf --one-file-system "$root"
done
exit "$failed"
