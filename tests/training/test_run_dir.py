"""Run folders: what may be resumed."""

import pytest

from muzero_rc.config.schema import Config
from muzero_rc.errors import RunError
from muzero_rc.training.run_dir import open_run


def test_a_run_of_another_feature_table_is_not_resumed(tmp_path):
    open_run(tmp_path / "run", Config(), {"feature_version": 3}, resume=False).close()
    open_run(tmp_path / "run", Config(), {"feature_version": 3}, resume=True).close()
    with pytest.raises(RunError, match="feature table 3, this build has 4"):
        open_run(tmp_path / "run", Config(), {"feature_version": 4}, resume=True)
