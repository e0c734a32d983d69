"""What a step's folder becomes: its objects, third parties' with our patches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import yaml

from scripts.platform import kubectl
from scripts.platform.kubectl import Json
from scripts.platform.plan import PLATFORM, Step


@dataclass(frozen=True)
class Rendering:
    """The objects of a step."""

    text: str
    """YAML, as kubectl takes it."""

    @property
    def objects(self) -> Sequence[Json]:
        """The same, parsed."""
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # KServe's release has seven megabytes
        return [found for found in yaml.load_all(self.text, Loader=loader) if found]

    def only(self, wanted: Callable[[Json], bool]) -> Rendering:
        """The objects for which something holds."""
        return Rendering(yaml.safe_dump_all([found for found in self.objects if wanted(found)]))


def render(step: Step) -> Rendering:
    """`kubectl kustomize` of a step. KubectlError if a third party's release cannot be fetched."""
    helm = ["--enable-helm"] if step.helm else []
    return Rendering(kubectl.run("kustomize", *helm, str(PLATFORM / step.folder)))
