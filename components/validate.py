"""validate: raw rows against the loop's schema. Good ones make the refined layer; bad ones are kept, with a reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa

from components.lake import QUARANTINE, REFINED, Lake, Manifest, Partition
from components.output import whole
from contracts.errors import DataError
from contracts.loop import LoopSpec
from contracts.objects import ObjectStore
from contracts.settings import Settings
from feature_store.contract import DataContract, load

if TYPE_CHECKING:
    import pandera.pandas as pandera

REASON = "quarantine_reason"
MAX_PASSES = 4


@dataclass
class TableReport:
    """What validation found in one table."""

    table: str
    rows: int = 0
    bad: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)
    """Reason → one offending value."""

    @property
    def share(self) -> float:
        """Share of rows in quarantine."""
        return self.bad / self.rows if self.rows else 0.0


def validate(manifest: Manifest, contract: DataContract, lake: Lake) -> tuple[Manifest, list[TableReport]]:
    """Refine every raw partition. No row is dropped: each is in the refined layer or in quarantine, with its reason.

    DataError if a column is missing. Whether there are too many bad rows is the caller's to say: see `require_share`.
    """
    reports = {table.name: TableReport(table.name) for table in contract.tables}
    schemas = {table.name: contract.schema(table.name) for table in contract.tables}
    refined: list[Partition] = []
    for part in manifest.partitions:
        good, bad = split(lake.get(part).to_pandas(), schemas[part.table], part.table)
        _count(reports[part.table], good, bad)
        if len(bad):
            lake.put(
                QUARANTINE, part.table, part.month, pa.Table.from_pandas(bad.astype("string"), preserve_index=False)
            )
        if len(good):
            refined.append(lake.put(REFINED, part.table, part.month, pa.Table.from_pandas(good, preserve_index=False)))
    fields = manifest.model_dump() | {"layer": REFINED, "partitions": tuple(refined)}
    return Manifest.model_validate(fields), list(reports.values())


def require_share(reports: list[TableReport], limit: float) -> None:
    """DataError if any table has a larger share of bad rows than `limit`, with the reasons that weigh most."""
    for report in reports:
        if report.share > limit:
            worst = "; ".join(f"{count} × {reason}" for reason, count in report.reasons.most_common(3))
            raise DataError(
                f"{report.bad} of {report.rows} rows of table {report.table!r} are bad "
                f"({report.share:.1%}, allowed {limit:.1%}): {worst}.",
                "See the quarantine layer and the validation report; mend the source and run again.",
            )


def split(rows: pd.DataFrame, schema: pandera.DataFrameSchema, table: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows → (good rows in the schema's types, bad rows as they came plus a REASON column)."""
    _require_columns(rows, schema, table)
    typed, reasons = _typed(rows[list(schema.columns)], schema)
    for _ in range(MAX_PASSES):
        candidates = typed.drop(index=pd.Index(list(reasons)))
        found = _failures(candidates, schema)
        if not found:
            break
        reasons |= found
    else:
        raise DataError(
            f"Table {table!r} still fails its schema after {MAX_PASSES} passes: {next(iter(found.values()))}."
        )
    bad = rows.loc[sorted(reasons)]
    return candidates.reset_index(drop=True), bad.assign(**{REASON: [reasons[index] for index in bad.index]})


def _require_columns(rows: pd.DataFrame, schema: pandera.DataFrameSchema, table: str) -> None:
    missing = [name for name in schema.columns if name not in rows.columns]
    if missing:
        raise DataError(f"Column {missing[0]!r} is missing from table {table!r}; found {sorted(rows.columns)}.")


def _typed(rows: pd.DataFrame, schema: pandera.DataFrameSchema) -> tuple[pd.DataFrame, dict[Any, str]]:
    """Columns in the schema's types; a cell that does not fit makes its row bad, not the run."""
    reasons: dict[Any, str] = {}
    columns: dict[str, pd.Series[Any]] = {}
    for name, column in schema.columns.items():
        columns[name], misfits = _convert(rows[name], str(column.dtype))
        for index in rows.index[misfits]:
            reasons.setdefault(index, f"{name} is not a {_WORDS[str(column.dtype)[:5]]}")
    return pd.DataFrame(columns, index=rows.index), reasons


_WORDS = {"float": "number", "strin": "text", "datet": "time"}


def _convert(values: pd.Series[Any], dtype: str) -> tuple[pd.Series[Any], pd.Series[bool]]:
    converted: pd.Series[Any]
    if dtype.startswith("float"):
        converted = pd.to_numeric(values, errors="coerce").astype("float64")
        converted = converted.where(converted.abs() != float("inf"))
    elif dtype.startswith("datetime"):
        converted = pd.to_datetime(values, errors="coerce", utc=True).astype("datetime64[us, UTC]")
    else:
        converted = values.astype("string")
    return converted, values.notna() & converted.isna()


def _failures(rows: pd.DataFrame, schema: pandera.DataFrameSchema) -> dict[Any, str]:
    """Index of each bad row → why."""
    import pandera.pandas as pandera

    try:
        schema.validate(rows, lazy=True)
    except pandera.errors.SchemaErrors as error:
        cases = error.failure_cases
        rowless = cases[cases["index"].isna()]
        if len(rowless):
            raise DataError(f"The table does not fit its schema: {rowless['check'].iloc[0]}.") from error
        return {index: _why(case) for index, case in zip(cases["index"], cases.to_dict("records"), strict=True)}
    return {}


def _why(case: Mapping[Any, Any]) -> str:
    check = str(case["check"])
    if case["schema_context"] == "DataFrameSchema":
        return "repeats the key of an earlier row"
    if check == "not_nullable":
        return f"{case['column']} is missing"
    return f"{case['column']} {check}"


def _count(report: TableReport, good: pd.DataFrame, bad: pd.DataFrame) -> None:
    report.rows += len(good) + len(bad)
    report.bad += len(bad)
    if len(bad):
        report.reasons.update(bad[REASON].tolist())
        for _, row in bad.drop_duplicates(REASON).iterrows():
            column = str(row[REASON]).split()[0]
            report.examples.setdefault(str(row[REASON]), str(row.get(column, "")))


def run(settings: Settings, spec: LoopSpec, raw: Path, refined: Path, report: Path) -> Manifest:
    """The step: validate, write the report whatever it says, then stop if too many rows are bad."""
    from components.report import validation_page

    manifest = Manifest.read(raw)
    lake = Lake(ObjectStore(settings), settings.data_bucket, spec.name)
    cleaned, reports = validate(manifest, load(spec.name), lake)
    limit = spec.data.max_quarantine_share
    with whole(report) as partial:
        partial.write_text(validation_page(spec.name, manifest, cleaned, reports, limit))
    require_share(reports, limit)
    cleaned.write(refined)
    return cleaned
