"""The commands about chains of audit events: verifying them, vouching for them, and proving what they have."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from aircraftops_data.audit.chain import Chain
from aircraftops_data.audit.checkpoint import Checkpoint, folder_of, verified
from aircraftops_data.audit.proofs import InclusionProof
from aircraftops_data.audit.report import FindingKind, Report
from aircraftops_data.audit.sealing import verify_objects
from aircraftops_data.audit.signing import Ed25519Signer
from aircraftops_data.cli import audit_records, given
from aircraftops_data.cli.moments import moment
from aircraftops_data.cli.options import AsJson, EndpointUrl, Prefix, connected
from aircraftops_data.cli.output import UNHEALTHY, show, show_one
from aircraftops_data.clock import SystemClock
from aircraftops_data.errors import InvalidInputError, NotFoundError
from aircraftops_data.ops import AircraftOps
from aircraftops_data.transports.objects import Objects

ChainName = Annotated[str, typer.Argument(help="A tenant's chain, or one of several: NAME/TENANT.", metavar="CHAIN")]
Keys = Annotated[
    list[Path] | None,
    typer.Option("--keys", help="Public keys of signers, in PEM; may be given again.", metavar="FILE"),
]
Key = Annotated[
    str, typer.Option(help="What signs: a private key in PEM, or one of KMS, as kms:ARN.", metavar="FILE|kms:KEY")
]
RetainUntil = Annotated[
    str | None, typer.Option(help="Until when nobody may delete it from the bucket: an instant, or +365d.")
]
_Checkpoint = typer.Option("--checkpoint", help="A checkpoint as JSON.", metavar="FILE")


def _chain(ops: AircraftOps, name: str) -> Chain:
    if not name:
        raise InvalidInputError("A chain has a name")
    return ops.audit.chain(name)


# Verifying


def verify(
    chain: ChainName,
    since_seq: Annotated[int, typer.Option(help="Begin with the block of this event.", min=1)] = 1,
    until_seq: Annotated[int | None, typer.Option(help="End with the block of this event.", min=1)] = None,
    keys: Keys = None,
    checkpoint: Annotated[
        list[Path] | None,
        typer.Option(help="A checkpoint from outside the table, as JSON; may be given again.", metavar="FILE"),
    ] = None,
    exports: Annotated[
        str | None, typer.Option(help="Where checkpoints and sealed exports lie: s3://NAME, or a folder.")
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Also exit with 9 where events are in no block, or no checkpoint vouches.")
    ] = False,
    endpoint_url: EndpointUrl = None,
    prefix: Prefix = None,
    as_json: AsJson = False,
) -> None:
    """Check every block and event of a chain; exit with 9 where anything is not as it was."""
    known = given.public_keys(keys) if keys else None
    others = [given.checkpoint(path) for path in checkpoint or ()]
    objects = None if exports is None else _sealed(exports, chain)
    ops = connected(endpoint_url, prefix)
    with bar() as progress:
        report = _chain(ops, chain).verify(
            since_seq, until_seq, keys=known, checkpoints=others, objects=objects, progress=progress
        )
    _conclude(report, strict=strict, as_json=as_json)


def verify_exports(
    chain: ChainName,
    place: Annotated[str, typer.Argument(help="A bucket, s3://NAME, or a folder.", metavar="PLACE")],
    keys: Keys = None,
    deep: Annotated[
        bool, typer.Option("--deep", help="Also whether the columns say what was hashed; takes far longer.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Also exit with 9 where no checkpoint of these keys vouches.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check the sealed exports and checkpoints of a chain by themselves; the table is not asked."""
    known = given.public_keys(keys) if keys else None
    report = verify_objects(chain, _sealed(place, chain), known, SystemClock().now(), deep=deep)
    _conclude(report, strict=strict, as_json=as_json)


def _conclude(report: Report, *, strict: bool, as_json: bool) -> None:
    """Print a report; exit with 9 where it says so. Raises NotFoundError where there was nothing to verify."""
    if not report.blocks and not report.findings:
        raise NotFoundError(f"Chain {report.chain!r} has no events", entity="Block")
    show_one(audit_records.report(report, as_json=as_json), as_json=as_json)
    if report.findings and not as_json:
        show([audit_records.finding(each, as_json=False) for each in report.findings], as_json=False)
    loose = report.counts[FindingKind.UNCOMMITTED] or report.anchored_seq < report.until_seq
    if not report.ok or (strict and loose):
        raise typer.Exit(UNHEALTHY)


