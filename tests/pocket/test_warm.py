"""Steps as forks of a Python that has imported already: to whoever waits for them as any other process."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from pocket.warm import client
from pocket.warm.python import WarmPython, command_of

Python = Callable[..., "subprocess.CompletedProcess[str]"]
PROBE = """
import json, os, signal, sys
def main():
    action = sys.argv[1]
    if action == "tell":
        told = {"arguments": sys.argv[1:], "folder": os.getcwd(), "name": __name__, "word": os.environ.get("WORD")}
        print(json.dumps({**told, "read": sys.stdin.read(), "ahead": "mlflow" in sys.modules, "parent": os.getppid()}))
    elif action == "wait":
        print(os.getpid(), flush=True)
        signal.pause()
    elif action == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    elif action == "complain":
        sys.exit("it went wrong")
    else:
        sys.exit(int(action))
main()
"""


@pytest.fixture
def probe(tmp_path: Path) -> Path:
    """A folder with a module that does as it is told."""
    (tmp_path / "probe_of_warm.py").write_text(PROBE)
    return tmp_path


@pytest.fixture
def python(probe: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Python]:
    """The warm Python, in a folder whose path is longer than a socket's may be."""
    deep = probe / ("x" * 80) / ("y" * 80)
    deep.mkdir(parents=True)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(probe), str(Path.cwd())]))
    with WarmPython(deep / "python.sock", os.environ) as warm:
        command = command_of(warm.ensure(["mlflow"]))

        def run(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
            line = f"{command} {' '.join(arguments)}"
            return subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False, **options)

        yield run


def test_a_fork_is_like_any_process(python: Python, probe: Path) -> None:
    """Its arguments, folder, environment, input and output are those of the command that asked."""
    env = {**os.environ, "WORD": "of mine"}
    ended = python("-m probe_of_warm tell 'a b'", cwd=probe, env=env, input="hello")
    assert ended.returncode == 0, ended.stderr
    assert '"arguments": ["tell", "a b"]' in ended.stdout
    assert f'"folder": "{probe}"' in ended.stdout
    for word in ('"name": "__main__"', '"word": "of mine"', '"read": "hello"'):
        assert word in ended.stdout


@pytest.mark.parametrize(("action", "code"), [("0", 0), ("8", 8), ("complain", 1), ("die", 128 + signal.SIGKILL)])
def test_it_ends_as_it_would_have(python: Python, action: str, code: int) -> None:
    """Exit codes, last words and signals."""
    ended = python("-m probe_of_warm", action)
    assert ended.returncode == code
    assert ("it went wrong" in ended.stderr) == (action == "complain")


def test_without_a_server_a_cold_python_does_the_same(probe: Path) -> None:
    """And says so."""
    command = [sys.executable, "-I", "-S", client.__file__, str(probe / "nobody.sock"), "-m", "probe_of_warm", "3"]
    env = {**os.environ, "PYTHONPATH": str(probe)}
    ended = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert ended.returncode == 3
    assert "a cold one is started" in ended.stderr


def test_it_ends_with_whoever_started_it(tmp_path: Path) -> None:
    """Also if that one was killed."""
    script = (
        "import os, pathlib, time; from pocket.warm.python import WarmPython; "
        f"WarmPython(pathlib.Path({str(tmp_path)!r}) / 'python.sock', os.environ).ensure(()); "
        "print('up', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        assert starter.stdout.readline() == "up\n"
        (server,) = psutil.Process(starter.pid).children()
        starter.kill()
    server.wait(30)
    assert not server.is_running()


def test_a_fork_ends_with_its_client(probe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also if that one was killed; the next one is served."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(probe), str(Path.cwd())]))
    with WarmPython(probe / "python.sock", os.environ) as warm:
        command = shlex.split(command_of(warm.ensure(())))
        with subprocess.Popen([*command, "-m", "probe_of_warm", "wait"], stdout=subprocess.PIPE, text=True) as asked:
            assert asked.stdout is not None
            fork = psutil.Process(int(asked.stdout.readline()))
            asked.kill()
        fork.wait(30)
        assert subprocess.run([*command, "-m", "probe_of_warm", "7"], check=False).returncode == 7


def test_it_is_as_new_as_the_code(tmp_path: Path) -> None:
    """The same server until it ends, must import more, or a module has changed; then another."""
    code = tmp_path / "checkout" / "components"
    code.mkdir(parents=True)
    (code / "step.py").write_text("old = True")
    with WarmPython(tmp_path / "python.sock", os.environ) as warm, pytest.MonkeyPatch.context() as patch:
        patch.setattr("pocket.warm.python.ROOT", code.parent)
        first = _server(warm)
        assert _server(warm) == first
        (code / "step.py").write_text("old = False")
        second = _server(warm)
        assert second != first
        warm.ensure(["json"])
        assert not second.is_running()
        second = _server(warm)
        second.kill()
        second.wait(30)
        assert _server(warm) not in (first, second)


def _server(warm: WarmPython) -> psutil.Process:
    warm.ensure(())
    (server,) = [child for child in psutil.Process().children() if "pocket.warm.server" in child.cmdline()]
    return server
