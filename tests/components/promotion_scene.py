"""Two environments in one Kubernetes API, a loop with registered versions, and a predictor that answers as told."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np

from components import promote
from components.approval import Approval
from components.evaluate import Evaluation
from components.inference_service import InferenceService, Served
from components.plan import Trial
from components.promotion import Promotion
from components.register import pointer_to, register
from components.registry import Registry, Version
from components.select import select
from components.tracking import TAG, Tracking
from components.train import Result
from contracts.environment import Environment
from contracts.formats import Classifier, load
from contracts.loop import LoopSpec
from contracts.model import Feature, ModelCard
from contracts.objects import ObjectStore
from contracts.settings import Settings
from contracts.window import Window
from feature_store.contract import DataContract
from feature_store.matrix import encode
from tests.components.rollout_kserve import Controller, Json, Revisions

WINDOW = Window.parse("2013-01-01", "2013-02-01")
EVALUATION = Evaluation(
    window="w",
    rows=10,
    positive_share=0.2,
    roc_auc=0.75,
    log_loss=0.5,
    champion=None,
    metric="roc_auc",
    slices=(),
    accepted=True,
    reasons=("All floors hold.",),
)


@dataclass
class Predictor:
    """Answers V2 requests with a registered model, under a version's number."""

    url: str
    folder: Path | None = None
    version: str = ""
    shift: float = 0.0
    """Added to every probability."""
    hosts: list[str] = field(default_factory=list)
    """By which it was asked."""

    def serve(self, folder: Path, version: str) -> None:
        """Answer with another version from now on."""
        self.folder, self.version = folder, version

    def answer(self, body: Json) -> Json:
        """The V2 answer."""
        assert self.folder is not None
        card = ModelCard.read(self.folder)
        model: Classifier = load(self.folder, card)
        columns = {tensor["name"]: tensor["data"] for tensor in body["inputs"]}
        matrix = encode(columns, [Feature.model_validate(feature.model_dump()) for feature in card.features])
        scores = model.probabilities(matrix).astype(np.float64) + self.shift
        output = {
            "name": "probabilities",
            "shape": list(scores.shape),
            "datatype": "FP32",
            "data": scores.ravel().tolist(),
        }
        return {"model_name": card.loop, "model_version": self.version, "outputs": [output]}


@contextmanager
def predictor() -> Iterator[Predictor]:
    """One that listens."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            made.hosts.append(str(self.headers["host"]))
            answer = json.dumps(made.answer(body)).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - so named there
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made = Predictor(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield made
    server.shutdown()
    server.server_close()
    thread.join()


class Told(Revisions):
    """With the address that a status tells."""

    def follow(self, spec: Json) -> Json:
        """As KServe's."""
        return {**super().follow(spec), "url": "http://predictor.example.com"}


@dataclass
class Scene:
    """A loop, and its two environments."""

    settings: Settings
    spec: LoopSpec
    source: Environment
    target: Environment
    predictor: Predictor
    client: Any
    registry: Registry
    tmp_path: Path
    controllers: list[Controller] = field(default_factory=list)
    folders: dict[str, Path] = field(default_factory=dict)

    def version(self, frame: Path, contract: DataContract, trees: int, verdict: str = "accepted") -> Version:
        """Register one, with the gate's verdict."""
        name = f"{self.spec.name}-{trees}"
        run_id = self.registry.tracking.open_run(self.spec.name, name, {f"{TAG}pipeline_run": name})
        self.registry.tracking.tag(run_id, {f"{TAG}verdict": verdict})
        folder = self.tmp_path / str(trees)
        trial = Trial(number=0, kind="xgboost", params={"n_estimators": trees, "max_depth": 3})
        select(self.spec, contract, frame, WINDOW, Result(trial=trial, roc_auc=0.8, log_loss=0.5, seconds=1), folder)
        found = register(self.registry, folder, EVALUATION, run_id, {}, {})
        pointer_to(found, EVALUATION).write(ObjectStore(self.settings), self.settings.data_bucket)
        self.folders[found.number] = folder
        return found

    def service(self, environment: Environment) -> InferenceService:
        """The loop's in an environment."""
        return InferenceService(self.client, environment.laid_over(self.settings).namespace, self.spec.name)

    def start(self, environment: Environment) -> Controller:
        """KServe in an environment."""
        namespace = environment.laid_over(self.settings).namespace
        controller = Controller(self.client, namespace, self.spec.name, lambda model: True)
        controller.revisions = Told(self.spec.name, lambda model: True)
        controller.start()
        self.controllers.append(controller)
        return controller

    def serve(self, version: Version) -> None:
        """Have a version all the traffic of the source, and its predictor answer."""
        service, served = self.service(self.source), Served.of(version)
        state = service.read()
        if state is None:
            service.create(served)
        else:
            service.change(served, None, over=state.served)
        while not ((now := service.read()) and now.is_whole and now.served == served):
            threading.Event().wait(0.02)
        self.predictor.serve(self.folders[version.number], version.number)

    def approve(self, version: Version, by: str = "Ada") -> Approval:
        """As the command does."""
        return promote.approve(self.settings, f"{self.spec.name}/{version.number}", self.source, by, "It is better.")

    def promote(self, version: Version, mode: str = "canary") -> Promotion:
        """As the command does."""
        way = (self.source, self.target)
        reference = f"{self.spec.name}/{version.number}"
        return promote.run(self.settings, self.spec, reference, way, mode, self.tmp_path / "page.html")

    def tags(self, version: Version) -> dict[str, str]:
        """A version's, as they are now."""
        return self.registry.resolve(f"{self.spec.name}/{version.number}").tags

    def end(self) -> None:
        """Stop what was started."""
        for controller in self.controllers:
            controller.stop()
        for environment in (self.source, self.target):
            self.service(environment).delete()


def scene_of(settings: Settings, spec: LoopSpec, told: Predictor, client: Any, tmp_path: Path) -> Scene:
    """Staging in the namespace `default`, production in another."""
    quick = {"min_rows": 80, "hold_seconds": 0.3, "ready_seconds": 60, "extensions": 0}
    loop = spec.model_copy(update={"rollout": spec.rollout.model_copy(update=quick)})
    source = Environment(name="staging", gateway=told.url or None)
    bucket = f"{settings.data_bucket}-production"
    target = Environment(name="production", after="staging", namespace="production", data_bucket=bucket)
    registry = Registry(Tracking(settings.mlflow_tracking_uri))
    return Scene(replace(settings, namespace="default"), loop, source, target, told, client, registry, tmp_path)