def _sealed(place: str, chain: str) -> Objects:
    """Where a chain's checkpoints lie. Raises NotFoundError where there are none: a wrong place would say nothing."""
    objects = given.objects(place, there=True)
    if next(iter(objects.keys(f"{folder_of(chain)}/checkpoints/")), None) is None:
        raise NotFoundError(f"There are no checkpoints of chain {chain!r} in {place!r}", entity="Checkpoint")
    return objects


@contextmanager
def bar() -> Generator[Callable[[Report], None] | None]:
    """How far it is, on standard error where that is a terminal."""
    from sys import stderr

    if not stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task("verifying", total=None)

        def told(report: Report) -> None:
            bad = sum(report.counts.values()) - report.counts[FindingKind.OK]
            shown.update(task, description=f"{report.checked} events in {report.blocks} blocks, findings: {bad}")

        yield told


def uncommitted(
    chain: ChainName, endpoint_url: EndpointUrl = None, prefix: Prefix = None, as_json: AsJson = False
) -> None:
    """List the events that say they are of a chain and are in no block, but for those of the last minute."""
    found = _chain(connected(endpoint_url, prefix), chain).uncommitted()
    show([audit_records.listed(event, as_json=as_json) for event in found], as_json=as_json)


def settle(chain: ChainName, endpoint_url: EndpointUrl = None, prefix: Prefix = None, as_json: AsJson = False) -> None:
    """Take in what `uncommitted` lists, and say where it is."""
    receipts = _chain(connected(endpoint_url, prefix), chain).settle()
    show([audit_records.receipt(each) for each in receipts], as_json=as_json)


# Vouching


def checkpoint(
    chain: ChainName,
    key: Key,
    to: Annotated[
        str | None, typer.Option(help="Put it there too: a bucket, s3://NAME, or a folder.", metavar="PLACE")
    ] = None,
    keys: Keys = None,
    retain_until: RetainUntil = None,
    endpoint_url: EndpointUrl = None,
    prefix: Prefix = None,
    as_json: AsJson = False,
) -> None:
    """Verify what is new in a chain and sign for it; the last checkpoint again where nothing is new."""
    objects = None if to is None else given.objects(to)
    ops = connected(endpoint_url, prefix)
    made = _chain(ops, chain).checkpoint(given.signer(key), objects, **_how(ops, keys, retain_until))
    _show_checkpoint(made, as_json=as_json)


def seal(
    chain: ChainName,
    key: Key,
    to: Annotated[str, typer.Option(help="A bucket, s3://NAME, or a folder.", metavar="PLACE")],
    keys: Keys = None,
    retain_until: RetainUntil = None,
    endpoint_url: EndpointUrl = None,
    prefix: Prefix = None,
    as_json: AsJson = False,
) -> None:
    """Export what is new in a chain as Parquet, verify the files, and sign a checkpoint that names them."""
    ops = connected(endpoint_url, prefix)
    made = _chain(ops, chain).seal(given.objects(to), given.signer(key), **_how(ops, keys, retain_until))
    _show_checkpoint(made, as_json=as_json)


def _show_checkpoint(made: Checkpoint, *, as_json: bool) -> None:
    record = audit_records.checkpoint if as_json else audit_records.checkpoint_in_words
    show_one(record(made), as_json=as_json)


def _how(ops: AircraftOps, keys: list[Path] | None, retain_until: str | None) -> dict[str, Any]:
    known = given.public_keys(keys) if keys else None
    return {"keys": known, "retain_until": None if retain_until is None else _instant(ops, moment(retain_until))}


def _instant(ops: AircraftOps, found: datetime | timedelta) -> datetime:
    try:
        return found if isinstance(found, datetime) else ops.core.context.clock.now() + found
    except OverflowError:
        raise InvalidInputError("No calendar goes that far") from None


