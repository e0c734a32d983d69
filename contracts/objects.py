"""Objects on S3, by URI: one small door to the minio client, whose failures become the project's errors."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import urllib3
from minio import Minio
from minio.error import MinioException, S3Error

from contracts.errors import ConfigError, DataError, StorageFullError, UnavailableError, is_disk_full
from contracts.settings import Settings

CONNECT_TIMEOUT_SECONDS = 5
READ_TIMEOUT_SECONDS = 60
RETRIES = 4
READ_RETRIES = 1
"""Of requests that were sent: a server that hangs is given two minutes, not five."""
PAGE = 1000
"""Objects that every S3 server lists at once."""


class Listed(NamedTuple):
    """One object of a listing."""

    uri: str
    modified: datetime


class ObjectStore:
    """Reads and writes whole objects of any S3 server. A put is atomic: an object is there whole or not at all."""

    def __init__(self, settings: Settings) -> None:
        if not settings.s3_access_key or not settings.s3_secret_key:
            absent = "AWS_SECRET_ACCESS_KEY" if settings.s3_access_key else "AWS_ACCESS_KEY_ID"
            raise ConfigError(
                f"No S3 credentials: {absent} is not set.",
                "Run `driftloop up`, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
            )
        self.endpoint = settings.s3_endpoint
        self.client = Minio(
            settings.s3_host,
            access_key=settings.s3_access_key,
            secret_key=settings.s3_secret_key,
            secure=settings.s3_secure,
            region=settings.s3_region,
            http_client=_http_client(),
        )

    def ensure_bucket(self, bucket: str) -> None:
        """Make a bucket unless it is there."""
        with self._translated(f"s3://{bucket}"):
            if not self.client.bucket_exists(bucket):
                self.client.make_bucket(bucket)

    def put(self, uri: str, body: bytes) -> None:
        """Store bytes."""
        bucket, key = split(uri)
        with self._translated(uri):
            self.client.put_object(bucket, key, io.BytesIO(body), len(body))

    def create(self, uri: str, body: bytes, metadata: Mapping[str, str] | None = None) -> bool:
        """Store bytes unless the object is there, whoever else tries at the same time; whether they were stored.

        `metadata` is what `metadata()` gives back, in ASCII.
        """
        bucket, key = split(uri)
        headers: dict[str, str | list[str] | tuple[str]] = {
            "Content-Type": "application/octet-stream",
            "If-None-Match": "*",
            **{f"x-amz-meta-{name}": value for name, value in (metadata or {}).items()},
        }
        with self._translated(uri):
            try:  # put_object takes no conditions
                self.client._execute("PUT", bucket, key, body=body, headers=headers, no_body_trace=True)
            except S3Error as error:
                if error.code in ("PreconditionFailed", "ConditionalRequestConflict"):
                    return False
                raise
        return True

    def put_file(self, uri: str, path: Path) -> None:
        """Store a file."""
        bucket, key = split(uri)
        with self._translated(uri):
            self.client.fput_object(bucket, key, str(path))

    def get(self, uri: str) -> bytes:
        """An object's bytes. DataError if there is no such object."""
        bucket, key = split(uri)
        with self._translated(uri):
            response = self.client.get_object(bucket, key)
            try:
                return response.read()
            finally:
                response.close()
                response.release_conn()

    def get_file(self, uri: str, path: Path) -> None:
        """Store an object as a file."""
        bucket, key = split(uri)
        with self._translated(uri):
            self.client.fget_object(bucket, key, str(path))

    def get_folder(self, uri: str, folder: Path) -> None:
        """Store every object under a prefix as a file below a folder. DataError if there is none."""
        prefix = uri.rstrip("/") + "/"
        names = list(self.names(prefix))
        if not names:
            raise DataError(f"Nothing is stored under {prefix}.")
        for name in names:
            relative = Path(name.removeprefix(prefix))
            if relative.is_absolute() or ".." in relative.parts:
                raise DataError(f"{name} would be written outside its folder.")
            self.get_file(name, folder / relative)

    def names(self, prefix: str) -> Iterator[str]:
        """URIs of all objects under a prefix, sorted."""
        bucket, key = split(prefix)
        with self._translated(prefix):
            listed = [
                item.object_name for item in self.client.list_objects(bucket, key, recursive=True) if not item.is_dir
            ]
        yield from sorted(f"s3://{bucket}/{name}" for name in listed)

    def page(self, prefix: str, after: str = "") -> list[Listed]:
        """The first objects under a prefix, at most PAGE, sorted, that come after the URI `after`: one request."""
        bucket, key = split(prefix)
        start_after = split(after)[1] if after else None
        with self._translated(prefix):
            found = self.client.list_objects(bucket, key, recursive=True, start_after=start_after)
            return [
                Listed(f"s3://{bucket}/{item.object_name}", item.last_modified or datetime.min.replace(tzinfo=UTC))
                for item in islice(found, PAGE)
            ]

    def folders(self, prefix: str) -> list[str]:
        """The names that stand between a prefix, which ends with a slash, and the next slash, sorted."""
        bucket, key = split(prefix)
        with self._translated(prefix):
            found = [item.object_name or "" for item in self.client.list_objects(bucket, key) if item.is_dir]
        return sorted(name.removeprefix(key).rstrip("/") for name in found)

    def metadata(self, uri: str) -> dict[str, str] | None:
        """The user metadata of an object, with lower-case keys, or None if there is no such object."""
        bucket, key = split(uri)
        with self._translated(uri):
            try:
                found = self.client.stat_object(bucket, key).metadata or {}
            except S3Error as error:
                if error.code in ("NoSuchKey", "NoSuchBucket"):
                    return None
                raise
        return {name.lower().removeprefix("x-amz-meta-"): str(value) for name, value in found.items()}

    @contextmanager
    def _translated(self, uri: str) -> Iterator[None]:
        try:
            yield
        except S3Error as error:
            raise _explain(error, uri, self.endpoint) from error
        except (MinioException, urllib3.exceptions.HTTPError) as error:
            raise UnavailableError(
                f"The S3 server at {self.endpoint} does not answer ({type(error).__name__}) for {uri}.",
                "See `driftloop status`, or check AWS_ENDPOINT_URL_S3.",
            ) from error
        except ValueError as error:  # the minio client's word on a name that no bucket or object can have
            why = str(error) or "it names no object"
            raise ConfigError(f"{uri!r} is not an S3 address: {why}.", "Write it as s3://bucket/path.") from error
        except OSError as error:
            if is_disk_full(error):
                raise StorageFullError(
                    f"No space left on the disk while reading {uri}.", "Free some room and run again."
                ) from error
            raise UnavailableError(f"The S3 server at {self.endpoint} broke off ({error}) for {uri}.") from error


