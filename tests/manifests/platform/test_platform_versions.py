"""The versions fit each other and Kubernetes, and the page tells the same ones."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from scripts.platform.plan import PLATFORM, read

ROW = re.compile(
    r"^\| \d+ \| (?P<name>[\w-]+) \| (?P<version>\S+) \| `(?P<namespace>[\w-]+)` \| (?P<why>.+) \|$", re.MULTILINE
)


def test_everybody_runs_on_the_kubernetes_that_is_meant(versions: Mapping[str, Any]) -> None:
    """It was tested on the default by its own project, and is not too old for the newer."""
    meant = versions["kubernetes"]
    for name, party in versions["party"].items():
        oldest, newest = party.get("kubernetes", ("0", "99"))
        assert Version(oldest) <= Version(meant["default"]) <= Version(newest), name
        assert Version(oldest) <= Version(meant["newer"]), name


def test_kind_runs_a_kubernetes_that_is_meant(versions: Mapping[str, Any]) -> None:
    """One for whose schemas our objects are checked."""
    cluster = yaml.safe_load((PLATFORM.parents[1] / "kind-config.yaml").read_text())
    for node in cluster["nodes"]:
        assert node["image"].partition(":v")[2].rpartition("@")[0].rpartition(".")[0] in versions["kubernetes"].values()


def test_everybody_has_what_it_needs(versions: Mapping[str, Any]) -> None:
    """A version of another that it works with, installed before it."""
    order = [step.folder for step in read().steps]
    for party in versions["party"].values():
        for other, wanted in party.get("needs", {}).items():
            needed = versions["party"][other]
            assert needed["version"] in SpecifierSet(wanted)
            assert order.index(needed["folders"][0]) < order.index(party["folders"][0])


def test_the_page_tells_the_same(versions: Mapping[str, Any]) -> None:
    """Every third party with version, namespace and reason, in the order of installation."""
    told = [match.groupdict() for match in ROW.finditer((PLATFORM / "README.md").read_text())]
    order = [step.folder for step in read().steps]
    named = [
        {
            "name": name,
            **{key: party[key] for key in ("version", "namespace", "why")},
            "at": order.index(party["folders"][0]),
        }
        for name, party in versions["party"].items()
    ]
    wanted = sorted(named, key=lambda one: one["at"])
    assert told == [{key: one[key] for key in ("name", "version", "namespace", "why")} for one in wanted]
