"""Agreement of the backends needs alibi-detect: `make test` runs these tests in its environment too, all of them."""

from __future__ import annotations

from importlib.util import find_spec

collect_ignore = [] if find_spec("alibi_detect") else ["test_backends_agree.py"]
