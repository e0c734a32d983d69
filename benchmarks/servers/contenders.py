"""The servers that are compared: how each is started, and how each wants to be asked."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from servers import forms
from servers.environments import PEERS
from servers.forms import Asked
from servers.models import NAME, Matrix, ServedModel
from servers.place import Place
from servers.ports import free_ports
from servers.process import ServerProcess, plain_environment

OURS, NATIVE, QUIET = "driftloop", "driftloop_native", "driftloop_no_payload_log"
KSERVE, MLSERVER, FASTAPI = "kserve", "mlserver", "fastapi"
PEER_NAMES = (KSERVE, MLSERVER, FASTAPI)
ORDER = (OURS, QUIET, NATIVE, *PEER_NAMES)
"""In which they come in turn."""
_V2_READY = "/v2/health/ready"


@dataclass(frozen=True)
class Running:
    """A contender that was started."""

    name: str
    process: ServerProcess
    http_port: int
    grpc_port: int


@dataclass(frozen=True)
class Start:
    """What starts a contender."""

    line: list[str]
    ready_path: str = _V2_READY
    env: dict[str, str] = field(default_factory=dict)


def begin(name: str, model: ServedModel, place: Place) -> Running:
    """Start a contender on the server's processor; it is not ready yet."""
    own = place.folder / model.kind / name
    own.mkdir(parents=True, exist_ok=True)
    ports = free_ports(3)
    start = _STARTS[name](model, place, own, ports)
    line = place.cores.on_server(start.line)
    log = own / f"{name}.log"
    process = ServerProcess(line, ports[0], start.ready_path, log, {**plain_environment(), **start.env})
    return Running(name, process, ports[0], ports[1])


def asked(name: str, form: str, kind: str, matrix: Matrix) -> Asked | None:
    """A request of a form for a model of a kind; None if the contender has no such form."""
    if name == FASTAPI:
        return forms.plain_json(matrix) if form == forms.JSON else None
    # MLServer answers with labels unless asked; of an XGBoost model its `predict` is the probability.
    output = "predict_proba" if name == MLSERVER and kind != "xgboost" else None
    if form == forms.JSON:
        return forms.v2_json(matrix, **({"outputs": [{"name": output}]} if output else {}))
    return forms.v2_binary(matrix) if form == forms.BINARY else forms.v2_grpc(matrix, output)


def _ours(model: ServedModel, place: Place, own: Path, ports: list[int]) -> Start:
    env = {"K_SINK": f"http://127.0.0.1:{place.sink_port}", "DRIFTLOOP_SPOOL": str(own / "spool")}
    return Start(_predictor(model.bundle, ports), env=env)


def _native(model: ServedModel, place: Place, own: Path, ports: list[int]) -> Start:
    usual = _ours(model, place, own, ports)
    return Start(_predictor(model.native, ports), env=usual.env)


def _quiet(model: ServedModel, _: Place, __: Path, ports: list[int]) -> Start:
    return Start(_predictor(model.bundle, ports))


def _predictor(bundle: Path, ports: list[int]) -> list[str]:
    line = [sys.executable, "-m", "serving.predictor", "--name", NAME, "--model-dir", str(bundle)]
    return [*line, "--http-port", str(ports[0]), "--grpc-port", str(ports[1])]


def _kserve(model: ServedModel, place: Place, _: Path, ports: list[int]) -> Start:
    line = [str(place.environments[KSERVE] / "python"), str(PEERS / "kserve_server.py"), "--model_name", NAME]
    line += ["--model_file", str(model.file), "--http_port", str(ports[0]), "--grpc_port", str(ports[1])]
    return Start(line)


def _mlserver(model: ServedModel, place: Place, own: Path, ports: list[int]) -> Start:
    """Its own program on a folder of settings, all but the ports as they come."""
    runtime = "mlserver_xgboost.XGBoostModel" if model.kind == "xgboost" else "mlserver_sklearn.SKLearnModel"
    described = {"name": NAME, "implementation": runtime, "parameters": {"uri": str(model.file)}}
    (own / "model-settings.json").write_text(json.dumps(described))
    numbers = dict(zip(("http_port", "grpc_port", "metrics_port"), ports, strict=True))
    (own / "settings.json").write_text(json.dumps({"host": "127.0.0.1", **numbers}))
    return Start([str(place.environments[MLSERVER] / "mlserver"), "start", str(own)])


def _fastapi(model: ServedModel, place: Place, _: Path, ports: list[int]) -> Start:
    program = str(PEERS / "fastapi_server.py")
    line = [str(place.environments[FASTAPI] / "python"), program, str(model.file), str(ports[0])]
    return Start(line, "/health")


_STARTS: Mapping[str, Callable[[ServedModel, Place, Path, list[int]], Start]] = {
    OURS: _ours,
    NATIVE: _native,
    QUIET: _quiet,
    KSERVE: _kserve,
    MLSERVER: _mlserver,
    FASTAPI: _fastapi,
}
