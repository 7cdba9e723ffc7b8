"""The commands about chains of audit events: verifying, vouching, sealing and proving, and what they exit with."""

from __future__ import annotations

import io
import json
import re
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from rich.console import Console
from typer.testing import CliRunner

from aircraftops_data import AircraftOps
from aircraftops_data.audit import AuditEvent, Finding, FindingKind, Report
from aircraftops_data.audit.checkpoint import from_json
from aircraftops_data.audit.proofs import InclusionProof
from aircraftops_data.audit.signing import Ed25519Signer, KmsSigner, PublicKeys
from aircraftops_data.cli import chains as chain_commands
from aircraftops_data.cli import given
from aircraftops_data.cli.output import exit_code
from auditing import Lively, alter, connection, items, put, remove
from commanding import NOUNS, examples, invoked, printed, refused, words

SIGNER, OTHER = Ed25519Signer.generate(), Ed25519Signer.generate()
KEY, PUBLIC, VAULT = "private.pem", "public.pem", "vault"


@pytest.fixture
def clock() -> Lively:
    return Lively()


@pytest.fixture
def ops(clock: Lively, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AircraftOps:
    """What every command is connected to; it is run where there are keys."""
    monkeypatch.chdir(tmp_path)
    Path(KEY).write_bytes(SIGNER.private_pem())
    Path(PUBLIC).write_bytes(SIGNER.public_pem())
    return connection(clock, monkeypatch)


def grown(ops: AircraftOps, count: int = 3) -> list[AuditEvent]:
    """That many more events in the chain, as one block; and then it is later."""
    asked = [{"actor": "user:ana", "action": "edit", "resource": f"r{n}", "tenant": "acme"} for n in range(count)]
    events = [ops.audit.event(**each) for each in asked]  # type: ignore[arg-type]
    ops.audit.chain("acme").append(events)
    ops.core.context.clock.sleep(120)
    return events


@pytest.fixture
def events(ops: AircraftOps) -> list[AuditEvent]:
    return grown(ops)


@pytest.fixture
def sealed(events: list[AuditEvent]) -> dict[str, Any]:
    """The checkpoint of an export in the vault."""
    made: dict[str, Any] = printed("audit", "seal", "acme", "--key", KEY, "--to", VAULT)
    return made


def kinds(*options: str, code: int) -> list[str]:
    return [finding["kind"] for finding in printed("audit", "verify", "acme", *options, code=code)["findings"]]


# Verifying


def test_a_chain_that_nobody_touched_is_well(events: list[AuditEvent]) -> None:
    report = printed("audit", "verify", "acme")
    assert (report["ok"], report["checked"], report["blocks"], report["anchored_seq"]) == (True, 3, 1, 0)
    assert report["counts"] == {"ok": 3, "unanchored_tail": 1}
    said = invoked("audit", "verify", "acme").stdout
    assert re.search(r"^events +3, from 1 to 3$", said, re.MULTILINE)
    assert re.search(r"^found +3 ok, 1 unanchored_tail$", said, re.MULTILINE)
    assert "no checkpoint vouches for the events from 1 to 3" in said


def test_what_was_altered_exits_with_9(ops: AircraftOps, events: list[AuditEvent]) -> None:
    alter(ops, events[1], actor={"S": "user:eve"})
    assert kinds(code=9) == ["altered", "unanchored_tail"]
    said = invoked("audit", "verify", "acme", code=9).stdout
    assert re.search(r"^ok +no$", said, re.MULTILINE)
    assert re.search(rf"│ altered +│.*│ 1 +│ 2 +│ r1 +│ {events[1].id} │", said)


def test_a_part_of_a_chain_is_verified(ops: AircraftOps, events: list[AuditEvent]) -> None:
    alter(ops, events[0], actor={"S": "user:eve"})
    grown(ops)
    report = printed("audit", "verify", "acme", "--since-seq", "5", "--until-seq", "6")
    assert (report["since_seq"], report["until_seq"], report["checked"]) == (4, 6, 3)


def test_strictly_the_tail_must_be_vouched_for(ops: AircraftOps, events: list[AuditEvent]) -> None:
    assert kinds("--strict", code=9) == ["unanchored_tail"]
    made = printed("audit", "checkpoint", "acme", "--key", KEY)
    assert made["size"] == 3
    assert kinds("--strict", "--keys", PUBLIC, code=0) == []
    assert kinds("--strict", code=9) == ["unknown_signer", "unanchored_tail"]
    grown(ops)
    assert kinds("--strict", "--keys", PUBLIC, code=9) == ["unanchored_tail"]
    assert kinds("--keys", PUBLIC, code=0) == ["unanchored_tail"]


def test_strictly_no_event_is_left_out_and_settling_takes_it_in(ops: AircraftOps, events: list[AuditEvent]) -> None:
    with ops.core.transaction() as tx:
        event = ops.audit.event(actor="user:ana", action="edit", resource="tx", tenant="acme")
        tx.add(ops.audit.chain("acme").action(event))
    assert printed("audit", "uncommitted", "acme") == []
    ops.core.context.clock.sleep(120)
    invoked("audit", "checkpoint", "acme", "--key", KEY)
    assert [each["id"] for each in printed("audit", "uncommitted", "acme")] == [event.id]
    assert kinds("--keys", PUBLIC, code=0) == kinds("--keys", PUBLIC, "--strict", code=9) == ["uncommitted"]
    assert printed("audit", "settle", "acme") == [{"seq": 4, "block": 2, "resource": "tx", "id": event.id}]
    assert printed("audit", "uncommitted", "acme") == printed("audit", "settle", "acme") == []


def test_a_checkpoint_kept_elsewhere_tells_of_a_table_that_was_rolled_back(
    ops: AircraftOps, events: list[AuditEvent]
) -> None:
    before = [*items(ops, "audit_block"), *items(ops, "audit_head")]
    grown(ops)
    Path("kept.json").write_text(invoked("audit", "checkpoint", "acme", "--key", KEY, "--json").stdout)
    for kind in ("audit_block", "audit_head", "audit_checkpoint"):
        for item in items(ops, kind):
            remove(ops, item)
    for item in before:
        put(ops, item)
    for event in [event for event in items(ops, "audit_event") if event["after_block"] == {"N": "1"}]:
        remove(ops, event)
    assert kinds("--keys", PUBLIC, code=0) == ["unanchored_tail"]
    assert kinds("--keys", PUBLIC, "--checkpoint", "kept.json", code=9)[:2] == ["truncated", "truncated"]


def test_a_chain_that_has_nothing_is_not_said_to_be_well(ops: AircraftOps, sealed: dict[str, Any]) -> None:
    error = refused("audit", "verify", "acne")
    assert (exit_code(error), error.message) == (3, "Chain 'acne' has no events")


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        ("acme --keys nowhere.pem", 2, "'nowhere.pem' cannot be read: FileNotFoundError"),
        ("acme --keys .", 2, "'.' cannot be read: IsADirectoryError"),
        ("acme --keys private.pem", 2, "'private.pem': Not a public key in PEM"),
        ("acme --checkpoint nowhere.json", 2, "'nowhere.json' cannot be read"),
        ("acme --checkpoint public.pem", 5, "'public.pem' is no checkpoint"),
        ("acme --exports nowhere", 2, "There is no folder 'nowhere'"),
        ("acme --exports .", 3, "There are no checkpoints of chain 'acme' in '.'"),
        ("acne --exports vault", 3, "There are no checkpoints of chain 'acne' in 'vault'"),
        ("acme --since-seq 9", 2, "Chain 'acme' has 3 events, not 9"),
        ("acme --since-seq 3 --until-seq 2", 2, "There is no event from 3 to 2"),
        (f"{'x' * 3000}", 2, "Checkpoint: String should have at most 256 characters"),
    ],
)
def test_what_cannot_be_verified_is_told_by_its_exit_code(
    sealed: dict[str, Any], options: str, code: int, said: str
) -> None:
    error = refused("audit", "verify", *options.split())
    assert exit_code(error) == code
    assert error.message.startswith(said)


