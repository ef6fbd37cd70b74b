#!/bin/sh
# Fetches the releases of libvpx that tests/libvpx runs against, into FOLDER/VERSION/libvpx.so, with
# headers where there are any. Debian's come through the mirror that apt is configured with, the
# others lie in PyAV's wheels. What is there already is not fetched again; what cannot be had is
# said, and its tests are skipped. fetch_libvpx.sh FOLDER [PYTHON]
set -u

folder=${1:?usage: fetch_libvpx.sh FOLDER [PYTHON]}
python=${2:-python3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

say() { echo "fetch_libvpx: $*" >&2; }
have() { [ -e "$folder/$1/libvpx.so" ]; }

# keep VERSION LIBRARY [HEADERS]: under its name, if it is what it should be
keep() {
  said=$("$python" -c 'import ctypes, sys
call = ctypes.CDLL(sys.argv[1]).vpx_codec_version_str
call.restype = ctypes.c_char_p
print(call().decode().lstrip("v"))' "$2" 2>/dev/null)
  if [ "$said" != "$1" ]; then
    say "libvpx $1: not to be had any more (found ${said:-no libvpx})"
    return
  fi
  mkdir -p "$folder/$1"
  [ -z "${3:-}" ] || cp -r "$3" "$folder/$1/include"
  cp -L "$2" "$folder/$1/.libvpx.so" && mv "$folder/$1/.libvpx.so" "$folder/$1/libvpx.so"
  echo "libvpx $1: fetched"
}

# from_wheel VERSION AV: out of PyAV's wheel of version AV
from_wheel() {
  have "$1" && return
  mkdir -p "$work/av-$2"
  if ! "$python" -m pip -q --disable-pip-version-check download --no-deps --only-binary :all: \
    -d "$work/av-$2" "av==$2" >"$work/log" 2>&1; then
    say "libvpx $1: pip cannot fetch av==$2: $(tail -n 1 "$work/log")"
    return
  fi
  "$python" -m zipfile -e "$work/av-$2"/av-*.whl "$work/av-$2"
  keep "$1" "$(echo "$work/av-$2"/av.libs/libvpx-*.so*)"
}

apt_prepare() {
  mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
  mirror=$(sed -n 's/^URIs: *//p' /etc/apt/sources.list.d/debian.sources 2>/dev/null | head -n 1)
  [ -n "$mirror" ] || mirror=$(sed -n 's/^deb \(\[[^]]*\] \)\{0,1\}\([^ ]*\).*/\2/p' \
    /etc/apt/sources.list 2>/dev/null | head -n 1)
  if [ -z "$mirror" ] || ! command -v dpkg >/dev/null || [ ! -e "$keyring" ]; then
    say "Debian's libvpx: this is no Debian"
    return 1
  fi
  for suite in trixie forky; do
    echo "deb [signed-by=$keyring] $mirror $suite main"
  done >"$work/sources.list"
  cat >"$work/apt.conf" <<CONF
Dir::Etc::sourcelist "$work/sources.list";
Dir::Etc::sourceparts "/nonexistent";
Dir::State::lists "$work/lists";
Dir::Cache "$work/cache";
APT::Sandbox::User "";
CONF
  apt-get -qq -c "$work/apt.conf" update >"$work/log" 2>&1 && return
  say "Debian's libvpx: apt cannot read its lists: $(tail -n 1 "$work/log")"
  return 1
}

# from_debian VERSION PACKAGE SUITE: the package, and libvpx-dev's headers
from_debian() {
  have "$1" && return
  unpacked=$work/$3
  mkdir -p "$unpacked/packages"
  if ! (cd "$unpacked/packages" &&
    apt-get -qq -c "$work/apt.conf" download "$2/$3" "libvpx-dev/$3") >"$work/log" 2>&1; then
    say "libvpx $1: apt cannot fetch $2/$3: $(tail -n 1 "$work/log")"
    return
  fi
  for package in "$unpacked"/packages/*.deb; do dpkg -x "$package" "$unpacked"; done
  keep "$1" "$(find "$unpacked" -name "libvpx.so.${2#libvpx}" | head -n 1)" "$unpacked/usr/include"
}

mkdir -p "$folder"
from_wheel 1.14.0 13.1.0
from_wheel 1.15.2 16.1.0
from_wheel 1.16.0 18.1.0
if ! have 1.15.0 || ! have 1.17.0; then
  if apt_prepare; then
    from_debian 1.15.0 libvpx9 trixie
    from_debian 1.17.0 libvpx12 forky
  fi
fi
exit 0
