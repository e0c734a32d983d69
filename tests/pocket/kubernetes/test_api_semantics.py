"""What the API promises, by raw HTTP."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from kubernetes_api import APPLY, CONFIG, ISVC, JSON_PATCH, MERGE, Api, config, isvc

STRATEGIC = "application/strategic-merge-patch+json"
SECRETS = "/api/v1/namespaces/default/secrets"
NESTED: dict[str, Any] = {}
for _ in range(80):
    NESTED = {"a": NESTED}


def refusal(
    api: Api, method: str, path: str, body: object = None, form: str = "application/json"
) -> tuple[int, str, str]:
    """Code, reason and message of a request that is refused."""
    code, answer = api.call(method, path, body, form)
    assert answer["kind"] == "Status", answer
    assert answer["code"] == code
    return code, answer["reason"], answer["message"]


@pytest.mark.parametrize("authorization", ["", "Bearer wrong", "Basic eDp5", "Bearer \xff"])
@pytest.mark.parametrize("path", ["/version", "/readyz", ISVC, "/openapi/v3"])
def test_nobody_is_let_in_without_the_token(api: Api, authorization: str, path: str) -> None:
    """401, whatever is asked."""
    code, answer = api.call("GET", path, Authorization=authorization)
    assert (code, answer["reason"]) == (401, "Unauthorized")


@pytest.mark.parametrize(
    ("method", "path", "body", "form", "code", "reason", "words"),
    [
        ("GET", f"{ISVC}/nobody", None, MERGE, 404, "NotFound", '"nobody" not found'),
        ("PATCH", f"{ISVC}/nobody", {}, MERGE, 404, "NotFound", "not found"),
        (
            "POST",
            "/apis/apps/v1/namespaces/default/deployments",
            {},
            "application/json",
            404,
            "NotFound",
            "ServingRuntime",
        ),
        ("GET", "/apis/apps/v1", None, MERGE, 404, "NotFound", "InferenceService (serving.kserve.io/v1beta1)"),
        ("GET", "/nothing", None, MERGE, 404, "NotFound", "could not find"),
        ("POST", ISVC, b"{", "application/json", 400, "BadRequest", "cannot be read"),
        ("POST", ISVC, b"[]", "application/json", 400, "BadRequest", "must be an object"),
        ("POST", ISVC, b"\xff", "application/json", 400, "BadRequest", "cannot be read"),
        ("POST", ISVC, b'{"a":NaN}', "application/json", 400, "BadRequest", "NaN"),
        ("POST", ISVC, b'{"a":"\\ud800"}', "application/json", 400, "BadRequest", "cannot be read"),
        ("POST", ISVC, b"[" * 100_000, "application/json", 400, "BadRequest", "cannot be read"),
        ("POST", ISVC, NESTED, "application/json", 400, "BadRequest", "64 levels"),
        ("POST", ISVC, b" " * 3_000_001, "application/json", 413, "RequestEntityTooLarge", "3,000,000"),
        ("POST", ISVC, b"a: &x [1]\nb: *x\n", "application/yaml", 400, "BadRequest", "aliases"),
        ("POST", ISVC, b"k8s\0", "application/vnd.kubernetes.protobuf", 415, "UnsupportedMediaType", "json"),
        ("POST", ISVC, {"metadata": 5}, "application/json", 400, "BadRequest", "metadata must be an object"),
        ("POST", ISVC, {"metadata": {}}, "application/json", 422, "Invalid", "name or generateName"),
        ("POST", ISVC, isvc("Upper"), "application/json", 422, "Invalid", "metadata.name"),
        ("POST", ISVC, isvc("x" * 64), "application/json", 422, "Invalid", "at most 63"),
        ("POST", ISVC, {**isvc("a"), "kind": "Pod"}, "application/json", 400, "BadRequest", "Pod"),
        ("POST", ISVC, {**isvc("a"), "spec": {}}, "application/json", 422, "Invalid", "spec.predictor: Required"),
        ("POST", ISVC, isvc("a", minReplicas="2"), "application/json", 422, "Invalid", "must be of type integer"),
        ("POST", ISVC, isvc("a", minReplicas=2**40), "application/json", 422, "Invalid", "int32"),
        ("POST", ISVC, isvc("a", minReplicas=True), "application/json", 422, "Invalid", "must be of type integer"),
        (
            "POST",
            f"{ISVC}?fieldValidation=Strict",
            isvc("a", bogus=1),
            MERGE,
            400,
            "BadRequest",
            '"spec.predictor.bogus"',
        ),
        ("POST", ISVC.replace("default", "nowhere"), isvc("a"), "application/json", 404, "NotFound", '"nowhere"'),
        ("POST", f"{ISVC}?dryRun=Some", isvc("a"), "application/json", 400, "BadRequest", "dryRun"),
        ("POST", f"{ISVC}?fieldValidation=No", isvc("a"), "application/json", 400, "BadRequest", "Strict"),
        ("PUT", ISVC, isvc("a"), "application/json", 405, "MethodNotAllowed", "PUT"),
        ("DELETE", "/api/v1/namespaces/default", None, MERGE, 403, "Forbidden", "may not be deleted"),
        ("PATCH", f"{ISVC}/a", isvc("a"), APPLY, 422, "Invalid", "fieldManager"),
        ("PATCH", f"{ISVC}/a", {}, "application/json", 415, "UnsupportedMediaType", MERGE),
        ("GET", f"{ISVC}?labelSelector=a%20b", None, MERGE, 400, "BadRequest", "requirement"),
        ("GET", f"{ISVC}?fieldSelector=spec.x=1", None, MERGE, 400, "BadRequest", "not supported"),
        ("GET", f"{ISVC}?watch=1&resourceVersion=x", None, MERGE, 400, "BadRequest", "resourceVersion"),
        ("GET", f"{ISVC}?watch=1&resourceVersion=999999999", None, MERGE, 410, "Expired", "list again"),
        ("POST", SECRETS, {"metadata": {"name": "s"}, "data": {"a": "%"}}, MERGE, 422, "Invalid", "base64"),
        ("POST", CONFIG, {"metadata": {"name": "c", "labels": {"a": "b\n"}}}, MERGE, 422, "Invalid", "labels"),
        (
            "PATCH",
            "/api/v1/namespaces/default",
            [{"op": "test", "path": "/kind", "value": 1}],
            JSON_PATCH,
            422,
            "Invalid",
            "",
        ),
        ("PATCH", "/api/v1/namespaces/default", [{"op": "x"}], JSON_PATCH, 422, "Invalid", ""),
        ("PATCH", "/api/v1/namespaces/default", {"metadata": 3}, MERGE, 400, "BadRequest", "metadata"),
        ("PATCH", "/api/v1/namespaces/default", [], MERGE, 400, "BadRequest", "object"),
    ],
)
def test_a_mistake_is_told(
    api: Api, method: str, path: str, body: object, form: str, code: int, reason: str, words: str
) -> None:
    """A Status with the right code and reason, and words that name what is wrong."""
    told = refusal(api, method, path, body, form)
    assert told[:2] == (code, reason)
    assert words in told[2]


def test_a_life(api: Api) -> None:
    """Create, read, update and delete, with what the server adds."""
    code, made = api.call("POST", ISVC, isvc("life"))
    assert code == 201
    assert made["metadata"]["generation"] == 1
    assert {"uid", "creationTimestamp", "resourceVersion"} <= made["metadata"].keys()
    assert api.call("POST", ISVC, isvc("life"))[1]["reason"] == "AlreadyExists"
    made["spec"]["predictor"]["minReplicas"] = 2
    code, changed = api.call("PUT", f"{ISVC}/life", made)
    assert (code, changed["metadata"]["generation"]) == (200, 2)
    assert api.call("PUT", f"{ISVC}/life", made)[1]["reason"] == "Conflict"
    labelled = api.call("PATCH", f"{ISVC}/life", {"metadata": {"labels": {"a": "b"}}}, MERGE)[1]
    assert labelled["metadata"]["generation"] == 2
    same = api.call("PATCH", f"{ISVC}/life", {"metadata": {"labels": {"a": "b"}}}, MERGE)[1]
    assert same["metadata"] == labelled["metadata"]
    stale = {"preconditions": {"resourceVersion": "1"}}
    assert api.call("DELETE", f"{ISVC}/life", stale)[0] == 409
    assert api.call("DELETE", f"{ISVC}/life")[1]["status"] == "Success"
    assert api.call("GET", f"{ISVC}/life")[0] == 404


def test_status_and_spec_are_written_apart(api: Api) -> None:
    """A write of one does not touch the other, nor does a status count as a generation."""
    begun = {**isvc("apart"), "status": {"url": "http://early"}}
    assert "status" not in api.call("POST", ISVC, begun)[1]
    patch = {"status": {"url": "http://x"}, "spec": {"predictor": {"minReplicas": 9}}}
    told = api.call("PATCH", f"{ISVC}/apart/status", patch, MERGE)[1]
    assert told["status"]["url"] == "http://x"
    assert "minReplicas" not in told["spec"]["predictor"]
    changed = api.call("PATCH", f"{ISVC}/apart", {**patch, "status": {"url": "http://y"}}, MERGE)[1]
    assert changed["status"]["url"] == "http://x"
    assert changed["spec"]["predictor"]["minReplicas"] == 9
    assert (told["metadata"]["generation"], changed["metadata"]["generation"]) == (1, 2)
    assert api.call("PATCH", f"{CONFIG}/apart/status", {}, MERGE)[0] == 404


def test_unknown_fields_go_with_a_warning(api: Api) -> None:
    """Where they are not refused they are not kept either."""
    made = api.call("POST", ISVC, isvc("pruned", bogus=1))[1]
    assert "bogus" not in made["spec"]["predictor"]
    connection = api.connection()
    token = json.loads((api.home / "kubeconfig").read_text())["users"][0]["user"]["token"]
    headers = {"Authorization": f"Bearer {token}"}
    connection.request("POST", f"{ISVC}?dryRun=All", json.dumps(isvc("warned", bogus=1)), headers)
    response = connection.getresponse()
    assert 'unknown field \\"spec.predictor.bogus\\"' in (response.headers["Warning"] or "")
    connection.close()


def test_a_dry_run_changes_nothing(api: Api) -> None:
    """Not by creating, changing or deleting."""
    assert api.call("POST", f"{CONFIG}?dryRun=All", config("dry", a="1"))[0] == 201
    assert api.call("GET", f"{CONFIG}/dry")[0] == 404
    kept = api.call("POST", CONFIG, config("dry", a="1"))[1]
    assert api.call("PATCH", f"{CONFIG}/dry?dryRun=All", {"data": {"a": "2"}}, MERGE)[1]["data"] == {"a": "2"}
    assert api.call("DELETE", f"{CONFIG}/dry", {"dryRun": ["All"]})[0] == 200
    assert api.call("GET", f"{CONFIG}/dry")[1] == kept


def test_finalizers_hold_a_deleted_object(api: Api) -> None:
    """It is marked, takes no new finalizers, and goes with the last of them."""
    held = config("held")
    held["metadata"]["finalizers"] = ["example.org/a"]
    api.call("POST", CONFIG, held)
    assert "deletionTimestamp" in api.call("DELETE", f"{CONFIG}/held")[1]["metadata"]
    assert api.call("DELETE", f"{CONFIG}/held")[0] == 200
    more = {"metadata": {"finalizers": ["example.org/a", "example.org/b"]}}
    assert api.call("PATCH", f"{CONFIG}/held", more, MERGE)[0] == 422
    assert api.call("PATCH", f"{CONFIG}/held", {"metadata": {"finalizers": []}}, MERGE)[0] == 200
    assert api.call("GET", f"{CONFIG}/held")[0] == 404


def test_patches(api: Api) -> None:
    """JSON patch, and strategic merge for core kinds only."""
    api.call("POST", CONFIG, config("patched", a="1", b="2"))
    operations = [{"op": "replace", "path": "/data/a", "value": "3"}, {"op": "remove", "path": "/data/b"}]
    assert api.call("PATCH", f"{CONFIG}/patched", operations, JSON_PATCH)[1]["data"] == {"a": "3"}
    strategic = {"data": {"a": None, "c": "4"}, "metadata": {"finalizers": ["x/a"]}}
    assert api.call("PATCH", f"{CONFIG}/patched", strategic, STRATEGIC)[1]["data"] == {"c": "4"}
    emptied = {"metadata": {"$deleteFromPrimitiveList/finalizers": ["x/a"]}}
    assert not api.call("PATCH", f"{CONFIG}/patched", emptied, STRATEGIC)[1]["metadata"].get("finalizers")
    api.call("POST", ISVC, isvc("unstrategic"))
    assert refusal(api, "PATCH", f"{ISVC}/unstrategic", {}, STRATEGIC)[0] == 415
    doubling = [{"op": "copy", "from": "/data", "path": f"/data/x{number}"} for number in range(30)]
    assert refusal(api, "PATCH", f"{CONFIG}/patched", doubling, JSON_PATCH)[0] in (413, 422)


def test_secrets_are_kept_encoded(api: Api) -> None:
    """stringData becomes data; the type and an immutable one stay."""
    secret = {"metadata": {"name": "coded"}, "stringData": {"key": "wörd"}, "immutable": True}
    made = api.call("POST", SECRETS, secret)[1]
    assert base64.b64decode(made["data"]["key"]).decode() == "wörd"
    assert (made["type"], "stringData" in made) == ("Opaque", False)
    assert refusal(api, "PATCH", f"{SECRETS}/coded", {"stringData": {"key": "x"}}, MERGE)[:2] == (422, "Invalid")


def test_selectors(api: Api) -> None:
    """By labels, in every form of requirement, and by name."""
    for name, labels in (("sel-a", {"tier": "gold", "x": "1"}), ("sel-b", {"tier": "tin"}), ("sel-c", {"x": "2"})):
        api.call("POST", CONFIG, {"metadata": {"name": name, "labels": {"sel": "y", **labels}}})

    def named(query: str) -> list[str]:
        return [item["metadata"]["name"][-1] for item in api.call("GET", f"{CONFIG}?{query}")[1]["items"]]

    assert named("labelSelector=tier%3Dgold") == ["a"]
    assert named("labelSelector=sel,tier!%3Dgold") == ["b", "c"]
    assert named("labelSelector=sel%3Dy,tier%20in%20(gold,tin),!x") == ["b"]
    assert named("labelSelector=sel,x%20notin%20(1)") == ["b", "c"]
    assert named("fieldSelector=metadata.name%3Dsel-c,metadata.namespace%3Ddefault") == ["c"]
    assert api.call("DELETE", f"{CONFIG}?labelSelector=sel")[0] == 200
    assert named("labelSelector=sel") == []


def test_a_namespace_takes_what_is_in_it_along(api: Api) -> None:
    """Deleted, it admits nothing new; it goes when the last object in it has gone."""
    namespaces, inside = "/api/v1/namespaces", "/api/v1/namespaces/short/configmaps"
    api.call("POST", namespaces, {"metadata": {"name": "short"}})
    held = config("held")
    held["metadata"]["finalizers"] = ["example.org/a"]
    api.call("POST", inside, held)
    api.call("POST", inside, config("free"))
    assert api.call("DELETE", f"{namespaces}/short")[1]["status"]["phase"] == "Terminating"
    assert refusal(api, "POST", inside, config("late"))[:2] == (403, "Forbidden")
    api.kubectl("wait", "--for=delete", "configmap/free", "-n", "short", "--timeout=20s")
    assert "deletionTimestamp" in api.call("GET", f"{inside}/held")[1]["metadata"]
    api.call("PATCH", f"{inside}/held", {"metadata": {"finalizers": None}}, MERGE)
    api.kubectl("wait", "--for=delete", "namespace/short", "--timeout=20s")


def test_apply_removes_what_its_manager_no_longer_says(api: Api) -> None:
    """Fields of others stay, items of lists with keys are told apart, and an empty parent goes too."""
    services = "/apis/serving.knative.dev/v1/namespaces/default/services/applied"

    def apply(manager: str, force: bool = False, **variables: str) -> Any:
        env = [{"name": name, "value": value} for name, value in variables.items()]
        container = {"image": "x", "env": env} if manager == "one" else {"image": "x"}
        template: dict[str, Any] = {"metadata": {"labels": variables}, "spec": {"containers": [container]}}
        body = {"spec": {"template": template if manager == "one" else {"metadata": {"labels": variables}}}}
        return api.call("PATCH", f"{services}?fieldManager={manager}&force={str(force).lower()}", body, APPLY)

    assert apply("one", A="1", B="2")[0] == 201
    assert apply("two", C="3")[1]["spec"]["template"]["metadata"]["labels"] == {"A": "1", "B": "2", "C": "3"}
    first = apply("one", A="1")[1]
    assert first["spec"]["template"]["metadata"]["labels"] == {"A": "1", "C": "3"}
    assert first["spec"]["template"]["spec"]["containers"][0]["env"] == [{"name": "A", "value": "1"}]
    assert apply("one", A="1")[1]["metadata"] == first["metadata"]
    code, told = apply("two", A="9")
    assert (code, told["reason"]) == (409, "Conflict")
    assert told["details"]["causes"][0]["field"] == ".spec.template.metadata.labels.A"
    assert 'conflict with "one"' in told["message"]
    assert apply("two", force=True, A="9")[1]["spec"]["template"]["metadata"]["labels"] == {"A": "9"}
    assert apply("one", A="1")[0] == 409


def test_apply_removes_an_item_that_cannot_be_without_its_key(api: Api) -> None:
    """An InferenceService's variable goes with its name, which its schema requires."""

    def apply(*names: str) -> Any:
        body = isvc("variables")
        body["spec"]["predictor"]["model"]["env"] = [{"name": name, "value": name} for name in names]
        return api.call("PATCH", f"{ISVC}/variables?fieldManager=one", body, APPLY)

    assert apply("A", "B")[0] == 201
    code, found = apply("A")
    assert (code, found["spec"]["predictor"]["model"]["env"]) == (200, [{"name": "A", "value": "A"}])


