#!/bin/sh
# Installs a wheel into a bare Debian as its user would, encodes a clip there, plays a step of the
# environment, and says what each took. As root.
#   smoke_install.sh ROOT WHEEL av|system
#     av      Python's packages alone: muzero-rc[av]
#     system  libvpx and ffmpeg by apt; ffmpeg encodes with the plugin as well
set -eu

usage="usage: smoke_install.sh ROOT WHEEL av|system"
root=${1:?$usage} wheel=${2:?$usage} way=${3:?$usage}
here=$(dirname "$0")
name=$(basename "$wheel")

mkdir -p "$root/smoke"
cp "$wheel" "$root/smoke/$name"
cp "$here/smoke_install_inside.sh" "$root/smoke/inside.sh"
status=0
"$here/bare_debian.sh" run "$root" sh /smoke/inside.sh "/smoke/$name" "$way" || status=$?
rm -rf "$root/smoke"
[ "$status" = 0 ] || echo "smoke_install: $way in $root: failed" >&2
exit "$status"
