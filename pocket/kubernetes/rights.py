"""What ServiceAccounts with tokens of their own may do, by the Roles that are bound to them.

The home's own token may do everything; a server that is given no rights knows no other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pocket.kubernetes.status_error import Json, StatusError

OWNER = ""
"""Whoever has the home's own token."""


@dataclass(frozen=True)
class Grant:
    """One verb on one kind of resource in one namespace, for one account."""

    account: str
    """`<namespace>:<name>` of a ServiceAccount."""
    namespace: str
    group: str
    resource: str
    """With its subresource, as in `inferenceservices/status`."""
    verb: str


@dataclass(frozen=True)
class Rights:
    """Tokens of accounts, what is granted to them, and what of it was used."""

    accounts: Mapping[str, str]
    """Token → account."""
    grants: frozenset[Grant]
    used: set[Grant] = field(default_factory=set)

    @classmethod
    def of(cls, accounts: Mapping[str, str], objects: Sequence[Json]) -> Rights:
        """From Roles and RoleBindings, as they would be applied. ClusterRoles, wildcards and names are not known."""
        return cls(accounts, frozenset(grant for found in objects for grant in _bound(found, objects)))

    def check(self, asked: Grant, name: str) -> None:
        """Note that a grant is used. StatusError 403 if there is none."""
        if asked.account == OWNER:
            return
        if asked in self.grants:
            self.used.add(asked)
            return
        what = ".".join(filter(None, (asked.resource, asked.group)))
        user = f'User "system:serviceaccount:{asked.account}" cannot {asked.verb} resource "{asked.resource}"'
        place = f'in API group "{asked.group}" in the namespace "{asked.namespace}"'
        raise StatusError(403, f'{what} "{name}" is forbidden: {user} {place}')


NOBODY = Rights({}, frozenset())


def verb_of(method: str, named: bool, watch: bool) -> str:
    """The verb that Kubernetes checks for a request on an object, or on a collection."""
    if method in ("GET", "HEAD"):
        return "get" if named else "watch" if watch else "list"
    verbs = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete" if named else "deletecollection"}
    return verbs.get(method, method.lower())


def _bound(binding: Json, objects: Sequence[Json]) -> Iterator[Grant]:
    if binding["kind"] != "RoleBinding":
        return
    namespace, role = binding["metadata"]["namespace"], ("Role", binding["roleRef"]["name"])
    there = [found for found in objects if found["metadata"].get("namespace") == namespace]
    rules = [rule for found in there if (found["kind"], found["metadata"]["name"]) == role for rule in found["rules"]]
    accounts = [f"{subject['namespace']}:{subject['name']}" for subject in binding["subjects"]]
    for rule in rules:
        for account in accounts:
            yield from _granted(account, namespace, rule)


def _granted(account: str, namespace: str, rule: Json) -> Iterator[Grant]:
    for group in rule["apiGroups"]:
        for resource in rule["resources"]:
            yield from (Grant(account, namespace, group, resource, verb) for verb in rule["verbs"])
