"""Names, order and origin of the flights features. This list is the model's input."""

from __future__ import annotations

from datetime import timedelta

from feature_store.contract import FeatureColumn

SERVICE = "flights_v1"
KEYS = {
    "origin_delays": "origin",
    "carrier_delays": "carrier",
    "aircraft_delays": "tailnum",
    "origin_weather": "origin",
    "aircraft": "tailnum",
}
"""Feature view → the entity it is looked up by."""
TIMES_TO_LIVE = {
    "origin_delays": timedelta(hours=1),
    "carrier_delays": timedelta(hours=1),
    "aircraft_delays": timedelta(hours=12),
    "origin_weather": timedelta(hours=3),
    "aircraft": timedelta(0),
}
"""Feature view → how old a value may be; zero: it does not age."""


def _of(view: str, *names: str) -> tuple[FeatureColumn, ...]:
    return tuple(FeatureColumn(name, view=view) for name in names)


COLUMNS: tuple[FeatureColumn, ...] = (
    FeatureColumn("carrier", categorical=True),
    FeatureColumn("origin", categorical=True),
    FeatureColumn("dest", categorical=True),
    FeatureColumn("departure_minute"),
    FeatureColumn("weekday"),
    FeatureColumn("arrival_minute"),
    FeatureColumn("distance"),
    *_of("aircraft", "plane_year", "plane_seats"),
    *_of(
        "origin_weather", "temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib"
    ),
    *_of("origin_delays", "origin_delay_mean_3h", "origin_late_share_3h", "origin_departures_3h", "origin_waiting"),
    *_of("carrier_delays", "carrier_delay_mean_3h", "carrier_late_share_3h", "carrier_waiting"),
    *_of("aircraft_delays", "aircraft_delay_mean_12h", "aircraft_late_share_12h"),
)
