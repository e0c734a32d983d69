"""A hundred thousand requests that no client should send, against a real predictor: none may hurt it.

They are good requests, mutated by a seeded generator: V1, V2 in JSON and binary, gRPC, HTTP heads, HTTP/2 frames.
A fault is printed with its bytes and its case, which `--only` sends again. Exit code 1 if a promise does not hold.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from fuzzing import bodies, grpc_client, http_client, messages, model
from fuzzing.answers import FORBIDDEN, TornError, fault
from fuzzing.frames import frames
from fuzzing.heads import head
from fuzzing.predictor import Predictor, running
from fuzzing.verdict import Verdict, keep
from live.claim import tell
from rich.console import Console

from contracts.settings import Settings

BODIES: dict[str, Callable[[Random], bytes]] = {"v1": bodies.v1, "v2": bodies.v2, "binary": bodies.binary}
ROUND = {"v1": 20, "v2": 30, "binary": 20, "grpc": 18, "heads": 8, "frames": 4}
"""Requests of each kind in a hundred."""
CONNECTIONS = 5


class Attack:
    """Sends cases, and judges what comes back."""

    def __init__(self, predictor: Predictor, seed: int) -> None:
        self.verdict = Verdict()
        self._predictor = predictor
        self._seed = seed
        self._pipelines = http_client.Pipelines(predictor.http, CONNECTIONS)
        self._channel = grpc_client.Channel(predictor.grpc)

    def round(self, number: int) -> None:
        """One round of a hundred."""
        cases = {kind: [f"{kind}:{number * share + at}" for at in range(share)] for kind, share in ROUND.items()}
        self.send_bodies([case for kind in BODIES for case in cases[kind]])
        self.send_calls(cases["grpc"])
        for case in cases["heads"]:
            self.send_head(case)
        for case in cases["frames"]:
            self.send_frames(case)
        self.verdict.resident.append(self._predictor.resident_bytes)

    def send(self, case: str) -> None:
        """One case."""
        kind = case.partition(":")[0]
        if kind in BODIES:
            self.send_bodies([case])
        else:
            {"grpc": lambda one: self.send_calls([one]), "heads": self.send_head, "frames": self.send_frames}[kind](
                case
            )

    def good(self) -> list[object]:
        """What good requests are answered."""
        found: list[object] = [
            (answer.status, answer.body) if isinstance(answer, http_client.Answer) else answer
            for answer in self._pipelines.ask(bodies.good())
        ]
        return [*found, *self._channel.ask([messages.good()])]

    def send_bodies(self, cases: Sequence[str]) -> None:
        """Good heads, any body: each gets its answer."""
        sent = [BODIES[case.partition(":")[0]](self._random(case)) for case in cases]
        for case, request, answer in zip(cases, sent, self._pipelines.ask(sent), strict=True):
            told = answer if isinstance(answer, str) else fault(answer)
            self.verdict.count(case.partition(":")[0], "none" if isinstance(answer, str) else answer.status)
            if told:
                self.verdict.blame(case, request, told)

    def send_calls(self, cases: Sequence[str]) -> None:
        """Good HTTP/2, any call: each gets a status."""
        calls = [messages.call(self._random(case)) for case in cases]
        for case, call, (status, told, _) in zip(cases, calls, self._channel.ask(calls), strict=True):
            self.verdict.count("grpc", status)
            if status is None or status in FORBIDDEN or status >= 500:
                self.verdict.blame(case, repr(call).encode(), told)

    def send_head(self, case: str) -> None:
        """Anything over HTTP/1.1: whole answers or none, and nothing after one that ends the connection."""
        sent = head(self._random(case))
        try:
            answers = http_client.alone(self._predictor.http, sent)
        except TornError as error:
            self.verdict.count("heads", "torn")
            self.verdict.blame(case, sent, str(error))
            return
        for at, answer in enumerate(answers):
            self.verdict.count("heads", answer.status)
            if answer.status >= 500 or (answer.closes and at + 1 < len(answers)):
                self.verdict.blame(case, sent, f"status {answer.status}, answer {at + 1} of {len(answers)}")
        if not answers:
            self.verdict.count("heads", "closed")

    def send_frames(self, case: str) -> None:
        """Anything over HTTP/2: the connection ends, and no status blames the server."""
        sent = frames(self._random(case))
        try:
            statuses = grpc_client.alone(self._predictor.grpc, sent)
        except TimeoutError:
            self.verdict.blame(case, sent, "the connection does not end")
            return
        for status in statuses:
            self.verdict.count("frames", status)
            if status in FORBIDDEN or status >= 500:
                self.verdict.blame(case, sent, f"status {status}")
        if not statuses:
            self.verdict.count("frames", "closed")

    def _random(self, case: str) -> Random:
        return Random(f"{self._seed}:{case}")  # noqa: S311 - not for secrets


def main() -> int:
    """Send, show, and judge."""
    options = _options()
    console = Console(width=max(140, Console().width))
    with TemporaryDirectory(prefix="driftloop-fuzz-") as place:
        folder = Path(place)
        model.make(folder)
        with running(folder) as predictor:
            attack = Attack(predictor, options.seed)
            before, started = attack.good(), time.monotonic()
            _send(attack, predictor, options)
            seconds = time.monotonic() - started
            lives = predictor.lives
            same = lives and attack.good() == before
        log = predictor.log.read_text(errors="replace")
    verdict = attack.verdict
    console.print(verdict.table())
    console.print(f"{seconds:.0f} s, seed {options.seed}")
    _show(console, verdict, log)
    return 0 if tell(console, verdict.claims(log, lives, same, options.growth_mb)) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=100_000, help="rounded up to hundreds")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="+", metavar="KIND:NUMBER", help="these cases, as faults name them")
    parser.add_argument("--growth-mb", type=float, default=16, help="memory may grow so much after the first fifth")
    return parser.parse_args()


def _send(attack: Attack, predictor: Predictor, options: argparse.Namespace) -> None:
    for case in options.only or ():
        attack.send(case)
        attack.verdict.resident.append(predictor.resident_bytes)
    for number in range(0 if options.only else -(-options.requests // 100)):
        if not predictor.lives:
            attack.verdict.blame(f"round:{number}", b"", "the process has ended")
            return
        attack.round(number)


def _show(console: Console, verdict: Verdict, log: str) -> None:
    for one in verdict.faults:
        console.print(f"[red]{one.case}[/red] {one.told}\n  {one.sent[:1500]!r}", markup=True, highlight=False)
    if verdict.faults:
        folder = Settings.from_env().home / "bench" / "fuzz"
        keep(verdict.faults, folder)
        console.print(f"The bytes are in {folder}; `--only {verdict.faults[0].case}` sends the first again.")
    if "Traceback" in log:
        console.print(log[log.index("Traceback") :][:3000], markup=False, highlight=False)


if __name__ == "__main__":
    raise SystemExit(main())
