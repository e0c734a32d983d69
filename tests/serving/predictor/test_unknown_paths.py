"""Models, versions and operations that are not there are answered with 404, never with a server's failure."""

from __future__ import annotations

import pytest
from predictor_process import Server, assert_refused

PATHS = {
    "unknown model, V1": ("POST", "/v1/models/trains:predict", 404, "trains does not exist"),
    "unknown model, V2": ("POST", "/v2/models/trains/infer", 404, "trains does not exist"),
    "unknown version": ("POST", "/v2/models/flights/versions/8/infer", 404, "no version '8'; expected '7'"),
    "unknown model's metadata": ("GET", "/v2/models/trains", 404, "trains does not exist"),
    "unknown version's metadata": ("GET", "/v2/models/flights/versions/8", 404, "no version '8'"),
    "unknown model's readiness": ("GET", "/v2/models/trains/ready", 404, "trains does not exist"),
    "unknown version's readiness": ("GET", "/v2/models/flights/versions/8/ready", 404, "no version '8'"),
    "explanation": ("POST", "/v1/models/flights:explain", 404, "does not explain"),
    "unloading": ("POST", "/v2/repository/models/flights/unload", 404, "does not unload"),
    "loading": ("POST", "/v2/repository/models/flights/load", 404, "does not load"),
    "unknown path": ("GET", "/v3", 404, "GET /v3: Not Found"),
    "wrong method": ("GET", "/v2/models/flights/infer", 405, "Method Not Allowed"),
}


@pytest.mark.parametrize(("method", "path", "status", "message"), PATHS.values(), ids=PATHS)
def test_path(sturdy_server: Server, method: str, path: str, status: int, message: str) -> None:
    """The answer says what is not there."""
    answer = sturdy_server.post(path, {}) if method == "POST" else sturdy_server.get(path)
    assert_refused(answer, status, message)
