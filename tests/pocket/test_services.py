"""S3 and MLflow, really run: up, killed, up again, side by side, down."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
import pytest

from contracts.errors import UnavailableError
from contracts.objects import ObjectStore
from contracts.settings import Settings
from pocket import ports, probe, process, s3, services, state
from pocket.progress import Step, silent
from pocket.state import Record
from pocket.status import status

USUAL = {8333, 9333, 9340, 9341, 23646, 5000}


@dataclass(frozen=True)
class Up:
    """A home with both servers up."""

    home: Path
    env: dict[str, str]

    @property
    def settings(self) -> Settings:
        """What clients are told now."""
        return Settings.from_env(services.up(self.home, self.env, silent))

    def record(self, name: str) -> Record:
        """What is remembered now."""
        record = state.read(self.home, name)
        assert record is not None
        return record


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, plain_env: dict[str, str]) -> Iterator[Up]:
    """Both servers, started while every usual port was taken. Each test leaves them running."""
    home = tmp_path_factory.mktemp("running") / "home"
    with ExitStack() as taken:
        for port in USUAL:
            with suppress(OSError):  # taken already, by whoever else works on this machine
                taken.enter_context(socket.create_server(("127.0.0.1", port)))
        services.up(home, plain_env, silent)
    yield Up(home, plain_env)
    services.down(home, silent)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home in which nothing runs afterwards."""
    yield tmp_path / "home"
    services.down(tmp_path / "home", silent)


def test_taken_ports_are_left_alone(running: Up) -> None:
    """With every usual port taken, all servers run on others."""
    chosen = {*running.record("s3").ports.values(), *running.record("mlflow").ports.values()}
    assert not chosen & USUAL


def test_a_second_up_changes_nothing(running: Up) -> None:
    """The same processes at the same addresses, and no server started."""
    before = [running.record(name) for name in ("s3", "mlflow")]
    told: list[Step] = []
    services.up(running.home, running.env, told.append)
    assert [running.record(name) for name in ("s3", "mlflow")] == before
    assert "starting" not in [step.what for step in told]


def test_both_buckets_are_there(running: Up) -> None:
    """The data bucket and MLflow's can be written to at once."""
    store = ObjectStore(running.settings)
    for uri in ("s3://driftloop/made", "s3://mlflow/made"):
        store.put(uri, b"x")
        assert store.get(uri) == b"x"


def test_killed_s3_comes_back_with_its_objects(running: Up) -> None:
    """kill -9, then `up`: the object is there, at the same address, and MLflow was not touched."""
    store = ObjectStore(running.settings)
    store.put("s3://driftloop/kept", b"k" * 2_000_000)
    killed, mlflow = running.record("s3"), running.record("mlflow")
    os.kill(killed.pid, signal.SIGKILL)
    assert ObjectStore(running.settings).get("s3://driftloop/kept") == b"k" * 2_000_000
    assert running.record("s3").pid != killed.pid
    assert running.record("s3").address == killed.address
    assert running.record("mlflow") == mlflow


def test_killed_mlflow_comes_back_with_its_experiments(running: Up) -> None:
    """kill -9, then `up`: the experiment is there, its artifacts on S3 itself; status tells both states."""
    made = ask(running.settings, "experiments/create", {"name": "kept"})
    killed, s3_before = running.record("mlflow"), running.record("s3")
    os.kill(killed.pid, signal.SIGKILL)
    assert state_of(running, "mlflow") == "stopped"
    settings = running.settings
    found = ask(settings, f"experiments/get?experiment_id={made['experiment_id']}")
    assert found["experiment"]["name"] == "kept"
    assert found["experiment"]["artifact_location"] == f"s3://mlflow/{made['experiment_id']}"
    assert running.record("mlflow").address == killed.address
    assert running.record("s3") == s3_before
    assert state_of(running, "mlflow") == "running"


def test_nothing_listens_beyond_loopback(running: Up) -> None:
    """Every listening socket of every server is bound to 127.0.0.1."""
    for name in ("s3", "mlflow"):
        found = process.listeners(running.record(name).token)
        assert found
        assert {host for host, _ in found} == {"127.0.0.1"}


