"""Envoy's routes: written as files, and known to be in force before anything depends on them."""

from __future__ import annotations

import hashlib
import http.client
import json
import time
import urllib.request
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pocket import state
from pocket.controllers import envoy
from pocket.controllers.traffic import Target
from pocket.state import Record

REVISION_HEADER = "x-driftloop-revision"
_ASKED = "x-driftloop-routes"
"""A request with this header is answered with the version of the routes."""
WAIT_SECONDS = 2.0
_POLL_SECONDS = 0.01
_TYPES = "type.googleapis.com/envoy"
_HTTP = f"{_TYPES}.extensions.upstreams.http.v3.HttpProtocolOptions"
_MANAGER = f"{_TYPES}.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
_ROUTER = {
    "name": "router",
    "typed_config": {"@type": f"{_TYPES}.extensions.filters.http.router.v3.Router"},
}
_RETRY = {
    "retry_on": "connect-failure,refused-stream,reset-before-request",
    "num_retries": 60,  # each after half a second, on average
    "retry_back_off": {"base_interval": "0.1s", "max_interval": "1s"},
}
"""A process that is started again is waited for, some thirty seconds: nothing had reached it yet."""
_KEPT_BYTES = 32 * 2**20
"""Of a request that may be sent again; a larger one is sent once."""


@dataclass(frozen=True)
class Route:
    """One address, and who gets its requests."""

    namespace: str
    service: str
    port: int
    traffic: Sequence[Target] = ()
    timeout_seconds: int = 300

    @property
    def name(self) -> str:
        """Unique in the home."""
        return f"{self.namespace}.{self.service}"


@dataclass(frozen=True)
class Backend:
    """A revision that may get requests."""

    name: str
    """Its namespace before its own."""
    ports: Mapping[str, int]
    http2: bool = False


@dataclass
class Router:
    """Envoy's files of one home."""

    home: Path
    _written: dict[str, str] = field(default_factory=dict)
    """Version by file."""
    _settled: tuple[str, Mapping[str, str]] = ("", {})
    """What was last in force as a whole, and the token of the Envoy that had it."""

    def publish(self, server: Record, routes: Sequence[Route], backends: Iterable[Backend]) -> set[str]:
        """Write what differs; the names of the routes that are in force as given, in the Envoy of a record.

        Clusters come first: a route must not name one that Envoy does not know yet.
        """
        clusters = [part for backend in sorted(backends, key=lambda one: one.name) for part in _clusters(backend)]
        wanted = {_CLUSTERS: self._write("clusters", clusters)}
        admin = server.ports["http"]
        if not (self._is_settled(server, wanted) or self._in_force(admin, wanted)):
            return set()
        for route in routes:
            self._write(f"route.{route.name}", [_table(route)])
        wanted[_LISTENERS] = self._write("listeners", [self._listener(route) for route in routes])
        tables = {route.name: _version(route) for route in routes}
        if self._is_settled(server, wanted | tables):
            return set(tables)
        self._in_force(admin, wanted)
        served = {route.name for route in routes if _is_served(route)}
        if served == set(tables):
            self._settled = server.token, wanted | tables
        return served

    def remove(self, name: str) -> None:
        """Forget the file of a route that is no longer published."""
        self._written.pop(f"route.{name}", None)
        self._path(f"route.{name}").unlink(missing_ok=True)

    def _is_settled(self, server: Record, wanted: Mapping[str, str]) -> bool:
        """Whether this Envoy has told before that it has all this."""
        token, known = self._settled
        return token == server.token and wanted.items() <= known.items()

    def _write(self, name: str, resources: list[Any]) -> str:
        text = json.dumps(resources, sort_keys=True)
        version = hashlib.sha256(text.encode()).hexdigest()[:16]
        if self._written.get(name) != version:
            state.private_folder(envoy.folder(self.home))
            state.private_file(self._path(name), json.dumps({"version_info": version, "resources": resources}))
            self._written[name] = version
        return version

    def _in_force(self, admin: int, wanted: Mapping[str, str]) -> bool:
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            shown = versions(admin)
            if all(shown.get(name) == version for name, version in wanted.items()):
                return True
            if not shown or time.monotonic() > deadline:
                return False
            time.sleep(_POLL_SECONDS)

    def _listener(self, route: Route) -> dict[str, Any]:
        manager = {
            "@type": _MANAGER,
            "stat_prefix": route.name,
            "codec_type": "AUTO",  # HTTP/1.1 and, for gRPC, HTTP/2 without TLS on one port
            "rds": {
                "route_config_name": route.name,
                "config_source": envoy.watched(self._path(f"route.{route.name}")),
            },
            "http_filters": [_ROUTER],
        }
        return {
            "@type": f"{_TYPES}.config.listener.v3.Listener",
            "name": route.name,
            "address": _address(route.port),
            "enable_reuse_port": False,  # another home's Envoy must not be let in on the same port
            "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
        }

    def _path(self, name: str) -> Path:
        return envoy.folder(self.home) / f"{name}.json"


