#!/bin/sh
# What smoke_install.sh runs in the bare Debian: inside.sh WHEEL av|system
set -eu
wheel=$1 way=$2
cd /smoke

python3 -m venv venv
if [ "$way" = system ]; then
  { apt-get update -qq && apt-get install -y -qq --no-install-recommends ffmpeg; } >apt.log 2>&1 ||
    { tail -n 3 apt.log >&2; exit 1; }
fi
! command -v cc >/dev/null || { echo "a compiler is here: this Debian is not bare" >&2; exit 1; }
if [ "$way" = av ]; then
  ! command -v ffmpeg >/dev/null || apt-get purge -y -qq ffmpeg 'libvpx*' >apt.log 2>&1
  venv/bin/pip install -q "$wheel[av]"
else
  venv/bin/pip install -q "$wheel"
fi
PATH=/smoke/venv/bin:$PATH

cat >make_clip.py <<'PY'
import random, sys

random.seed(1)
width, height, frames = 96, 80, 30
texture = [bytes(random.randrange(60, 200) for _ in range(width + 2 * frames)) for _ in range(height)]
with open(sys.argv[1], "wb") as out:
    out.write(f"YUV4MPEG2 W{width} H{height} F25:1 Ip A1:1 C420jpeg\n".encode())
    for t in range(frames):
        luma = b"".join(row[2 * t : 2 * t + width] for row in texture)
        out.write(b"FRAME\n" + luma + bytes([128]) * (width * height // 2))
PY
cat >step.py <<'PY'
import gymnasium

env = gymnasium.make("encoder_bridge.env:Vp9RateControl-v0", clips=["in.y4m"], targets_kbps=[60])
env.reset(seed=1)
done, steps = False, 0
while not done:
    _, _, done, _, info = env.step(env.action_space.sample())
    steps += 1
print(f"environment: {steps} steps, {info['kbps']:.1f} kbps")
PY
python make_clip.py in.y4m
. /etc/os-release
echo "$PRETTY_NAME, $(python --version), $way, $(du -sm venv | cut -f1) MB"
rc-encode --version
rc-encode in.y4m -o out.webm --bitrate 60k --quiet
rc-encode out.webm -o again.mp4 --bitrate 50k --quiet --refill never
python step.py
if [ "$way" = system ]; then
  for pass in 1 2; do
    rc-plugin exec --strict -- ffmpeg -v error -y -i in.y4m -c:v libvpx-vp9 -b:v 60k -pass $pass plugin.webm
  done
fi
