"""What the fetch tests look at."""

import hashlib
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tasks.download.catalog import Source
from tasks.download.errors import FetchError
from tasks.download.fetch import fetch
from tasks.download.transfer import Transfer


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def digests_of(folder: Path) -> dict[str, str]:
    """Path → sha256 of all files below `folder`."""
    return {
        file.relative_to(folder).as_posix(): sha256(file.read_bytes())
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def content_of(published: Path) -> dict[str, bytes]:
    """Path → bytes of what was published, less the manifest, which must be there."""
    found = {
        file.relative_to(published).as_posix(): file.read_bytes() for file in published.rglob("*") if file.is_file()
    }
    del found["manifest.json"]
    return found


def visible(raw: Path) -> list[str]:
    """What stands below the root for everyone to see."""
    return sorted(place.name for place in raw.iterdir() if place.name != ".partial") if raw.exists() else []


def refused(source: Source, raw: Path, *says: str, transfer: Transfer) -> None:
    """Fetch `source`, which must fail with a message that holds all of `says`, and publish nothing."""
    with pytest.raises(FetchError) as caught:
        fetch(source, raw_root=raw, transfer=transfer)
    message = str(caught.value)
    assert message.startswith(f"source '{source.name}': ")
    for said in says:
        assert said in message
    assert visible(raw) == []


def killed_while(held: threading.Event, name: str, raw: Path, *, size: int) -> None:
    """Fetch the source `name` in another process, killed when the server holds it and `size` bytes lie there."""
    code = (
        "import sys; from pathlib import Path; from tasks.download import catalog; "
        "from tasks.download.fetch import fetch; from tasks.download.transfer import Transfer; "
        "transfer = Transfer(threads=1, part_size_bytes=1000); "
        "fetch(catalog.load(sys.argv[1]), raw_root=Path(sys.argv[2]), transfer=transfer)"
    )
    process = subprocess.Popen([sys.executable, "-c", code, name, str(raw)])
    try:
        assert held.wait(30), "the fetch never came as far"
        files = (raw / ".partial" / name).rglob
        while process.poll() is None and size != sum(
            part.stat().st_size for part in files("*") if len(part.name) == 32
        ):
            time.sleep(0.05)  # what was sent is on its way through the other process
        assert process.poll() is None, "it must be killed in the middle"
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
