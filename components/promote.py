"""promote: the step from one environment into the next, with all that it needs; `promotion` has its order."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from components import approval as approvals
from components import rollout
from components.canary import Model
from components.cluster import custom_objects
from components.inference_service import InferenceService
from components.promotion import Promotion, Way
from components.registry import Registry, Version
from components.rollout_story import Story
from components.smoke import Smoke, smoke
from components.standard_service import in_mode
from components.steering import Clock
from components.tracking import Tracking
from contracts.environment import Environment
from contracts.errors import IntegrityError
from contracts.loop import LoopSpec
from contracts.objects import ObjectStore
from contracts.pointer import ModelPointer
from contracts.settings import Settings


def try_out(settings: Settings, version: Version, environment: Environment, now: datetime) -> Smoke:
    """The smoke test of a version in an environment."""
    place = environment.laid_over(settings)
    service = InferenceService(custom_objects(context=environment.context), place.namespace, version.loop)
    service = in_mode(service, place.deployment_mode)
    return smoke(environment.name, version, service, ObjectStore(settings), environment.gateway, now)


def approve(settings: Settings, reference: str, environment: Environment, by: str, reason: str) -> approvals.Approval:
    """The step: evidence and digests, a smoke test where the version serves, then the record."""
    registry = Registry(Tracking(settings.mlflow_tracking_uri))
    version = registry.resolve(reference)
    approvals.evidence(registry, version)
    tested = try_out(settings, version, environment, Clock().now())
    return approvals.approve(registry, version, by, reason, tested)


def run(
    settings: Settings,
    spec: LoopSpec,
    reference: str,
    way: tuple[Environment, Environment],
    mode: str,
    page: Path,
) -> Promotion:
    """The step: approval, smoke test in the environment before, pointer, canary in this one, record."""
    rollout.percents_of(spec, mode)  # a mistake to tell before any work
    registry, clock = Registry(Tracking(settings.mlflow_tracking_uri)), Clock()
    version, (source, target) = registry.resolve(reference), way
    place = target.laid_over(settings)

    def roll_out() -> Story:
        _copy_pointer(settings, source, target, version)
        return rollout.run(place, spec, version.number, mode, page, target)

    verify(settings, version)
    made = Way(
        registry, version, source, target, lambda: try_out(settings, version, source, clock.now()), roll_out, clock.now
    )
    return made.go()


def verify(settings: Settings, version: Version) -> None:
    """IntegrityError unless the version's files are those that were registered."""
    with TemporaryDirectory() as temporary:
        Model.fetch(version, ObjectStore(settings), Path(temporary))


def _copy_pointer(settings: Settings, source: Environment, target: Environment, version: Version) -> None:
    """Tell the target's services where the version is. IntegrityError if the source says something else of it."""
    store, place = ObjectStore(settings), target.laid_over(settings)
    store.ensure_bucket(place.data_bucket)
    pointer = ModelPointer.read(store, source.laid_over(settings).data_bucket, version.loop, version.number)
    if (pointer.card_sha256, pointer.model_sha256) != (version.card_sha256, version.model_sha256):
        raise IntegrityError(
            f"The pointer to {version.loop}/{version.number} in {source.name} has other digests than the registry.",
            "Train and register the version again.",
        )
    pointer.write(store, place.data_bucket)
