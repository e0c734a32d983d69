"""The demo, as a new user runs it: from nothing to live traffic, shortened to eight days of it, and once more."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from contracts.model import ModelCard
from contracts.objects import ObjectStore
from contracts.settings import Settings
from pocket import process, state
from pocket.environment import laid_under, predictor_address

pytestmark = pytest.mark.timeout(600)
MIN_AUC = 0.71
"""What the project promises for March, from January and February."""


class Command:
    """`driftloop` in a home of its own."""

    def __init__(self, home: Path, env: dict[str, str]) -> None:
        self.home = home
        self.env = {**env, "DRIFTLOOP_HOME": str(home), "COLUMNS": "160"}

    def __call__(self, *arguments: str, code: int = 0) -> str:
        """What the command prints on stdout; it must end with the code."""
        command = [sys.executable, "-m", "scripts.cli", *arguments]
        done = subprocess.run(command, env=self.env, capture_output=True, text=True, cwd=self.home.parent, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    def settings(self) -> Settings:
        """Settings of the home's servers."""
        return Settings.from_env(laid_under(self.home, self.env))


@pytest.fixture(scope="module")
def driftloop(tmp_path_factory: pytest.TempPathFactory, plain_env: dict[str, str]) -> Iterator[Command]:
    """A fresh home; what ran in it is stopped afterwards."""
    command = Command(tmp_path_factory.mktemp("demo") / "home", plain_env)
    yield command
    command("down")


@pytest.fixture(scope="module")
def printed(driftloop: Command) -> str:
    """What the first demo prints."""
    return driftloop("demo", "--end", "2013-03-09")


def _summary(driftloop: Command) -> dict[str, Any]:
    summary: dict[str, Any] = json.loads((driftloop.home / "demo" / "summary.json").read_text())
    return summary


def test_it_ends_with_a_good_model(driftloop: Command, printed: str) -> None:
    """The summary has its figures, and March is predicted as well as promised."""
    summary = _summary(driftloop)
    assert summary["holdout_auc"] >= MIN_AUC
    assert 0 < summary["seconds_to_first_prediction"] <= summary["seconds_total"]
    assert summary["model_version"] == "1"
    assert len(summary["model_sha256"]) == 64


def test_it_shows_the_story(driftloop: Command, printed: str) -> None:
    """Leaderboard, evaluation, verdict, the same answer through two clients, and where to look."""
    for word in ("hist_gradient_boosting", "logistic_regression", "xgboost", "Gate: accepted", "ROC AUC", "log loss"):
        assert word in printed
    answers = [line.split("→")[1].split(" by ")[0] for line in printed.splitlines() if "→" in line]
    assert len(answers) == 2
    assert answers[0] == answers[1]
    assert driftloop.settings().mlflow_tracking_uri in printed
    assert f"{predictor_address(driftloop.home)}/v2/models/flights" in printed


def test_what_serves_is_what_was_registered(driftloop: Command, printed: str) -> None:
    """The champion's files on S3 have the digests that its lineage and the summary say."""
    told = json.loads(driftloop("lineage", "flights@champion", "--json"))
    assert told["model"]["model_sha256"] == _summary(driftloop)["model_sha256"]
    assert told["data"]["training_window"] == "[2013-01-01, 2013-03-01)"
    assert told["files"]["model.ubj"] == told["model"]["model_sha256"]
    folder = driftloop.home / "fetched"
    ObjectStore(driftloop.settings()).get_folder(told["model"]["model_uri"], folder)
    ModelCard.read(folder).verify(folder, told["model"]["card_sha256"])


def test_lineage_reads_well(driftloop: Command, printed: str) -> None:
    """Every section a reader asks for, on one page."""
    page = driftloop("lineage")
    for word in ("code_version", "raw_digest", "feature_service", "pipeline_run", "max_depth", "holdout_roc_auc"):
        assert word in page


def test_predict(driftloop: Command, printed: str) -> None:
    """A row of the user's own is answered; one that lacks a feature is refused with its name."""
    row = {tensor["name"]: tensor["data"][0] for tensor in _request(driftloop)["inputs"]}
    answer = json.loads(driftloop("predict", "flights", "--row", json.dumps(row), "--json"))
    assert {output["name"] for output in answer["outputs"]} == {"probabilities", "label"}
    del row["distance"]
    driftloop("predict", "flights", "--row", json.dumps(row), code=2)
    driftloop("predict", "flights", "--row", "no json", code=2)