def checkpoints(
    chain: ChainName, endpoint_url: EndpointUrl = None, prefix: Prefix = None, as_json: AsJson = False
) -> None:
    """List the checkpoints of a chain, oldest first."""
    found = _chain(connected(endpoint_url, prefix), chain).checkpoints()
    records = audit_records.checkpoint if as_json else audit_records.checkpoint_in_list
    show([records(each) for each in found], as_json=as_json)


# Proving


def prove(
    chain: Annotated[str | None, typer.Argument(help="The chain.", metavar="CHAIN")] = None,
    seq: Annotated[int | None, typer.Option(help="Which event, by its number in the chain.", min=1)] = None,
    event: Annotated[str | None, typer.Option(help="Which event, by its id.", metavar="ID")] = None,
    checkpoint: Annotated[Path | None, _Checkpoint] = None,
    out: Annotated[Path | None, typer.Option(help="Write the proof there, as JSON.", metavar="FILE")] = None,
    check: Annotated[
        Path | None, typer.Option(help="Check this proof instead, by --checkpoint and --keys alone.", metavar="FILE")
    ] = None,
    keys: Keys = None,
    endpoint_url: EndpointUrl = None,
    prefix: Prefix = None,
    as_json: AsJson = False,
) -> None:
    """Prove that an event is in the chain a checkpoint was made of, the last without --checkpoint; or check a proof."""
    if check is not None:
        if checkpoint is None or not keys or any(other is not None for other in (chain, seq, event, out)):
            raise InvalidInputError("--check goes with --checkpoint and --keys, and with nothing else")
        _check(check, checkpoint, keys, as_json=as_json)
        return
    if chain is None:
        raise InvalidInputError("Name a CHAIN, or a proof to --check")
    found = _chain(connected(endpoint_url, prefix), chain)
    signed = _last(found) if checkpoint is None else given.checkpoint(checkpoint)
    proof = found.prove(signed, seq=seq, event_id=event)
    if out is not None:
        _write(out, proof.to_json())
    if as_json:
        typer.echo(proof.to_json())
    else:
        show_one(audit_records.proof(proof, signed.number), as_json=False)


def _last(chain: Chain) -> Checkpoint:
    found = chain.checkpoints()
    if not found:
        raise NotFoundError(f"Chain {chain.name!r} has no checkpoints", entity="Checkpoint")
    return found[-1]


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(f"{text}\n", encoding="utf-8")
    except OSError as error:
        raise InvalidInputError(f"{str(path)!r} cannot be written: {type(error).__name__}") from error


def _check(proof: Path, checkpoint: Path, keys: list[Path], *, as_json: bool) -> None:
    """Say whether a proof holds, and the signature of its checkpoint; exit with 9 where either does not."""
    signed, known = given.checkpoint(checkpoint), given.public_keys(keys)
    proven = InclusionProof.from_json(given.content(proof))
    answer = {"holds": proven.holds(signed), "signature_holds": verified(signed, known)}
    show_one({**audit_records.proof(proven, signed.number), **answer}, as_json=as_json)
    if not all(answer.values()):
        raise typer.Exit(UNHEALTHY)


# Keys


def keygen(
    out: Annotated[Path, typer.Option(help="Where the private key goes; nothing may be there.", metavar="FILE")],
) -> None:
    """Make a private key of Ed25519, which only you can read, and print the public key."""
    made = Ed25519Signer.generate()
    try:
        out.touch(mode=0o600, exist_ok=False)
        out.write_bytes(made.private_pem())
    except OSError as error:
        raise InvalidInputError(f"{str(out)!r} cannot be written: {type(error).__name__}") from error
    typer.echo(made.public_pem().decode(), nl=False)


def public_key(key: Key) -> None:
    """Print the public key of one that signs, for --keys."""
    typer.echo(given.signer(key).public_pem().decode(), nl=False)


COMMANDS: Mapping[str, Callable[..., None]] = {
    "verify": verify,
    "verify-exports": verify_exports,
    "uncommitted": uncommitted,
    "settle": settle,
    "checkpoint": checkpoint,
    "checkpoints": checkpoints,
    "seal": seal,
    "prove": prove,
    "keygen": keygen,
    "public-key": public_key,
}
