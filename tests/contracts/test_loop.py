"""The loop specification and its errors."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.errors import ConfigError
from contracts.loop import LoopSpec
from tests.contracts.loop_file import TOML, refusal, written


def test_defaults_fill_the_rest(tmp_path: Path) -> None:
    """A short file is a whole loop, named after the file."""
    spec = LoopSpec.load(written(tmp_path))

    assert (spec.name, spec.data.source, spec.train.trials) == ("trips", "trips", 3)
    assert spec.train.metric == "roc_auc"
    assert spec.drift.backend == "alibi-detect"


def test_shipped_loops_load() -> None:
    """Every loop of the repository is valid."""
    paths = sorted((Path(__file__).parents[2] / "pipelines" / "loops").glob("*.toml"))

    assert paths
    assert [LoopSpec.load(path).name for path in paths] == [path.stem for path in paths]


def test_json_keeps_everything(tmp_path: Path) -> None:
    """As a pipeline parameter a spec keeps its order and its types: an int stays one, and so does a float."""
    spec = LoopSpec.load(written(tmp_path))

    again = LoopSpec.from_json(spec.to_json())

    assert again == spec
    assert again.to_json() == spec.to_json()
    choices = again.train.space["xgboost"]
    assert list(choices) == ["n_estimators", "learning_rate", "max_features"]
    assert [type(value) for values in choices.values() for value in values] == [int, int, float, float, str, int]


def test_unknown_key(tmp_path: Path) -> None:
    """An unknown key is named with its file, its value and the keys that are allowed there."""
    message = refusal(tmp_path, TOML.replace("trials = 3", "trails = 3"))

    assert message.startswith(
        f"{tmp_path}/trips.toml: unknown key train.trails = 3. Allowed here: seed, trials, metric"
    )


def test_unknown_section(tmp_path: Path) -> None:
    """So is an unknown section."""
    message = refusal(tmp_path, TOML + "[gates]\nx = 1\n")

    assert "unknown key gates = {'x': 1}. Allowed here: name, data, train, gate, drift" in message


def test_every_problem_is_told(tmp_path: Path) -> None:
    """All that is wrong is told at once, a line each."""
    message = refusal(
        tmp_path, TOML.replace("trials = 3", 'trials = "many"\nseeds = 1') + "[gate]\nmin_roc_auc = 1.5\n"
    )

    assert [line.split(": ")[1].split(" = ")[0] for line in message.splitlines()] == [
        "train.trials", "unknown key train.seeds", "gate.min_roc_auc",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("trials = 3", 'trials = "many"', "train.trials = 'many': Input should be a valid integer"),
        ("trials = 3", "trials = 0", "train.trials = 0: Input should be greater than or equal to 1"),
        ("trials = 3", 'metric = "f1"', "train.metric = 'f1': Input should be 'roc_auc' or 'log_loss'"),
        ("[200, 300]", "[]", "train.space.xgboost.n_estimators = []: Tuple should have at least 1 item"),
        ("space.xgboost", "space.xgbost", "= 'xgbost': Input should be 'xgboost'"),
        ('source = "trips"', "", "data.source is missing"),
        ("[train.space.xgboost]", "[drift]\np_value = nan\n[train.space.xgboost]", "drift.p_value = nan"),
    ],
)
def test_wrong_value(tmp_path: Path, old: str, new: str, told: str) -> None:
    """A wrong value is named with what is allowed."""
    assert old in TOML

    assert told in refusal(tmp_path, TOML.replace(old, new))


def test_no_kind_of_model(tmp_path: Path) -> None:
    """A search over nothing is refused with an example."""
    message = refusal(tmp_path, '[data]\nsource = "x"\n[train]\nspace = {}\n')

    assert "needs at least one kind of model, such as [train.space.xgboost]" in message


@pytest.mark.parametrize(
    ("text", "told"), [("[data\n", "is not TOML"), ("data = 7", "data = 7"), ("", "data is missing")]
)
def test_bad_file(tmp_path: Path, text: str, told: str) -> None:
    """A file that is not TOML, or not a loop, says so."""
    assert told in refusal(tmp_path, text)


def test_file_that_is_not_text(tmp_path: Path) -> None:
    """Bytes that are no UTF-8 are not TOML."""
    path = tmp_path / "trips.toml"
    path.write_bytes(b"\xff\xfe")

    with pytest.raises(ConfigError, match="is not TOML"):
        LoopSpec.load(path)


def test_missing_file_lists_the_loops(tmp_path: Path) -> None:
    """A loop that does not exist is answered with those that do."""
    written(tmp_path)
    written(tmp_path, name="flights")

    with pytest.raises(ConfigError, match=r"No loop file .*tirps\.toml\. Loops there: flights, trips\."):
        LoopSpec.load(tmp_path / "tirps.toml")
    with pytest.raises(ConfigError, match="Loops there: none"):
        LoopSpec.load(tmp_path / "nowhere" / "trips.toml")


@pytest.mark.parametrize("name", ["Trips", "my-trips", "1trips", "t" * 42])
def test_name_is_a_plain_word(tmp_path: Path, name: str) -> None:
    """A loop's name must serve as a Kubernetes, MLflow and Python name at once."""
    with pytest.raises(ConfigError, match=f"name = '{name}': String should match pattern"):
        LoopSpec.load(written(tmp_path, name=name))


@pytest.mark.parametrize("text", ["", "{", "[]", "7", "null"])
def test_json_that_is_no_spec(text: str) -> None:
    """A pipeline parameter that is no specification is ConfigError."""
    with pytest.raises(ConfigError, match="loop specification"):
        LoopSpec.from_json(text)


def test_a_loop_is_named_after_its_file(tmp_path: Path) -> None:
    """A name inside the file could say something else than the file does: it is refused."""
    path = written(tmp_path)
    path.write_text(f'name = "other"\n{path.read_text()}')
    with pytest.raises(ConfigError, match="named after its file"):
        LoopSpec.load(path)
