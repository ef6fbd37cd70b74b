#!/bin/sh
# What `cmake --install` gives to programs of one's own: SONAME, symbol versions, pkg-config, the
# example by its documented line, and nothing left after uninstall. BUILD, CMAKE.
set -eu
build=$1 cmake=$2
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
"$cmake" --install "$build" --prefix "$root/usr" >/dev/null
pc=$(dirname "$(find "$root" -name muzero_rc.pc)")
lib=$(dirname "$pc")
readelf -d "$lib/libmuzero_rc.so" | grep -q 'SONAME.*libmuzero_rc\.so\.0'
readelf --dyn-syms -W "$lib/libmuzero_rc.so" | grep -q 'muzero_rc_policy_open@@MUZERO_RC_0'
foreign=$(nm -D --defined-only "$lib/libmuzero_rc.so" | grep -v -e ' muzero_rc_' -e ' MUZERO_RC_0' || true)
test -z "$foreign" || { echo "exported too: $foreign"; exit 1; }
export PKG_CONFIG_PATH="$pc${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}"
cd "$(dirname "$(find "$root" -name encode_y4m.c)")"
cc encode_y4m.c $(pkg-config --cflags --libs muzero_rc vpx) -o "$root/encode_y4m"
LD_LIBRARY_PATH="$lib" ldd "$root/encode_y4m" | grep -q "libmuzero_rc\.so\.0 => $lib"
printf 'YUV4MPEG2 W16 H16 F25:1 Ip A1:1 C420\n' >"$root/in.y4m"
for frame in 1 2 3; do
  printf 'FRAME\n' >>"$root/in.y4m"
  head -c 384 /dev/zero >>"$root/in.y4m"
done
LD_LIBRARY_PATH="$lib" "$root/encode_y4m" "$root/in.y4m" "$root/out.ivf" 50 controller 5 6
test -s "$root/out.ivf"
cd /
"$cmake" --build "$build" --target uninstall >/dev/null
left=$(find "$root/usr" ! -type d)
test -z "$left" || { echo "left after uninstall: $left"; exit 1; }
