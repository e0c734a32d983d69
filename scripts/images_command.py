"""`driftloop images`: the container images, built, loaded into kind, pushed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from contracts.errors import ConfigError
from scripts import image_engine

IMAGES = ("driftloop", "drift")
"""Targets of the Dockerfile, and the last part of the images' names."""
REGISTRY = "ghcr.io/driftloop"
CLUSTER = "driftloop"
"""The kind cluster of kind-config.yaml."""

app = typer.Typer(no_args_is_help=True, help="Build the container images, load them into kind, push them.")

EngineName = Annotated[
    str | None, typer.Option("--engine", help="docker, podman or buildah; without it, the first that works here.")
]
Registry = Annotated[str, typer.Option(help="What the images' names begin with.")]
Tag = Annotated[str | None, typer.Option(help="Tag of the images; without it, driftloop's version.")]
BaseImage = Annotated[str | None, typer.Option(help="An image with Python 3.11 to build upon.")]


@app.command()
def build(
    engine: EngineName = None, base_image: BaseImage = None, tag: Tag = None, registry: Registry = REGISTRY
) -> None:
    """Build both images, and tell how large they are.

    Packages come from the index of UV_DEFAULT_INDEX or PIP_INDEX_URL, trusted by the certificates of SSL_CERT_FILE or
    PIP_CERT, where these are set; neither stays in the image.

    [dim]driftloop images build --registry registry.example.com/ml[/dim]
    """
    from pocket.checkout import ROOT, code_version

    if not (ROOT / "Dockerfile").is_file():
        raise ConfigError(f"There is no Dockerfile in {ROOT}.", "Run this from a checkout of driftloop.")
    chosen = image_engine.choose(engine)
    arguments = {"VERSION": metadata.version("driftloop"), "REVISION": code_version()}
    if base_image:
        arguments["BASE_IMAGE"] = base_image
    with secrets(os.environ) as files:
        for name, reference in references(registry, tag).items():
            chosen.build(ROOT, name, reference, arguments, files)
    for reference in references(registry, tag).values():
        print(f"{reference}  {chosen.size(reference)}")


@app.command()
def load(
    engine: EngineName = None,
    tag: Tag = None,
    registry: Registry = REGISTRY,
    cluster: Annotated[str, typer.Option(help="Name of the kind cluster.")] = CLUSTER,
) -> None:
    """Load both images into a kind cluster: what its nodes have, they do not pull.

    [dim]driftloop images load[/dim]
    """
    chosen = image_engine.choose(engine)
    for reference in references(registry, tag).values():
        print(f"{reference}  {chosen.size(reference)}", flush=True)
        chosen.load(reference, cluster)


@app.command()
def push(engine: EngineName = None, tag: Tag = None, registry: Registry = REGISTRY) -> None:
    """Push both images to their registry; log in to it with the engine first.

    [dim]driftloop images push --registry registry.example.com/ml[/dim]
    """
    chosen = image_engine.choose(engine)
    for reference in references(registry, tag).values():
        print(f"{reference}  {chosen.size(reference)}", flush=True)
        chosen.push(reference)


def references(registry: str, tag: str | None) -> dict[str, str]:
    """Full names of the images, by target."""
    return {name: f"{registry.rstrip('/')}/{name}:{tag or metadata.version('driftloop')}" for name in IMAGES}


@contextmanager
def secrets(env: Mapping[str, str]) -> Iterator[dict[str, Path]]:
    """Files that the build may read and the image does not keep: this machine's package index and certificates."""
    index = env.get("UV_DEFAULT_INDEX") or env.get("PIP_INDEX_URL")
    certificates = env.get("SSL_CERT_FILE") or env.get("PIP_CERT")
    files = {}
    with TemporaryDirectory() as folder:  # readable by its owner only
        if index:
            files["index"] = Path(folder) / "index"
            files["index"].write_text(index)
        if certificates:
            files["certificates"] = Path(certificates)
            if not files["certificates"].is_file():
                raise ConfigError(f"There are no certificates at {certificates}.", "Correct SSL_CERT_FILE or PIP_CERT.")
        yield files
