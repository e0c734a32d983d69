"""Every path of a predictor's HTTP server."""

from __future__ import annotations

from serving.predictor.http.message import Handler
from serving.predictor.inference import Inference
from serving.predictor.readiness import Readiness
from serving.predictor.routes.answers import Answers
from serving.predictor.routes.pages import about_model, about_server, constant, refusal
from serving.predictor.routes.predict import Predict, v1_exchange, v2_exchange
from serving.predictor.routes.table import Operations, Table


def table(inference: Inference, readiness: Readiness) -> Table:
    """The connections' handler for the model beneath."""
    plane = inference.plane
    answers = Answers(plane.version)
    pages = about_server(plane, readiness, answers) | about_model(plane, readiness, answers)
    paths: dict[str, Operations] = {path: {"GET": page} for path, page in pages.items()}
    paths |= {path: {"POST": operation} for path, operation in _posts(inference, answers).items()}
    return Table(paths, plane.name, plane.version, answers)


def _posts(inference: Inference, answers: Answers) -> dict[str, Handler]:
    name, version = inference.plane.name, inference.plane.version
    infer = Predict(inference, v2_exchange, answers)
    repository, hint = f"/v2/repository/models/{name}", "Roll out another version instead."
    return {
        f"/v1/models/{name}:predict": Predict(inference, v1_exchange, answers),
        f"/v1/models/{name}:explain": refusal("This server does not explain predictions.", answers),
        f"/v2/models/{name}/infer": infer,
        f"/v2/models/{name}/versions/{version}/infer": infer,
        "/v2/repository/index": constant(answers.json([{"name": name, "version": version, "state": "READY"}])),
        f"{repository}/load": refusal("This server does not load models on request.", answers, hint),
        f"{repository}/unload": refusal("This server does not unload models on request.", answers, hint),
    }
