"""The body of a request to create something, checked before anything is stored."""

from __future__ import annotations

import json
import re

from pocket.kfp_api.api_error import INVALID, ApiError, Json

_TYPES: dict[str, tuple[type, ...]] = {
    "STRING": (str,),
    "BOOLEAN": (bool,),
    "NUMBER_INTEGER": (int, float),
    "NUMBER_DOUBLE": (int, float),
    "LIST": (list,),
    "STRUCT": (dict,),
}
_TEXTS = ("description", "service_account")


def run_wish(body: Json) -> Json:
    """Of a run: its name, its pipeline inline and its parameters. ApiError names what is wrong."""
    if body.get("pipeline_version_reference"):
        raise ApiError(INVALID, "No pipeline is stored here: send it inline, as pipeline_spec.")
    config = body.get("runtime_config") or {}
    if not isinstance(config, dict) or not isinstance(config.get("parameters") or {}, dict):
        raise ApiError(INVALID, "runtime_config.parameters must be an object of names and values.")
    spec, parameters = body.get("pipeline_spec"), config.get("parameters") or {}
    _check_parameters(pipeline_of(spec), parameters)
    return {
        "display_name": display_name(body),
        "pipeline_spec": spec,
        "runtime_config": {"parameters": parameters},
        **{field: text for field in _TEXTS if isinstance(text := body.get(field), str)},
    }


def display_name(body: Json) -> str:
    """The name that every run and experiment has."""
    name = body.get("display_name")
    if not isinstance(name, str) or not name.strip():
        raise ApiError(INVALID, "display_name is missing.")
    return name


def pipeline_of(spec: object) -> Json:
    """The pipeline in a `pipeline_spec`, which may hold a platform's part beside it. ApiError if there is none."""
    inner = spec.get("pipeline_spec", spec) if isinstance(spec, dict) else None
    if isinstance(inner, dict) and "deploymentSpec" in inner and "dag" in (inner.get("root") or {}):
        return inner
    raise ApiError(INVALID, "pipeline_spec is no pipeline as kfp's compiler writes it: it needs root.dag and the rest.")


def loop_of(run: Json) -> str:
    """Whose turn a run takes: its loop's if it has a loop specification among its parameters, else its pipeline's."""
    try:
        name = str(json.loads(run["runtime_config"]["parameters"]["spec"])["name"])
    except (KeyError, ValueError, TypeError):
        name = str((pipeline_of(run["pipeline_spec"]).get("pipelineInfo") or {}).get("name"))
    return re.sub(r"[^a-zA-Z0-9_-]+", "-", name)[:80]


def _check_parameters(pipeline: Json, given: Json) -> None:
    wanted = (pipeline["root"].get("inputDefinitions") or {}).get("parameters") or {}
    if unknown := sorted(set(given) - set(wanted)):
        raise ApiError(INVALID, f"Unknown parameters {unknown}; the pipeline has {sorted(wanted)}.")
    for name, definition in wanted.items():
        if name not in given:
            if "defaultValue" not in definition and not definition.get("isOptional"):
                raise ApiError(INVALID, f"Parameter {name!r} has no default value and was not given.")
            continue
        kind = definition.get("parameterType", "")
        if given[name] is not None and not isinstance(given[name], _TYPES.get(kind, (object,))):
            raise ApiError(INVALID, f"Parameter {name!r} must be of type {kind}, not {given[name]!r:.80}.")
