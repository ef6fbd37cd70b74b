"""The fitted constants of rate control say which experiment they come from."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PARAMS = ROOT / "native" / "rate_control" / "controller_params.c"
FIELD = re.compile(r"^\s*\.(\w+) = [^,]+,(.*)$", re.MULTILINE)
FILED = {page.name[:4] for page in (ROOT / "docs" / "experiments").glob("[0-9]*.md")}


def test_every_constant_cites_an_experiment_or_says_that_none_is_recorded() -> None:
    fields = FIELD.findall(PARAMS.read_text(encoding="utf-8"))
    assert len(fields) > 30
    cited = {name: re.findall(r"\b\d{4}\b", comment) for name, comment in fields}
    silent = [name for name, comment in fields if not cited[name] and "not recorded" not in comment]
    unknown = {name: ids for name, ids in cited.items() if not FILED.issuperset(ids)}
    assert silent == []
    assert unknown == {}
