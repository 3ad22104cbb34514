"""A download that is cut, refused, forged or raced, against a server on this machine."""

import errno
import hashlib
import io
import os
import stat
import subprocess
import sys
import threading
import time
import zipfile
from contextlib import ExitStack
from functools import partial
from random import Random

import pytest
from local_server import Server, zipped

from coursekit.data import archive, download
from coursekit.data.archive import absent, fetch, read_manifest

FILES = {"PNGImages/a.png": Random(1).randbytes(300_000), "readme.txt": b"four words of text",
         "PedMasks/a_mask.png": Random(2).randbytes(50_000)}
zipped = partial(zipped, top="Peds/")
MANIFEST = {name: (hashlib.sha256(data).hexdigest(), len(data)) for name, data in FILES.items()}


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("COURSEKIT_PLAIN", "1")


@pytest.fixture
def make_server():
    with ExitStack() as servers:
        yield lambda: servers.enter_context(Server(zipped(FILES)))


@pytest.fixture
def server(make_server):
    return make_server()


def assert_whole(root):
    """The data set is there, byte for byte, and nothing else but the lock file."""
    came = {p.relative_to(root / "Peds").as_posix(): p.read_bytes()
            for p in (root / "Peds").rglob("*") if p.is_file()}
    assert came == FILES
    assert {path.name for path in root.iterdir()} <= {"Peds", ".Peds.lock"}


def leftovers(root, end):
    return [path for path in root.iterdir() if path.name.endswith(end)]


def test_the_archive_is_fetched_once_and_only_the_listed_files_are_written(server, tmp_path):
    server.content = zipped(FILES | {"added-object-list.txt": b"not in the list"})
    for _ in range(2):
        assert fetch("Peds", [server.address], MANIFEST, tmp_path / "new") == tmp_path / "new/Peds"
    assert_whole(tmp_path / "new")
    assert server.log == [(None, len(server.content))]