def test_a_chain_without_a_name_is_refused(ops: AircraftOps) -> None:
    for command in ("verify", "uncommitted", "settle", "checkpoints"):
        assert exit_code(refused("audit", command, "")) == 2


def test_on_a_terminal_it_says_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setattr("rich.console.Console", lambda **options: Console(file=screen, force_terminal=True))
    report = Report("acme", checked=200, blocks=2)
    report.add(Finding(FindingKind.MISSING, "gone"))
    report.counts[FindingKind.OK] = 199
    with chain_commands.bar() as told:
        assert told is not None
        told(report)
    assert "200 events in 2 blocks, findings: 1" in screen.getvalue()


def test_without_a_terminal_nothing_is_said_meanwhile(events: list[AuditEvent]) -> None:
    assert invoked("audit", "verify", "acme").stderr == ""


def test_the_report_is_told_of_with_each_block(ops: AircraftOps, events: list[AuditEvent]) -> None:
    grown(ops, 2)
    told: list[int] = []
    ops.audit.chain("acme").verify(progress=lambda report: told.append(report.checked))
    assert told == [3, 5]


# Vouching


def test_a_checkpoint_is_signed_stored_and_listed(ops: AircraftOps, events: list[AuditEvent]) -> None:
    made = printed("audit", "checkpoint", "acme", "--key", KEY, "--to", VAULT)
    assert (made["number"], made["size"], made["key_id"]) == (1, 3, SIGNER.key_id)
    assert json.loads(Path(VAULT, "audit/acme/checkpoints/000000000001.json").read_text()) == made
    assert printed("audit", "checkpoint", "acme", "--key", KEY) == made
    assert printed("audit", "checkpoints", "acme") == [made]
    assert re.search(rf"│ 1 +│ 3 +│ 1 +│ .*Z +│ {SIGNER.key_id} │", invoked("audit", "checkpoints", "acme").stdout)
    said = invoked("audit", "checkpoint", "acme", "--key", KEY).stdout
    assert re.search(rf"^root +{made['root']}$", said, re.MULTILINE)


