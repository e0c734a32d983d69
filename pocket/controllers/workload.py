"""Revisions and the route to them: what Knative makes of a template and a split of the traffic.

A tick plans the traffic, Envoy gets it, then what it no longer needs is ended. Each step may be repeated or broken off.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from pocket import process, state
from pocket.controllers import envoy
from pocket.controllers import memory as memories
from pocket.controllers.client import Json
from pocket.controllers.memory import Memory
from pocket.controllers.revision import Platform, Revision
from pocket.controllers.router import Backend, Route
from pocket.controllers.traffic import Rollout, Target, observed, resolved

SWITCH_SECONDS = 0.5
"""How long Envoy's threads may take to see routes that it says are in force."""
DRAIN_SECONDS = 30.0
"""How long a revision that gets no more requests may take to answer those under way."""
_SEPARATOR = "+"
"""No name in Kubernetes has one."""

Tell = Callable[..., None]
"""Adds an Event: reason, message, whether it is a warning."""


@dataclass(frozen=True)
class Owner:
    """The object a workload belongs to."""

    kind: str
    namespace: str
    uid: str
    service: str
    """Name of the Knative Service, by which revisions are called."""

    @property
    def key(self) -> str:
        """Unique in the home."""
        return _SEPARATOR.join((self.kind, self.namespace, self.service))


def key_parts(key: str) -> tuple[str, str, str]:
    """Kind, namespace and service of a key."""
    kind, namespace, service = key.split(_SEPARATOR)
    return kind, namespace, service


