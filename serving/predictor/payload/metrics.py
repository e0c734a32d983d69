"""What payload logging counts, on the predictor's /metrics."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

SPOOLED = Counter("predictor_payload_rows_spooled", "Rows written to the spool")
SENT = Counter("predictor_payload_rows_sent", "Rows that the sink took")
REJECTED = Counter("predictor_payload_rows_rejected", "Rows that the sink refused for good, or that fit no event")
DROPPED = Counter("predictor_payload_rows_dropped", "Rows that were not written to the spool", ["reason"])
DAMAGED = Counter("predictor_payload_records_damaged", "Records of the spool that could not be read back")
RETRIES = Counter("predictor_payload_retries", "Attempts to send an event that have to be made again")
SPOOL_BYTES = Gauge(
    "predictor_payload_spool_bytes",
    "Disk that the spool's files take, their unused end included",
    multiprocess_mode="livesum",
)
