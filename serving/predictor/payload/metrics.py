"""What payload logging counts, on the predictor's /metrics."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

from serving.predictor.registry import REGISTRY

SPOOLED = Counter("predictor_payload_rows_spooled", "Rows written to the spool", registry=REGISTRY)
SENT = Counter("predictor_payload_rows_sent", "Rows that the sink took", registry=REGISTRY)
REJECTED = Counter(
    "predictor_payload_rows_rejected", "Rows that the sink refused for good, or that fit no event", registry=REGISTRY
)
DROPPED = Counter(
    "predictor_payload_rows_dropped", "Rows that were not written to the spool", ["reason"], registry=REGISTRY
)
DAMAGED = Counter(
    "predictor_payload_records_damaged", "Records of the spool that could not be read back", registry=REGISTRY
)
RETRIES = Counter(
    "predictor_payload_retries", "Attempts to send an event that have to be made again", registry=REGISTRY
)
SPOOL_BYTES = Gauge(
    "predictor_payload_spool_bytes",
    "Disk that the spool's files take, their unused end included",
    registry=REGISTRY,
    multiprocess_mode="livesum",
)
