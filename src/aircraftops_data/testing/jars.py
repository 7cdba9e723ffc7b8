"""Java archives pinned by hash: kept in the cache, checked before every use, taken from Maven Central where needed."""

import hashlib
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from aircraftops_data.errors import EngineUnavailableError, MissingExtraError
from aircraftops_data.testing.cache import cache_folder, sole_writer

if TYPE_CHECKING:
    from jgo.maven import Artifact, MavenContext

DOWNLOADS_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class PinnedJar:
    """One archive: its path in a Maven repository, and the SHA-256 that its bytes must have."""

    path: PurePosixPath
    sha256: str

    def is_sound(self, folder: Path) -> bool:
        """Whether the archive is in `folder` with the pinned bytes."""
        try:
            with (folder / self.path).open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == self.sha256
        except FileNotFoundError:
            return False


def read_pins(name: str) -> tuple[PinnedJar, ...]:
    """The archives of the pin file `name` of this package, in class path order; one `<sha256>  <path>` a line."""
    lines = files("aircraftops_data.testing").joinpath(name).read_text("ascii").splitlines()
    return tuple(PinnedJar(PurePosixPath(path), sha256) for sha256, path in (line.split("  ") for line in lines))


def pinned_jars(pins: Sequence[PinnedJar]) -> list[Path]:
    """The files of `pins`, each with the pinned bytes; missing and damaged ones are downloaded first.

    Raises EngineUnavailableError where that cannot be done, and MissingExtraError where it would take jgo.
    """
    folder = cache_folder() / "maven"
    if _unsound(pins, folder):
        with sole_writer(folder):
            _download(_unsound(pins, folder), folder)
        if unsound := _unsound(pins, folder):
            names = ", ".join(pin.path.name for pin in unsound)
            raise EngineUnavailableError(f"downloaded archives differ from their pinned hashes: {names}")
    return [folder / pin.path for pin in pins]


def _unsound(pins: Iterable[PinnedJar], folder: Path) -> list[PinnedJar]:
    return [pin for pin in pins if not pin.is_sound(folder)]


def _download(pins: Sequence[PinnedJar], folder: Path) -> None:
    """Put each of `pins` in `folder` anew. A download cut short is harmless: its hash will tell."""
    if not pins:
        return
    context = _maven(folder)
    try:
        with ThreadPoolExecutor(DOWNLOADS_AT_ONCE) as pool:
            list(pool.map(partial(_download_one, context), pins))
    except (OSError, RuntimeError) as error:
        raise EngineUnavailableError(f"the download from Maven Central failed: {error}") from error


def _download_one(context: "MavenContext", pin: PinnedJar) -> None:
    artifact = _artifact(context, pin.path)
    (context.repo_cache / pin.path).unlink(missing_ok=True)
    artifact.resolve()


def _artifact(context: "MavenContext", path: PurePosixPath) -> "Artifact":
    """The artifact at `path`, which is group/as/folders/artifact/version/artifact-version[-classifier].extension."""
    *group, artifact, version, name = path.parts
    classifier, _, extension = name.removeprefix(f"{artifact}-{version}").rpartition(".")
    component = context.project(".".join(group), artifact).at_version(version)
    return component.artifact(classifier.removeprefix("-"), extension)


def _maven(folder: Path) -> "MavenContext":
    """Maven Central, or the mirrors in the user's jgo settings; hashes make the source a matter of indifference."""
    try:
        from jgo.config import GlobalSettings
        from jgo.constants import MAVEN_CENTRAL_URL
        from jgo.maven import MavenContext
    except ImportError as error:
        message = 'downloading Java archives needs jgo: pip install "aircraftops-data[local]"'
        raise MissingExtraError(message, extra="local") from error
    repositories = {"central": MAVEN_CENTRAL_URL, **GlobalSettings.load().repositories}
    return MavenContext(repo_cache=folder, remote_repos=repositories)
