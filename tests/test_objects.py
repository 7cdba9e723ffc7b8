"""Objects in a bucket and in a folder, blocking and for asyncio: the same bytes, the same errors."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.response import StreamingBody
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from aircraftops_data.clock import SystemClock
from aircraftops_data.errors import AlreadyExistsError, ConflictError, InvalidInputError, ObjectStoreError
from aircraftops_data.testing import local_session
from aircraftops_data.transports import bucket as bucket_module
from aircraftops_data.transports.bucket import AsyncObjectStore, ObjectStore
from aircraftops_data.transports.folder import AsyncFolderStore, FolderStore
from blocking import Blocking, waited

BUCKET = "objects"


class BlockingObjects(Blocking):
    """An asyncio store used as a blocking one is."""

    def keys(self, prefix: str = "") -> Iterator[str]:
        return iter(Blocking(self._inner.keys(prefix)))


@pytest.fixture
def s3(session: boto3.Session) -> Iterator[Any]:
    """A client of moto with a bucket."""
    with mock_aws():
        client = session.client("s3")
        client.create_bucket(Bucket=BUCKET)
        yield client


@pytest.fixture
def locked(s3: Any) -> str:
    """A bucket with Object Lock."""
    s3.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
    return "locked"


@pytest.fixture(params=["bucket", "async bucket", "folder", "async folder"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """An empty store."""
    if "bucket" in request.param:
        client = request.getfixturevalue("s3")
        made = AsyncObjectStore if "async" in request.param else ObjectStore
        store: Any = made(BUCKET, client=client)
    else:
        store = (AsyncFolderStore if "async" in request.param else FolderStore)(tmp_path / "store")
    return BlockingObjects(store) if "async" in request.param else store


class TestEveryStore:
    @pytest.mark.parametrize("body", [b"", b"text", bytes(range(256)) * 1000], ids=["empty", "small", "large"])
    def test_what_is_put_is_got(self, objects: Any, body: bytes) -> None:
        objects.put("a/b.bin", body)
        assert objects.get("a/b.bin") == body
        assert objects.find("a/b.bin") == body

    def test_putting_again_replaces(self, objects: Any) -> None:
        objects.put("a", b"one")
        objects.put("a", b"two")
        assert objects.get("a") == b"two"

    def test_what_is_not_there_is_not_found_and_cannot_be_got(self, objects: Any, tmp_path: Path) -> None:
        objects.put("a/b", b"")
        for absent in ("other", "a", "a/c", "a/b/c"):
            assert objects.find(absent) is None
            with pytest.raises(ObjectStoreError) as caught:
                objects.get(absent)
            assert caught.value.key == absent
            with pytest.raises(ObjectStoreError):
                objects.get_file(absent, tmp_path / "target")
        assert not (tmp_path / "target").exists()

    def test_only_the_first_of_two_that_must_be_absent_is_stored(self, objects: Any, tmp_path: Path) -> None:
        (tmp_path / "file").write_bytes(b"three")
        objects.put("a", b"one", if_absent=True)
        with pytest.raises(AlreadyExistsError, match="'a'") as caught:
            objects.put("a", b"two", if_absent=True)
        assert isinstance(caught.value, ConflictError)
        with pytest.raises(AlreadyExistsError):
            objects.put_file("a", tmp_path / "file", if_absent=True)
        assert objects.get("a") == b"one"
        assert list(objects.keys()) == ["a"]

    def test_keys_are_listed_by_prefix_in_the_order_of_their_bytes(self, objects: Any) -> None:
        keys = ["b/2", "b/10", "b/1", "b0", "b-c", "c", "b/é", "b/\U0001f600", "b/\uffee"]
        for key in keys:
            objects.put(key, key.encode())
        assert list(objects.keys()) == sorted(keys, key=str.encode)
        assert list(objects.keys("b/1")) == ["b/1", "b/10"]
        assert list(objects.keys("b/")) == sorted((key for key in keys if key.startswith("b/")), key=str.encode)
        assert list(objects.keys("none")) == []

    @pytest.mark.parametrize("size", [0, 1, (1 << 20) + 1])
    def test_a_file_goes_in_and_comes_out_and_its_digest_is_told(self, objects: Any, tmp_path: Path, size: int) -> None:
        body = os.urandom(size)
        source, target = tmp_path / "in", tmp_path / "out"
        source.write_bytes(body)
        target.write_bytes(b"what was there before")
        assert objects.put_file("a/file", source) == sha256(body).hexdigest()
        assert objects.get("a/file") == body
        assert objects.get_file("a/file", target) == sha256(body).hexdigest()
        assert target.read_bytes() == body
        assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["in", "out"]

    def test_a_file_that_cannot_be_read_or_written_is_an_error_of_pythons(self, objects: Any, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError):
            objects.put_file("a", tmp_path / "none")
        objects.put("a", b"")
        with pytest.raises(FileNotFoundError):
            objects.get_file("a", tmp_path / "none" / "target")


def parameters(kind: type, name: str) -> list[tuple[str, Any, Any]]:
    """What a method takes."""
    found = inspect.signature(inspect.getattr_static(kind, name)).parameters.values()
    return [(one.name, one.kind, one.default) for one in found]


@pytest.mark.parametrize(
    ("blocking", "asynchronous"), [(ObjectStore, AsyncObjectStore), (FolderStore, AsyncFolderStore)]
)
def test_the_asyncio_stores_offer_the_same_methods_with_the_same_parameters(blocking: type, asynchronous: type) -> None:
    methods = {name for name in dir(blocking) if not name.startswith("_")}
    assert methods == {name for name in dir(asynchronous) if not name.startswith("_")}
    for name in ("__init__", *methods):
        assert parameters(blocking, name) == parameters(asynchronous, name), name


class TestBucket:
    def test_what_s3_is_given_says_its_type_and_its_digest(self, s3: Any, tmp_path: Path) -> None:
        sent: list[dict[str, Any]] = []
        s3.meta.events.register("provide-client-params.s3.PutObject", lambda params, **_: sent.append(dict(params)))
        (tmp_path / "f").write_bytes(b"abc")
        store = ObjectStore(BUCKET, client=s3)
        store.put("a", b"abc", "application/json")
        store.put_file("b", tmp_path / "f")
        # SHA-256 of "abc": FIPS 180-2, appendix B.1.
        digest = "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="
        assert [one["ChecksumSHA256"] for one in sent] == [digest, digest]
        assert [one["ContentType"] for one in sent] == ["application/json", "application/octet-stream"]
        assert s3.get_object(Bucket=BUCKET, Key="a")["ContentType"] == "application/json"

    def test_more_keys_than_a_page_holds_are_listed(self, s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        asked: list[dict[str, Any]] = []

        def small(params: dict[str, Any], **_: Any) -> None:
            params["MaxKeys"] = 2
            asked.append(params)

        s3.meta.events.register("provide-client-params.s3.ListObjectsV2", small)
        store = ObjectStore(BUCKET, client=s3)
        for number in range(5):
            store.put(f"k{number}", b"")
        found = store.keys()
        assert [next(found), next(found)] == ["k0", "k1"]
        assert len(asked) == 1
        assert list(found) == ["k2", "k3", "k4"]

    @pytest.mark.parametrize("mode", ["GOVERNANCE", "COMPLIANCE"])
    def test_where_the_bucket_has_object_lock_objects_are_retained(
        self, s3: Any, locked: str, tmp_path: Path, mode: Any
    ) -> None:
        until = (SystemClock().now() + timedelta(days=30)).replace(microsecond=0)
        (tmp_path / "f").write_bytes(b"abc")
        store = ObjectStore(locked, client=s3, lock_mode=mode)
        store.put("a", b"abc", retain_until=until)
        store.put_file("b", tmp_path / "f", retain_until=until, if_absent=True)
        store.put("c", b"abc")
        for key in ("a", "b"):
            found = s3.head_object(Bucket=locked, Key=key)
            assert (found["ObjectLockMode"], found["ObjectLockRetainUntilDate"]) == (mode, until)
            version = found["VersionId"]
            with pytest.raises(ClientError, match="AccessDenied"):
                s3.delete_object(Bucket=locked, Key=key, VersionId=version)
        assert "ObjectLockMode" not in s3.head_object(Bucket=locked, Key="c")

    def test_where_it_has_none_they_are_not_and_that_is_asked_once(self, s3: Any) -> None:
        asked: list[str] = []
        s3.meta.events.register(
            "provide-client-params.s3.GetObjectLockConfiguration", lambda params, **_: asked.append(params["Bucket"])
        )
        store = ObjectStore(BUCKET, client=s3)
        store.put("a", b"")
        assert asked == []
        for key in "bc":
            store.put(key, b"", retain_until=datetime(2999, 1, 1, tzinfo=UTC))
        assert asked == [BUCKET]
        assert "ObjectLockMode" not in s3.head_object(Bucket=BUCKET, Key="b")

    def test_who_may_not_know_of_the_lock_stores_nothing_under_it(self, s3: Any) -> None:
        store = ObjectStore(BUCKET, client=s3)
        refuse(s3, "GetObjectLockConfiguration", "AccessDenied", 403)
        with pytest.raises(ObjectStoreError, match="get_object_lock_configuration failed: AccessDenied"):
            store.put("a", b"", retain_until=datetime(2999, 1, 1, tzinfo=UTC))
        assert store.find("a") is None

    def test_an_instant_without_a_time_zone_is_refused(self, s3: Any) -> None:
        with pytest.raises(InvalidInputError, match="time zone"):
            ObjectStore(BUCKET, client=s3).put("a", b"", retain_until=datetime(2999, 1, 1))  # noqa: DTZ001

    def test_a_file_over_5_gib_is_refused_before_it_is_read(
        self, s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(bucket_module.hashlib, "file_digest", None)
        with (tmp_path / "huge").open("wb") as file:
            file.truncate(5 * 1024**3 + 1)
        with pytest.raises(InvalidInputError, match="5 GiB"):
            ObjectStore(BUCKET, client=s3).put_file("a", tmp_path / "huge")

    @pytest.mark.parametrize(
        "call",
        [
            lambda store: store.put("k", b""),
            lambda store: store.get("k"),
            lambda store: store.find("k"),
            lambda store: list(store.keys("k")),
            lambda store: store.put("k", b"", retain_until=datetime(2999, 1, 1, tzinfo=UTC)),
        ],
        ids=["put", "get", "find", "keys", "lock"],
    )
    def test_a_bucket_that_is_not_there_is_an_error(self, s3: Any, call: Callable[[Any], Any]) -> None:
        with pytest.raises(ObjectStoreError, match="NoSuchBucket") as caught:
            call(ObjectStore("nobodys", local_session()))
        assert caught.value.bucket == "nobodys"
        assert isinstance(caught.value.__cause__, ClientError)

    def test_what_s3_denies_is_an_error_and_not_an_absence(self, s3: Any) -> None:
        refuse(s3, "GetObject", "AccessDenied", 403)
        with pytest.raises(ObjectStoreError, match="AccessDenied"):
            ObjectStore(BUCKET, client=s3).find("a")

    def test_settings_that_are_not_enough_are_an_error(self, s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        session = local_session()
        monkeypatch.setattr(session, "client", without_a_region)
        with pytest.raises(ObjectStoreError, match="NoRegionError"):
            ObjectStore(BUCKET, session).get("a")

    def test_an_answer_that_breaks_off_is_an_error_and_leaves_no_file(self, s3: Any, tmp_path: Path) -> None:
        store = ObjectStore(BUCKET, client=s3)
        store.put("a", b"x" * 100)
        s3.meta.events.register(
            "after-call.s3.GetObject",
            lambda parsed, **_: parsed.update(Body=StreamingBody(parsed["Body"]._raw_stream, 200)),
        )
        (tmp_path / "target").write_bytes(b"before")
        for call in (lambda: store.get("a"), lambda: store.get_file("a", tmp_path / "target")):
            with pytest.raises(ObjectStoreError, match="IncompleteReadError"):
                call()
        assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"before"]

    def test_threads_that_begin_together_get_along(self, s3: Any) -> None:
        store = AsyncObjectStore(BUCKET, local_session())

        async def together() -> None:
            import asyncio

            await asyncio.gather(*(store.put(f"k{number}", b"") for number in range(20)))

        waited(together())
        assert len(list(ObjectStore(BUCKET, client=s3).keys())) == 20


def without_a_region(name: str) -> Any:
    """What a session without a region says."""
    from botocore.exceptions import NoRegionError

    raise NoRegionError


def refuse(client: Any, operation: str, code: str, status: int) -> None:
    """Make S3 refuse an operation."""

    def answer(**_: Any) -> Any:
        from botocore.awsrequest import AWSResponse

        body = f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()
        response = AWSResponse("", status, {}, None)
        response._content = body
        return response

    client.meta.events.register_first(f"before-send.s3.{operation}", answer)


class TestFolder:
    # Percent-encoded these take 240 bytes at most; file systems bear 255.
    @given(st.text(min_size=1, max_size=20).filter(lambda key: all(part.strip(".") for part in key.split("/"))))
    def test_any_key_of_one_part_or_more_is_kept_and_listed_as_it_is(self, key: str) -> None:
        from tempfile import TemporaryDirectory

        with TemporaryDirectory() as directory:
            store = FolderStore(Path(directory) / "inside")
            store.put(key, b"here")
            assert list(store.keys()) == [key]
            assert store.get(key) == b"here"
            assert [path.name for path in Path(directory).iterdir()] == ["inside"]

    @pytest.mark.parametrize("key", ["", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "./a"])
    def test_a_key_that_would_lead_elsewhere_is_refused(self, tmp_path: Path, key: str) -> None:
        store = FolderStore(tmp_path)
        for call in (store.get, store.find, lambda key: store.put(key, b"")):
            with pytest.raises(InvalidInputError):
                call(key)

    def test_a_key_too_long_for_the_file_system_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(ObjectStoreError):
            FolderStore(tmp_path).put("k" * 5000, b"")

    def test_a_key_inside_an_object_is_an_error_and_no_conflict(self, tmp_path: Path) -> None:
        store = FolderStore(tmp_path)
        store.put("a", b"")
        store.put("d/e", b"")
        for key in ("a/b", "d"):
            for if_absent in (False, key == "a/b"):
                with pytest.raises(ObjectStoreError) as caught:
                    store.put(key, b"", if_absent=if_absent)
                assert (caught.value.bucket, caught.value.key) == (str(tmp_path), key)
                assert isinstance(caught.value.__cause__, OSError)

    def test_a_put_that_fails_leaves_what_was_there(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        store = FolderStore(tmp_path)
        store.put("a", b"before")

        def full(_: int) -> None:
            raise OSError("no space left")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(ObjectStoreError, match="put failed: OSError"):
            store.put("a", b"after")
        assert store.get("a") == b"before"
        assert [path.name for path in tmp_path.iterdir()] == ["a"]

    def test_what_another_is_just_writing_is_not_listed(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        store = FolderStore(tmp_path)
        during: list[list[str]] = []
        monkeypatch.setattr(os, "fsync", lambda _: during.append(list(store.keys())))
        store.put("a", b"")
        assert during == [[]]
        assert list(store.keys()) == ["a"]

    def test_nothing_is_made_before_something_is_stored(self, tmp_path: Path) -> None:
        store = FolderStore(tmp_path / "store")
        assert list(store.keys()) == []
        assert store.find("a") is None
        assert list(tmp_path.iterdir()) == []

    def test_of_many_who_store_what_must_be_absent_one_does(self, tmp_path: Path) -> None:
        store = AsyncFolderStore(tmp_path)

        async def together() -> list[Any]:
            import asyncio

            puts = (store.put("a", str(number).encode(), if_absent=True) for number in range(20))
            return await asyncio.gather(*puts, return_exceptions=True)

        found = waited(together())
        winners = [number for number, outcome in enumerate(found) if outcome is None]
        assert sum(isinstance(outcome, AlreadyExistsError) for outcome in found) == 19
        assert FolderStore(tmp_path).get("a") == str(winners[0]).encode()
