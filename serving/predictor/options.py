"""The command line of the predictor."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from contracts.errors import ConfigError
from serving.predictor.payload.options import PayloadOptions, add_arguments


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
    threads: int
    max_rows: int
    max_body_bytes: int
    grace_seconds: int
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
        for name in ("threads", "max_rows", "max_body_bytes", "grace_seconds"):
            if getattr(options, name) < 1:
                raise ConfigError(f"--{name.replace('_', '-')} is {getattr(options, name)}; expected at least 1.")
        return options


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
    parser.add_argument("--threads", type=int, default=1, help="threads of one prediction")
    parser.add_argument("--max-rows", type=int, default=10_000, help="rows of one request")
    parser.add_argument("--max-body-bytes", type=int, default=32 * 2**20, help="bytes of one request")
    parser.add_argument("--grace-seconds", type=int, default=20, help="time for requests under way when asked to end")
    parser.add_argument("--allow-code", action="store_true", help="serve a model that can run code when it is loaded")
    parser.add_argument("--log-requests", action="store_true", help="log a line a request")
    return parser