def test_mlflow_refuses_a_foreign_host_name(running: Up) -> None:
    """A web page that rebinds its name to 127.0.0.1 gets no answer."""
    request = urllib.request.Request(
        f"{running.settings.mlflow_tracking_uri}/api/2.0/mlflow/experiments/search?max_results=1",
        headers={"Host": "evil.example.com"},
    )
    with pytest.raises(urllib.error.HTTPError) as refused, urllib.request.urlopen(request):
        pass
    with refused.value:
        assert refused.value.code == 403


def test_nothing_is_stored_or_read_past_the_keys(running: Up) -> None:
    """The S3 server's other ports, which any web page could ask, give away and take nothing."""
    store = ObjectStore(running.settings)
    store.put("s3://driftloop/private/object", b"secret")
    for port in running.record("s3").ports.values():
        for path in ("/buckets/driftloop/private/object", "/driftloop/private/object", "/dir/assign", "/col/delete"):
            assert _answer(port, path) in (400, 401, 403, 404)
    assert probe.status(running.record("s3").ports["volume"], "/1,01637037d6") == 401
    assert store.get("s3://driftloop/private/object") == b"secret"
    assert list(store.names("s3://driftloop/driftloop-writable")) == []


def _answer(port: int, path: str, patience_seconds: float = 60) -> int | None:
    """What a port answers; those beside S3's own open some time after it, later still on a busy machine."""
    deadline = time.monotonic() + patience_seconds
    while (answer := probe.status(port, path)) is None and time.monotonic() < deadline:
        time.sleep(0.1)
    return answer


def test_status_tells_where_and_how_much(running: Up) -> None:
    """A running server has an address, a pid, memory and a log."""
    found = {one.service: one for one in status(running.home, running.env)}
    assert (found["s3"].state, found["mlflow"].state) == ("running", "running")
    assert found["s3"].address == running.settings.s3_endpoint
    assert found["s3"].pid == running.record("s3").pid
    assert (found["mlflow"].memory_bytes or 0) > 50_000_000
    assert Path(found["mlflow"].log or "").read_text()


def test_two_homes_live_side_by_side(running: Up, home: Path) -> None:
    """Another home has its own server, keys and objects."""
    here = ObjectStore(running.settings)
    env = services.up(home, running.env, silent, tracking=False)
    there = ObjectStore(Settings.from_env(env))
    here.put("s3://driftloop/whose", b"here")
    there.put("s3://driftloop/whose", b"there")
    assert here.get("s3://driftloop/whose") == b"here"
    assert env["AWS_SECRET_ACCESS_KEY"] != running.settings.s3_secret_key
    assert services.down(home, silent) == ["s3"]
    assert here.get("s3://driftloop/whose") == b"here"


def test_two_ups_at_once_start_one_server(home: Path, plain_env: dict[str, str]) -> None:
    """The second waits for the first and finds its server."""
    told: list[Step] = []
    with ThreadPoolExecutor(2) as both:
        calls = [both.submit(services.up, home, plain_env, told.append, tracking=False) for _ in range(2)]
        first, second = (call.result() for call in calls)
    assert first == second
    assert [step.what for step in told].count("starting") == 1
    assert [step.what for step in told if step.service == "lock"] == [
        "waiting for another driftloop command",
        "the other command has ended",
    ]


def test_down_ends_what_was_started_and_nothing_else(home: Path, plain_env: dict[str, str]) -> None:
    """No process, no open port; the objects stay; a stranger that now has a recorded pid lives on."""
    store = ObjectStore(Settings.from_env(services.up(home, plain_env, silent, tracking=False)))
    store.put("s3://driftloop/kept", b"x")
    record = state.read(home, "s3")
    assert record is not None
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as stranger:
        state.write(home, replace(record, pid=stranger.pid))
        assert services.down(home, silent) == ["s3"]
        assert stranger.poll() is None
        stranger.kill()
    assert process.members(record.token) == processes_in(home) == []
    assert services.down(home, silent) == []
    env = services.up(home, plain_env, silent, tracking=False)
    assert env["AWS_ENDPOINT_URL_S3"] == record.address
    assert ObjectStore(Settings.from_env(env)).get("s3://driftloop/kept") == b"x"


