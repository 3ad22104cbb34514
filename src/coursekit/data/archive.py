"""Fetch a published archive once, so that the folder in its place is whole or is not there.

A manifest in the repository lists every file with its size and SHA-256. The archive is unpacked
under another name, each file compared with the manifest, and only then is the folder renamed into
place: a rename is one step, so nobody ever sees half a folder. A lock lets one process do this
while the others wait; the system frees it when its process ends, however it ends. Files that the
manifest does not name are never written, and an archive with a path that leads out of its folder
is refused altogether.
"""

import hashlib
import os
import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from filelock import FileLock

from coursekit.data.download import Unfetched, download

Manifest = dict[str, tuple[str, int]]  # file name -> its SHA-256 and its size in bytes


def read_manifest(path: Path) -> Manifest:
    """The files that a data set must hold, from lines of `SHA-256  size  name`."""
    rows = [line.split(maxsplit=2) for line in path.read_text(encoding="utf-8").splitlines()]
    return {file: (digest, int(size)) for digest, size, file in rows}


def absent(folder: Path, manifest: Manifest) -> list[str]:
    """The manifest's files that `folder` lacks, or holds in another size.

    Contents are not compared: this runs each time a data set is opened, and must take no time.
    """
    def size(file: Path) -> int:
        return file.stat().st_size if file.is_file() else -1

    return [file for file, (_, wanted) in manifest.items() if size(folder / file) != wanted]


def fetch(name: str, addresses: Sequence[str], manifest: Manifest, root: Path) -> Path:
    """The folder `root/name`, fetched from the first address that gives it if it is not there.

    Args:
        name: of the folder, in the archive and in `root`.
        addresses: of the same zip archive, the preferred one first.
        manifest: the files wanted of it.
        root: made if it is not there.
    Raises:
        RuntimeError: no address gave the archive; the message says what each gave.
        OSError: the disk is full or refuses to be written; what has come so far is kept.
    """
    with _plain_disk_errors(root):
        root.mkdir(parents=True, exist_ok=True)
        with FileLock(root / f".{name}.lock"):  # a second process waits here, then finds the folder
            if not (root / name).is_dir():
                _fetch_from_any(name, addresses, manifest, root)
    return root / name


def _fetch_from_any(name: str, addresses: Sequence[str], manifest: Manifest, root: Path) -> None:
    """Try one address after the other; raise when all have failed."""
    failures = []
    for address in addresses:
        key = hashlib.sha256(address.encode()).hexdigest()[:8]  # no two servers' bytes in one file
        archive = root / f".{name}-{key}.zip"
        try:
            if not archive.exists():
                download(address, archive)
            _unpack(archive, name, manifest, root)
            return
        except Unfetched as failure:
            archive.unlink(missing_ok=True)
            failures.append(f"\n  {address}: {failure}")
    raise RuntimeError(
        f"{name} could not be fetched:{''.join(failures)}\nWanted is a zip archive with the "
        f"{len(manifest)} files of the course's list. Check the connection and run this again; or "
        f"fetch the archive by hand from one of these addresses, unpack it, and set COURSEKIT_DATA "
        f"to the folder in which {name} then lies.")


@contextmanager
def _plain_disk_errors(root: Path) -> Iterator[None]:
    """Say which folder could not be written and what to do; the error keeps its number."""
    try:
        yield
    except OSError as error:
        raise OSError(
            error.errno, f"{root} could not be written ({error.strerror or error}). Make room, or "
            f"name another folder in COURSEKIT_CACHE, and run this again: what has come so far is "
            f"kept, only the rest will be fetched.") from error


def _unpack(archive: Path, name: str, manifest: Manifest, root: Path) -> None:
    """Put the archive's files in place, all or none of them."""
    staging = root / f".{name}-unpacking"
    shutil.rmtree(staging, ignore_errors=True)  # left by a process that was killed
    try:
        with zipfile.ZipFile(archive) as members:
            _check_members(members.infolist(), name, manifest)
            for file, (digest, _) in manifest.items():
                content = members.read(f"{name}/{file}")
                if hashlib.sha256(content).hexdigest() != digest:
                    raise Unfetched(f"{file} in the archive that came is not the published file")
                (staging / file).parent.mkdir(parents=True, exist_ok=True)
                (staging / file).write_bytes(content)
        os.rename(staging, root / name)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError) as error:
        with open(archive, "rb") as file:
            raise Unfetched(f"what came is not a whole zip archive ({error}); it begins with "
                            f"{file.read(24)!r}") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    archive.unlink()


def _check_members(members: Sequence[zipfile.ZipInfo], name: str, manifest: Manifest) -> None:
    """Reject a path that leads out of the archive, a link, and a wanted file that is not there."""
    for member in members:
        path = PurePosixPath(member.filename.replace("\\", "/"))
        leads_out = path.is_absolute() or ".." in path.parts or ":" in member.filename
        if leads_out or stat.S_ISLNK(member.external_attr >> 16):
            raise Unfetched(f"{member.filename!r} in the archive that came leads out of its folder")
    sizes = {member.filename: member.file_size for member in members}
    wrong = [file for file, (_, size) in manifest.items() if sizes.get(f"{name}/{file}") != size]
    if wrong:
        raise Unfetched(f"the archive that came lacks {len(wrong)} of {len(manifest)} files or has "
                        f"them in another size, first {wrong[0]}")
