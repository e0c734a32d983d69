"""SeaweedFS, run here as its pod runs it: arguments, identities and buckets, on ports and folders of this machine."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from pocket import ports
from scripts.platform import keys
from scripts.platform.plan import PLATFORM

Json = Any
Pod = Callable[[str, str], Json]
SECONDS = 100
BIN = Path(sys.executable).parent


@pytest.fixture(scope="module")
def pod(renderings: Mapping[str, list[Json]]) -> Pod:
    """The container of a folder's workload."""

    def find(folder: str, name: str) -> Json:
        [found] = [
            one
            for one in renderings[folder]
            if one["kind"] != "Service" and one["metadata"]["name"] == name and "template" in one.get("spec", {})
        ]
        return found["spec"]["template"]["spec"]["containers"][0]

    return find


@pytest.fixture(scope="module")
def truth() -> Mapping[tuple[str, str], Mapping[str, str]]:
    """Keys as the installer draws them."""
    return keys.drawn()


@pytest.fixture(scope="module")
def s3(
    pod: Pod, truth: Mapping[tuple[str, str], Mapping[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Address of SeaweedFS with the pod's arguments."""
    place = tmp_path_factory.mktemp("weed")
    admin, loop = truth["object-store", "s3-admin"], truth["object-store", "s3-keys"]
    (place / "s3.json").write_text(json.dumps(keys.identities(admin, loop)))
    (place / "data").mkdir()
    usual = dict(zip(("s3", "master", "volume", "filer"), random.sample(ports.FREE_RANGE, 4), strict=True))
    chosen = ports.choose(usual, {}, lambda port: ports.is_free(port + 10_000))
    changed = {"-dir": "data", "-s3.config": "s3.json", "-ip.bind": "127.0.0.1"}
    changed |= {f"-{role}.port": str(port) for role, port in chosen.items()}
    container = pod("object-store/seaweedfs", "seaweedfs")
    arguments = [_changed(argument, changed) for argument in container["args"]]
    arguments += [f"{name}={value}" for name, value in changed.items() if f"{name}={value}" not in arguments]
    with _running([str(BIN / "weed"), *arguments], place, chosen["s3"], "/status"):
        yield f"http://127.0.0.1:{chosen['s3']}"


def test_buckets_are_made_once(s3: str, pod: Pod, truth: Mapping[tuple[str, str], Mapping[str, str]]) -> None:
    """By the Job's own script and arguments, with the administrator's keys; a second time harmless."""
    admin = truth["object-store", "s3-admin"]
    about = {"AWS_ACCESS_KEY_ID": admin["user"], "AWS_SECRET_ACCESS_KEY": admin["password"], "AWS_ENDPOINT_URL_S3": s3}
    arguments = pod("object-store/seaweedfs", "seaweedfs-buckets")["args"]
    # A process of its own: boto3 keeps the keys that it has found first for as long as a process lives.
    command = [sys.executable, str(PLATFORM / "object-store" / "seaweedfs" / "buckets.py"), *arguments]
    for _ in range(2):
        subprocess.run(command, env={**os.environ, **about}, check=True, timeout=SECONDS / 2)
    found = _client(s3, admin["user"], admin["password"]).list_buckets()["Buckets"]
    assert {bucket["Name"] for bucket in found} == set(keys.BUCKETS)


def test_the_loops_keys_reach_its_buckets_only(s3: str, truth: Mapping[tuple[str, str], Mapping[str, str]]) -> None:
    """They read, write, list and delete there, and make no bucket; nobody else comes in."""
    admin, loop = truth["object-store", "s3-admin"], truth["object-store", "s3-keys"]
    chief = _client(s3, admin["user"], admin["password"])
    client = _client(s3, loop["AWS_ACCESS_KEY_ID"], loop["AWS_SECRET_ACCESS_KEY"])
    for bucket in (*keys.BUCKETS, "other"):
        if bucket not in {one["Name"] for one in chief.list_buckets()["Buckets"]}:
            chief.create_bucket(Bucket=bucket)
    for bucket in keys.BUCKETS:
        client.head_bucket(Bucket=bucket)
        client.put_object(Bucket=bucket, Key="a/b", Body=b"x")
        assert client.list_objects_v2(Bucket=bucket)["KeyCount"] == 1
        assert client.get_object(Bucket=bucket, Key="a/b")["Body"].read() == b"x"
        client.delete_object(Bucket=bucket, Key="a/b")
    stranger = _client(s3, loop["AWS_ACCESS_KEY_ID"], "wrong")
    for forbidden in (
        lambda: client.put_object(Bucket="other", Key="a", Body=b"x"),
        lambda: client.create_bucket(Bucket="third"),
        stranger.list_buckets,
    ):
        with pytest.raises(ClientError):
            forbidden()


@contextmanager
def _running(command: Sequence[str], place: Path, port: int, path: str) -> Iterator[None]:
    """A server, from when it answers until it is ended."""
    with (place / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=place, stdout=log, stderr=log, start_new_session=True)
        try:
            _await(process, port, path, place / "log")
            yield
        finally:
            process.kill()  # its data is thrown away
            process.wait(timeout=SECONDS)


def _await(process: subprocess.Popen[bytes], port: int, path: str, log: Path) -> None:
    until = time.monotonic() + SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10):
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise AssertionError(log.read_text()[-4000:])


def _changed(argument: str, changed: Mapping[str, str]) -> str:
    """An argument with the value that this machine has for it."""
    name = argument.partition("=")[0]
    return f"{name}={changed[name]}" if name in changed else argument


def _client(address: str, key: str, secret: str) -> Any:
    return boto3.client("s3", endpoint_url=address, aws_access_key_id=key, aws_secret_access_key=secret)