def test_data_outlive_a_change_of_ports(home: Path, plain_env: dict[str, str]) -> None:
    """With its ports taken since, the same S3 data is served on others."""
    ObjectStore(Settings.from_env(services.up(home, plain_env, silent, tracking=False))).put(
        "s3://driftloop/kept", b"x"
    )
    record = state.read(home, "s3")
    assert record is not None
    services.down(home, silent)
    with ExitStack() as taken:
        for port in record.ports.values():
            taken.enter_context(socket.create_server(("127.0.0.1", port)))
        env = services.up(home, plain_env, silent, tracking=False)
    assert env["AWS_ENDPOINT_URL_S3"] != record.address
    assert ObjectStore(Settings.from_env(env)).get("s3://driftloop/kept") == b"x"


def test_a_server_that_cannot_start_leaves_nothing_running(home: Path, plain_env: dict[str, str]) -> None:
    """The error has the reason from the log; the other server, started beside it, is stopped again."""
    data = home / "s3" / "data"
    data.mkdir(parents=True)
    (data / "filerldb2").touch()  # where weed keeps a folder
    with pytest.raises(UnavailableError, match="filerldb2"):
        services.up(home, plain_env, silent)
    assert [name for name in ("s3", "mlflow") if (record := state.read(home, name)) is None or record.token] == []
    assert processes_in(home) == []


def test_a_users_own_s3_is_used_and_ours_not_started(
    home: Path, plain_env: dict[str, str], s3_settings: Settings
) -> None:
    """With AWS_ENDPOINT_URL_S3 and MLFLOW_TRACKING_URI set, `up` starts nothing; it makes the bucket there."""
    env = {
        **plain_env,
        "AWS_ENDPOINT_URL_S3": s3_settings.s3_endpoint,
        "AWS_ACCESS_KEY_ID": s3_settings.s3_access_key,
        "AWS_SECRET_ACCESS_KEY": s3_settings.s3_secret_key,
        "MLFLOW_TRACKING_URI": s3_settings.s3_endpoint,
        "DRIFTLOOP_DATA_BUCKET": "users-own",
    }
    settings = Settings.from_env(services.up(home, env, silent))
    assert settings.s3_endpoint == s3_settings.s3_endpoint
    ObjectStore(settings).put("s3://users-own/made", b"x")
    assert [(one.service, one.state) for one in status(home, env)][:2] == [("s3", "external"), ("mlflow", "external")]
    assert services.down(home, silent) == []
    assert not (home / "secrets").exists()


def test_a_port_whose_grpc_twin_is_taken_does_not_suit(tmp_path: Path) -> None:
    """weed listens on a second port, ten thousand above."""
    suits = s3.service(tmp_path, {}).suits
    port = ports.choose({"http": 11_111}, {}, suits)["http"]
    with socket.create_server(("127.0.0.1", port + 10_000)):
        assert not suits(port)


def test_another_users_socket_is_not_run_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """weed's sockets in /tmp are named after ports: a port whose socket belongs to somebody else does not suit."""
    suits = s3.service(tmp_path, {}).suits
    port = ports.choose({"http": 11_111}, {}, suits)["http"]
    left = Path(f"/tmp/seaweedfs-test-grpc-{port + 10_000}.sock")
    left.touch()
    try:
        assert suits(port)
        monkeypatch.setattr(os, "getuid", lambda: left.stat().st_uid + 1)
        assert not suits(port)
    finally:
        left.unlink()


def test_no_statistics_are_sent_anywhere(tmp_path: Path) -> None:
    """The S3 server's report to its makers, on by default, is off."""
    assert "-master.telemetry=false" in s3.service(tmp_path, {}).command(dict.fromkeys(s3.USUAL_PORTS, 1))


def ask(settings: Settings, path: str, body: dict[str, str] | None = None) -> dict[str, dict[str, str]]:
    """One call of MLflow's REST."""
    request = urllib.request.Request(
        f"{settings.mlflow_tracking_uri}/api/2.0/mlflow/{path}",
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        found: dict[str, dict[str, str]] = json.load(answer)
        return found


def processes_in(home: Path) -> list[psutil.Process]:
    """Every process that works below a home."""
    found = []
    for one in psutil.process_iter():
        with suppress(psutil.Error):  # it ended meanwhile
            found += [one] if home in Path(one.cwd()).parents else []
    return found


def state_of(up: Up, name: str) -> str:
    """What status says of a service."""
    return next(one.state for one in status(up.home, up.env) if one.service == name)
