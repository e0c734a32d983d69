"""The head of a request: what it asks for, by which headers, and what must be right before its body is read."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from httptools import HttpRequestParser

from serving.errors import shown
from serving.predictor.http.refusals import RefusedError, refusal

PATIENCE = ("x-request-timeout-ms", "x-envoy-expected-rq-timeout-ms")
"""Headers that say how long the client waits, ours and Envoy's."""


@dataclass(slots=True)
class Head:
    """One request's head. Heads that are the same to the byte may be the same object."""

    method: str
    path: str
    headers: dict[str, str]
    keep_alive: bool
    length: int | None = None
    """Bytes of the body, if they are known and the client waits for nothing before it sends them."""
    patience: float | None = None
    """Seconds."""
    upgrades: bool = False
    """Whether it asks for another protocol, which is not given: it is answered in this one."""


@lru_cache(maxsize=256)
def lower(name: bytes) -> str:
    """A header's name as the requests hold it. What is kept is bounded by max_head_bytes: no name is longer."""
    return name.decode("latin-1").lower()


def read_head(parser: HttpRequestParser, url: bytes, headers: dict[str, str]) -> Head:
    """The head that the parser has just come to the end of. RefusedError if it cannot be answered."""
    head = Head(_text(parser.get_method()), _path(url), headers, parser.should_keep_alive())
    if "host" not in headers and parser.get_http_version() == "1.1":
        raise RefusedError(refusal(400, "The request has no header Host."))
    if "expect" in headers and parser.get_http_version() == "1.0":
        del headers["expect"]  # such a client would take the go-ahead for its answer (RFC 9110, 10.1.1)
    if "transfer-encoding" not in headers and "expect" not in headers:
        head.length = int(headers.get("content-length", "0")[-20:])
    if parser.should_upgrade():
        if head.method == "CONNECT":
            raise RefusedError(refusal(405, "This server is no proxy: CONNECT is not offered.", ("allow", "GET, POST")))
        head.upgrades = True
    for name in PATIENCE:
        if name in headers:
            patience = _seconds(name, headers[name])
            head.patience = patience if head.patience is None else min(patience, head.patience)
    return head


@lru_cache(maxsize=64)
def _text(method: bytes) -> str:
    return method.decode("latin-1")


@lru_cache(maxsize=256)
def _path(url: bytes) -> str:
    """An address without its query. Proxies may send a whole one: http://host/path."""
    path = url.decode("latin-1").partition("#")[0].partition("?")[0]
    if "://" not in path or path.startswith("/"):
        return path
    return "/" + path.partition("://")[2].partition("/")[2]


def _seconds(name: str, text: str) -> float:
    if not (text.isascii() and text.isdigit() and len(text) < 12 and int(text) > 0):
        raise RefusedError(refusal(400, f"{name} is {shown(text)}; expected a whole number of milliseconds."))
    return int(text) / 1000