class Workload:
    """The revisions of one object."""

    def __init__(self, platform: Platform, owner: Owner, tell: Tell) -> None:
        self.owner = owner
        self.memory = self._recalled(platform, owner)
        self.revisions: dict[str, Revision] = {}
        self.is_routed = False
        self._platform = platform
        self._tell = tell
        self._kept = copy.deepcopy(self.memory)
        self._wanted = [Target.from_json(one) for one in self.memory.traffic]
        self._leaving: dict[str, float] = {}
        self._failures: dict[str, str] = {}
        for name in self.memory.templates:
            self._revision(name)

    @property
    def url(self) -> str:
        """Its address, for REST and gRPC alike."""
        return f"http://127.0.0.1:{self.memory.port}"

    @property
    def traffic(self) -> list[Target]:
        """What is in force."""
        return [Target.from_json(one) for one in self.memory.traffic]

    @property
    def rollout(self) -> Rollout:
        """What has had all requests."""
        return Rollout(self.memory.latest, self.memory.previous)

    @property
    def newest(self) -> Revision | None:
        """The latest created revision."""
        return self.revisions.get(self.memory.created)

    def plan(self, template: Json | None, targets: Sequence[Target], now: float) -> None:
        """Make a revision of a new template, keep what is needed running, and choose the traffic.

        None: the object asks for nothing that could be had; what there was goes on.
        """
        if template is not None and template != self.memory.templates.get(self.memory.created):
            self._create(template)
        wanted = resolved(targets, self.memory.ready)
        for name in self._needed(wanted):
            self._revision(name).keep(now)
            self._leaving.pop(name, None)
        self._notice()
        wanted = resolved(targets, self.memory.ready)
        if all(self._may_take(one) for one in wanted):
            self._wanted = wanted

    def route(self) -> Route:
        """What Envoy shall have in force."""
        template = self.memory.templates.get(self.memory.ready, {})
        seconds = template.get("timeoutSeconds", Route.timeout_seconds)
        return Route(self.owner.namespace, self.owner.service, self.memory.port, self._wanted, seconds)

    def backends(self) -> list[Backend]:
        """Every revision that has a place."""
        return [
            Backend(f"{self.owner.namespace}.{one.name}", one.ports, one.speaks_http2)
            for one in self.revisions.values()
            if one.ports
        ]

    def settle(self, is_routed: bool, under_way: Callable[[str], int], now: float) -> None:
        """Take note of what Envoy has in force, and end the revisions that are needed no more."""
        self.is_routed = is_routed
        if is_routed:
            self._note([one.to_json() for one in self._wanted])
        needed = {*self._needed(self._wanted), *(one.revision for one in self.traffic)}
        for name in set(self.revisions) - needed:
            self._end(self.revisions[name], under_way, now)
        kept = {*needed, *self.revisions, self.memory.latest, self.memory.previous}
        for name in set(self.memory.templates) - kept:
            self._forget(name)
        self.save()

    def leave(self, under_way: Callable[[str], int], now: float) -> bool:
        """End everything, for the object is gone; whether all has ended."""
        for revision in list(self.revisions.values()):
            self._end(revision, under_way, now)
        if self.revisions:
            return False
        for name in list(self.memory.templates):
            self._forget(name)
        memories.remove(self._platform.home, self.owner.key)
        self._platform.ports.release(self.owner.key)
        return True

    def save(self) -> None:
        """Keep what is remembered, if it changed."""
        if self.memory != self._kept:
            memories.write(self._platform.home, self.owner.key, self.memory)
            self._kept = copy.deepcopy(self.memory)

    def _recalled(self, platform: Platform, owner: Owner) -> Memory:
        found = memories.read(platform.home, owner.key)
        if found and found.uid != owner.uid:
            found = None
        server = state.read(platform.home, envoy.NAME)
        if found and server and ("127.0.0.1", found.port) in process.listeners(server.token):
            platform.ports.hold(owner.key, {"http": found.port})
            return found
        last = {"http": found.port} if found else {}
        port = platform.ports.take(owner.key, ["http"], last)["http"]
        return replace(found, port=port) if found else Memory(owner.uid, port)

    def _create(self, template: Json) -> None:
        self.memory.count += 1
        self.memory.created = f"{self.owner.service}-{self.memory.count:05d}"
        self.memory.templates[self.memory.created] = template
        self.save()
        self._tell("RevisionCreated", f"Revision {self.memory.created} was created.")

    def _revision(self, name: str) -> Revision:
        if name not in self.revisions:
            template = self.memory.templates[name]
            self.revisions[name] = Revision(self._platform, self.owner.namespace, self.owner.service, name, template)
        return self.revisions[name]

    def _needed(self, wanted: Sequence[Target]) -> set[str]:
        named = {self.memory.created, self.memory.ready, *(one.revision for one in (*wanted, *self._wanted))}
        return named & set(self.memory.templates)

    def _notice(self) -> None:
        """The latest ready revision is the newest that has been ready."""
        ready = max((name for name, one in self.revisions.items() if one.is_ready), default="")
        if ready > self.memory.ready:
            self.memory.ready = ready
            self._tell("RevisionReady", f"Revision {ready} is ready.")
        for name, one in self.revisions.items():
            if one.failure and self._failures.get(name) != str(one.failure):
                self._tell("RevisionFailed", f"Revision {name}: {one.failure}", True)
            self._failures[name] = str(one.failure or "")

    def _may_take(self, target: Target) -> bool:
        """A revision gets its first requests when it is ready, and keeps them while it is started again."""
        had = {one.revision for one in self._wanted if one.percent}
        known = self.revisions.get(target.revision)
        return not target.percent or target.revision in had or (known is not None and known.is_ready)

    def _note(self, traffic: list[Json]) -> None:
        before, self.memory.traffic = self.memory.traffic, traffic
        known = self.rollout
        after = observed(known, self.traffic, self.memory.created, self.memory.ready)
        self.memory.latest, self.memory.previous = after.latest, after.previous
        if traffic != before:
            shares = ", ".join(f"{one['percent']} % to {one['revisionName']}" for one in traffic)
            self._tell("TrafficChanged", f"Requests go {shares or 'nowhere'}.")
        if after.latest != known.latest:
            back = after.latest == known.previous and bool(known.previous)
            self._tell("RolledBack" if back else "Promoted", f"Revision {after.latest} is the one rolled out.")

    def _end(self, revision: Revision, under_way: Callable[[str], int], now: float) -> None:
        drained = now - self._leaving.setdefault(revision.name, now)
        name = f"{self.owner.namespace}.{revision.name}"
        if drained < SWITCH_SECONDS or (drained < DRAIN_SECONDS and under_way(name)):
            return
        revision.stop(now)
        if revision.is_stopped:
            self._leaving.pop(revision.name)
            del self.revisions[revision.name]

    def _forget(self, name: str) -> None:
        self._revision(name).forget()
        del self.revisions[name], self.memory.templates[name]
