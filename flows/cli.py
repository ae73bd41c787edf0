"""The `sar-text` command: thin, one function a subcommand, heavy imports inside."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from flows import ask, backup, lineage, promote, report, retraining, score, up


def main() -> None:
    """Parse the command line and run one subcommand; a user's mistake, or a file that cannot be
    read or written, is one line and exit code 1."""
    parser = argparse.ArgumentParser(prog="sar-text", description="SAR image-text data and models, with their lineage")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, function: Callable[[argparse.Namespace], None], help_text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=help_text, description=help_text)
        command.set_defaults(run=function)
        return command

    sources = add("sources", _sources, "list the known sources, or tell all of one")
    sources.add_argument("name", nargs="?", help="such as hrsid_sample")
    sources.add_argument("--markdown", action="store_true", help="print the table of docs/sources.md instead")
    add(
        "register",
        _register,
        "make the built models versions in the MLflow registry (the same weights: the same version)",
    )
    results = add("results", _results, "show what the last evaluation measured")
    results.add_argument("profile", nargs="?", help="of runs/, such as real; default: the run of params.yaml")
    results.add_argument("--markdown", action="store_true", help="print the table of the README instead")
    add("status", _status, "show where the Prefect server, the MLflow store and the registered models are")
    add("docs-data", _docs_data, "show the Data Docs of the last validation, made anew if the data changed")
    export = add("export", _export, "lay a text data set out as other tools read it, with card and description")
    export.add_argument("text", choices=["optical", "sar"])
    export.add_argument(
        "--format", default="openclip", choices=["openclip", "webdataset", "huggingface", "coco", "llava"]
    )
    export.add_argument("--out", type=Path, required=True, help="an empty or new folder")
    review = add("review", _review, "write a page on which people accept or reject captions and questions")
    review.add_argument("text", choices=["optical", "sar"])
    review.add_argument("--n", type=int, default=200, help="images; default: 200")
    review.add_argument("--seed", type=int, default=7)
    review.add_argument("--out", type=Path, required=True, help="an HTML file")
    narrate = add("narrate", _narrate, "caption a folder of bare SAR images: CSV, JSON lines and a page to look at")
    narrate.add_argument("folder", type=Path, help="PNG, JPEG and TIFF images, also in folders below it")
    narrate.add_argument("--out", type=Path, required=True, help="a folder; a run that was broken off goes on there")
    narrate.add_argument("--model", help="a folder with coca/ and clip/, or models:/sar-rs-coca@champion; "
                         "default: models/two_stage")  # fmt: skip
    narrate.add_argument("--captions", type=int, default=1, help="captions an image; default: 1")
    narrate.add_argument("--low", type=float, help="value shown black in float and 16-bit images, as they store it")
    narrate.add_argument("--high", type=float, help="value shown white, such as --low -25 --high 5 for dB")
    narrate.add_argument("--bands", type=int, nargs="+", default=[], help="which bands of an image, from 0")
    narrate.add_argument("--device", default="cpu", help="cpu or cuda; default: cpu")
    narrate.add_argument("--threads", type=int, default=2, help="on the CPU; default: 2")
    for module in (ask, backup, lineage, promote, report, retraining, score, up):
        module.add_commands(add)
    digests = add("digests", _digests, "write the sha256 of every file below a folder, for files_list of a source")
    digests.add_argument("folder", type=Path)
    digests.add_argument("--pattern", action="append", help="glob of files to list, may be repeated; default: all")
    digests.add_argument("--out", type=Path, required=True, help="such as sources/NAME.sha256")
    profile = add("run", _run_profile, "run the pipeline with a profile, in a worktree of its own; results in runs/")
    profile.add_argument("profile", help="a file name in profiles/, without .yaml")

    arguments = parser.parse_args()
    try:
        arguments.run(arguments)
    except (ValueError, OSError) as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        sys.exit(130)


def _sources(arguments: argparse.Namespace) -> None:
    from flows.show import sources

    sources(arguments.name, markdown=arguments.markdown)


def _register(_: argparse.Namespace) -> None:
    from tasks import params, tracking
    from tasks.lineage.card import attach
    from tasks.registry.register import ALIAS, register

    registered = register(params.load())
    attach(f"{version.name}/{version.version}" for version in registered)
    for version in registered:
        what = "registered as" if version.new else "is already"
        print(f"{version.name}: weights {version.weights[:12]} {what} version {version.version}, @{ALIAS}")
    print(f"registry: {tracking.shown_uri()}")


def _results(arguments: argparse.Namespace) -> None:
    from flows.show import results

    results(arguments.profile, markdown=arguments.markdown)


def _status(_: argparse.Namespace) -> None:
    from flows.show import status

    status()


def _docs_data(_: argparse.Namespace) -> None:
    import webbrowser

    from tasks import params
    from tasks.validate import docs

    for modality in ("optical", "sar"):
        page = docs.index(modality, params=params.load())
        print(f"{modality}: {page}")
        webbrowser.open(page.as_uri())


def _export(arguments: argparse.Namespace) -> None:
    from tasks.export.export import export

    print(export(arguments.text, arguments.out, layout=arguments.format))


def _review(arguments: argparse.Namespace) -> None:
    from tasks.review.sheet import write

    count = write(arguments.text, arguments.out, n=arguments.n, seed=arguments.seed)
    print(f"{arguments.out}: {count} images; open it in a browser, and put the CSV that it saves into reviews/")


def _narrate(arguments: argparse.Namespace) -> None:
    from sar_models.reading import Reading
    from sar_models.settings import Hardware
    from tasks.narrate.captioner import open_captioner
    from tasks.narrate.folder import Settings, narrate_folder

    summary = narrate_folder(
        arguments.folder,
        arguments.out,
        open_captioner=lambda: open_captioner(arguments.model),
        settings=Settings(
            captions=arguments.captions,
            reading=Reading(arguments.low, arguments.high, tuple(arguments.bands)),
            hardware=Hardware(device=arguments.device, threads=arguments.threads),
        ),
    )
    print(f"{summary.captions} captions of {summary.images - len(summary.failed)} images: {summary.out / 'index.html'}")
    if summary.failed:
        print(f"{len(summary.failed)} of {summary.images} files were left out:", file=sys.stderr)
        for path, why in summary.failed:
            print(f"  {path}: {why}", file=sys.stderr)
        sys.exit(3)


def _digests(arguments: argparse.Namespace) -> None:
    from tasks.download.digests import of_file, write_list

    count = write_list(arguments.folder, arguments.out, patterns=tuple(arguments.pattern or ("**/*",)))
    print(f"{count} files; the lines that pin them in the source's description:")
    print(f"files_list: {arguments.out.name}\nfiles_list_sha256: {of_file(arguments.out).sha256}")


def _run_profile(arguments: argparse.Namespace) -> None:
    from tasks.profile import run

    print(f"results: {run(arguments.profile)}")


if __name__ == "__main__":
    main()
