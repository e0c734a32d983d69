"""What may not be in a tracked file."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import check_files

README = Path("README.md")


def test_fine() -> None:
    """A small page with a link to a file that is there passes."""
    assert list(check_files.inspect(README, b"see [the licence](LICENSE) and [a site](https://example.com/)\n")) == []


def test_large() -> None:
    """A file of more than a megabyte is named with its size."""
    (fault,) = check_files.inspect(Path("model.ubj"), b"\n" * (check_files.MAX_BYTES + 1))
    assert fault.startswith("model.ubj: 1,000,001 bytes")


@pytest.mark.parametrize("parts", check_files.REGISTRY_HOSTS, ids="-".join)
def test_registry(parts: tuple[str, ...]) -> None:
    """The host of a package registry is found at its line, however it is written."""
    body = f"first line\nindex = https://mirror.{'.'.join(parts).upper()}/simple\n"
    (fault,) = check_files.inspect(Path("setup.cfg"), body.encode())
    assert fault.startswith("setup.cfg:2: names the registry")


def test_broken_link() -> None:
    """A page that links to a file that is not there is named with the link; a place inside a page does not matter."""
    faults = list(check_files.inspect(README, b"[one](LICENSE#terms) [two](docs/nothing.md#there)\n"))
    assert faults == ["README.md: nothing is at docs/nothing.md."]
