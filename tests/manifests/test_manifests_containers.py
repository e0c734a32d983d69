"""What every container keeps to, in every rendering and with every choice of options."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.manifests.renderings import Json
from tests.manifests.restricted import RESTRICTED

pytestmark = pytest.mark.timeout(300)  # dozens of renderings, perhaps on a busy machine


def test_every_container_of_every_choice_is_restricted_and_bounded(everything: list[Json]) -> None:
    """Wherever one is, whatever is chosen: no privilege, bounds of processor and memory, and probes if it serves."""
    found = [(where, one) for each in everything for where, one in containers(each)]
    assert len(found) > 10
    for where, container in found:
        assert container["securityContext"] == RESTRICTED
        requests, limits = (container["resources"][name] for name in ("requests", "limits"))
        assert requests.keys() == limits.keys() == {"cpu", "memory"}
        assert where != "containers" or {"readinessProbe", "livenessProbe"} <= container.keys()


def test_no_pod_of_any_choice_has_a_part_of_its_node(everything: list[Json]) -> None:
    """No folder, port, network or process of the node, and no volume but what is emptied with the pod."""
    for each in everything:
        for name, value in fields(each):
            assert not (name.startswith("host") and name not in ("host", "hostname")), (name, value)
            assert name not in ("privileged", "shareProcessNamespace", "volumeDevices")
            if name == "volumes":
                assert all(volume.keys() == {"name", "emptyDir"} for volume in value)


@pytest.mark.parametrize("slip", ["securityContext", "resources", "livenessProbe"])
def test_a_container_that_lacks_something_is_noticed(slip: str, everything: list[Json]) -> None:
    """Also one that starts before the others, or in a kind that is not used yet."""
    [good] = [one for each in everything for _, one in containers(each) if one["name"] == "trigger"][:1]
    lacking = {key: value for key, value in good.items() if key != slip}
    job = {"kind": "Job", "metadata": {"name": "x"}, "spec": {"template": {"spec": {"containers": [lacking]}}}}
    with pytest.raises((KeyError, AssertionError)):
        test_every_container_of_every_choice_is_restricted_and_bounded([*everything, job])


def containers(value: Any) -> Iterator[tuple[str, Json]]:
    """Every container below a value, with the name of the list that it is in."""
    for name, part in fields(value):
        if name in ("containers", "initContainers", "ephemeralContainers"):
            yield from ((name, each) for each in part)


def fields(value: Any) -> Iterator[tuple[str, Any]]:
    """Every field below a value."""
    for part in value if isinstance(value, list) else ():
        yield from fields(part)
    for name, part in value.items() if isinstance(value, dict) else ():
        yield name, part
        yield from fields(part)
