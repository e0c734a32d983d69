"""A home that is deleted while its controllers run leaves nothing running that nobody could find any more."""

from __future__ import annotations

import shutil
from pathlib import Path

from controllers_parts import knative, running, stand_in, wait_until

from pocket import process
from pocket.controllers.anchor import Anchor


def test_what_was_started_ends_with_the_home(tmp_path: Path, plain_env: dict[str, str]) -> None:
    """Controllers, Envoy and every service end by themselves; another home made in its place is left alone."""
    with running(tmp_path / "home", plain_env) as home:
        home.apply(knative("orphan", stand_in(tmp_path)))
        home.await_ready("Service", "orphan")
        tokens = [home.record(name).token for name in ("controllers", "envoy", "revision.default.orphan-00001")]
        kubernetes = home.record("kubernetes")
        assert all(map(process.members, tokens))
        home.path.rename(tmp_path / "gone")
        home.path.mkdir()
        shutil.rmtree(tmp_path / "gone")
        try:
            wait_until(lambda: not any(map(process.members, tokens)))
        finally:
            process.stop(kubernetes.token, 1)


def test_a_folder_of_the_same_name_is_another_home(tmp_path: Path) -> None:
    """Also one that is made at once, when its number on the disk could be the old one's."""
    home = tmp_path / "home"
    home.mkdir()
    anchor = Anchor(home)
    assert anchor.holds()
    home.rmdir()
    assert not anchor.holds()
    home.mkdir()
    assert not anchor.holds()
