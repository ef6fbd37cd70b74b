#!/bin/sh
# Makes a Debian with nothing but Python in a folder, or runs a command in one. As root, with
# debootstrap. What runs there sees this machine's network, package mirror and pip settings, and its
# mounts go with it.
#   bare_debian.sh make ROOT SUITE
#   bare_debian.sh run ROOT COMMAND...
set -eu

usage="usage: bare_debian.sh make ROOT SUITE | run ROOT COMMAND..."
verb=${1:?$usage} root=${2:?$usage}
shift 2

say() { echo "bare_debian: $*" >&2; }

if [ "$(id -u)" != 0 ] || ! command -v debootstrap >/dev/null; then
  say "root and debootstrap are needed: apt install debootstrap"
  exit 2
fi

mirror() {
  found=$(sed -n 's/^URIs: *//p' /etc/apt/sources.list.d/debian.sources 2>/dev/null | head -n 1)
  [ -n "$found" ] || found=$(sed -n 's/^deb \(\[[^]]*\] \)\{0,1\}\([^ ]*\).*/\2/p' \
    /etc/apt/sources.list 2>/dev/null | head -n 1)
  echo "$found"
}

case $verb in
make)
  suite=${1:?$usage}
  [ ! -e "$root/.ready" ] || exit 0
  rm -rf "$root"
  script=/usr/share/debootstrap/scripts/sid # newer suites than debootstrap are made alike
  [ ! -e "/usr/share/debootstrap/scripts/$suite" ] || script=/usr/share/debootstrap/scripts/$suite
  debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates \
    "$suite" "$root" "$(mirror)" "$script" >"$root.log" 2>&1 || { tail -n 3 "$root.log" >&2; exit 1; }
  for settings in /etc/apt/apt.conf.d/*proxy*; do
    [ ! -f "$settings" ] || install -D -m 644 "$settings" "$root$settings"
  done
  for settings in /etc/pip.conf /etc/xdg/pip/pip.conf; do # constraints are a file of this machine
    [ ! -f "$settings" ] || sed '/^ *constraint *=/d' "$settings" | install -D -m 644 /dev/stdin "$root$settings"
  done
  touch "$root/.ready"
  ;;
run)
  cp /etc/resolv.conf /etc/hosts "$root/etc/"
  cp -r /etc/ssl/certs "$root/etc/ssl/" 2>/dev/null || true
  # shellcheck disable=SC2016 # expanded by the inner shell
  exec unshare --mount sh -c '
    root=$1; shift
    mount --make-rprivate / 2>/dev/null || true
    mount -t proc proc "$root/proc"
    mount --rbind /dev "$root/dev"
    exec chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
      DEBIAN_FRONTEND=noninteractive PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore \
      PIP_DEFAULT_TIMEOUT=60 PIP_CERT=/etc/ssl/certs/ca-certificates.crt "$@"' sh "$root" "$@"
  ;;
*)
  say "$usage"
  exit 2
  ;;
esac
