"""One running broker for all tests; each test has a namespace of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
from broker_parts import Running, wait_until

from pocket import state


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """NATS, ingress and dispatcher, kept up by `python -m pocket.broker`."""
    folder = tmp_path_factory.mktemp("broker")
    (folder / "routes.json").write_text("[]")
    command = [sys.executable, "-m", "pocket.broker", f"--home={folder / 'home'}", f"--config={folder / 'routes.json'}"]
    with (folder / "log").open("w") as log, subprocess.Popen(command, stderr=log, env=os.environ) as keeper:
        try:
            wait_until(lambda: keeper.poll() is not None or "events are taken at" in (folder / "log").read_text())
            assert keeper.poll() is None, (folder / "log").read_text()
            yield Running(folder / "home", folder / "routes.json", keeper.pid)
        finally:
            keeper.terminate()
            assert keeper.wait(60) == 0
    assert not any(record.token for name in ("nats",) if (record := state.read(folder / "home", name)))


@pytest.fixture
def namespace(request: pytest.FixtureRequest) -> str:
    """The test's own."""
    return re.sub(r"[^a-z0-9]+", "-", request.node.name.lower())[:60].strip("-")


@pytest.fixture(autouse=True)
def _no_leftovers(request: pytest.FixtureRequest) -> None:
    """Each test begins without the objects of the ones before it."""
    if "running" in request.fixturenames:
        request.getfixturevalue("running").objects.clear()
