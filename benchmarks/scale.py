"""What training costs as the data grows: each step's time and memory at two months, a year and ten years of flights.

Exit code 1 if time grows faster than the rows or a step needs 2 GiB. See benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

from scaling import picture, tables
from scaling.case import Case, measure
from scaling.size import SIZES, Size
from scaling.verdict import Claim, claims

from contracts.errors import ConfigError
from contracts.settings import Settings
from pocket import services
from pocket.progress import Progress
from scripts import edge, progress

_OF_OTHERS = ("AWS_", "DRIFTLOOP_", "MLFLOW_", "FEAST_")
"""Variables that would lead to servers that are not the benchmark's own begin so."""


def main() -> int:
    """The process' edge."""
    return edge.run(bench)


def bench() -> None:
    """Measure, show, keep, and end with 1 if something does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default=",".join(size.name for size in SIZES), help="which, with commas between")
    sizes = _chosen(parser.parse_args().sizes)
    folder = Settings.from_env().home / "bench"
    with progress.shown() as on_progress:
        cases = _measured(sizes, folder, on_progress)
    found = claims(cases)
    tables.show(cases, found)
    _keep(cases, found, folder)
    raise SystemExit(0 if all(claim.holds for claim in found) else 1)


def _chosen(names: str) -> list[Size]:
    known = {size.name: size for size in SIZES}
    unknown = [name for name in names.split(",") if name not in known]
    if unknown:
        raise ConfigError(f"{unknown[0]!r} is no size.", f"Sizes: {', '.join(known)}.")
    return [size for size in SIZES if size.name in names.split(",")]


def _measured(sizes: Sequence[Size], folder: Path, on_progress: Progress) -> list[Case]:
    with _server(folder, on_progress) as (place, env):
        return [measure(size, place / size.name, env, on_progress, is_compared=size is sizes[0]) for size in sizes]


@contextmanager
def _server(folder: Path, on_progress: Progress) -> Iterator[tuple[Path, dict[str, str]]]:
    """A folder for all that is made, and the environment with an S3 server of its own; both go in the end."""
    folder.mkdir(parents=True, exist_ok=True)
    env = {name: value for name, value in os.environ.items() if not name.startswith(_OF_OTHERS)}
    with TemporaryDirectory(prefix="scale-", dir=folder) as place:
        home = Path(place) / "home"
        try:
            yield Path(place), services.up(home, env, on_progress, tracking=False)
        finally:
            services.down(home, on_progress)


def _keep(cases: Sequence[Case], found: Sequence[Claim], folder: Path) -> None:
    machine = {"processors": os.cpu_count(), "load": os.getloadavg()}
    figures = [{**asdict(case), "whole": asdict(case.whole)} for case in cases]
    body = {"machine": machine, "sizes": figures, "claims": [asdict(claim) for claim in found]}
    (folder / "scale.json").write_text(json.dumps(body, indent=1))
    picture.draw(cases, folder / "scale.svg")
    print(f"The figures are in {folder / 'scale.json'}, the picture is {folder / 'scale.svg'}.")


if __name__ == "__main__":
    raise SystemExit(main())
