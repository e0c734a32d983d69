"""The operations that do not ask the model: what there is, whether it is ready, what it has counted."""

from __future__ import annotations

from functools import cache

from serving.errors import NotFoundError, NotReadyError
from serving.predictor.dataplane import DataPlane
from serving.predictor.exposition import exposed
from serving.predictor.http.message import Handler, Request, Response
from serving.predictor.metadata import model_metadata, server_metadata
from serving.predictor.readiness import Readiness
from serving.predictor.routes.answers import Answers


def constant(answer: Response) -> Handler:
    """An operation that always answers the same."""
    return lambda _: answer


def refusal(what: str, answers: Answers, hint: str = "") -> Handler:
    """An operation that the protocol has and this server does not offer."""
    return lambda request: answers.failed(request, NotFoundError(what, hint))


def probe(answer: Response, who: str, readiness: Readiness, answers: Answers) -> Handler:
    """An operation that answers as long as the server is ready."""

    def ask(request: Request) -> Response:
        return answer if readiness.ready else answers.failed(request, NotReadyError(f"{who} is not ready."))

    return ask


def metrics_page(answers: Answers) -> Handler:
    """What the server has counted, in the form that Prometheus asks for."""
    return lambda request: answers.page(*exposed(request.headers.get("accept", "")))


def document_page(plane: DataPlane, answers: Answers) -> Handler:
    """The OpenAPI document, made when it is first asked for."""

    @cache
    def made() -> Response:
        from serving.predictor.openapi.document import document  # few processes are ever asked

        return answers.json(document(plane))

    return lambda _: made()


def about_model(plane: DataPlane, readiness: Readiness, answers: Answers) -> dict[str, Handler]:
    """By path, the pages of the model."""
    model, version = f"/v2/models/{plane.name}", f"/versions/{plane.version}"
    described = constant(answers.json(model_metadata(plane)))
    state = answers.json({"name": plane.name, "ready": True})
    ready = probe(state, f"Model with name {plane.name}", readiness, answers)
    return {
        **dict.fromkeys((model, model + version), described),
        **dict.fromkeys((f"{model}/ready", f"{model}{version}/ready", f"/v1/models/{plane.name}"), ready),
    }


def about_server(plane: DataPlane, readiness: Readiness, answers: Answers) -> dict[str, Handler]:
    """By path, the pages of the server."""
    models = constant(answers.json({"models": [plane.name]}))
    return {
        "/": constant(answers.json({"status": "alive"})),
        "/v1/models": models,
        "/v2": constant(answers.json(server_metadata())),
        "/v2/health/live": constant(answers.json({"live": True})),
        "/v2/health/ready": probe(answers.json({"ready": True}), "Server", readiness, answers),
        "/v2/models": models,
        "/metrics": metrics_page(answers),
        "/openapi.json": document_page(plane, answers),
    }
