"""refit: the folder that is registered, as it was judged or fitted on the newest days too."""

from __future__ import annotations

from pathlib import Path

import pytest

from components import refit
from components.plan import Trial
from components.select import select
from components.tracking import TAG, Tracking
from components.train import Result
from contracts.errors import ConfigError
from contracts.loop import LoopSpec
from contracts.model import ModelCard
from contracts.settings import Settings
from contracts.window import Window
from feature_store.contract import DataContract

JUDGED, WHOLE = Window.parse("2013-01-01", "2013-01-20"), Window.parse("2013-01-01", "2013-02-01")
BEST = Result(
    trial=Trial(number=0, kind="xgboost", params={"n_estimators": 10, "max_depth": 2}),
    roc_auc=0.8,
    log_loss=0.5,
    seconds=1,
)


@pytest.fixture
def challenger(frame: Path, contract: DataContract, spec: LoopSpec, tmp_path: Path) -> Path:
    """What the gate judged."""
    (tmp_path / "challenger").mkdir()
    select(spec, contract, frame, JUDGED, BEST, tmp_path / "challenger")
    return tmp_path / "challenger"


def test_what_is_fitted_again_is_the_recipe_on_all_days(
    frame: Path, contract: DataContract, spec: LoopSpec, challenger: Path, services: Settings, tmp_path: Path
) -> None:
    """The very model that the recipe gives on the whole window, and the run says which days those were."""
    tracking = Tracking(services.mlflow_tracking_uri)
    run_id = tracking.open_run("flights", "refit", {})
    best = BEST.model_dump_json()
    card = refit.run(services, spec, frame, WHOLE, best, challenger, "yes", run_id, tmp_path / "model")
    (tmp_path / "expected").mkdir()
    expected = select(spec, contract, frame, WHOLE, BEST, tmp_path / "expected")
    assert card.model_sha256 == expected.model_sha256 != ModelCard.read(challenger).model_sha256
    card.verify(tmp_path / "model")
    assert tracking.tags(run_id)[f"{TAG}fitted_window"] == str(WHOLE)
    tracking.end(run_id, "FINISHED")


def test_otherwise_it_is_the_challenger(frame: Path, spec: LoopSpec, challenger: Path, tmp_path: Path) -> None:
    """Every file as it was judged; a mode that is none is told, and leaves nothing."""
    settings, best = Settings.from_env({}), BEST.model_dump_json()
    card = refit.run(settings, spec, frame, WHOLE, best, challenger, "no", "", tmp_path / "model")
    assert card == ModelCard.read(challenger)
    card.verify(tmp_path / "model")
    with pytest.raises(ConfigError, match="perhaps"):
        refit.run(settings, spec, frame, WHOLE, best, challenger, "perhaps", "", tmp_path / "other")
    assert not (tmp_path / "other").exists()