def test_a_progress_bar_shows_the_bytes(server, tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("COURSEKIT_PLAIN")
    fetch("Peds", [server.address], MANIFEST, tmp_path)
    assert "Peds.zip: 100%" in capsys.readouterr().err


def test_a_cut_connection_is_resumed_and_only_the_rest_comes(server, tmp_path):
    server.cut = [200_000]
    download.download(server.address, tmp_path / "Peds.zip")
    assert (tmp_path / "Peds.zip").read_bytes() == server.content
    (_, first), (asked, second) = server.log
    start = int(asked.removeprefix("bytes=").removesuffix("-"))
    assert 0 < start <= first == 200_000  # the last block may be lost in the break
    assert second == len(server.content) - start


def test_a_download_given_up_is_resumed_by_the_next_call(server, tmp_path):
    server.cut = [100_000, 50_000, 50_000]
    with pytest.raises(RuntimeError, match=r"the line broke 3 times"):
        fetch("Peds", [server.address], MANIFEST, tmp_path)
    assert not (tmp_path / "Peds").exists()
    start = leftovers(tmp_path, ".part")[0].stat().st_size
    fetch("Peds", [server.address], MANIFEST, tmp_path)
    assert_whole(tmp_path)
    assert server.log[-1] == (f"bytes={start}-", len(server.content) - start)


def test_a_server_that_ignores_range_sends_it_all_again(server, tmp_path):
    server.cut, server.ranges = [200_000], False
    download.download(server.address, tmp_path / "Peds.zip")
    assert (tmp_path / "Peds.zip").read_bytes() == server.content
    assert server.log[1][0].startswith("bytes=") and server.log[1][1] == len(server.content)


def test_a_part_longer_than_the_file_is_dropped(server, tmp_path):
    server.cut = [100_000, 0, 0]
    with pytest.raises(RuntimeError):
        fetch("Peds", [server.address], MANIFEST, tmp_path)
    leftovers(tmp_path, ".part")[0].write_bytes(bytes(len(server.content)))
    fetch("Peds", [server.address], MANIFEST, tmp_path)
    assert_whole(tmp_path)


def test_the_mirror_is_asked_when_the_first_address_fails(make_server, tmp_path):
    first, mirror = make_server(), make_server()
    first.status = 404
    fetch("Peds", [first.address, mirror.address], MANIFEST, tmp_path)
    assert_whole(tmp_path)
    assert len(first.log) == len(mirror.log) == 1


def test_nobody_answering_names_each_address_and_what_to_do(server, tmp_path):
    server.status = 503
    closed = "http://127.0.0.1:9/Peds.zip"
    with pytest.raises(RuntimeError) as caught:
        fetch("Peds", [closed, server.address], MANIFEST, tmp_path)
    for words in (f"{closed}: no answer", f"{server.address}: the server answered 503",
                  "3 files of the course's list", "set COURSEKIT_DATA"):
        assert words in str(caught.value)
    assert not (tmp_path / "Peds").exists()


def test_a_page_in_place_of_the_archive_is_refused_and_the_mirror_asked(make_server, tmp_path):
    first, mirror = make_server(), make_server()
    first.content, first.kind = b"<!DOCTYPE html><title>Please log in</title>", "text/html"
    with pytest.raises(RuntimeError, match=r"not a whole zip archive .* begins with b'<!DOCTYPE h"):
        fetch("Peds", [first.address], MANIFEST, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} <= {".Peds.lock"}
    fetch("Peds", [first.address, mirror.address], MANIFEST, tmp_path)
    assert_whole(tmp_path)


def link(name):
    member = zipfile.ZipInfo(f"Peds/{name}")
    member.create_system, member.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    return member


WRONG = {
    "an archive cut short": (zipped(FILES)[:-5000], "not a whole zip archive"),
    "zeros at its end": (zipped(FILES)[:-5000] + bytes(5000), "not a whole zip archive"),
    "a damaged member": (zipped(FILES).replace(FILES["PNGImages/a.png"][:50], bytes(50)),
                         "not a whole zip archive|not the published file"),
    "a file missing": (zipped({"readme.txt": FILES["readme.txt"]}), "lacks 2 of 3 files"),
    "another size": (zipped(FILES | {"readme.txt": b"short"}), "another size, first readme.txt"),
    "another content": (zipped(FILES | {"readme.txt": b"four other letters"}),
                        "readme.txt in the archive that came is not the published file"),
    "climbing out": (zipped(FILES | {"../../evil.txt": b"!"}), "evil.txt' .* leads out"),
    "climbing, Windows": (zipped(FILES | {"..\\evil.txt": b"!"}), "evil.txt' .* leads out"),
    "an absolute path": (zipped({"/tmp/evil.txt": b"!"}, top=""), "evil.txt' .* leads out"),
    "a drive": (zipped({"C:evil.txt": b"!"}, top=""), "evil.txt' .* leads out"),
    "a link": (zipped(FILES | {link("evil.txt"): b"/etc/passwd"}), "evil.txt' .* leads out"),
}


@pytest.mark.parametrize("content, message", WRONG.values(), ids=WRONG)
def test_a_wrong_archive_leaves_nothing(server, tmp_path, content, message):
    assert content != zipped(FILES)
    root, server.content = tmp_path / "deep" / "root", content
    with pytest.raises(RuntimeError, match=message):
        fetch("Peds", [server.address], MANIFEST, root)
    assert {path.name for path in root.iterdir()} <= {".Peds.lock"}
    assert [path.name for path in tmp_path.rglob("*evil*")] == []


class FullDisk(io.FileIO):
    """A file on a disk that has room for `room` bytes more."""

    room = 0

    def write(self, data):
        if FullDisk.room < len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        FullDisk.room -= len(data)
        return super().write(data)


def test_a_disk_full_while_downloading_keeps_the_part(server, tmp_path, monkeypatch):
    FullDisk.room = 150_000
    with monkeypatch.context() as patch:
        patch.setattr(download, "open", FullDisk, raising=False)
        with pytest.raises(OSError, match="No space left .* Make room, .* is kept") as caught:
            fetch("Peds", [server.address], MANIFEST, tmp_path)
    assert caught.value.errno == errno.ENOSPC and str(tmp_path) in str(caught.value)
    assert not (tmp_path / "Peds").exists()
    start = leftovers(tmp_path, ".part")[0].stat().st_size
    assert start > 0
    fetch("Peds", [server.address], MANIFEST, tmp_path)
    assert_whole(tmp_path)
    assert server.log[-1] == (f"bytes={start}-", len(server.content) - start)


def test_a_disk_full_while_unpacking_keeps_the_archive_only(server, tmp_path, monkeypatch):
    written = []

    def write_bytes(path, data):
        written.append(path)
        if len(written) == 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        path.open("wb").close()

    with monkeypatch.context() as patch:
        patch.setattr(archive.Path, "write_bytes", write_bytes)
        with pytest.raises(OSError, match="No space left"):
            fetch("Peds", [server.address], MANIFEST, tmp_path)
    assert len(leftovers(tmp_path, ".zip")) == 1
    assert not (tmp_path / "Peds").exists() and not leftovers(tmp_path, "-unpacking")
    fetch("Peds", [server.address], MANIFEST, tmp_path)
    assert_whole(tmp_path)
    assert len(server.log) == 1  # nothing had to come again


def test_a_place_that_refuses_to_be_written_is_named(server, tmp_path):
    (tmp_path / "file").write_text("a file, where a folder is wanted")
    with pytest.raises(OSError, match="file/data could not be written .* COURSEKIT_CACHE"):
        fetch("Peds", [server.address], MANIFEST, tmp_path / "file" / "data")
    assert server.log == []


def test_a_folder_without_permission_is_named(server, tmp_path, monkeypatch):
    tmp_path.chmod(0o500)
    if os.access(tmp_path, os.W_OK):  # the superuser may write anywhere: let the system call refuse
        def refuse(*args, **kwargs):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        monkeypatch.setattr(archive, "FileLock", refuse)
    with pytest.raises(PermissionError, match="could not be written .Permission denied"):
        fetch("Peds", [server.address], MANIFEST, tmp_path)
    tmp_path.chmod(0o700)


CHILD = """
import sys, time, types
from pathlib import Path
import coursekit
bare = sys.modules["coursekit.data"] = types.ModuleType("coursekit.data")  # without torch: quick
bare.__path__ = [coursekit.__path__[0] + "/data"]
from coursekit.data.archive import fetch, read_manifest
me, other, address, manifest, root = sys.argv[1:]
Path(me).touch()
while not Path(other).exists():
    time.sleep(0.01)
print(sorted(p.name for p in fetch("Peds", [address], read_manifest(Path(manifest)),
                                   Path(root)).rglob("*.png")))
"""


def child(tmp_path, me, other, server):
    """Another process that fetches as soon as `other` is there."""
    lines = [f"{digest}  {size}  {name}\n" for name, (digest, size) in MANIFEST.items()]
    (tmp_path / "manifest.txt").write_text("".join(lines))
    arguments = [tmp_path / me, tmp_path / other, server.address, tmp_path / "manifest.txt",
                 tmp_path / "root"]
    return subprocess.Popen([sys.executable, "-c", CHILD, *map(str, arguments)],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_two_processes_at_once_fetch_once(server, tmp_path):
    server.gate = threading.Event()
    both = [child(tmp_path, "one", "two", server), child(tmp_path, "two", "one", server)]
    wait_for(lambda: server.log)
    time.sleep(0.3)  # time for the other to ask as well, if the lock did not hold it
    server.gate.set()
    for process in both:
        out, err = process.communicate(timeout=60)
        assert out == "['a.png', 'a_mask.png']\n", err
    assert len(server.log) == 1
    assert_whole(tmp_path / "root")


def test_a_process_killed_in_mid_download_leaves_a_part_for_the_next(server, tmp_path):
    server.gate = threading.Event()
    process = child(tmp_path, "one", "one", server)
    root = tmp_path / "root"
    wait_for(lambda: root.exists() and any(p.stat().st_size for p in leftovers(root, ".part")))
    process.kill()
    process.communicate(timeout=60)
    assert not (root / "Peds").exists()
    server.gate.set()
    fetch("Peds", [server.address], MANIFEST, root)
    assert_whole(root)
    assert server.log[-1][0].startswith("bytes=") and server.log[-1][1] < len(server.content)


def wait_for(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_what_an_unpacking_that_was_killed_left_is_swept_away(server, tmp_path):
    (tmp_path / ".Peds-unpacking" / "PNGImages").mkdir(parents=True)
    (tmp_path / ".Peds-unpacking" / "PNGImages" / "half.png").write_bytes(b"half")
    fetch("Peds", [server.address], MANIFEST, tmp_path)
    assert_whole(tmp_path)


def test_absent_names_files_that_are_missing_or_of_another_size(tmp_path):
    (tmp_path / "manifest.txt").write_text(f"{'0' * 64}  3  a b.txt\n{'1' * 64}  2  sub/c.txt\n")
    manifest = read_manifest(tmp_path / "manifest.txt")
    assert manifest == {"a b.txt": ("0" * 64, 3), "sub/c.txt": ("1" * 64, 2)}
    (tmp_path / "a b.txt").write_bytes(b"1234")
    assert absent(tmp_path, manifest) == ["a b.txt", "sub/c.txt"]
    (tmp_path / "a b.txt").write_bytes(b"123")
    assert absent(tmp_path, manifest) == ["sub/c.txt"]
