"""These tests run in alibi-detect's environment too, but for those that need what only the main one has."""

from __future__ import annotations

from importlib.util import find_spec

_NEEDS = {"test_backends_agree.py": "alibi_detect", "test_drift_service.py": "psutil"}
collect_ignore = [name for name, module in _NEEDS.items() if not find_spec(module)]
"""Agreement of the backends needs alibi-detect; a service needs the laptop's S3 server."""