def test_nothing_is_signed_where_anything_is_wrong(ops: AircraftOps, events: list[AuditEvent]) -> None:
    alter(ops, events[1], actor={"S": "user:eve"})
    for command in (("checkpoint",), ("seal", "--to", VAULT)):
        error = refused("audit", *command, "acme", "--key", KEY)
        assert (exit_code(error), error.message) == (5, "Chain 'acme' is not vouched for: altered")
    assert printed("audit", "checkpoints", "acme") == []


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ("acme --key nowhere.pem", 2),
        ("acme --key public.pem", 2),
        ("acne --key private.pem", 2),
        ("acme --key private.pem --keys private.pem", 2),
        ("acme --key private.pem --retain-until soon", 2),
        ("acme --key private.pem --retain-until +999999999d", 2),
        ("acme --key private.pem --to public.pem", 6),
        ("acme --key private.pem --to s3://", 2),
    ],
)
def test_what_cannot_be_signed_is_told_by_its_exit_code(events: list[AuditEvent], options: str, code: int) -> None:
    assert exit_code(refused("audit", "checkpoint", *options.split())) == code


def test_a_retention_is_a_length_or_an_instant(events: list[AuditEvent], monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def kept(text: str) -> Any:
        class Store:
            def find(self, key: str) -> None: ...

            def put(self, key: str, body: bytes, content_type: str, **options: Any) -> None:
                asked.append(options["retain_until"].isoformat())

        return Store()

    monkeypatch.setattr(given, "objects", kept)
    for until in ("+365d", "2102-01-01T00:00:00Z"):
        invoked("audit", "checkpoint", "acme", "--key", KEY, "--to", "s3://x", "--retain-until", until)
    assert asked == ["2101-01-01T00:02:00+00:00", "2102-01-01T00:00:00+00:00"]


def test_a_sealed_export_is_verified_with_the_table_and_without_it(ops: AircraftOps, sealed: dict[str, Any]) -> None:
    assert [export["last_seq"] for export in sealed["exports"]] == [3, 3]
    assert kinds("--strict", "--keys", PUBLIC, "--exports", VAULT, code=0) == []
    alone = ("audit", "verify-exports", "acme", VAULT)
    assert printed(*alone, "--strict", "--deep", "--keys", PUBLIC)["counts"] == {"ok": 3}
    assert printed(*alone)["counts"] == {"ok": 3, "unknown_signer": 1}
    printed(*alone, "--strict", code=9)
    assert exit_code(refused("audit", "verify-exports", "acne", VAULT)) == 3
    assert "-events.parquet" in invoked("audit", "seal", "acme", "--key", KEY, "--to", VAULT).stdout


def test_an_export_that_was_changed_exits_with_9(sealed: dict[str, Any]) -> None:
    path = Path(VAULT, sealed["exports"][0]["key"])
    path.write_bytes(path.read_bytes() + b"x")
    assert kinds("--keys", PUBLIC, "--exports", VAULT, code=9) == ["altered"]
    assert printed("audit", "verify-exports", "acme", VAULT, "--keys", PUBLIC, code=9)["ok"] is False


# Proving


def test_a_proof_is_made_and_checked_without_an_engine(
    events: list[AuditEvent], sealed: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    said = invoked("audit", "prove", "acme", "--event", events[1].id, "--out", "proof.json").stdout
    assert re.search(r"^seq +2$", said, re.MULTILINE)
    assert InclusionProof.from_json(Path("proof.json").read_text()).resource == "r1"
    (kept,) = Path(VAULT, "audit/acme/checkpoints").iterdir()
    assert printed("audit", "prove", "acme", "--seq", "2", "--checkpoint", str(kept)) == json.loads(
        Path("proof.json").read_text()
    )
    monkeypatch.delattr(chain_commands, "connected")
    check = ("audit", "prove", "--check", "proof.json", "--checkpoint", str(kept))
    answer = printed(*check, "--keys", PUBLIC)
    assert (answer["holds"], answer["signature_holds"], answer["seq"]) == (True, True, 2)
    Path("other.pem").write_bytes(OTHER.public_pem())
    answer = printed(*check, "--keys", "other.pem", code=9)
    assert (answer["holds"], answer["signature_holds"]) == (True, False)
    assert printed(*check, "--keys", "other.pem", "--keys", PUBLIC)["signature_holds"]


def test_a_proof_of_another_leaf_does_not_hold(sealed: dict[str, Any]) -> None:
    proof = printed("audit", "prove", "acme", "--seq", "2")
    Path("proof.json").write_text(json.dumps({**proof, "leaf": "00" * 32}))
    Path("kept.json").write_text(json.dumps(sealed))
    assert from_json(json.dumps(sealed).encode()).size == 3
    answer = printed("audit", "prove", "--check", "proof.json", "--checkpoint", "kept.json", "--keys", PUBLIC, code=9)
    assert (answer["holds"], answer["signature_holds"]) == (False, True)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ("", 2),
        ("acme", 2),
        ("acme --seq 1 --event 1", 2),
        ("acme --seq 4", 3),
        ("acme --event 0123", 3),
        ("acne --seq 1", 3),
        ("acme --seq 1 --checkpoint public.pem", 5),
        ("acme --seq 1 --out nowhere/proof.json", 2),
        ("--check public.pem", 2),
        ("--check public.pem --keys public.pem", 2),
        ("acme --check public.pem --checkpoint kept.json --keys public.pem", 2),
        ("--check public.pem --checkpoint kept.json --keys public.pem", 5),
        ("--check nowhere.json --checkpoint kept.json --keys public.pem", 2),
    ],
)
def test_what_cannot_be_proven_is_told_by_its_exit_code(sealed: dict[str, Any], options: str, code: int) -> None:
    Path("kept.json").write_text(json.dumps(sealed))
    assert exit_code(refused("audit", "prove", *options.split())) == code


