"""Ports: the remembered, the usual, any."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from pocket import ports


@pytest.fixture
def taken() -> Iterator[int]:
    """A port somebody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def free() -> int:
    """A port nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_the_usual_port_is_chosen(free: int) -> None:
    """A usual port that is free is the one."""
    assert ports.choose({"http": free}, {}) == {"http": free}


def test_a_remembered_port_comes_first(free: int) -> None:
    """An address stays the same from one life to the next."""
    assert ports.choose({"http": free + 1}, {"http": free}) == {"http": free}


def test_a_taken_port_is_left_alone(taken: int) -> None:
    """Somebody else's port is not chosen, remembered or usual."""
    assert ports.choose({"http": taken}, {"http": taken})["http"] != taken


def test_names_get_different_ports(free: int) -> None:
    """Two names with one usual port do not get it both."""
    assert len(set(ports.choose({"http": free, "grpc": free}, {}).values())) == 2


def test_a_port_that_does_not_suit_is_left_alone(free: int) -> None:
    """A server may have a reason of its own against a free port."""
    assert ports.choose({"http": free}, {}, suits=lambda port: port != free)["http"] != free


def test_a_port_that_does_not_suit_yet_is_waited_for(free: int) -> None:
    """A server that was killed may hold on to what else it needs for a moment longer than to its port."""
    answers = iter([False, False, True])
    ports.wait_until_free({"http": free}, 60, suits=lambda port: next(answers))
    assert list(answers) == []


def test_free_and_taken_are_told_apart(taken: int) -> None:
    """One taken port is enough to say no."""
    assert not ports.are_free({"http": taken})
    assert ports.are_free(ports.choose({"http": taken}, {}))