def test_what_was_answered_is_stored_and_judged(driftloop: Command, printed: str) -> None:
    """Every row and label sent stands in the event log; a window was judged; the summary tells the month."""
    summary = _summary(driftloop)
    assert summary["events_sent"] == summary["events_stored"] > 7000
    assert summary["requests_failed"] == 0
    (month,) = summary["months"]
    assert month["month"] == "2013-03"
    assert month["auc_static"] == pytest.approx(month["auc_loop"], abs=0.01)  # no version but the first has answered
    assert (summary["retrains"], summary["decisions"][0]["verdict"]) == (0, "promoted")
    assert "suppressed" in {decision["verdict"] for decision in summary["decisions"]}
    told = driftloop("events", "flights")
    assert "rollout  version 1 at 100 %: promoted" in told
    assert "drift    window 1-000000 of version 1" in told
    assert "1-000000" in driftloop("drift")
    assert "carrier" in driftloop("drift", "--window", "1-000000")
    for name in ("story.png", "story.html"):
        assert (driftloop.home / "demo" / name).stat().st_size > 10_000


def test_a_second_demo_shows_the_story_again(driftloop: Command, printed: str) -> None:
    """Nothing is trained or sent again; the table is the same."""
    before = _summary(driftloop)
    again = driftloop("demo")
    assert _summary(driftloop) == before
    assert "The story was told here before" in again
    (row,) = (line for line in printed.splitlines() if line.strip().startswith("2013-03 "))
    assert row in again.splitlines()


def test_an_unfinished_story_is_not_built_upon(driftloop: Command, printed: str) -> None:
    """A home with models but without a whole story is left alone, and the way on is told."""
    summary = driftloop.home / "demo" / "summary.json"
    told = summary.read_text()
    summary.unlink()
    driftloop("demo", code=2)
    summary.write_text(told)


def test_unknown_references(driftloop: Command, printed: str) -> None:
    """What is not there is said so, with exit code 2."""
    driftloop("lineage", "flights/99", code=2)
    driftloop("deploy", "nothing@champion", code=2)
    driftloop("run", "nothing", code=2)


def test_status_tells_how_the_loop_stands(driftloop: Command, printed: str) -> None:
    """Champion and when it was promoted, the window that was judged last, the last decision; no canary and no run."""
    (loop,) = json.loads(driftloop("status", "--json"))["loops"]
    assert (loop["loop"], loop["champion"]["version"], loop["unknown"]) == ("flights", "1", {})
    assert loop["champion"]["promoted_at"]
    assert (loop["canary"], loop["run"]) == (None, None)
    assert loop["last_window"]["window"].startswith("1-0000")
    assert loop["last_window"]["rows"] > 0
    assert loop["last_decision"]["kind"] in ("drift", "retrain")
    table = driftloop("status")
    assert "champion       version 1, promoted 20" in table


def test_a_version_that_serves_may_be_deployed_again(driftloop: Command, printed: str) -> None:
    """It is the champion, at its InferenceService's address, and the lineage says how it went live."""
    address = predictor_address(driftloop.home)
    assert f"flights version 1 serves at {address} and is the champion" in driftloop("deploy", "flights/1")
    assert json.loads(driftloop("lineage", "flights/1", "--json"))["rollout"]["rollout"] == "promoted"


def test_down_leaves_no_process_and_no_open_port(driftloop: Command, printed: str) -> None:
    """With everything up that the real manifests name, and the model; a second `down` has nothing to do."""
    records = [state.read(driftloop.home, path.stem) for path in (driftloop.home / "state").glob("*.json")]
    running = [record for record in records if record and record.token]
    assert {"s3", "mlflow", "kubernetes", "pipelines", "controllers", "envoy"} <= {one.service for one in running}
    driftloop("down")
    assert [member for record in running for member in process.members(record.token)] == []
    assert [port for record in running for port in record.ports.values() if _listens(port)] == []
    assert [one for one in psutil.process_iter() if _works_in(driftloop.home, one)] == []
    assert driftloop("down") == "Nothing was running.\n"


def _listens(port: int) -> bool:
    with socket.socket() as probing:
        return probing.connect_ex(("127.0.0.1", port)) == 0


def _works_in(home: Path, one: psutil.Process) -> bool:
    try:
        return home in Path(one.cwd()).parents
    except psutil.Error:  # it ended meanwhile
        return False


def _request(driftloop: Command) -> dict[str, Any]:
    request: dict[str, Any] = json.loads((driftloop.home / "demo" / "request.json").read_text())
    return request
