"""What `driftloop doctor --cluster` finds, and what it says to do."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest
import typer

from pocket.doctor import Check
from scripts.cluster import kind, preflight
from scripts.doctor_command import doctor
from tests.scripts.cluster.cluster_programs import Programs


def examined() -> dict[str, Check]:
    """Every check by its name."""
    return {check.name: check for check in preflight.examine()}


def test_a_machine_that_has_all(whole_machine: Programs) -> None:
    """No check asks for anything."""
    found = examined()
    assert {check.verdict for check in found.values()} == {"ok"}
    assert set(found) == {"container engine", "CPUs", "memory", "kind", "kubectl", "git", "ports"}


def test_a_machine_that_has_nothing(
    programs: Programs, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each missing thing is named with its remedy, and the exit code is 1."""
    (programs.folder / "git").unlink()
    monkeypatch.setattr(kind, "host_ports", list)
    with pytest.raises(typer.Exit) as end:
        doctor(cluster=True, as_json=True)
    assert end.value.exit_code == 1
    found = {each["name"]: each for each in json.loads(capsys.readouterr().out)}
    for name in ("container engine", "kind", "kubectl", "git"):
        assert found[name]["verdict"] == "problem", name
        assert found[name]["remedy"], name


def test_an_engine_without_its_daemon(whole_machine: Programs) -> None:
    """Its own words are told; a podman that works takes its place."""
    whole_machine.make("docker", "echo 'Is the daemon running?' >&2; exit 1")
    assert "Is the daemon running?" in examined()["container engine"].found
    podman = {"host": {"cpus": 8, "memTotal": 32 * 10**9}, "store": {"graphRoot": "/nonexistent"}}
    whole_machine.make("podman", f"""case "$2" in --format) echo '{json.dumps(podman)}' ;; esac""")
    found = examined()
    assert (found["container engine"].found, found["memory"].found) == ("podman", "32 GB")


@pytest.mark.parametrize(
    ("cpus", "memory_gb", "verdicts"),
    [(2, 8, ("problem", "problem")), (4, 13, ("warning", "warning")), (6, 16, ("ok", "ok"))],
)
def test_the_size_of_the_machine(whole_machine: Programs, cpus: int, memory_gb: int, verdicts: tuple[str, str]) -> None:
    """As the engine tells it: too small is a problem, small is a warning."""
    whole_machine.make_docker(cpus, memory_gb)
    found = examined()
    assert (found["CPUs"].verdict, found["memory"].verdict) == verdicts


@pytest.mark.parametrize(("version", "verdict"), [("0.31.0", "problem"), ("0.33.1", "ok"), ("0.34.0", "warning")])
def test_the_version_of_kind(whole_machine: Programs, version: str, verdict: str) -> None:
    """An older one does not know the node images; a newer one was not seen."""
    whole_machine.make_kind(version)
    assert examined()["kind"].verdict == verdict


@pytest.mark.parametrize(("version", "verdict"), [("1.33.0", "ok"), ("1.35.2", "ok"), ("1.37.1", "warning")])
def test_the_version_of_kubectl(whole_machine: Programs, version: str, verdict: str) -> None:
    """One minor version away from the cluster's is promised to work."""
    whole_machine.make_kubectl(version)
    assert examined()["kubectl"].verdict == verdict


def test_inotify_limits(whole_machine: Programs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is too low is told with the command that raises it."""
    (tmp_path / "max_user_instances").write_text("128\n")
    (tmp_path / "max_user_watches").write_text("524288\n")
    monkeypatch.setattr(preflight, "SYSCTL", tmp_path)
    found = examined()
    assert found["inotify watches"].verdict == "ok"
    assert "sudo sysctl fs.inotify.max_user_instances=512" in found["inotify instances"].remedy


def test_ports(whole_machine: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that somebody has taken is a problem, unless it is the cluster that has it."""
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        monkeypatch.setattr(kind, "host_ports", lambda: [stranger.getsockname()[1]])
        assert examined()["ports"].verdict == "problem"
        (whole_machine.folder / "cluster").touch()
        assert examined()["ports"].verdict == "ok"
