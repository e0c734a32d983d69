"""The compiled pipeline: what every engine runs."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from contracts.loop import LoopSpec
from feature_store.contract import load
from pipelines.compile import COMPILED, LOOPS, SCHEDULED, compile_training, is_fresh, write_manifest

STEPS = ["ingest", "validate", "features", "plan", "train", "select", "evaluate", "refit", "register", "rollout"]


def test_the_compiled_file_is_fresh(tmp_path: Path) -> None:
    """The file in the repository is what the wiring gives; a changed one is noticed."""
    assert is_fresh()
    assert is_fresh(SCHEDULED)
    compile_training(tmp_path / "training.yaml")
    with (tmp_path / "training.yaml").open("a") as file:
        file.write("\n# changed\n")
    assert not is_fresh(tmp_path / "training.yaml")


@pytest.mark.parametrize(
    ("path", "steps"), [(COMPILED, STEPS), (SCHEDULED, ["days", *STEPS])], ids=["training", "clock"]
)
def test_every_step_is_in_it(path: Path, steps: list[str]) -> None:
    """Each step once, none that installs packages when it runs, all in one image; all that it needs of a cluster."""
    compiled, platform = yaml.safe_load_all(path.read_text())
    executors = compiled["deploymentSpec"]["executors"]
    assert sorted(executors) == sorted(f"exec-{step}" for step in steps)
    assert len({executor["container"]["image"] for executor in executors.values()}) == 1
    assert not any("pip install" in str(executor) for executor in executors.values())
    assert platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"].keys() == executors.keys()


def test_a_version_is_another_object_for_another_pipeline(tmp_path: Path) -> None:
    """Pipeline and PipelineVersion, named after what is in it: the same file gives the same name."""
    version = write_manifest(tmp_path / "a.yaml", "kubeflow")
    pipeline, found = yaml.safe_load_all((tmp_path / "a.yaml").read_text())
    assert (pipeline["kind"], pipeline["metadata"]) == ("Pipeline", {"name": "training", "namespace": "kubeflow"})
    assert (found["kind"], found["metadata"]) == ("PipelineVersion", {"name": version, "namespace": "kubeflow"})
    assert found["apiVersion"] == pipeline["apiVersion"] == "pipelines.kubeflow.org/v2beta1"
    assert found["spec"].keys() == {"description", "displayName", "pipelineName", "pipelineSpec", "platformSpec"}
    assert found["spec"]["pipelineName"] == "training"
    compiled, platform = yaml.safe_load_all(COMPILED.read_text())
    assert (found["spec"]["pipelineSpec"], found["spec"]["platformSpec"]) == (compiled, platform)
    assert write_manifest(tmp_path / "b.yaml", "kubeflow") == version


def test_every_loop_has_its_data_contract() -> None:
    """Each TOML is a valid specification and has its folder in feature_store."""
    for path in LOOPS.glob("*.toml"):
        spec = LoopSpec.load(path)
        assert load(spec.name).columns
