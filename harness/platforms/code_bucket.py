"""The bucket in which a stack finds the code of its functions."""

from __future__ import annotations

from collections.abc import Mapping as Values
from contextlib import suppress
from pathlib import Path
from typing import Any


def upload(client: Any, packages: Values[str, Path], bucket: str, tag: dict[str, str]) -> None:
    """Makes the bucket, and puts the packages into it under their keys."""
    region = client.meta.region_name
    elsewhere = {"CreateBucketConfiguration": {"LocationConstraint": region}} if region != "us-east-1" else {}
    client.create_bucket(Bucket=bucket, **elsewhere)
    client.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [tag]})
    for key, package in packages.items():
        client.put_object(Bucket=bucket, Key=key, Body=package.read_bytes())


def remove(client: Any, bucket: str) -> None:
    """Whatever of it is there."""
    with suppress(client.exceptions.NoSuchBucket):
        for found in client.list_objects_v2(Bucket=bucket).get("Contents", ()):
            client.delete_object(Bucket=bucket, Key=found["Key"])
        client.delete_bucket(Bucket=bucket)
