"""Is a request lost when predictors are replaced? Rolling restarts behind the real Envoy, while clients ask.

Exit code 1 if a single request failed. See benchmarks/README.md.
"""

from __future__ import annotations

import argparse

from draining import proxy, telling
from draining.clients import Clients
from draining.proxy import Slot
from draining.rolling import Rolling
from draining.telling import Drained
from servers import models, place
from servers.place import Place
from servers.ports import free_ports

from contracts.errors import ConfigError
from contracts.settings import Settings
from pocket.progress import Progress, Step
from scripts import edge, progress


def main() -> int:
    """The process' edge."""
    return edge.run(bench)


def bench() -> None:
    """Restart, tell, keep, and end with 1 if something failed."""
    options = _options()
    folder = Settings.from_env().home / "bench"
    with progress.shown() as on_progress, place.made(folder, [], on_progress) as own:
        drained = _drained(own, options, on_progress)
    telling.show(drained)
    telling.keep(drained, folder / "drain.json")
    print(f"The figures are in {folder / 'drain.json'}.")
    raise SystemExit(0 if drained.holds else 1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--restarts", type=int, default=200)
    parser.add_argument("--rate", type=float, default=200, help="HTTP requests a second")
    parser.add_argument("--calls", type=float, default=50, help="gRPC calls a second, at most")
    options = parser.parse_args()
    for name, value in vars(options).items():
        if value <= 0:
            raise ConfigError(f"--{name} is {value}; expected more than 0.")
    return options


def _drained(own: Place, options: argparse.Namespace, on_progress: Progress) -> Drained:
    """Everything up, the restarts, everything down."""
    on_progress(Step("drain", "fitting a model, starting Envoy and the first predictor"))
    model = models.fit("xgboost", own.folder)
    ports = free_ports(6)
    slots = Slot(ports[0], ports[1]), Slot(ports[2], ports[3])
    envoy = proxy.begin(own.folder, slots, ports[4], ports[5])
    restarts = []
    with envoy.process:
        envoy.process.await_ready()
        with Rolling(model, own, slots, envoy) as rolling:
            clients = Clients(envoy.port, options.rate, options.calls)
            with clients.asking():
                for number in range(1, options.restarts + 1):
                    restarts.append(rolling.restart())
                    said = f"{number} of {options.restarts}, {clients.failures} requests failed so far"
                    on_progress(Step("drain", said))
    on_progress(Step("drain", "nothing runs any more", done=True))
    return Drained(clients, restarts, envoy.failures.read_text().splitlines() if envoy.failures.exists() else [])


if __name__ == "__main__":
    raise SystemExit(main())
