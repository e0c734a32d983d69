"""How the predictor compares with KServe's own server, MLServer and FastAPI: throughput, latency, start, memory.

Exit code 1 if a target is missed. See benchmarks/README.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from servers import load, picture, place, telling
from servers.cases import CASES, Case
from servers.contenders import PEER_NAMES
from servers.measure import measure
from servers.session import Effort
from servers.verdict import claims, results

from contracts.errors import ConfigError
from contracts.settings import Settings
from scripts import edge, progress


def main() -> int:
    """The process' edge."""
    return edge.run(bench)


def bench() -> None:
    """Measure, show, keep, and end with 1 if a target is missed."""
    options = _options()
    chosen = _chosen(options.only)
    effort = Effort(options.repetitions, options.seconds)
    folder = Settings.from_env().home / "bench"
    load.require_programs()
    with progress.shown() as on_progress, place.made(folder, PEER_NAMES, on_progress) as own:
        measured = measure(chosen, own, effort, on_progress)
    found = results(chosen, measured)
    told = claims(found, measured)
    telling.show(found, told)
    telling.keep(found, folder / "serving.json")
    picture.draw(found, folder / "serving.png")
    print(f"The figures are in {folder / 'serving.json'}, the picture is {folder / 'serving.png'}.")
    raise SystemExit(0 if all(claim.holds for claim in told) else 1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    names = ", ".join(case.name for case in CASES)
    parser.add_argument("--only", nargs="+", metavar="CASE", default=[], help=f"some of the cases: {names}")
    parser.add_argument("--repetitions", type=int, default=5, help="turns of each server in each case")
    parser.add_argument("--seconds", type=int, default=3, help="of load in each turn")
    options = parser.parse_args()
    if options.repetitions < 1 or options.seconds < 1:
        raise ConfigError("--repetitions and --seconds must be at least 1.")
    return options


def _chosen(names: Sequence[str]) -> list[Case]:
    known = {case.name for case in CASES}
    if unknown := [name for name in names if name not in known]:
        raise ConfigError(f"{unknown[0]!r} is no case.", f"Cases: {', '.join(case.name for case in CASES)}.")
    return [case for case in CASES if not names or case.name in names]


if __name__ == "__main__":
    raise SystemExit(main())
