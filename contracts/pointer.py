"""Where a registered version lives, as an object on S3: for services that read models but do not know the registry."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contracts.errors import IntegrityError
from contracts.model import Sha256
from contracts.objects import ObjectStore


class ModelPointer(BaseModel):
    """One registered version. Written once, when it is registered, and never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    loop: str
    version: str
    model_uri: Annotated[str, Field(pattern=r"^s3://.+[^/]$")]
    """Folder of its files, without a slash at the end."""
    card_sha256: Sha256
    model_sha256: Sha256
    holdout_roc_auc: Annotated[float, Field(ge=0, le=1)]
    """What the gate measured."""

    @property
    def reference_uri(self) -> str:
        """Parquet sample of the rows of its training days, labelled or not, with its own scores."""
        return f"{self.model_uri}/reference.parquet"

    @classmethod
    def read(cls, store: ObjectStore, bucket: str, loop: str, version: str) -> ModelPointer:
        """The pointer of a version. DataError if there is none, IntegrityError if it is not one."""
        uri = uri_of(bucket, loop, version)
        try:
            return cls.model_validate_json(store.get(uri))
        except ValidationError as error:
            raise IntegrityError(f"{uri} is no pointer to a model: {error.errors()[0]['msg']}.") from error

    def write(self, store: ObjectStore, bucket: str) -> None:
        """Store it. The same version gives the same object."""
        store.put(uri_of(bucket, self.loop, self.version), self.model_dump_json(indent=1).encode())


def uri_of(bucket: str, loop: str, version: str) -> str:
    """Where the pointer of a version is."""
    return f"s3://{bucket}/models/{loop}/{version}.json"
