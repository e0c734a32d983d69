"""`driftloop cluster`: what is asked of kind, docker and kubectl, and in which order."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from contracts.errors import DriftloopError, RejectedError, UnavailableError
from contracts.settings import Settings
from pocket.doctor import Check
from pocket.progress import silent
from scripts import cluster_command
from scripts.cluster import access, dump, kind
from scripts.cluster.up import require_fit, up
from scripts.platform.kubectl import KubectlError
from tests.scripts.cluster.cluster_programs import Programs


def places(asked: list[str], *beginnings: str) -> list[int]:
    """Where in a log the first line is that matches each."""
    return [next(at for at, line in enumerate(asked) if re.match(one, line)) for one in beginnings]


def test_up(whole_machine: Programs, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The machine first, then cluster, platform, images, loop, and one wait for each kind of its objects."""
    cluster_command.up(timeout=7)
    asked = whole_machine.asked()
    order = places(
        asked,
        "docker info",
        r"kind create cluster --config \S+/kind-config\.yaml --kubeconfig \S+/home/kind/kubeconfig --wait 300s",
        "kubectl wait --for=condition=Ready nodes",
        r"kubectl kustomize \S+/platform/namespaces",
        r"kubectl kustomize \S+/platform/knative-serving/loaded-images",
        r"kubectl kustomize \S+/platform/knative-serving/public",
        r"kubectl kustomize \S+/platform/kubeflow-pipelines/core",
        r"docker build --target driftloop --tag ghcr\.io/driftloop/driftloop:",
        r"kind load docker-image ghcr\.io/driftloop/driftloop:\S+ --name driftloop",
        r"kubectl kustomize \S+/overlays/kind",
        "kubectl apply --server-side --force-conflicts --field-manager=kubectl ",
        r"kubectl wait --for=condition=Ready brokers\S+ --all --namespace=driftloop --timeout=7s",
        r"kubectl wait --for=condition=Ready triggers\S+ ",
        r"kubectl wait --for=condition=Ready services\.serving\S+ ",
    )
    assert order == sorted(order)
    told = capsys.readouterr().out
    assert all(address in told for address in access.addresses().values())


def test_up_again(whole_machine: Programs) -> None:
    """The cluster that is there is kept, and found anew."""
    (whole_machine.folder / "cluster").touch()
    up(Settings.from_env(), silent, 7)
    assert whole_machine.asked("kind create") == []
    assert len(whole_machine.asked("kind export kubeconfig --name driftloop --kubeconfig ")) == 1


