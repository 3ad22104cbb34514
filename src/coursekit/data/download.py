"""Download one file so that a broken line costs no more than the rest of it.

What has come is kept beside the file's place, as `….part`; the next try asks for the rest only,
with HTTP's `Range` (RFC 9110, section 14.2), and begins anew where the server does not know ranges
and sends the whole (status 200 in place of 206). Only a file as long as the server said gets its
name; whether it is the right one is for `coursekit.data.archive` to find out.
"""

import os
from collections.abc import Iterator
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from tqdm.auto import tqdm

BLOCK = 1 << 16  # bytes read at a time
TRIES = 3        # at one address, where the line breaks on the way
TIMEOUT = 30     # seconds without a byte


class Unfetched(Exception):
    """This address did not give the file; another may."""


class ConnectionCut(Unfetched):
    """The line broke on the way; the same address may give the rest."""


def download(address: str, place: Path) -> None:
    """Fetch `address` into the file `place`, going on where an earlier try was cut.

    A progress bar shows the bytes, unless `COURSEKIT_PLAIN=1`.

    Args:
        address: http or https.
        place: the file to be; until it is whole, what has come lies in `place` + `.part`.
    Raises:
        Unfetched: no answer, an answer other than the file, or a line that broke `TRIES` times.
        OSError: the disk is full, or refuses to be written; what has come is kept.
    """
    part = place.with_name(place.name + ".part")
    for tries_left in reversed(range(TRIES)):
        try:
            _continue(address, part)
            break
        except ConnectionCut:
            if not tries_left:
                raise
    os.replace(part, place)


def _continue(address: str, part: Path) -> None:
    """Append to `part` what it lacks of the file at `address`."""
    start = part.stat().st_size if part.exists() else 0
    with _ask(address, start, part) as response:
        start = start if response.status == 206 else 0  # 200: the server sends the whole file
        total = None if response.length is None else start + response.length
        with (open(part, "ab" if start else "wb") as file,
              tqdm(desc=address.rsplit("/", 1)[-1], initial=start, total=total, unit="B",
                   unit_scale=True, disable=os.environ.get("COURSEKIT_PLAIN") == "1") as bar):
            for block in _blocks(response):
                file.write(block)
                bar.update(len(block))
    came = part.stat().st_size
    if total is not None and came < total:
        raise ConnectionCut(f"the line broke {TRIES} times, last after {came} of {total} bytes")


def _ask(address: str, start: int, part: Path) -> HTTPResponse:
    """Ask for the file from byte `start` on; drop a `part` that does not begin this file."""
    headers = {"User-Agent": "pixels-to-instances"}
    if start:
        headers["Range"] = f"bytes={start}-"
    try:
        response = urlopen(Request(address, headers=headers), timeout=TIMEOUT)
    except HTTPError as error:
        error.close()
        if error.code == 416:  # "range not satisfiable": nothing lies behind what has come
            part.unlink()
            raise ConnectionCut(f"the server has nothing from byte {start} on") from error
        raise Unfetched(f"the server answered {error.code} {error.reason}") from error
    except (OSError, HTTPException) as error:
        raise Unfetched(f"no answer ({getattr(error, 'reason', error)})") from error
    came = response.headers.get("Content-Range", "")
    if response.status == 206 and not came.startswith(f"bytes {start}-"):
        response.close()
        part.unlink()
        raise ConnectionCut(f"asked for bytes from {start} on, the server sent {came!r}")
    return response


def _blocks(response: HTTPResponse) -> Iterator[bytes]:
    """What the line brings until it ends; its errors must not pass for the disk's."""
    while True:
        try:
            block = response.read(BLOCK)
        except (OSError, HTTPException) as error:
            raise ConnectionCut(f"the line broke {TRIES} times ({error!r})") from error
        if not block:
            return
        yield block