_CLUSTERS, _LISTENERS = "cluster_manager.cds.version_text", "listener_manager.lds.version_text"


def versions(admin: int) -> dict[str, str]:
    """What Envoy has in force, by the name of its statistic; empty if it does not answer."""
    return {one["name"]: str(one["value"]) for one in _stats(admin, "type=TextReadouts")}


def requests_under_way(admin: int, revision: str) -> int:
    """How many requests Envoy waits for a revision to answer."""
    found = _stats(admin, f"filter=^cluster%5C.{revision.replace('.', '%5C.')}(/grpc)?%5C.upstream_rq_active$")
    return sum(int(one["value"]) for one in found)


def _stats(admin: int, query: str) -> list[dict[str, Any]]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://127.0.0.1:{admin}/stats?format=json&{query}", timeout=WAIT_SECONDS) as answer:
            return [one for one in json.load(answer)["stats"] if "name" in one]
    except (OSError, ValueError):  # it does not run just now
        return []


def _version(route: Route) -> str:
    return hashlib.sha256(repr(route).encode()).hexdigest()[:16]


def _is_served(route: Route) -> bool:
    """Whether a request to its address meets its table: Envoy's worker has it later than Envoy says that it has."""
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        connection = http.client.HTTPConnection("127.0.0.1", route.port, timeout=WAIT_SECONDS)
        try:
            connection.request("GET", "/", headers={_ASKED: "version"})
            if connection.getresponse().read().decode() == _version(route):
                return True
        except (OSError, http.client.HTTPException, UnicodeDecodeError):  # nobody listens yet, or somebody else
            pass
        finally:
            connection.close()
        time.sleep(_POLL_SECONDS)
    return False


def _clusters(backend: Backend) -> list[dict[str, Any]]:
    return [
        _cluster(backend.name, backend.ports["http"], backend.http2),
        _cluster(f"{backend.name}/grpc", backend.ports["grpc"], True),
    ]


def _cluster(name: str, port: int, http2: bool) -> dict[str, Any]:
    protocol = {
        "@type": _HTTP,
        "explicit_http_config": {"http2_protocol_options" if http2 else "http_protocol_options": {}},
        # Sooner than servers close what is idle: a request that meets its closing would be lost.
        "common_http_protocol_options": {"idle_timeout": "3s"},
    }
    endpoint = {"endpoint": {"address": _address(port)}}
    return {
        "@type": f"{_TYPES}.config.cluster.v3.Cluster",
        "name": name,
        "type": "STATIC",
        "connect_timeout": "2s",
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]},
        "circuit_breakers": {
            "thresholds": [{"max_pending_requests": 100_000, "max_requests": 100_000, "max_retries": 100_000}]
        },
        "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": protocol},
    }


def _table(route: Route) -> dict[str, Any]:
    shares = [one for one in route.traffic if one.percent]
    if shares:
        routes = [
            {"match": {"prefix": "/", "grpc": {}}, "route": _shared(route, shares, "/grpc")},
            {"match": {"prefix": "/"}, "route": _shared(route, shares, "")},
        ]
    else:
        body = {"inline_string": f"{route.name}: no revision is ready\n"}
        routes = [{"match": {"prefix": "/"}, "direct_response": {"status": 503, "body": body}}]
    asked = {"prefix": "/", "headers": [{"name": _ASKED, "present_match": True}]}
    told = {"status": 200, "body": {"inline_string": _version(route)}}
    routes = [{"match": asked, "direct_response": told}, *routes]
    return {
        "@type": f"{_TYPES}.config.route.v3.RouteConfiguration",
        "name": route.name,
        "virtual_hosts": [
            {"name": "all", "domains": ["*"], "routes": routes, "request_body_buffer_limit": _KEPT_BYTES}
        ],
    }


def _shared(route: Route, shares: Sequence[Target], suffix: str) -> dict[str, Any]:
    def weighed(one: Target) -> dict[str, Any]:
        header = {"header": {"key": REVISION_HEADER, "value": one.revision}}
        return {
            "name": f"{route.namespace}.{one.revision}{suffix}",
            "weight": one.percent,
            "response_headers_to_add": [header],
        }

    clusters = [weighed(one) for one in shares]
    return {"weighted_clusters": {"clusters": clusters}, "timeout": f"{route.timeout_seconds}s", "retry_policy": _RETRY}


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}
