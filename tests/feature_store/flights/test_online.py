"""Training and serving see the same features."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from feature_store.contract import EVENT_TIME, DataContract
from feature_store.store import historical, materialize, online, open_store, write_feature_tables


@pytest.mark.parametrize("now", ["2013-01-06T15:20:00Z", "2013-01-07T11:07:31Z", "2013-01-08T06:00:00Z"])
def test_online_equals_historical(
    contract: DataContract, refined: dict[str, pd.DataFrame], tmp_path: Path, now: str
) -> None:
    """The online store, filled at an instant, gives each flight the values that training joins at that instant."""
    instant = pd.Timestamp(now)
    write_feature_tables(contract.feature_tables(refined), tmp_path)
    store = open_store(contract, tmp_path, str(tmp_path / "registry.db"), str(tmp_path / "online.db"))
    materialize(store, contract, instant.to_pydatetime())
    rows = contract.events(refined["flights"]).sample(200, random_state=3, ignore_index=True)
    rows = rows.assign(**{EVENT_TIME: instant})
    served = online(store, contract, rows[["origin", "carrier", "tailnum"]], instant.to_pydatetime())
    trained = historical(store, contract, rows)[served.columns]
    assert served[["temp", "plane_year", "origin_departures_3h", "carrier_waiting"]].notna().any().all()
    pd.testing.assert_frame_equal(served, trained.astype("float64"))


def test_the_online_store_forgets(contract: DataContract, refined: dict[str, pd.DataFrame], tmp_path: Path) -> None:
    """A value older than its view allows is missing, not stale; facts that do not age stay."""
    filled = pd.Timestamp("2013-01-06T15:20:00Z").to_pydatetime()
    write_feature_tables(contract.feature_tables(refined), tmp_path)
    store = open_store(contract, tmp_path, str(tmp_path / "registry.db"), str(tmp_path / "online.db"))
    materialize(store, contract, filled)
    rows = contract.events(refined["flights"]).head(50)[["origin", "carrier", "tailnum"]]
    later = online(store, contract, rows, (pd.Timestamp(filled) + pd.Timedelta(days=2)).to_pydatetime())
    assert later.drop(columns=["plane_year", "plane_seats"]).isna().all().all()
    assert later["plane_year"].notna().any()
