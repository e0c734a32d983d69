"""An account may do what the Roles bound to it say, where they say it."""

from __future__ import annotations

import pytest

from pocket.kubernetes.rights import NOBODY, OWNER, Grant, Rights, verb_of
from pocket.kubernetes.status_error import Json, StatusError


def role(name: str, resource: str, *verbs: str) -> Json:
    """A Role in namespace `here`."""
    rule = {"apiGroups": ["g"], "resources": [resource], "verbs": list(verbs)}
    return {"kind": "Role", "metadata": {"name": name, "namespace": "here"}, "rules": [rule]}


def binding(name: str, account: str, namespace: str = "here") -> Json:
    """A RoleBinding of an account in namespace `away`."""
    subject = {"kind": "ServiceAccount", "namespace": "away", "name": account}
    metadata = {"name": name, "namespace": namespace}
    return {"kind": "RoleBinding", "metadata": metadata, "roleRef": {"name": name}, "subjects": [subject]}


@pytest.mark.parametrize(
    ("method", "named", "watch", "verb"),
    [
        ("GET", True, False, "get"),
        ("HEAD", True, False, "get"),
        ("GET", False, False, "list"),
        ("GET", False, True, "watch"),
        ("POST", False, False, "create"),
        ("PUT", True, False, "update"),
        ("PATCH", True, False, "patch"),
        ("DELETE", True, False, "delete"),
        ("DELETE", False, False, "deletecollection"),
    ],
)
def test_verbs_are_those_of_kubernetes(method: str, named: bool, watch: bool, verb: str) -> None:
    """A request on a collection is another verb than one on an object."""
    assert verb_of(method, named, watch) == verb


def test_what_is_granted_and_used_is_known() -> None:
    """Of two verbs one is asked for."""
    rights = Rights.of({"t": "away:one"}, [role("r", "things", "get", "list"), binding("r", "one")])
    asked = Grant("away:one", "here", "g", "things", "get")
    rights.check(asked, "x")
    assert rights.used == {asked}
    assert rights.grants - rights.used == {Grant("away:one", "here", "g", "things", "list")}


@pytest.mark.parametrize(
    "asked",
    [
        Grant("away:other", "here", "g", "things", "get"),
        Grant("away:one", "away", "g", "things", "get"),
        Grant("away:one", "here", "h", "things", "get"),
        Grant("away:one", "here", "g", "things/status", "get"),
        Grant("away:one", "here", "g", "things", "delete"),
    ],
)
def test_all_else_is_refused(asked: Grant) -> None:
    """Another account, namespace, group, subresource or verb; the message has what RBAC's own has."""
    rights = Rights.of({"t": "away:one"}, [role("r", "things", "get"), binding("r", "one")])
    with pytest.raises(StatusError, match=f"system:serviceaccount:{asked.account}. cannot {asked.verb}") as refused:
        rights.check(asked, "x")
    assert refused.value.code == 403


def test_a_binding_to_a_role_of_elsewhere_grants_nothing() -> None:
    """Role and RoleBinding are in one namespace."""
    assert Rights.of({}, [role("r", "things", "get"), binding("r", "one", "there")]).grants == frozenset()


def test_the_owner_may_do_everything() -> None:
    """With no rights given to anybody."""
    NOBODY.check(Grant(OWNER, "here", "g", "things", "delete"), "x")
    assert NOBODY.used == set()
