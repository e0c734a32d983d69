"""An environment's file: where versions serve, and every slip in it told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from contracts.environment import HERE, Environment, way_to
from contracts.errors import ConfigError
from contracts.settings import Settings


def _settings(folder: Path, **files: str) -> Settings:
    for name, text in files.items():
        (folder / f"{name}.toml").write_text(text)
    return replace(Settings.from_env({"K_SINK": "http://broker/staging"}), environments=folder)


def test_the_files_of_the_repository() -> None:
    """Staging is where the process works; production is another cluster, another event log, another alias."""
    settings = Settings.from_env({"K_SINK": "http://broker/staging"})
    source, target = way_to(settings, "production")
    assert source.laid_over(settings) == settings
    assert (source.alias, target.alias) == ("champion", "champion-production")
    assert (source.tag("rollout"), target.tag("rollout")) == ("rollout", "rollout.production")
    there = target.laid_over(settings)
    assert (there.namespace, there.data_bucket, target.context) == ("driftloop", "driftloop-production", "production")
    assert there.sink is None  # staging's Broker is not told of what happens in production
    assert (HERE.alias, HERE.laid_over(settings)) == ("champion", settings)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("namepsace = 'x'", r"unknown key namepsace = 'x'. Allowed: after, context"),
        ("namespace = 'Not a name'", r"production.toml: namespace = 'Not a name'"),
        ("gateway = 'localhost'", r"gateway = 'localhost'"),
        ("after = ", r"is not TOML"),
        ("", r"production is the first environment"),
        ("after = 'qa'", r"No environment 'qa' in .*Environments there: production, staging"),
        ("after = 'staging'", r"staging and production are both namespace driftloop"),
        ("after = 'staging'\nnamespace = 'other'", r"share data_bucket 'driftloop'"),
        ("after = 'staging'\ncontext = 'other'", r"share data_bucket 'driftloop'"),
    ],
)
def test_a_slip_is_told(tmp_path: Path, text: str, words: str) -> None:
    """File, key, value and what is allowed."""
    with pytest.raises(ConfigError, match=words):
        way_to(_settings(tmp_path, staging="", production=text), "production")


@pytest.mark.parametrize("name", ["", "../loops/flights", "qa"])
def test_a_name_that_is_none(tmp_path: Path, name: str) -> None:
    """Those that there are, are told."""
    with pytest.raises(ConfigError, match="Environments there: staging"):
        Environment.load(_settings(tmp_path, staging="").environments, name)
