"""The `sar-text` command: thin, one function a subcommand, heavy imports inside."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path


def main() -> None:
    """Parse the command line and run one subcommand; a user's mistake is one line and exit code 1."""
    parser = argparse.ArgumentParser(prog="sar-text", description="SAR image-text data and models, with their lineage")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, function: Callable[[argparse.Namespace], None], help_text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=help_text, description=help_text)
        command.set_defaults(run=function)
        return command

    sources = add("sources", _sources, "list the known sources, or tell all of one")
    sources.add_argument("name", nargs="?", help="such as hrsid_sample")
    add(
        "register",
        _register,
        "make the built models versions in the MLflow registry (the same weights: the same version)",
    )
    add("results", _results, "show what the last evaluation measured")
    add("status", _status, "show where the Prefect server, the MLflow store and the registered models are")
    add("down", _down, "end the project's own Prefect server")
    add("docs-data", _docs_data, "show the Data Docs of the last validation, made anew if the data changed")
    export = add("export", _export, "lay a text data set out as loose images and open_clip CSV files")
    export.add_argument("text", choices=["optical", "sar"])
    export.add_argument("--out", type=Path, required=True, help="an empty or new folder")
    digests = add("digests", _digests, "write the sha256 of every file below a folder, for files_list of a source")
    digests.add_argument("folder", type=Path)
    digests.add_argument("--pattern", action="append", help="glob of files to list, may be repeated; default: all")
    digests.add_argument("--out", type=Path, required=True, help="such as sources/NAME.sha256")
    profile = add("run", _run_profile, "run the pipeline with a profile, in a worktree of its own; results in runs/")
    profile.add_argument("profile", help="a file name in profiles/, without .yaml")

    arguments = parser.parse_args()
    try:
        arguments.run(arguments)
    except ValueError as error:
        sys.exit(f"error: {error}")


def _sources(arguments: argparse.Namespace) -> None:
    from flows.show import sources

    sources(arguments.name)


def _register(_: argparse.Namespace) -> None:
    from tasks import params, tracking
    from tasks.registry.register import ALIAS, register

    for version in register(params.load()):
        what = "registered as" if version.new else "is already"
        print(f"{version.name}: weights {version.weights[:12]} {what} version {version.version}, @{ALIAS}")
    print(f"registry: {tracking.uri()}")


def _results(_: argparse.Namespace) -> None:
    from flows.show import results

    results()


def _status(_: argparse.Namespace) -> None:
    from flows.show import status

    status()


def _down(_: argparse.Namespace) -> None:
    from flows import server

    print("Prefect server ended" if server.stop() else "no Prefect server of this project runs")


def _docs_data(_: argparse.Namespace) -> None:
    import webbrowser

    from tasks import params
    from tasks.validate import docs

    for modality in ("optical", "sar"):
        page = docs.index(modality, params=params.load())
        print(f"{modality}: {page}")
        webbrowser.open(page.as_uri())


def _export(arguments: argparse.Namespace) -> None:
    from tasks.export import export_openclip

    print(export_openclip(arguments.text, arguments.out))


def _digests(arguments: argparse.Namespace) -> None:
    from tasks.download.digests import of_file, write_list

    count = write_list(arguments.folder, arguments.out, patterns=tuple(arguments.pattern or ("**/*",)))
    print(f"{arguments.out}: {count} files; files_list_sha256: {of_file(arguments.out).sha256}")


def _run_profile(arguments: argparse.Namespace) -> None:
    from tasks.profile import run

    print(f"results: {run(arguments.profile)}")


if __name__ == "__main__":
    main()
