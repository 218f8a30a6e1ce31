# tests/lab/debian.bash: how the lab's scripts make a Debian of their own. They source it; it runs nothing by itself.
# shellcheck shell=bash disable=SC2016,SC2034,SC2154 # inner shells expand what stands in single quotes; $here and $log are the caller's

# The Debian archive that this machine itself uses.
mirror=${MIRROR:-$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | grep -m1 -v security)}

lean=(--aptopt='Acquire::Languages "none"' --dpkgopt=force-unsafe-io --dpkgopt='path-exclude=/usr/share/man/*'
  --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*')

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

lock_of() { # the locked requirements of the packages $1, with their hashes
  awk -v wanted="$1" 'BEGIN { split(wanted, names, " "); for (n in names) keep[names[n]] }
    /^[a-z]/ { split($0, name, "=="); on = name[1] in keep } on' "$here/requirements.lock"
}

python_packages() { # python_packages ROOT LOCKED ARGUMENT...: into ROOT/opt/v, first what is locked, then what pip is told
  lock_of "$2" >"$1/opt/locked"
  # How this machine reaches its registry is no part of the project: its settings are lent for this one step, unread.
  unshare --mount --propagation private bash -euc '
    root=$1; shift
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
    "${pip[@]}" "$@"
    chroot "$root" /opt/v/bin/python -m compileall -q /opt/v/lib' bash "$1" "${@:3}"
}
