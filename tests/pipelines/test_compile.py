"""The compiled pipeline: what every engine runs."""

from __future__ import annotations

from pathlib import Path

import yaml

from contracts.loop import LoopSpec
from feature_store.contract import load
from pipelines.compile import COMPILED, LOOPS, compile_training, is_fresh

STEPS = ["ingest", "validate", "features", "plan", "train", "select", "evaluate", "refit", "register", "rollout"]


def test_the_compiled_file_is_fresh(tmp_path: Path) -> None:
    """The file in the repository is what the wiring gives; a changed one is noticed."""
    assert is_fresh()
    compile_training(tmp_path / "training.yaml")
    with (tmp_path / "training.yaml").open("a") as file:
        file.write("\n# changed\n")
    assert not is_fresh(tmp_path / "training.yaml")


def test_every_step_is_in_it() -> None:
    """Each step once, none that installs packages when it runs, all in one image, none cached."""
    compiled = yaml.safe_load(COMPILED.read_text())
    executors = compiled["deploymentSpec"]["executors"]
    assert sorted(executors) == sorted(f"exec-{step}" for step in STEPS)
    assert len({executor["container"]["image"] for executor in executors.values()}) == 1
    assert not any("pip install" in str(executor) for executor in executors.values())
    assert "enableCache: true" not in COMPILED.read_text()


def test_every_loop_has_its_data_contract() -> None:
    """Each TOML is a valid specification and has its folder in feature_store."""
    for path in LOOPS.glob("*.toml"):
        spec = LoopSpec.load(path)
        assert load(spec.name).columns
