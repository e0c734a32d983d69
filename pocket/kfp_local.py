"""Runs one compiled pipeline with kfp.local, in this process: `python -m pocket.kfp_local FILE PARAMS ROOT`."""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path


def main(compiled: str, params: str, root: str) -> int:
    """Run the compiled file with the parameters of a JSON file; 1 if a step failed. kfp logs every step to stdout."""
    from kfp import components, local

    # Steps name their cluster image, which kfp.local points out for each of them; here the environment is the image.
    warnings.filterwarnings("ignore", message="You may be attemping to run a task", category=RuntimeWarning)
    local.init(runner=local.SubprocessRunner(use_venv=False), pipeline_root=root)
    pipeline = components.load_component_from_file(compiled)
    try:
        pipeline(**json.loads(Path(params).read_text()))
    except RuntimeError as error:
        print(error, flush=True)  # noqa: T201 - the log
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
