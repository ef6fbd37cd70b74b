"""The page in a browser, wide and narrow: nothing but tables scrolls sideways."""

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from support.report_samples import report_data

from muzero_rc.report.page import render

BROWSERS = ("chromium", "chromium-headless-shell", "google-chrome", "chromium-browser")
BROWSER = next((path for name in BROWSERS if (path := shutil.which(name))), None)
LONG = "a-clip-that-somebody-gave-a-name-which-is-much-longer-than-a-telephone-is-wide"
SCRIPT = """<script>
for (const section of document.querySelectorAll("details")) section.open = true;
setTimeout(() => document.body.append(
  "measured " + document.documentElement.scrollWidth + " of " + innerWidth + "!"), 200);
</script></body>"""


@pytest.mark.slow
@pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")
@pytest.mark.parametrize("width", [390, 1280])
def test_the_body_does_not_scroll_sideways(tmp_path: Path, width: int) -> None:
    data = report_data()
    clips = [replace(clip, name=LONG) if clip.name == "plain" else clip for clip in data.clips]
    encodes = [replace(e, clip=LONG) if e.clip == "plain" else e for e in data.encodes]
    page = tmp_path / "report.html"
    page.write_text(render(replace(data, clips=clips, encodes=encodes)).replace("</body>", SCRIPT))
    options = ("--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=2000", "--dump-dom")
    place = (f"--user-data-dir={tmp_path / 'profile'}", f"--window-size={width},900", page.as_uri())
    ran = subprocess.run(
        [str(BROWSER), *options, *place], capture_output=True, text=True, timeout=120, check=True
    )
    measured, _, wide = ran.stdout.rpartition("measured ")[2].partition("!")[0].partition(" of ")
    assert int(measured) <= int(wide) == width