def test_whoever_changes_a_field_owns_it(api: Api) -> None:
    """An update takes fields over; the one who applied them is told of the conflict."""
    path = f"{CONFIG}/owned"
    assert (
        api.call("PATCH", f"{path}?fieldManager=one", b"data: {a: 2013-01-01}\n", APPLY)[1]["data"]["a"] == "2013-01-01"
    )
    api.call("PATCH", f"{path}?fieldManager=hand", {"data": {"a": "2"}}, MERGE)
    code, told = api.call("PATCH", f"{path}?fieldManager=one", {"data": {"a": "1"}}, APPLY)
    assert code == 409
    assert 'conflict with "hand"' in told["message"]
    assert api.call("PATCH", f"{path}?fieldManager=one&force=true", {"data": {"a": "1"}}, APPLY)[0] == 200
    assert "data" not in api.call("PATCH", f"{path}?fieldManager=one", {}, APPLY)[1]


def test_a_watch_tells_what_happens(api: Api) -> None:
    """From a version on, with a selector: an object that begins or ceases to match comes or goes."""
    version = api.call("GET", CONFIG)[1]["metadata"]["resourceVersion"]
    api.call("POST", CONFIG, config("seen"))
    for label in ("1", "2", None):
        api.call("PATCH", f"{CONFIG}/seen", {"metadata": {"labels": {"watched": label}}}, MERGE)
    api.call("DELETE", f"{CONFIG}/seen")
    connection = api.connection()
    token = json.loads((api.home / "kubeconfig").read_text())["users"][0]["user"]["token"]
    query = f"watch=1&resourceVersion={version}&labelSelector=watched&timeoutSeconds=1"
    connection.request("GET", f"{CONFIG}?{query}", headers={"Authorization": f"Bearer {token}"})
    events = [json.loads(line) for line in connection.getresponse().read().splitlines()]
    connection.close()
    assert [event["type"] for event in events] == ["ADDED", "MODIFIED", "DELETED"]
    versions = [int(event["object"]["metadata"]["resourceVersion"]) for event in events]
    assert versions == sorted(set(versions))


def test_events_can_be_reported(api: Api) -> None:
    """With a generated name, found by the object they are about."""
    about = {"kind": "InferenceService", "name": "flights", "namespace": "default"}
    event = {"metadata": {"generateName": "flights."}, "involvedObject": about, "reason": "Began", "message": "m"}
    code, made = api.call("POST", "/api/v1/namespaces/default/events", event)
    assert code == 201
    assert made["metadata"]["name"].startswith("flights.")
    query = "fieldSelector=involvedObject.name%3Dflights"
    assert len(api.call("GET", f"/api/v1/events?{query}")[1]["items"]) == 1
