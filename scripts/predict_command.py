"""`driftloop predict`: one row to the predictor, by the Open Inference Protocol."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from contracts.errors import ConfigError, UnavailableError
from scripts.run_command import Loop

if TYPE_CHECKING:
    from components.registry import Version

Row = dict[str, Any]


def predict(
    loop: Loop = "flights",
    row: Annotated[
        str, typer.Option(help="The row as a JSON object, feature to value; null is missing. Default: a training row.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print the predictor's answer as it came.")] = False,
) -> None:
    """Ask the predictor about one row, through KServe's own REST client.

    [dim]driftloop predict flights
    driftloop predict flights --row '{"carrier": "UA", "origin": "EWR", …}'[/dim]
    """
    from scripts.deploy_command import local_settings, open_registry
    from scripts.predictor_address import predictor_of

    predictor = predictor_of(local_settings(), loop)
    values = _parse(row) if row else example_row(open_registry().resolve(f"{loop}@champion"))
    answer = ask(predictor.url, loop, values, predictor.headers)
    if as_json:
        print(json.dumps(answer))
        return
    for name, value in values.items():
        print(f"{name:<26} {value}")
    print(f"→ {describe(answer)}")


def example_row(version: Version) -> Row:
    """The row of the version's reference sample that scored highest, as a client would send it."""
    import io

    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    from components.bundle import REFERENCE
    from components.select import SCORE
    from contracts.objects import ObjectStore
    from contracts.settings import Settings
    from feature_store.contract import ROW_ID

    body = ObjectStore(Settings.from_env()).get(f"{version.model_uri}{REFERENCE}")
    rows = pq.read_table(io.BytesIO(body))
    first = rows.slice(pc.index(rows[SCORE], pc.max(rows[SCORE])).as_py(), 1).to_pylist()[0]
    return {name: value for name, value in first.items() if name not in (ROW_ID, SCORE)}


def body_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """The V2 request for one row: one input a feature, text as BYTES, numbers as FP64."""
    return {
        "inputs": [
            {"name": name, "shape": [1], "datatype": "BYTES" if isinstance(value, str) else "FP64", "data": [value]}
            for name, value in row.items()
        ]
    }


def ask(url: str, loop: str, row: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The predictor's V2 answer, by kserve's InferenceRESTClient. UnavailableError, ConfigError (a bad row)."""
    return asyncio.run(_ask(url, loop, row, headers))


async def _ask(url: str, loop: str, row: Mapping[str, Any], headers: Mapping[str, str] | None) -> dict[str, Any]:
    import httpx
    from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig

    inputs = [InferInput(**tensor) for tensor in body_of(row)["inputs"]]
    client = InferenceRESTClient(RESTConfig(protocol="v2", retries=0))
    try:
        answer = await client.infer(url, InferRequest(loop, inputs), model_name=loop, headers=headers)
    except httpx.HTTPStatusError as error:
        raise ConfigError(f"The predictor refused the row: {error.response.text}") from error
    except httpx.HTTPError as error:
        raise UnavailableError(
            f"No predictor answers at {url}.", f"Run `driftloop deploy {loop}@challenger`."
        ) from error
    finally:
        await client.close()
    return dict(answer.to_rest()[0])


def describe(answer: Mapping[str, Any]) -> str:
    """The answer in one line."""
    outputs = {output["name"]: output["data"] for output in answer["outputs"]}
    scores = ", ".join(f"{score:.4f}" for score in outputs["probabilities"])
    # kserve's client drops the version on its way
    model = "/".join(filter(None, (answer["model_name"], answer.get("model_version"))))
    return f"{outputs['label'][0]} (probabilities {scores}) by {model}"


def _parse(text: str) -> Row:
    try:
        row = json.loads(text)
    except ValueError as error:
        raise ConfigError(f"--row is not JSON: {error}.", """Write it as '{"carrier": "UA", …}'.""") from error
    if not isinstance(row, dict) or not row:
        raise ConfigError("--row is not a JSON object.", """Write it as '{"carrier": "UA", …}'.""")
    return row