# Keys


def test_a_key_is_made_that_only_its_owner_can_read(ops: AircraftOps) -> None:
    said = invoked("audit", "keygen", "--out", "new.pem").stdout
    made = Ed25519Signer.from_pem(Path("new.pem").read_bytes())
    assert said.encode() == made.public_pem()
    assert stat.S_IMODE(Path("new.pem").stat().st_mode) == 0o600
    assert invoked("audit", "public-key", "--key", "new.pem").stdout == said
    for taken in ("new.pem", "nowhere/new.pem"):
        assert exit_code(refused("audit", "keygen", "--out", taken)) == 2
    assert Ed25519Signer.from_pem(Path("new.pem").read_bytes()).key_id == made.key_id


def test_a_file_may_have_several_public_keys(ops: AircraftOps) -> None:
    Path("both.pem").write_bytes(b"ana\n" + SIGNER.public_pem() + b"\nbo\n" + OTHER.public_pem())
    assert given.public_keys([Path("both.pem")]).key_ids == {SIGNER.key_id, OTHER.key_id}


def test_the_password_of_an_encrypted_key_is_asked_for(ops: AircraftOps) -> None:
    Path("locked.pem").write_bytes(SIGNER.private_pem(b"hunter2"))

    def asked(typed: str) -> Any:
        return CliRunner().invoke(NOUNS["audit"], ["public-key", "--key", "locked.pem"], input=typed)

    answer = asked("hunter2\n")
    assert answer.stdout.strip().encode() == SIGNER.public_pem().strip()
    assert exit_code(asked("wrong\n").exception) == 2
    assert asked("").exit_code == 1


