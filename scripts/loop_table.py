"""How each loop stands, as lines for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.markup import escape

from scripts.loop_facts import LoopStatus

_COLOURS = {
    **dict.fromkeys(("none", "pass", "promoted", "accepted"), "green"),
    **dict.fromkeys(("warning", "suppressed", "inconclusive"), "yellow"),
    **dict.fromkeys(("drift", "fail", "rolled_back"), "red"),
}


def show(found: Iterable[LoopStatus]) -> None:
    """Print a few lines a loop."""
    console = Console(soft_wrap=True, highlight=False)
    for loop in found:
        console.print(f"\n[bold]{loop.loop}[/bold]")
        for fact, told in lines(loop):
            reason = loop.unknown.get(fact)
            shown = f"[yellow]not known:[/yellow] {escape(reason)}" if reason else told
            console.print(f"  [dim]{fact.replace('_', ' '):<14}[/dim] {shown}")


def lines(loop: LoopStatus) -> Iterator[tuple[str, str]]:
    """Each fact and what is to be said of it."""
    champion, canary, window, last = loop.champion, loop.canary, loop.last_window, loop.last_decision
    if champion is None:
        yield "champion", "none"
    else:
        when = f"promoted {champion.promoted_at:%Y-%m-%d %H:%M} UTC" if champion.promoted_at else "promotion not logged"
        yield "champion", f"version {champion.version}, {when}"
    yield "canary", f"version {canary.version} at {canary.percent} %" if canary else "none"
    if window is None:
        yield "last_window", "none"
    else:
        span = f"{window.start:%Y-%m-%d %H:%M} – {window.end:%Y-%m-%d %H:%M}"
        yield "last_window", f"{window.window}, {span}, {window.rows:,} rows: drift {_coloured(window.verdict)}"
    if last is None:
        yield "last_decision", "none"
    else:
        yield "last_decision", f"{last.kind} {_coloured(last.verdict)} {last.at:%Y-%m-%d %H:%M}. {escape(last.why)}"
    yield "run", f"{loop.run.name}, at {loop.run.stage}" if loop.run else "none"


def _coloured(verdict: str) -> str:
    return f"[{_COLOURS.get(verdict, 'default')}]{verdict.replace('_', ' ')}[/]"
