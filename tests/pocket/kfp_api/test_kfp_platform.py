"""What a compiled file says to a cluster has no effect here: no Secret, no limit, no long wait."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from contracts.errors import DataError, to_line
from tests.pocket.kfp_api.pipelines_api import Api, steps
from tests.pocket.kfp_api.tiny import compiled, demanding


def test_the_same_file_runs_here(api: Api, tmp_path: Path) -> None:
    """With the server's own environment; what fails, fails at once, with the words of its step."""
    path = compiled(demanding, tmp_path)
    good, bad = (_submit(api, path, how) for how in ("", to_line(DataError("No rows.", "Choose other days."))))
    run = api.client.wait_for_run_completion(good, 100, 1)
    assert (run.state, steps(run)) == ("SUCCEEDED", {"greet": "SUCCEEDED", "end": "SUCCEEDED"})
    run = api.client.wait_for_run_completion(bad, 100, 1)
    assert (run.state, run.error.message) == ("FAILED", "No rows.\nChoose other days.")


def _submit(api: Api, path: Path, how: str) -> Any:
    return api.client.create_run_from_pipeline_package(str(path), {"how": how}, run_name=f"demanding-{len(how)}").run_id
