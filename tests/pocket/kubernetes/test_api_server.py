"""The server's life: killed, restarted, beside another."""

from __future__ import annotations

import http.client
import itertools
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from kubernetes_api import CONFIG, MERGE, Api, config, running, start

from contracts.errors import BusyError, ConfigError, from_line


def kill(api: Api) -> None:
    """End the server as if the machine had."""
    os.kill(api.record.pid, signal.SIGKILL)
    psutil.wait_procs([psutil.Process(api.record.pid)] if psutil.pid_exists(api.record.pid) else [], timeout=10)


def test_what_was_answered_outlives_a_kill(tmp_path: Path) -> None:
    """Objects, versions, the history of a watch, a namespace on its way out; clients keep their kubeconfig."""
    with running(tmp_path) as api:
        version = api.call("GET", CONFIG)[1]["metadata"]["resourceVersion"]
        kept = [api.call("POST", CONFIG, config(f"c{number}"))[1] for number in range(20)]
        api.call("POST", "/api/v1/namespaces", {"metadata": {"name": "leaving"}})
        api.call("DELETE", "/api/v1/namespaces/leaving")
        written = (tmp_path / "kubeconfig").read_text()
        kill(api)
        again = start(tmp_path)
        assert again.record.pid != api.record.pid
        assert (tmp_path / "kubeconfig").read_text() == written
        assert again.call("GET", CONFIG)[1]["items"] == sorted(kept, key=lambda item: str(item["metadata"]["name"]))
        told = again.kubectl("get", "--raw", f"{CONFIG}?watch=1&resourceVersion={version}&timeoutSeconds=1")
        assert told.count('"ADDED"') == 20
        changed = again.call("PATCH", f"{CONFIG}/c1", {"data": {"a": "b"}}, MERGE)[1]
        assert int(changed["metadata"]["resourceVersion"]) > int(kept[-1]["metadata"]["resourceVersion"])
        again.kubectl("wait", "--for=delete", "namespace/leaving", "--timeout=20s")


def test_a_kill_amid_writes_loses_none_that_was_answered(tmp_path: Path) -> None:
    """Each object whose 201 came is there, and at most the one under way beside them."""
    with running(tmp_path) as api:
        answered: list[str] = []

        def write() -> None:
            with suppress(OSError, http.client.HTTPException):
                for number in itertools.count():
                    code, made = api.call("POST", CONFIG, config(f"c{number}"))
                    assert code == 201
                    answered.append(made["metadata"]["name"])

        writer = threading.Thread(target=write)
        writer.start()
        while len(answered) < 30:
            writer.join(0.01)
        kill(api)
        writer.join(20)
        kept = {item["metadata"]["name"] for item in start(tmp_path).call("GET", CONFIG)[1]["items"]}
        assert set(answered) <= kept
        assert len(kept) <= len(answered) + 1


def test_a_spoilt_secret_is_told(tmp_path: Path) -> None:
    """A token or certificate that was cut short lets nobody in, and the server says which file it is."""
    (tmp_path / "secrets").mkdir()
    command = [sys.executable, "-P", "-m", "pocket.kubernetes", "--home", str(tmp_path)]
    for name in ("kubernetes.token", "kubernetes.pem"):
        (tmp_path / "secrets" / name).write_text("")
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        told = from_line(done.stderr.strip())
        assert isinstance(told, ConfigError)
        assert name in str(told)
        (tmp_path / "secrets" / name).unlink()


def test_two_homes_know_nothing_of_each_other(api: Api, tmp_path: Path) -> None:
    """Each has its port, its token and its objects."""
    with running(tmp_path) as other:
        assert other.record.ports != api.record.ports
        other.call("POST", CONFIG, config("only-there"))
        assert api.call("GET", f"{CONFIG}/only-there")[0] == 404
        stranger = Api(api.home, api.record)
        token = (tmp_path / "secrets" / "kubernetes.token").read_text()
        assert stranger.call("GET", CONFIG, Authorization=f"Bearer {token}")[0] == 401


def test_a_home_has_one_server(api: Api) -> None:
    """A second one says who is in its way, and ends."""
    command = [sys.executable, "-P", "-m", "pocket.kubernetes", "--home", str(api.home)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == BusyError.exit_code
    assert isinstance(from_line(done.stderr.strip()), BusyError)


def test_a_watch_too_far_behind_is_told(tmp_path: Path) -> None:
    """Only the last changes are kept: an older version is gone."""
    from pocket.kubernetes import kinds
    from pocket.kubernetes.objects import Objects
    from pocket.kubernetes.rules import Options, Place
    from pocket.kubernetes.status_error import StatusError
    from pocket.kubernetes.store import KEPT_CHANGES, Store

    store = Store(tmp_path / "objects.db")
    store._database.execute("PRAGMA synchronous = OFF")  # two thousand commits; nobody kills this one
    objects, kind = Objects(store), kinds.find("v1", "configmaps")
    objects.create(kind, "default", config("busy"), Options("test"))
    place = Place(kind, "default", "busy")
    for number in range(KEPT_CHANGES + 5):
        objects.patch(place, {"data": {"n": str(number)}}, MERGE, Options("test"))
    assert len(store.changes(store.version - 3, kind, None)) == 3
    with pytest.raises(StatusError) as told:
        store.changes(2, kind, None)
    assert (told.value.code, told.value.reason) == (410, "Expired")
    store.close()
