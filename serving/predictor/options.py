"""The command line of the predictor."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from contracts.errors import ConfigError
from serving.predictor.payload.options import PayloadOptions, add_arguments

_SIZES: tuple[tuple[str, int, int, str], ...] = (
    ("workers", 1, 1, "processes that share the HTTP port, each with its own copy of the model"),
    ("threads", 1, 1, "threads of one prediction"),
    ("max_rows", 10_000, 1, "rows of one request"),
    ("max_body_bytes", 32 * 2**20, 1, "bytes of one request"),
    ("max_connections", 4096, 1, "HTTP connections of a process; one more is told 503"),
    ("queue_requests", 512, 1, "requests of a process that may wait for the model; one more is told 503"),
    ("queue_bytes", 256 * 2**20, 1, "bytes of all bodies that are read or wait in a process; at least those of one"),
    ("batch_rows", 0, 0, "predict small requests that wait at the same time in one call of so many rows; 0 for never"),
    ("grace_seconds", 20, 1, "time for requests under way when asked to end"),
)
_SECONDS: tuple[tuple[str, float, str], ...] = (
    ("queue_seconds", 5.0, "how long a request may wait for its turn; then it is told 503"),
    ("head_seconds", 10.0, "how long a client may take for a request's headers"),
    ("body_seconds", 60.0, "how long a client may take for a request's body"),
    ("idle_seconds", 120.0, "how long a connection may be idle"),
    ("send_seconds", 30.0, "how long a client may leave its answer unread"),
)
"""Name of the field, default, least (of sizes), help."""


@dataclass(frozen=True)
class Options:
    """What one predictor process serves, where, and within which bounds."""

    name: str
    location: str | Path
    """The model folder: an s3:// address or a path."""
    card_sha256: str | None
    model_version: str | None
    host: str
    http_port: int
    grpc_port: int
    workers: int
    threads: int
    max_rows: int
    max_body_bytes: int
    max_connections: int
    queue_requests: int
    queue_bytes: int
    batch_rows: int
    grace_seconds: int
    queue_seconds: float
    head_seconds: float
    body_seconds: float
    idle_seconds: float
    send_seconds: float
    log_requests: bool
    allow_code: bool
    """Whether a model may run code when it is loaded: MLflow's python_function."""
    payload: PayloadOptions

    @classmethod
    def parse(cls, arguments: Sequence[str], env: Mapping[str, str]) -> Options:
        """Options from the command line. What it leaves out may be in the environment: PORT, which is Knative's,
        DRIFTLOOP_GRPC_PORT, DRIFTLOOP_MODEL_VERSION, DRIFTLOOP_CARD_SHA256. ConfigError names a wrong value.
        """
        parser = _parser(env)
        add_arguments(parser, env)
        given = vars(parser.parse_args(arguments))
        options = cls(payload=PayloadOptions.take(given, env), **given)
        options._check()
        return options

    def _check(self) -> None:
        for name, _, least, _ in _SIZES:
            if getattr(self, name) < least:
                raise ConfigError(f"{_spelling(name)} is {getattr(self, name)}; expected at least {least}.")
        for name, _, _ in _SECONDS:
            if not 0 < getattr(self, name) < 86_400:
                raise ConfigError(f"{_spelling(name)} is {getattr(self, name)}; expected more than 0, less than a day.")
        if not (self.model_version or "7").isascii() or not (self.model_version or "7").isprintable():
            raise ConfigError(f"--model-version is {self.model_version!r}; expected plain ASCII: it goes into headers.")


def _spelling(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _port(env: Mapping[str, str], name: str, usual: int) -> int:
    port = env.get(name, str(usual))
    if not port.isascii() or not port.isdigit():
        raise ConfigError(f"{name} is {port!r}; expected a port number.")
    return int(port)


def _parser(env: Mapping[str, str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m serving.predictor",
        description="Serve one verified model over V1 REST, V2 REST and V2 gRPC.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        allow_abbrev=False,
    )
    # The spellings with underscores are those of KServe's own runtimes.
    parser.add_argument("--name", "--model_name", required=True, help="name of the model in every address")
    folder = parser.add_mutually_exclusive_group(required=True)
    folder.add_argument("--model-uri", dest="location", metavar="s3://BUCKET/PREFIX", help="model folder on S3")
    folder.add_argument(
        "--model-dir", "--model_dir", dest="location", metavar="PATH", type=Path, help="model folder on this machine"
    )
    digest, version = env.get("DRIFTLOOP_CARD_SHA256") or None, env.get("DRIFTLOOP_MODEL_VERSION") or None
    parser.add_argument("--card-sha256", metavar="HEX", default=digest, help="sha256 that driftloop.json must have")
    parser.add_argument(
        "--model-version", default=version, help="registered version; without it, the start of the model file's sha256"
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; 0.0.0.0 for all")
    http, grpc = _port(env, "PORT", 8080), _port(env, "DRIFTLOOP_GRPC_PORT", 8081)
    parser.add_argument("--http-port", "--http_port", type=int, default=http, help="port of REST")
    parser.add_argument("--grpc-port", "--grpc_port", type=int, default=grpc, help="port of gRPC; 0 for none")
    for field, size, _, text in _SIZES:
        parser.add_argument(_spelling(field), type=int, default=size, help=text)
    for field, seconds, text in _SECONDS:
        parser.add_argument(_spelling(field), type=float, default=seconds, help=text)
    parser.add_argument("--allow-code", action="store_true", help="serve a model that can run code when it is loaded")
    parser.add_argument("--log-requests", action="store_true", help="log a line a request")
    return parser
