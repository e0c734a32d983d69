"""`driftloop platform`, as it is typed."""

from __future__ import annotations

import subprocess
import sys

import pytest

CASES = [
    (["install", "--choose", "s3=tape"], 2, "s3=tape cannot be chosen"),
    (["install"], 4, "No cluster is named"),
    (["uninstall"], 4, "No cluster is named"),
    (["status"], 4, "failed"),
]


@pytest.mark.parametrize(("words", "code", "told"), CASES)
def test_a_users_mistake_is_a_sentence(words: list[str], code: int, told: str) -> None:
    """And an exit code; never a traceback."""
    command = [sys.executable, "-m", "scripts.cli", "platform", *words]
    done = subprocess.run(command, env={"KUBECONFIG": "/nonexistent"}, capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert told in done.stderr
    assert "Traceback" not in done.stderr