def split(uri: str) -> tuple[str, str]:
    """Bucket and key of an s3:// URI."""
    scheme, _, place = uri.partition("://")  # no URL parser: `#` and `?` are characters of a key like any other
    bucket, _, key = place.partition("/")
    if scheme != "s3" or not bucket:
        raise ConfigError(f"{uri!r} is not an S3 address.", "Write it as s3://bucket/path.")
    return bucket, key.lstrip("/")


def _http_client() -> urllib3.PoolManager:
    retry = urllib3.Retry(total=RETRIES, read=READ_RETRIES, backoff_factor=0.3, status_forcelist=(500, 502, 503, 504))
    return urllib3.PoolManager(
        timeout=urllib3.Timeout(connect=CONNECT_TIMEOUT_SECONDS, read=READ_TIMEOUT_SECONDS), maxsize=16, retries=retry
    )


def _explain(error: S3Error, uri: str, endpoint: str) -> Exception:
    if error.code in ("NoSuchKey", "NoSuchBucket"):
        return DataError(f"{uri} is not there ({error.code}).")
    if error.code in ("AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch"):
        return ConfigError(f"The S3 server at {endpoint} refused {uri} ({error.code}).", "Check the AWS_* credentials.")
    return UnavailableError(f"The S3 server at {endpoint} failed for {uri}: {error.code} {error.message}.")
