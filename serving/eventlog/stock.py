"""Events of KServe's own payload logger: a request and its answer come apart, and make rows once both are there.

Each half is stored as it is under a name that follows from its id, before anything else: no half is held in memory, and
whichever comes second finds the first. A pair that makes no rows stays as it is stored.
"""

from __future__ import annotations

import hashlib
import json
import logging
from datetime import datetime

from pydantic import TypeAdapter, ValidationError

from contracts.cloudevent import STRUCTURED, CloudEvent, decode
from contracts.errors import DataError
from contracts.eventlog import EVENT_TIME, ROOT, ROW_ID
from contracts.events import LoopName, Payload
from contracts.objects import ObjectStore
from serving.eventlog.tensors import RequestBody, ResponseBody

REQUEST, RESPONSE = "org.kubeflow.serving.inference.request", "org.kubeflow.serving.inference.response"
OTHER = {REQUEST: RESPONSE, RESPONSE: REQUEST}
UNKNOWN = "unknown"
"""The version of an answer that names none, and every revision: the logger does not tell it."""
_LOOP: TypeAdapter[str] = TypeAdapter(LoopName)
_log = logging.getLogger(__name__)


def keep(store: ObjectStore, bucket: str, event: CloudEvent, now: datetime) -> Payload | None:
    """Store one half; the rows of both, if the other is there and they can be understood."""
    loop = _loop(event)
    store.put(_uri(bucket, loop, event, event["type"]), event.to_structured()[1])
    try:
        body = store.get(_uri(bucket, loop, event, OTHER[event["type"]]))
    except DataError:  # it has not come yet
        return None
    halves = {half["type"]: half for half in (event, decode({"content-type": STRUCTURED}, body))}
    try:
        return pair(loop, halves[REQUEST], halves[RESPONSE], now)
    except (DataError, ValidationError) as error:
        _log.warning("request %s of %s is kept as it is: %s", event["id"], loop, str(error).splitlines()[0])
        return None


def pair(loop: str, request: CloudEvent, response: CloudEvent, now: datetime) -> Payload:
    """The rows of a request and its answer. DataError or ValidationError if they make none.

    Rows are called `<request id>/<index>` and are of now, unless the request has columns `row_id`, `event_timestamp`.
    """
    columns = RequestBody.model_validate_json(request.data).columns()
    answered = ResponseBody.model_validate_json(response.data)
    rows = len(next(iter(columns.values())))
    times = columns.pop(EVENT_TIME, [response.attributes.get("time", now.isoformat())] * rows)
    row_ids = columns.pop(ROW_ID, [f"{request['id']}/{index}" for index in range(rows)])
    fields = {
        "loop": loop,
        "model_version": answered.model_version or UNKNOWN,
        "revision": UNKNOWN,
        "row_ids": row_ids,
        "timestamps": times,
        "columns": columns,
        "scores": answered.scores(rows),
        "seconds": [0.0] * rows,
        "errors": [None] * rows,
    }
    return Payload.model_validate_json(json.dumps(fields))


def _loop(event: CloudEvent) -> str:
    try:
        return _LOOP.validate_python(event.attributes.get("inferenceservicename"))
    except ValidationError as error:
        raise DataError(
            f"Attribute 'inferenceservicename' is {event.attributes.get('inferenceservicename')!r}.",
            "It names the loop: a–z, 0–9, - and _.",
        ) from error


def _uri(bucket: str, loop: str, event: CloudEvent, kind: str) -> str:
    name = hashlib.sha256("\n".join((event["source"], event["id"])).encode()).hexdigest()[:32]
    return f"s3://{bucket}/{ROOT}/{loop}/raw/{name[:2]}/{name}-{kind.rpartition('.')[2]}.json"
