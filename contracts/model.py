"""Model identity: the facts that travel beside a model's file, and the check that it is still that file."""

from __future__ import annotations

import hashlib
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contracts.errors import IntegrityError

CARD = "driftloop.json"
"""Name of the file that holds a ModelCard, at the root of every model folder."""
CHAMPION = "champion"
"""Registry alias of the version that serves."""
CHALLENGER = "challenger"
"""Registry alias of the newest version that passed the gate."""
MAX_CARD_BYTES = 1_000_000

_UNSAFE_SUFFIXES = {".pkl", ".pickle", ".joblib", ".cloudpickle", ".dill", ".pt", ".pth", ".npy", ".py", ".so"}
VALUE = "prediction"
"""Name of a regression's only output."""
Task = Literal["classification", "regression"]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Feature(BaseModel):
    """One column of the model's input matrix, in its place."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str
    categories: tuple[str, ...] | None = None
    """For a categorical feature, its values; the matrix holds their positions, and NaN for any other value."""


class FastForm(BaseModel):
    """A second file that computes the same model faster, as it was verified against the first when it was made."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    file: str
    """An ONNX model: probabilities or values, float32 [rows, outputs], of a matrix [rows, features]."""
    runtime: str
    """Library and version that it was verified with, such as `onnxruntime 1.31.1`."""
    rows: Annotated[int, Field(ge=1)]
    """How many rows it was verified on."""
    greatest_difference: Annotated[float, Field(ge=0)]
    """Between an output of it and of the native model, on any of those rows. 0: the same, bit for bit."""
    accepts_missing: bool
    """Whether the native model takes rows with missing values."""
    native_above: Annotated[int, Field(ge=1)] | None = None
    """The native library is faster for more rows than this; None: never."""


class ModelCard(BaseModel):
    """What a served model is: its format, its input, its files and their digests."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    loop: str
    kind: str
    """Kind of model in the words of the search space, such as `xgboost`."""
    task: Task = "classification"
    format: Literal["xgboost-ubj", "sklearn-skops", "mlflow-pyfunc"]
    model_file: str
    library: str | None = None
    """Library and version that wrote the model file, such as `xgboost 3.2.0`; None: unknown."""
    features: tuple[Feature, ...]
    labels: tuple[str, ...]
    """Class names, in the order of the columns of the probabilities; none for a regression."""
    files: dict[str, Sha256]
    """Path inside the folder → sha256, of every file that is read after the model is trained."""
    fast: FastForm | None = None
    no_fast: str | None = None
    """Why there is no fast form, in words; None: there is one, or nobody tried."""

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the columns of an answer: the labels, or VALUE alone for a regression."""
        return self.labels if self.task == "classification" else (VALUE,)

    @property
    def model_sha256(self) -> str:
        """Digest of the model's own file: same data, same seed, same digest."""
        return self.files[self.model_file]

    @classmethod
    def read(cls, folder: Path) -> ModelCard:
        """The card in a model folder. IntegrityError if there is none or it is not a card."""
        path = folder / CARD
        if not path.is_file():
            raise IntegrityError(f"{folder} has no {CARD}.", "Serve a version that the pipeline registered.")
        if path.stat().st_size > MAX_CARD_BYTES:
            raise IntegrityError(f"{path} has {path.stat().st_size} bytes, more than {MAX_CARD_BYTES}.")
        try:
            return cls.model_validate_json(path.read_bytes())
        except ValidationError as error:
            raise IntegrityError(f"{path} is not a model card: {error.errors()[0]['msg']}.") from error

    def write(self, folder: Path) -> str:
        """Write the card into a folder; its own sha256, by which a deployment pins the whole folder."""
        (folder / CARD).write_text(self.model_dump_json(indent=1))
        return sha256_of(folder / CARD)

    def verify(self, folder: Path, card_sha256: str | None = None, allow_code: bool = False) -> None:
        """Raise IntegrityError unless every listed file is there with its digest and no unsafe format is.

        `allow_code`: also a model that runs code when it is loaded, if the card lists every file of its folder.
        """
        if card_sha256 is not None:
            _require(folder / CARD, card_sha256)
        for name in filter(None, (self.model_file, self.fast and self.fast.file)):
            if name not in self.files:
                raise IntegrityError(f"{CARD} gives no digest for its model file {name}.")
        for name, digest in self.files.items():
            _require(_inside(folder, name), digest)
        if self.format == "mlflow-pyfunc":
            self._require_trust(folder, allow_code)
            return
        for path in sorted(folder.rglob("*")):
            if path.suffix.lower() in _UNSAFE_SUFFIXES:
                raise IntegrityError(
                    f"{path.relative_to(folder)} is in a format that can run code when it is read.",
                    "Models are stored as XGBoost UBJ/JSON or skops only.",
                )

    def _require_trust(self, folder: Path, allow_code: bool) -> None:
        if not allow_code:
            raise IntegrityError(
                f"A model in format {self.format} can run code when it is loaded.",
                "Start the predictor with --allow-code if you trust whoever registered it.",
            )
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix()
            if path.is_file() and name != CARD and name not in self.files:
                raise IntegrityError(f"{CARD} gives no digest for {name}, which could run code.")


def sha256_of(path: Path) -> str:
    """Hex sha256 of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _require(path: Path, digest: str) -> None:
    if not path.is_file():
        raise IntegrityError(f"{path.name} is missing from the model folder.", "Register the version again.")
    found = sha256_of(path)
    if found != digest:
        raise IntegrityError(
            f"{path.name} has sha256 {found}, its card says {digest}.",
            "The file was changed after registration; register it again or deploy another version.",
        )


def _inside(folder: Path, name: str) -> Path:
    parts = PurePosixPath(name)
    if parts.is_absolute() or ".." in parts.parts:
        raise IntegrityError(f"{CARD} lists {name!r}, a path outside the model folder.")
    return folder / name
