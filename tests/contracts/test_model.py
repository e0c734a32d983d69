"""Model identity: a folder is what its card says, or it is refused."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from contracts.errors import IntegrityError
from contracts.model import CARD, MAX_CARD_BYTES, Feature, ModelCard, sha256_of


def digest(body: bytes) -> str:
    """Hex sha256."""
    return hashlib.sha256(body).hexdigest()


def folder_with(folder: Path, **files: str) -> ModelCard:
    """A model folder and the card that was written into it; `files` are more entries of the card: name → digest."""
    (folder / "model.ubj").write_bytes(b"{model}")
    card = ModelCard(
        loop="trips",
        kind="xgboost",
        format="xgboost-ubj",
        model_file="model.ubj",
        features=(Feature(name="carrier", categories=("AA", "UA")), Feature(name="distance")),
        labels=("on time", "late"),
        files={"model.ubj": digest(b"{model}"), **files},
    )
    card.write(folder)
    return card


def test_card_survives_its_file(tmp_path: Path) -> None:
    """A card that was written is read as it was, and its folder is whole."""
    card = folder_with(tmp_path)

    found = ModelCard.read(tmp_path)

    assert found == card
    assert found.model_sha256 == sha256_of(tmp_path / "model.ubj") == digest(b"{model}")
    found.verify(tmp_path)


def test_card_is_pinned_by_its_own_digest(tmp_path: Path) -> None:
    """The digest that writing gives pins the whole folder: another card, another digest."""
    card = folder_with(tmp_path)
    pin = card.write(tmp_path)
    card.verify(tmp_path, pin)

    card.model_copy(update={"labels": ("late", "on time")}).write(tmp_path)

    with pytest.raises(IntegrityError, match=rf"^{CARD} has sha256 .*, its card says {pin}"):
        ModelCard.read(tmp_path).verify(tmp_path, pin)


def test_changed_file(tmp_path: Path) -> None:
    """A file that changed after registration is refused with both digests."""
    card = folder_with(tmp_path)
    (tmp_path / "model.ubj").write_bytes(b"{other}")

    with pytest.raises(
        IntegrityError, match=f"^model.ubj has sha256 {digest(b'{other}')}, its card says {digest(b'{model}')}"
    ):
        card.verify(tmp_path)


def test_missing_file(tmp_path: Path) -> None:
    """A listed file that is not there is named."""
    card = folder_with(tmp_path, **{"drift/reference.parquet": digest(b"")})

    with pytest.raises(IntegrityError, match=r"reference\.parquet is missing from the model folder"):
        card.verify(tmp_path)


@pytest.mark.parametrize("name", ["../outside", "/etc/hostname", "drift/../../outside"])
def test_path_that_escapes(tmp_path: Path, name: str) -> None:
    """A card cannot point outside its folder, even at a file that is what it says."""
    inside = tmp_path / "model"
    inside.mkdir()
    (tmp_path / "outside").write_bytes(b"outside")
    card = folder_with(inside, **{name: digest(b"outside")})

    with pytest.raises(IntegrityError, match="a path outside the model folder"):
        card.verify(inside)


@pytest.mark.parametrize("name", ["model.pkl", "deep/er/x.joblib", "model.PKL", "setup.py", "weights.pt"])
def test_unsafe_format(tmp_path: Path, name: str) -> None:
    """A folder with a file that could run code is refused, whether the card lists it or not."""
    card = folder_with(tmp_path)
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_bytes(b"")

    with pytest.raises(IntegrityError, match=f"{name} is in a format that can run code"):
        card.verify(tmp_path)


def test_model_without_digest(tmp_path: Path) -> None:
    """A card must give the digest of its own model."""
    card = folder_with(tmp_path).model_copy(update={"files": {}})

    with pytest.raises(IntegrityError, match=r"gives no digest for its model file model\.ubj"):
        card.verify(tmp_path)


def test_no_card(tmp_path: Path) -> None:
    """A folder without a card is refused with what to do."""
    with pytest.raises(IntegrityError, match=rf"has no {CARD}\. Serve a version that the pipeline registered"):
        ModelCard.read(tmp_path)


def test_oversized_card(tmp_path: Path) -> None:
    """A card of absurd size is refused before it is read."""
    (tmp_path / CARD).write_bytes(b" " * (MAX_CARD_BYTES + 1))

    with pytest.raises(IntegrityError, match=f"has {MAX_CARD_BYTES + 1} bytes, more than {MAX_CARD_BYTES}"):
        ModelCard.read(tmp_path)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{", "", ),
        ('"xgboost-ubj"', '"pickle"'),
        ('"loop"', '"pool"'),
        (digest(b"{model}"), "no digest"),
        ('"trips"', '"trips", "extra": 1'),
    ],
)  # fmt: skip
def test_file_that_is_no_card(tmp_path: Path, old: str, new: str) -> None:
    """A card with anything wrong, missing or unknown in it is refused."""
    folder_with(tmp_path)
    path = tmp_path / CARD
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))

    with pytest.raises(IntegrityError, match="is not a model card"):
        ModelCard.read(tmp_path)


def test_bytes_that_are_no_card(tmp_path: Path) -> None:
    """Bytes that are not even text are refused too."""
    (tmp_path / CARD).write_bytes(b"\xff\x00")

    with pytest.raises(IntegrityError, match="is not a model card"):
        ModelCard.read(tmp_path)