@pytest.fixture
def aws(ops: AircraftOps, session: boto3.Session, monkeypatch: pytest.MonkeyPatch) -> Iterator[boto3.Session]:
    """AWS but for DynamoDB, as moto has it; boto3 finds it by its own configuration."""
    from moto import mock_aws

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        yield session


def test_kms_signs_too(aws: boto3.Session, events: list[AuditEvent]) -> None:
    kms: Any = aws.client("kms", region_name="us-east-1")
    arn = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
    pem = invoked("audit", "public-key", "--key", f"kms:{arn}").stdout
    made = printed("audit", "checkpoint", "acme", "--key", f"kms:{arn}")
    assert PublicKeys([pem.encode()]).key_ids == {made["key_id"]} == {KmsSigner(arn, client=kms).key_id}
    Path("kms.pem").write_text(pem)
    assert kinds("--strict", "--keys", "kms.pem", code=0) == []
    for nobody, code in (("kms:", 2), ("kms:alias/nobody", 6)):
        assert exit_code(refused("audit", "public-key", "--key", nobody)) == code


def test_without_cryptography_the_command_names_what_to_install(
    ops: AircraftOps, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "aircraftops_data.audit.keys", None)
    error = refused("audit", "verify", "acme", "--keys", PUBLIC)
    assert exit_code(error) == 2
    assert 'pip install "aircraftops-data[audit]"' in error.message


# Together


def test_the_commands_of_the_page_print_what_it_says(aws: boto3.Session, ops: AircraftOps, clock: Lively) -> None:
    s3: Any = aws.client("s3", region_name="us-east-1")
    s3.create_bucket(Bucket="acme-audit")
    chain = ops.audit.chain("acme")
    asked = [
        {"actor": "user:ana", "action": "aircraft.transfer", "resource": "aircraft:a835af"},
        {"actor": "user:bo", "action": "door.open", "resource": "door:hangar", "outcome": "denied"},
        {"actor": "user:ana", "action": "aircraft.inspect", "resource": "aircraft:a835af"},
    ]
    for each in asked:
        chain.append([ops.audit.event(tenant="acme", **each)])  # type: ignore[arg-type]
        clock.advance(120)
    for command, expected in examples("Audit"):
        if "--check" in command:
            s3.download_file("acme-audit", "audit/acme/checkpoints/000000000001.json", "checkpoint.json")
        assert words(invoked(*command).stdout) == words(expected)


@pytest.mark.slow
def test_the_commands_reach_an_engine_by_its_endpoint_and_prefix(
    local_endpoint: str, fresh_names: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from aircraftops_data.testing import local_session

    monkeypatch.chdir(tmp_path)
    where = ("--endpoint-url", local_endpoint, "--prefix", fresh_names)
    invoked("tables", "create", *where)
    ops = AircraftOps.connect(session=local_session(), endpoint_url=local_endpoint, prefix=fresh_names)
    asked = [{"actor": "user:ana", "action": "edit", "resource": f"r{n}", "tenant": "acme"} for n in range(3)]
    events = [ops.audit.event(**each) for each in asked]  # type: ignore[arg-type]
    ops.audit.chain("acme").append(events)
    found = printed("audit", "search", "--tenant", "acme", *where)["events"]
    assert sorted(event["id"] for event in found) == sorted(event.id for event in events)
    Path(PUBLIC).write_text(invoked("audit", "keygen", "--out", KEY).stdout)
    invoked("audit", "seal", "acme", "--key", KEY, "--to", VAULT, *where)
    report = printed("audit", "verify", "acme", "--strict", "--keys", PUBLIC, "--exports", VAULT, *where)
    assert report["counts"] == {"ok": 3}
    assert printed("audit", "prove", "acme", "--event", events[0].id, *where)["seq"] == 1
