"""`sar-text caption`, `ask` and `search`: what trained models say of images that lie anywhere."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

Add = Callable[[str, Callable[[argparse.Namespace], None], str], argparse.ArgumentParser]
SKIPPED = 3  # exit code when all went well but for files that could not be read


def add_commands(add: Add) -> None:
    """Add the three to the `sar-text` command."""
    caption = add("caption", _caption, "caption images: one line each")
    caption.add_argument("images", type=Path, nargs="+", metavar="IMAGE")
    caption.add_argument("--json", action="store_true", help="one JSON object a line: filepath, caption, model")
    _add_options(caption, kind="coca", registered="sar-rs-coca")
    ask = add("ask", _ask, "answer a question about an image")
    ask.add_argument("image", type=Path, metavar="IMAGE")
    ask.add_argument("question", help='such as "how many ships?"')
    _add_options(ask, kind="gpt", registered="sar-gpt")
    search = add("search", _search, "find the images of a folder that fit words best: cosine and path, best first")
    search.add_argument("words", help='such as "two ships near a pier"')
    search.add_argument("--in", type=Path, dest="folder", required=True, metavar="FOLDER")
    search.add_argument("--n", type=int, default=10, help="images; default: 10")
    search.add_argument("--html", type=Path, metavar="FILE", help="also write a page with thumbnails")
    search.add_argument(
        "--index", type=Path, metavar="FILE", help="where the index is kept; default: in FOLDER/.sar-text"
    )
    _add_options(search, kind="clip", registered="sar-rs-clip")


def _add_options(command: argparse.ArgumentParser, *, kind: str, registered: str) -> None:
    command.add_argument(
        "--model", help=f"a folder, or models:/{registered}@champion; default: models/two_stage/{kind}"
    )
    command.add_argument("--low", type=float, help="value shown black in float and 16-bit images, as they store it")
    command.add_argument("--high", type=float, help="value shown white, such as --low -25 --high 5 for dB")
    command.add_argument("--bands", type=int, nargs="+", default=[], help="which bands of an image, from 0")
    command.add_argument("--device", default="cpu", help="cpu or cuda; default: cpu")
    command.add_argument("--threads", type=int, default=2, help="on the CPU; default: 2")


def _caption(arguments: argparse.Namespace) -> None:
    from sar_models.reading import Reading, read
    from sar_models.settings import Decoding, Hardware
    from tasks.models import open_model

    reading = Reading(arguments.low, arguments.high, tuple(arguments.bands))
    hardware = Hardware(device=arguments.device, threads=arguments.threads)
    coca = open_model(arguments.model, kind="coca")
    from sar_models.infer import caption

    failed: list[tuple[str, str]] = []
    for path in arguments.images:
        try:
            picture = read(path, reading)
        except (ValueError, OSError) as error:  # one bad file does not stop the others: it is listed at the end
            failed.append((str(path), _why(error)))
            continue
        (text,) = caption(coca.model, [picture], decoding=Decoding("beam"), hardware=hardware)
        shown = str(path).encode("utf-8", "backslashreplace").decode()
        line = json.dumps({"filepath": shown, "caption": text, "model": coca.version}, ensure_ascii=False)
        print(line if arguments.json else f"{shown}\t{text}", flush=True)
    _end(failed, of=len(arguments.images))


def _ask(arguments: argparse.Namespace) -> None:
    from sar_models.reading import Reading, read
    from sar_models.settings import Answering, Hardware
    from tasks.models import open_model

    reading = Reading(arguments.low, arguments.high, tuple(arguments.bands))
    hardware = Hardware(device=arguments.device, threads=arguments.threads)
    try:
        picture = read(arguments.image, reading)
    except ValueError as error:
        raise ValueError(f"{arguments.image}: {error}") from error
    gpt = open_model(arguments.model, kind="gpt")
    from sar_models.answer import answers
    from sar_models.served import usable_question

    answering = Answering()
    try:
        question = usable_question(gpt.model, arguments.question, max_tokens=answering.max_tokens)
    except ValueError as error:
        raise ValueError(f"the question {error}") from error
    print(answers(gpt.model, [picture], [[question]], answering=answering, hardware=hardware)[0][0])


def _search(arguments: argparse.Namespace) -> None:
    from sar_models.reading import Reading
    from sar_models.settings import Hardware
    from tasks.models import open_model
    from tasks.search.index import best, open_index
    from tasks.search.page import page

    if arguments.n < 1:
        raise ValueError(f"--n is {arguments.n}; it must be at least 1")
    reading = Reading(arguments.low, arguments.high, tuple(arguments.bands))
    hardware = Hardware(device=arguments.device, threads=arguments.threads)
    clip = open_model(arguments.model, kind="clip")
    from sar_models.infer import embed_texts
    from sar_models.served import usable_text

    try:
        words = usable_text(clip.model, arguments.words)
    except ValueError as error:
        raise ValueError(f"what is searched for {error}") from error
    index = open_index(arguments.folder, clip=clip, place=arguments.index, reading=reading, hardware=hardware)
    (query,) = embed_texts(clip.model, [words], hardware=hardware, batch_size=1)
    found = best(index, query, n=arguments.n)
    for path, score in found:
        print(f"{score:.3f}\t{path}")
    if arguments.html is not None:
        text = page(words, found, folder=arguments.folder, version=clip.version, reading=reading)
        arguments.html.write_text(text, encoding="utf-8")
    _end(index.failed, of=len(index.paths) + len(index.failed))


def _why(error: ValueError | OSError) -> str:
    return str((isinstance(error, OSError) and error.strerror) or error)


def _end(failed: Sequence[tuple[str, str]], *, of: int) -> None:
    """List the files that were left out, and say so by the exit code."""
    if not failed:
        return
    print(f"{len(failed)} of {of} files were left out:", file=sys.stderr)
    for path, why in failed:
        print(f"  {path.encode('utf-8', 'backslashreplace').decode()}: {why}", file=sys.stderr)
    sys.exit(SKIPPED)
