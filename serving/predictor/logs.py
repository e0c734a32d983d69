"""Logging of the process: one format on stderr, and a line a request only if asked for."""

from __future__ import annotations

import logging.config


def configure(log_requests: bool) -> None:
    """Set up logging. uvicorn's access log and kserve's latencies are the lines a request."""
    quiet = "INFO" if log_requests else "WARNING"
    logging.captureWarnings(True)
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
            "root": {"level": "INFO", "handlers": ["stderr"]},
            "loggers": {
                "uvicorn.access": {"level": quiet},
                "kserve.trace": {"level": quiet},
                "httpx": {"level": "WARNING"},
            },
        }
    )
