"""What the predictor does with three times what it can: how much it still answers, how fast, and how soon it is well.

Exit code 1 if it does not hold. See benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from pressure import overload, picture
from pressure.overload import Size
from pressure.verdict import Claim, Figures, claims
from rich.console import Console
from servers import load, place

from contracts.errors import ConfigError
from contracts.settings import Settings
from scripts import edge, progress


def main() -> int:
    """The process' edge."""
    return edge.run(bench)


def bench() -> None:
    """Play, tell, keep, and end with 1 if something does not hold."""
    size = _size()
    folder = Settings.from_env().home / "bench"
    load.require_programs()
    with progress.shown() as on_progress, place.made(folder, [], on_progress) as own:
        figures = Figures(overload.play(own, size, on_progress))
    found = claims(figures)
    _tell(figures, found)
    _keep(figures, found, folder)
    raise SystemExit(0 if all(claim.holds for claim in found) else 1)


def _size() -> Size:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=32, help="of one request")
    parser.add_argument("--connections", type=int, default=2000, help="at most")
    parser.add_argument("--factor", type=float, default=3, help="how many times capacity is offered")
    parser.add_argument("--seconds", type=float, default=60, help="of overload")
    options = parser.parse_args()
    for name, value in vars(options).items():
        if value <= 0:
            raise ConfigError(f"--{name} is {value}; expected more than 0.")
    return Size(**vars(options))


def _tell(figures: Figures, found: list[Claim]) -> None:
    console = Console(width=max(110, Console().width))
    played = figures.played
    ended = ", ".join(f"{share:.1%} {name}" for name, share in figures.shares.items())
    for line in (
        f"capacity     {played.capacity:,.0f} requests a second of {played.size.rows} rows, in a closed loop",
        f"offered      {figures.offered:,.0f} a second for {played.size.seconds:.0f} s, in an open loop: {ended}",
        f"goodput      {figures.goodput:,.0f} a second",
        f"accepted     p50 {figures.p50_ms:.1f} ms, p99 {figures.p99_ms:.1f} ms; calm p99 {figures.calm_p99_ms:.1f} ms",
        f"processor    {played.cpu_ms[0]:.2f} ms a request in the closed loop, {played.cpu_ms[1]:.2f} a 200 here",
        f"memory       {played.mebibytes[0]:.0f} MiB before, {played.mebibytes[1]:.0f} MiB after",
    ):
        console.print(line, highlight=False)
    for claim in found:
        console.print("[green]holds[/green]" if claim.holds else "[red]FAILS[/red]", claim.text, highlight=False)


def _keep(figures: Figures, found: list[Claim], folder: Path) -> None:
    played = figures.played
    body = {
        "capacity_rps": played.capacity,
        "offered_rps": figures.offered,
        "goodput_rps": figures.goodput,
        "goodput_share": figures.goodput_share,
        "p50_ms": figures.p50_ms,
        "p99_ms": figures.p99_ms,
        "calm_p99_ms": figures.calm_p99_ms,
        "shares": figures.shares,
        "recovery_seconds": figures.recovery_seconds,
        "slowest_probe_seconds": figures.slowest_probe_seconds,
        "size": vars(played.size),
        "cpu_ms": played.cpu_ms,
        "mebibytes": played.mebibytes,
        "claims": [vars(claim) for claim in found],
    }
    (folder / "overload.json").write_text(json.dumps(body, indent=1))
    picture.draw(figures, folder / "overload.png")
    print(f"The figures are in {folder / 'overload.json'}, the picture is {folder / 'overload.png'}.")


if __name__ == "__main__":
    raise SystemExit(main())
