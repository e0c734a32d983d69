"""Make the buckets that are named, unless they are there."""

import sys
import time

import boto3
from botocore.exceptions import BotoCoreError, ClientError

SECONDS = 600


def main(names: list[str]) -> None:
    """Wait for the server, then make each."""
    s3 = boto3.client("s3")
    until = time.monotonic() + SECONDS
    while True:
        try:
            there = {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}
            break
        except (BotoCoreError, ClientError):
            if time.monotonic() > until:
                raise
            time.sleep(2)
    for name in names:
        if name not in there:
            s3.create_bucket(Bucket=name)


if __name__ == "__main__":
    main(sys.argv[1:])
