"""The loop that brings processes and routes nearer to what the objects say, again and again.

Everything it knows is in the API, in records and in memories, so that it may be killed at any line and started again.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from contracts.errors import DriftloopError
from pocket import process, service, state
from pocket.controllers import envoy, eventing, memory, router, serving_status, template
from pocket.controllers.allocation import Allocation
from pocket.controllers.anchor import Anchor
from pocket.controllers.cache import Cache
from pocket.controllers.client import Client, Json
from pocket.controllers.conditions import RefusedError
from pocket.controllers.revision import RECORDS, Platform
from pocket.controllers.traffic import LATEST, Target, canary, resolved
from pocket.controllers.workload import Owner, Workload, key_parts
from pocket.kubernetes.kinds import KINDS
from pocket.progress import silent
from pocket.state import Record

TICK_SECONDS = 0.1
"""Between two looks when nothing tells that something has happened."""
_IDLE_SECONDS = 2.0
"""How often Brokers and Triggers are looked at when no object has changed."""
_WATCHED = {kind.name: kind for kind in KINDS if kind.api_version != "v1"}
_log = logging.getLogger(__name__)
T = TypeVar("T")
Plan = tuple[Json, Workload, list[Target], RefusedError | None]
"""An object, what it has, where its requests shall go, and what of it was refused."""


class Controllers:
    """The controllers of one home."""

    def __init__(self, home: Path, env: Mapping[str, str]) -> None:
        self.home = home
        self.is_ready = False
        """Whether every object has been looked at, and Envoy answers."""
        self._env = env
        self._client = Client(home)
        self._wake = threading.Event()
        self._cache = Cache(self._client, list(_WATCHED.values()), self._wake)
        self._pool = ThreadPoolExecutor(8, thread_name_prefix="revision")
        self._platform = Platform(home, env, self._client.find, Allocation(home), self._pool, self._wake)
        self._router = router.Router(home)
        self._workloads: dict[str, Workload] = {}
        self._gone: dict[str, Workload] = {}
        self._told: dict[str, str] = {}
        """What went wrong last, by what it was."""
        self._eventing_due = self._envoy_due = 0.0
        self._anchor = Anchor(home)
        self._envoys: set[str] = set()
        """Tokens by which Envoy is found when no record of it is left."""

    def run(self, ended: threading.Event) -> None:
        """Until it is told to end: what it started goes on. If its home is gone, that ends too."""
        self._hold_ports()
        self._cache.start()
        while not ended.is_set() and self._anchor.holds():
            self._safely("tick", lambda: self._tick(time.monotonic()))
            self._wake.wait(TICK_SECONDS)
            self._wake.clear()
        self._pool.shutdown(cancel_futures=True)
        if not self._anchor.holds():
            self._abandon()

    def _tick(self, now: float) -> None:
        server = self._envoy(now)
        if not self._cache.is_whole:
            return
        changed = self._cache.changed.is_set()
        self._cache.changed.clear()
        plans = self._plan(now)
        self._route(server, now)
        for obj, workload, wanted, refused in plans:
            tell = serving_status.inference_service if _is_inference(obj) else serving_status.knative_service
            self._write_status(obj, tell(obj, workload, resolved(wanted, workload.memory.ready), refused))
        if changed or now > self._eventing_due:
            self._eventing_due = now + _IDLE_SECONDS
            objects = {kind: self._cache.all(kind) for kind in ("Broker", "Trigger", "Service")}
            for obj, status in eventing.reconcile(self.home, objects):
                self._write_status(obj, status)
        self.is_ready = server is not None

    def _plan(self, now: float) -> list[Plan]:
        runtimes, plans, seen = self._cache.all("ServingRuntime"), [], set()
        for obj in [*self._cache.all("InferenceService").values(), *self._cache.all("Service").values()]:
            owner = _owner(obj)
            seen.add(owner.key)
            plans.append(self._safely(owner.key, partial(self._plan_one, owner, obj, runtimes, now)))
        for key in set(self._workloads) - seen:
            self._gone[key] = self._workloads.pop(key)
        for key in set(memory.names(self.home)) - seen - set(self._gone):  # deleted while no controllers ran
            self._recall(key)
        return [plan for plan in plans if plan]

    def _plan_one(self, owner: Owner, obj: Json, runtimes: Mapping[str, Json], now: float) -> Plan:
        workload = self._workload(owner, obj)
        wanted, refused, made = _targets(obj, workload), None, None
        try:
            made = _template(obj, runtimes)
        except RefusedError as error:
            refused = error
        workload.plan(made, wanted, now)
        return obj, workload, wanted, refused

    def _route(self, server: Record | None, now: float) -> None:
        alive = self._workloads.values()
        backends = [one for workload in [*alive, *self._gone.values()] for one in workload.backends()]
        in_force = self._router.publish(server, [one.route() for one in alive], backends) if server else set()

        def under_way(revision: str) -> int:
            return router.requests_under_way(server.ports["http"], revision) if server else 0

        for workload in alive:
            workload.settle(workload.route().name in in_force, under_way, now)
        for key, workload in list(self._gone.items()):
            if workload.leave(under_way, now):
                del self._gone[key]
                self._router.remove(workload.route().name)

    def _workload(self, owner: Owner, obj: Json) -> Workload:
        known = self._workloads.get(owner.key)
        if known and known.owner.uid == owner.uid:
            return known
        if before := known or self._gone.pop(owner.key, None):  # deleted and made anew in a short time
            self._end_now(before)
        old = memory.read(self.home, owner.key)
        if old and old.uid != owner.uid:
            self._end_now(Workload(self._platform, replace(owner, uid=old.uid), lambda *_: None))
        self._workloads[owner.key] = Workload(self._platform, owner, partial(self._tell, owner.key, obj))
        return self._workloads[owner.key]

    def _tell(self, key: str, obj: Json, reason: str, message: str, warning: bool = False) -> None:
        _log.info("%s: %s: %s", key, reason, message)
        self._safely(f"Event of {key}", partial(self._client.tell, obj, reason, message, warning))

    def _end_now(self, workload: Workload) -> None:
        while not workload.leave(lambda _: 0, float("inf")):
            time.sleep(TICK_SECONDS)

    def _recall(self, key: str) -> None:
        if kept := memory.read(self.home, key):
            kind, namespace, name = key_parts(key)
            self._gone[key] = Workload(self._platform, Owner(kind, namespace, kept.uid, name), lambda *_: None)

    def _write_status(self, obj: Json, status: Json) -> None:
        if status == obj.get("status"):
            return
        kind, name = obj["kind"], obj["metadata"]["name"]
        written = self._safely(
            f"status of {kind} {name}", partial(self._client.write_status, _WATCHED[kind], obj, status)
        )
        if written:  # else it was deleted meanwhile, or the API is away: the next tick tries again
            self._cache.renew(written)

    def _safely(self, what: str, work: Callable[[], T]) -> T | None:
        """Its result, or None if it failed, which is told once: the next tick tries again."""
        try:
            found = work()
        except DriftloopError as error:
            if self._told.get(what) != str(error):
                _log.warning("%s: %s", what, error)
            self._told[what] = str(error)
            return None
        except Exception as error:  # noqa: BLE001 - the process' edge: one object's trouble is not that of others
            if self._told.get(what) != repr(error):
                _log.exception("%s", what)
            self._told[what] = repr(error)
            return None
        self._told.pop(what, None)
        return found

    def _envoy(self, now: float) -> Record | None:
        """Envoy's record, once it answers; it is started if it does not run."""
        wanted = envoy.service(self.home, os.environ)
        record = state.read(self.home, envoy.NAME)
        if record and process.is_running(record.pid, record.token):
            self._envoys = {record.token}
            return record if self.is_ready or service.answers(wanted, record) else None
        if now >= self._envoy_due:
            self._envoy_due, self.is_ready = now + _IDLE_SECONDS, False
            if record and record.token:
                _log.warning(
                    "Envoy has ended and is started again; its log is %s", service.log_path(self.home, wanted.name)
                )
            self._envoys.add(service.ensure(self.home, wanted, silent).record.token)
        return None

    def _abandon(self) -> None:
        """End what runs for a home that is gone: nobody could stop it, for its records went too."""
        _log.warning("%s is gone: everything that was started for it ends", self.home)
        known = [*self._workloads.values(), *self._gone.values()]
        revisions = {revision.token for workload in known for revision in workload.revisions.values()}
        for token in revisions | self._envoys:
            process.stop(token, envoy.DRAIN_SECONDS)

    def _hold_ports(self) -> None:
        for path in (self.home / "state").glob(f"{RECORDS}*.json"):
            if record := state.read(self.home, path.stem):
                self._platform.ports.hold(record.service, record.ports)
        for key in memory.names(self.home):
            if kept := memory.read(self.home, key):
                self._platform.ports.hold(key, {"http": kept.port})


def _owner(obj: Json) -> Owner:
    metadata = obj["metadata"]
    name = f"{metadata['name']}-predictor" if _is_inference(obj) else metadata["name"]
    return Owner(obj["kind"], metadata["namespace"], metadata["uid"], name)


def _template(obj: Json, runtimes: Mapping[str, Json]) -> Json:
    return template.of_inference_service(obj, runtimes) if _is_inference(obj) else template.of_knative_service(obj)


def _is_inference(obj: Json) -> bool:
    return bool(obj["kind"] == "InferenceService")


def _targets(obj: Json, workload: Workload) -> list[Target]:
    if _is_inference(obj):
        return list(canary(obj["spec"]["predictor"].get("canaryTrafficPercent"), workload.rollout))
    return [Target.from_json(one) for one in obj["spec"].get("traffic", [])] or list(LATEST)