def test_a_machine_that_cannot(whole_machine: Programs, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is made, and each remedy is told."""
    whole_machine.make_docker(cpus=1, memory_gb=2)
    with pytest.raises(DriftloopError, match="CPUs, memory") as told:
        cluster_command.up()
    assert told.value.exit_code == 1
    shown = capsys.readouterr().out
    assert "1, 4 are needed" in shown
    assert "Give the engine more processors." in shown
    assert whole_machine.asked("kind create") == []


def test_warnings_stop_nothing() -> None:
    """They are shown, and that is all."""
    require_fit([Check("memory", "warning", "13 GB"), Check("git", "ok", "2.50")])


def test_a_failure_leaves_a_folder(whole_machine: Programs, tmp_path: Path) -> None:
    """With the cluster's state, named in the message; what failed keeps its kind and its words."""
    body = """case "$*" in
    *"wait"*triggers*) echo "timed out waiting for the condition" >&2; exit 1 ;;
    "get pods --namespace=driftloop --output=name") echo pod/eventlog-1 ;;
    logs*) echo "no S3" ;;
    esac"""
    whole_machine.make_kubectl(body=body)
    with pytest.raises(KubectlError) as told:
        up(Settings.from_env(), silent, 7)
    assert "timed out waiting" in told.value.what
    [folder] = (tmp_path / "home" / "kind" / "dumps").iterdir()
    assert str(folder) in told.value.remedy
    assert (folder / "driftloop" / "eventlog-1.log").read_text() == "no S3\n"
    assert {f"{name}.events.txt" for name in dump.namespaces()} <= {path.name for path in folder.iterdir()}
    assert whole_machine.asked("kubectl get secret --all") == []


def test_what_cannot_be_written_down_is_told_in_its_place(whole_machine: Programs, tmp_path: Path) -> None:
    """A cluster that no longer answers gives files that say so."""
    whole_machine.make_kubectl(body="echo 'connection refused' >&2; exit 1")
    folder = dump.write(tmp_path / "dump")
    assert all("connection refused" in path.read_text() for path in folder.iterdir())


def test_dump(whole_machine: Programs, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same by hand; where it is, is printed."""
    (whole_machine.folder / "cluster").touch()
    cluster_command.write_state()
    folder = Path(capsys.readouterr().out.strip())
    assert folder.parent == tmp_path / "home" / "kind" / "dumps"
    assert (folder / "nodes.txt").is_file()


def test_a_gates_no_is_no_failure(programs: Programs, tmp_path: Path) -> None:
    """Nothing is written down."""
    with pytest.raises(RejectedError), dump.on_failure(tmp_path / "here", silent):
        raise RejectedError("The gate said no.")
    assert not (tmp_path / "here").exists()


def test_env(whole_machine: Programs, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Loopback addresses, the loop's keys, and a home and a kubeconfig of the cluster's own."""
    (whole_machine.folder / "cluster").touch()
    secret = '{"data": {"AWS_ACCESS_KEY_ID": "bWU=", "AWS_SECRET_ACCESS_KEY": "c2VjcmV0"}}'
    whole_machine.make_kubectl(body=f"""case "$1 $2" in "get secret") echo '{secret}' ;; esac""")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_SESSION_TOKEN", "of another S3")
        cluster_command.env()
        home = access.home_of(Settings.from_env())
    told = dict(line.removeprefix("export ").split("=", 1) for line in capsys.readouterr().out.splitlines())
    assert (told["AWS_ACCESS_KEY_ID"], told["AWS_SECRET_ACCESS_KEY"]) == ("me", "secret")
    assert home == tmp_path / "home" / "kind"
    assert told["KUBECONFIG"] == str(home / "kubeconfig")
    assert {value.split(":")[1] for value in told.values() if value.startswith("http")} == {"//127.0.0.1"}


def test_without_a_cluster(whole_machine: Programs) -> None:
    """`demo` and `env` say what to do first."""
    for command in (cluster_command.demo, cluster_command.env):
        with pytest.raises(DriftloopError, match="driftloop cluster up"):
            command()


def test_half_a_cluster(whole_machine: Programs) -> None:
    """One whose installation broke off before the keys were drawn is told apart."""
    (whole_machine.folder / "cluster").touch()
    with pytest.raises(UnavailableError, match="to its end"):
        cluster_command.demo()


def test_down(whole_machine: Programs, capsys: pytest.CaptureFixture[str]) -> None:
    """The cluster is deleted by its name; a second time harmless."""
    (whole_machine.folder / "cluster").touch()
    cluster_command.down()
    assert not kind.exists()
    assert len(whole_machine.asked("kind delete cluster --name driftloop")) == 1
    cluster_command.down()
    assert "no cluster" in capsys.readouterr().out
    assert len(whole_machine.asked("kind delete cluster")) == 1


def test_podman(whole_machine: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    """kind is told of it by kind's own variable."""
    (whole_machine.folder / "docker").unlink()
    whole_machine.make("podman")
    monkeypatch.setenv("KIND_EXPERIMENTAL_PROVIDER", "")
    whole_machine.make("kind", f'echo "provider $KIND_EXPERIMENTAL_PROVIDER" >>"{whole_machine.folder}/asked.log"')
    cluster_command.down()
    assert "provider podman" in whole_machine.asked()
