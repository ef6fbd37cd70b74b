"""make demo's words: it says so where the learned policy is behind."""

from typing import Any

import pytest

from muzero_rc.cli.demo import why_behind


def encoded(policy: str, kbps: float, psnr_y_db: float) -> dict[str, Any]:
    return {"policy": policy, "kbps": kbps, "psnr_y_db": psnr_y_db}


@pytest.mark.parametrize(
    ("kbps", "psnr_y_db", "behind"),
    [(297.3, 43.09, "0.05 dB"), (300.0, 43.2, ""), (280.0, 43.0, ""), (320.0, 43.2, "0.29 dB")],
)
def test_behind_is_at_equal_rate(kbps: float, psnr_y_db: float, behind: str) -> None:
    said = why_behind(encoded("shapes", kbps, psnr_y_db), encoded("controller", 297.1, 43.14))
    assert bool(said) == bool(behind) and behind in said
    assert not said or "--candidates" in said


def test_the_controller_is_not_behind_itself() -> None:
    assert why_behind(encoded("controller", 297.1, 43.14), encoded("controller", 297.1, 43.14)) == ""
