"""Write contracts/schemas/ anew: the JSON schema of each event's data."""

from __future__ import annotations

import json
from pathlib import Path

from contracts.events import schemas

FOLDER = Path(__file__).resolve().parent.parent / "contracts" / "schemas"


def main() -> None:
    """Write each file; a test checks that they are fresh."""
    FOLDER.mkdir(exist_ok=True)
    for name, schema in schemas().items():
        (FOLDER / name).write_text(json.dumps(schema, indent=1) + "\n")


if __name__ == "__main__":
    main()
