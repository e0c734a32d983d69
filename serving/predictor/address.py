"""Addresses to listen on."""

from __future__ import annotations

import socket

from contracts.errors import ConfigError


def bind(host: str, port: int) -> socket.socket:
    """A socket that holds an address and takes no connections yet. ConfigError if the address cannot be had."""
    held = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        held.bind((host, port))
    except (OSError, OverflowError) as error:
        held.close()
        raise ConfigError(f"Cannot listen on {written(host, port)}: {error}.", "Give another port or host.") from error
    return held


def written(host: str, port: int) -> str:
    """An address as people and gRPC write it."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
