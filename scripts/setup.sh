#!/bin/sh
# Installs the system packages that are missing. setup.sh build|demo|test
set -eu

missing=""
need() { # need PACKAGE COMMAND...: the package, unless the command succeeds
  package=$1
  shift
  "$@" >/dev/null 2>&1 || missing="$missing $package"
}

need gcc cc --version
need libc6-dev sh -c 'echo "#include <stdlib.h>" | cc -E -'
need pkg-config pkg-config --version
need libvpx-dev sh -c 'pkg-config --exists vpx || test -e /usr/include/vpx/vpx_encoder.h'
need python3-dev python3 -c 'import pathlib, sysconfig as s; (pathlib.Path(s.get_path("include")) / "Python.h").stat()'
need python3-venv python3 -c 'import ensurepip, venv'
[ "$1" = build ] || need ffmpeg ffmpeg -version
if [ "$1" = test ]; then
  need g++ c++ --version
  need vpx-tools command -v vpxenc
fi
[ -n "$missing" ] || exit 0

as_root=""
[ "$(id -u)" = 0 ] || as_root="sudo -n"
install() {
  # shellcheck disable=SC2086 # a list of packages
  DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends $missing
}

echo "setup: installing$missing"
log=$(mktemp)
if install >"$log" 2>&1 || { $as_root apt-get update -qq && install; } >"$log" 2>&1; then
  rm -f "$log"
  exit 0
fi
tail -n 3 "$log" >&2
rm -f "$log"
echo "setup: cannot install packages here; please run: sudo apt-get install$missing" >&2
exit 2
