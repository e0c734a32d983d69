"""register: the challenger becomes a version of the loop's registered model, with its lineage."""

from __future__ import annotations

from pathlib import Path

from components.evaluate import Evaluation
from components.registry import Registry, Version
from components.tracking import TAG, Tracking
from components.train import Result
from contracts.model import CARD, CHALLENGER, ModelCard, sha256_of
from contracts.objects import ObjectStore
from contracts.pointer import ModelPointer
from contracts.settings import Settings


def register(
    registry: Registry,
    challenger: Path,
    evaluation: Evaluation,
    run_id: str,
    lineage: dict[str, str],
    params: dict[str, str],
) -> Version:
    """The version that holds this challenger, under the alias `challenger`: the one that is there, or a new one.

    Every file is verified first, so that what is registered is what was evaluated.
    """
    card = ModelCard.read(challenger)
    card.verify(challenger)
    card_sha256 = sha256_of(challenger / CARD)
    version = registry.with_card(card.loop, card_sha256)
    if version is None:
        tags = {
            **lineage,
            **{f"param.{name}": value for name, value in params.items()},
            **_judgement(evaluation),
            "kind": card.kind,
            "format": card.format,
            "model_sha256": card.model_sha256,
            "card_sha256": card_sha256,
        }
        version = registry.register(card.loop, challenger, run_id, tags)
    registry.alias(card.loop, CHALLENGER, version.number)
    return version


def _judgement(evaluation: Evaluation) -> dict[str, str]:
    return {
        "holdout_roc_auc": f"{evaluation.roc_auc:.6f}",
        "holdout_log_loss": f"{evaluation.log_loss:.6f}",
        "holdout_rows": str(evaluation.rows),
        "compared_with": evaluation.champion or "none",
        "verdict": " ".join(evaluation.reasons),
    }


def pointer_to(version: Version, evaluation: Evaluation) -> ModelPointer:
    """Where the version is, for services that do not know the registry."""
    return ModelPointer(
        loop=version.loop,
        version=version.number,
        model_uri=version.model_uri.rstrip("/"),
        card_sha256=version.card_sha256,
        model_sha256=version.model_sha256,
        holdout_roc_auc=float(version.tags.get("holdout_roc_auc", evaluation.roc_auc)),
    )


def run(settings: Settings, challenger: Path, evaluation: Path, best: str, run_id: str) -> Version:
    """The step: register what was accepted, say on S3 where it is, and close the MLflow run."""
    tracking = Tracking(settings.mlflow_tracking_uri)
    lineage = {name.removeprefix(TAG): value for name, value in tracking.tags(run_id).items()}
    params = {name: str(value) for name, value in Result.model_validate_json(best).trial.params.items()}
    judged = Evaluation.model_validate_json(evaluation.read_text())
    version = register(Registry(tracking), challenger, judged, run_id, lineage, params)
    pointer_to(version, judged).write(ObjectStore(settings), settings.data_bucket)
    tracking.tag(run_id, {f"{TAG}version": version.number, f"{TAG}model_sha256": version.model_sha256})
    tracking.end(run_id, "FINISHED")
    return version
