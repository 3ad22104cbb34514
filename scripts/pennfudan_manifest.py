"""Write the manifest of Penn-Fudan, the list that a download is checked against.

    python scripts/pennfudan_manifest.py path/to/PennFudanPed

One line a file: its SHA-256, its size in bytes, its name. Run once, on a copy known to be good;
the result, `src/coursekit/data/pennfudan_sha256.txt`, is committed.
"""

import hashlib
import sys
from pathlib import Path

MANIFEST = Path(__file__).parents[1] / "src" / "coursekit" / "data" / "pennfudan_sha256.txt"


def manifest(folder: Path) -> str:
    """The manifest's text for every file under `folder`, in the order of their names."""
    lines = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        lines.append(f"{digest}  {len(content)}  {path.relative_to(folder).as_posix()}\n")
    return "".join(lines)


if __name__ == "__main__":
    if len(sys.argv) != 2 or not Path(sys.argv[1], "PNGImages").is_dir():
        sys.exit("usage: python scripts/pennfudan_manifest.py path/to/PennFudanPed")
    text = manifest(Path(sys.argv[1]))
    MANIFEST.write_text(text, encoding="utf-8", newline="\n")
    print(f"{MANIFEST.name}: {len(text.splitlines())} files")
