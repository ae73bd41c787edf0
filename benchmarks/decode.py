"""CoCa's captions, greedy and by beam search, against open_clip's own `generate`.

`generate` needs a transformers below 5, so it runs in an environment of its own, made in a temporary folder by
`uv pip install` with the torch and open_clip of this one. Where that cannot be had, the row says so and the peer is
our search over whole forward passes. Both sides have the same random weights, which end no text, and the same
pictures; they take turns, one thread each, and CPU time counts, from picture to tokens. Greedy text must be equal.
"""

import importlib.metadata
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.decode_peer import SEED, pictures, searched

ROOT = Path(__file__).resolve().parent.parent
TRANSFORMERS = "4.56.2"  # has the `BeamSearchScorer` that open_clip 3.3 asks for
METHODS = ("greedy", "beam")
# architecture, pictures, lengths in tokens, passes
SIZES = (("sar_coca_tiny", 16, (16, 32, 62), 5), ("coca_ViT-B-32", 2, (16,), 3))


def run() -> list[dict[str, Any]]:
    """A row an architecture and method: captions a second at the greatest length, `ratio` is ours / peer's, the median
    over passes. `token_ms` by length is the cost of a token of a caption: level where cost grows linearly."""
    with tempfile.TemporaryDirectory() as folder:
        python = _environment(Path(folder))
        what = "open_clip" if python else "uncached"
        rows = []
        for architecture, count, lengths, passes in SIZES:
            with _peer(python or Path(sys.executable), what, architecture, count) as ask:
                ours = _ours(architecture, count)
                for method in METHODS:
                    asked = [(method, tokens) for tokens in lengths]
                    equal = method == "greedy" or what == "uncached"
                    measured = {tokens: _measure(ours, ask, (method, tokens), passes, equal) for _, tokens in asked}
                    row = _row(f"decode {architecture} {method}", measured, count)
                    rows.append(row | {"peer_is": f"{what}, transformers {TRANSFORMERS}" if python else what})
    return rows


def _environment(folder: Path) -> Path | None:
    """The Python of an environment in which open_clip's `generate` runs; None, and why, if it cannot be made."""
    names = ("torch", "torchvision", "open_clip_torch")
    wanted = [f"{name}=={importlib.metadata.version(name)}" for name in names]
    python = folder / "bin" / "python"
    uv = shutil.which("uv")
    if uv is None:
        print("no uv, so no environment for open_clip's generate: the peer is our search without kept keys")
        return None
    for command in (
        [uv, "venv", "--quiet", "--python", sys.executable, str(folder), "--allow-existing"],
        [uv, "pip", "install", "--quiet", "--python", str(python), *wanted, f"transformers=={TRANSFORMERS}"],
    ):
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        if made.returncode:
            print(f"no environment for open_clip's generate, the peer is our search without kept keys:\n{made.stderr}")
            return None
    return python


@contextmanager
def _peer(python: Path, what: str, architecture: str, count: int) -> Iterator[Any]:
    process = subprocess.Popen(
        [str(python), "-m", "benchmarks.decode_peer", what, architecture, str(count)],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    asks, answers = process.stdin, process.stdout

    def ask(method: str, tokens: int) -> tuple[float, list[list[int]]]:
        asks.write(f"{method} {tokens}\n")
        asks.flush()
        answer = json.loads(answers.readline())
        return answer["seconds"], answer["tokens"]

    try:
        yield ask
    finally:
        asks.close()
        process.wait()


def _ours(architecture: str, count: int) -> Any:
    import torch

    from sar_models import decode, model

    torch.set_num_threads(1)
    of = model.initial("coca", architecture=architecture, seed=SEED)
    module, images = of.module.eval(), pictures(of, count)

    def ask(method: str, tokens: int) -> tuple[float, list[list[int]]]:
        begin = time.process_time()
        with torch.inference_mode():
            found = searched(decode.CocaStepper(module, images), of, method=method, tokens=tokens)
        return time.process_time() - begin, found

    return ask


def _measure(ours: Any, peer: Any, asked: tuple[str, int], passes: int, equal: bool) -> list[tuple[float, float]]:
    """CPU seconds of ours and of the peer, pass by pass; the first, which warms both up, does not count."""
    found = []
    for _ in range(passes + 1):
        ours_s, our_tokens = ours(*asked)
        peer_s, peer_tokens = peer(*asked)
        if equal and our_tokens != peer_tokens:
            raise AssertionError(f"{asked}: the texts differ: {our_tokens} against {peer_tokens}")
        found.append((ours_s, peer_s))
    return found[1:]


def _row(name: str, measured: dict[int, list[tuple[float, float]]], count: int) -> dict[str, Any]:
    seconds = measured[max(measured)]
    ratios = sorted(peer / ours for ours, peer in seconds)
    return {
        "name": name,
        "ours": round(count / statistics.median(ours for ours, _ in seconds), 2),
        "peer": round(count / statistics.median(peer for _, peer in seconds), 2),
        "ratio": round(statistics.median(ratios), 2),
        "unit": "captions/s",
        "n": len(seconds),
        "spread": [round(ratios[0], 2), round(ratios[-1], 2)],
        "pictures": count,
        "token_ms": {
            str(tokens): {
                who: round(1e3 * statistics.median(pair[number] for pair in pairs) / tokens / count, 3)
                for number, who in enumerate(("ours", "peer"))
            }
            for tokens, pairs in measured.items()
        },
    }
