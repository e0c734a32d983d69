"""The order of installation."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.errors import ConfigError
from scripts.platform import plan
from scripts.platform.plan import Plan, Step

TWO = Plan(
    {"s3": ["minio", "seaweedfs"]}, [Step("a"), Step("b", when={"s3": "minio"}), Step("c", when={"s3": "seaweedfs"})]
)


def test_the_first_of_each_choice_is_taken() -> None:
    """What nobody chose is the default; a wish replaces it."""
    assert [step.folder for step in TWO.chosen({})] == ["a", "b"]
    assert [step.folder for step in TWO.chosen({"s3": "seaweedfs"})] == ["a", "c"]


@pytest.mark.parametrize("wish", [{"s3": "tape"}, {"gpu": "yes"}])
def test_what_cannot_be_chosen_is_told(wish: dict[str, str]) -> None:
    """With what there is."""
    with pytest.raises(ConfigError, match=r"minio\|seaweedfs"):
        TWO.chosen(wish)


def test_a_wish_is_a_pair() -> None:
    """Of name and value."""
    assert plan.wishes(["s3=minio", "broker=kafka"]) == {"s3": "minio", "broker": "kafka"}
    with pytest.raises(ConfigError, match="s3=seaweedfs"):
        plan.wishes(["minio"])


def test_two_steps_own_fields_of_their_own() -> None:
    """The owner's name is that of the folder."""
    assert Step("kserve/core").manager == "driftloop-kserve-core"


def test_a_file_that_is_no_plan_is_told(tmp_path: Path) -> None:
    """Not there, not TOML, or with a key that nobody knows."""
    path = tmp_path / "install.toml"
    for text in (None, "[", "[choices]\n[[step]]\nfolder = 'a'\nfast = true\n"):
        if text is not None:
            path.write_text(text)
        with pytest.raises(ConfigError, match=r"install\.toml"):
            plan.read(path)


def test_the_default_is_durable_and_needs_no_helm() -> None:
    """Kafka under the Broker, MinIO, and nothing that has to be installed beside kubectl."""
    chosen = plan.read().chosen({})
    folders = [step.folder for step in chosen]
    assert {"broker/kafka", "broker/knative-kafka", "object-store/minio"} <= set(folders)
    assert not {"broker/in-memory", "object-store/seaweedfs", "monitoring"} & set(folders)
    assert not any(step.helm for step in chosen)


BEFORE = [
    ("namespaces", "cert-manager"),
    ("cert-manager", "kserve/core"),
    ("knative-serving/crds", "knative-serving/core"),
    ("knative-serving/core", "kourier"),
    ("kourier", "kserve/core"),
    ("knative-eventing/crds", "knative-eventing/core"),
    ("knative-eventing/core", "broker/knative-kafka"),
    ("broker/kafka", "broker/knative-kafka"),
    ("kserve/crds", "kserve/core"),
    ("object-store/minio", "mlflow"),
    ("kubeflow-pipelines/cluster", "kubeflow-pipelines/core"),
]


@pytest.mark.parametrize(("first", "then"), BEFORE)
def test_what_is_needed_comes_first(first: str, then: str) -> None:
    """Kinds before objects of them, servers before those who ask them."""
    folders = [step.folder for step in plan.read().steps]
    assert folders.index(first) < folders.index(then)


def test_keys_are_made_before_anything_asks_for_them() -> None:
    """After the first step, which makes their namespaces."""
    assert [step.secrets for step in plan.read().steps].index(True) == 0
