"""The bucket in which a stack finds the code of its functions."""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Mapping as Values
from contextlib import suppress
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError


def upload(client: Any, packages: Values[str, Path], bucket: str, tag: dict[str, str]) -> None:
    """Makes the bucket where it is not there, and puts the packages into it under their keys."""
    region = client.meta.region_name
    elsewhere = {"CreateBucketConfiguration": {"LocationConstraint": region}} if region != "us-east-1" else {}
    with suppress(client.exceptions.BucketAlreadyOwnedByYou):
        client.create_bucket(Bucket=bucket, **elsewhere)
    client.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [tag]})
    for key, package in packages.items():
        client.put_object(Bucket=bucket, Key=key, Body=package.read_bytes())


def remove(client: Any, bucket: str, prefix: str = "", kept: Collection[str] = ()) -> None:
    """Whatever of it is there under the prefix, but for what is kept; the bucket too, once it is empty."""
    with suppress(client.exceptions.NoSuchBucket):
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for found in page.get("Contents", ()):
                if found["Key"] not in kept:
                    client.delete_object(Bucket=bucket, Key=found["Key"])
        try:
            client.delete_bucket(Bucket=bucket)
        except ClientError as error:
            if error.response["Error"]["Code"] != "BucketNotEmpty":
                raise
