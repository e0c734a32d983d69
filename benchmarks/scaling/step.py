"""One step of the pipeline, or the plain way of them all, in a process of its own: `python -m scaling.step`.

Arguments: a step, a size, a folder for what steps hand to each other. Addresses come from the environment, as in a run.
"""

from __future__ import annotations

import argparse
import resource
import sys
from collections.abc import Callable
from pathlib import Path

from contracts.loop import LoopSpec
from contracts.objects import ObjectStore
from contracts.settings import Settings
from scaling.size import SIZES, Size
from scaling.years import address, write_years

LOOPS = Path(__file__).resolve().parents[2] / "pipelines" / "loops"
PARAMS: dict[str, float | int | str] = {
    "n_estimators": 100,
    "max_depth": 6,
    "learning_rate": 0.1,
    "subsample": 0.9,
    "colsample_bytree": 0.7,
    "min_child_weight": 10,
}
PLAIN_LIMIT_BYTES = 16 * 2**30
"""Address space of the plain way: past it, it has failed."""
OUT_OF_MEMORY = 3
"""Exit code of a process that got no more memory."""


def ingest(size: Size, folder: Path) -> None:
    """The step `ingest`."""
    from components import ingest as step

    step.run(Settings.from_env(), _spec(size), size.window, folder / "raw")


def validate(size: Size, folder: Path) -> None:
    """The step `validate`."""
    from components import validate as step

    step.run(Settings.from_env(), _spec(size), folder / "raw", folder / "refined", folder / "report.html")


def features(size: Size, folder: Path) -> None:
    """The step `features`, the online store brought up to date included."""
    from components import features as step

    step.run(Settings.from_env(), _spec(size), folder / "refined", size.window, folder / "frame.parquet")


def fit(size: Size, folder: Path) -> None:
    """What `train` and `select` spend their time on: one fit, on the whole window."""
    from components import estimators
    from components.frame import features_of, read_rows
    from feature_store.contract import load

    spec, frame = _spec(size), folder / "frame.parquet"
    columns = features_of(frame, load(spec.name), size.window)
    rows = read_rows(frame, columns, size.window)
    estimators.fit("xgboost", PARAMS, rows, columns, spec.train.seed, spec.train.threads)


def plain(size: Size, folder: Path) -> None:
    """All of it with pandas, in PLAIN_LIMIT_BYTES of address space."""
    resource.setrlimit(resource.RLIMIT_AS, (PLAIN_LIMIT_BYTES, PLAIN_LIMIT_BYTES))
    from scaling import plain as way

    train = _spec(size).train
    rows, labels = way.matrix(way.frame_of(Settings.from_env(), address(size.years), size.window))
    way.fit(rows, labels, PARAMS, train.seed, train.threads)


def compare(size: Size, folder: Path) -> None:
    """Exit with a sentence unless the step's frame and the plain one hold the same features."""
    from scaling import plain as way
    from scaling.same import difference

    frame = way.frame_of(Settings.from_env(), address(size.years), size.window)
    if found := difference(folder / "frame.parquet", frame):
        sys.exit(found)


def store(size: Size, folder: Path) -> None:
    """Not measured: put the years on S3 that the size is read from."""
    write_years(ObjectStore(Settings.from_env()), size.years)


Step = Callable[[Size, Path], None]
STEPS: dict[str, Step] = {"ingest": ingest, "validate": validate, "features": features, "fit": fit}
OTHERS: dict[str, Step] = {"plain": plain, "compare": compare, "store": store}


def _spec(size: Size) -> LoopSpec:
    return LoopSpec.load(LOOPS / "flights.toml", (f"data.source={address(size.years)}",))


def main() -> int:
    """OUT_OF_MEMORY if there was not enough."""
    known = STEPS | OTHERS
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("step", choices=known)
    parser.add_argument("size", choices=[size.name for size in SIZES])
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    try:
        known[arguments.step](next(size for size in SIZES if size.name == arguments.size), arguments.folder)
    except MemoryError as error:
        print(f"out of memory: {error}", file=sys.stderr)
        return OUT_OF_MEMORY
    return 0


if __name__ == "__main__":
    sys.exit(main())
