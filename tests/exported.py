"""Exports of a table to S3 as DynamoDB lays them out, made of lines."""

from __future__ import annotations

import gzip
import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import md5
from typing import Any

from aircraftops_data.transports.objects import Objects

ROOT = "my/exports/AWSDynamoDB"
FOLDER = f"{ROOT}/01693685827463-2d8752fd"
ARN = "arn:aws:dynamodb:us-east-1:123456789012:table/CoreTable"


def export(objects: Objects, files: Sequence[Sequence[Any]], **summary: Any) -> list[str]:
    """Put an export of these lines, by data file; the keys of the data files. `summary` says otherwise than they do."""
    entries = [_data(objects, number, lines) for number, lines in enumerate(files)]
    said = {
        "version": "2020-06-30",
        "exportArn": f"{ARN}/export/01693685827463-2d8752fd",
        "tableArn": ARN,
        "manifestFilesS3Key": f"{FOLDER}/manifest-files.json",
        "itemCount": sum(map(len, files)),
        "outputFormat": "DYNAMODB_JSON",
        **summary,
    }
    objects.put(f"{FOLDER}/manifest-summary.json", json.dumps(said).encode())
    manifest(objects, entries)
    return [str(entry["dataFileS3Key"]) for entry in entries]


def manifest(objects: Objects, entries: Sequence[Mapping[str, Any]]) -> None:
    """Put the list of the data files."""
    lines = "".join(json.dumps(entry) + "\n" for entry in entries)
    objects.put(f"{FOLDER}/manifest-files.json", lines.encode())


def entry(key: str, data: bytes, count: int) -> dict[str, Any]:
    """What the list says of a data file."""
    digest = md5(data, usedforsecurity=False).digest()
    etag = f"{md5(digest, usedforsecurity=False).hexdigest()}-1"
    return {"itemCount": count, "md5Checksum": b64encode(digest).decode(), "etag": etag, "dataFileS3Key": key}


def _data(objects: Objects, number: int, lines: Sequence[Any]) -> dict[str, Any]:
    text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
    # An empty partition has an empty file.
    data = gzip.compress(text.encode(), mtime=0) if lines else b""
    key = f"{FOLDER}/data/file{number}.json.gz"
    objects.put(key, data)
    return entry(key, data, len(lines))
