"""Narrate a folder of bare SAR images on a worker, as `sar-text narrate` does here.

In: PNG, JPEG and TIFF images. Out: `captions.csv`, `captions.jsonl` and `index.html` in another folder, where a run
that was broken off goes on. Both folders are on the worker's machine.
"""

from pathlib import Path

from prefect import flow

from flows.stage import step, table


@flow(name="narrate-folder", flow_run_name="narrate-folder@{folder}")
def narrate_folder(folder: str, out: str, model: str | None = None, device: str = "cpu", captions: int = 1) -> None:
    from sar_models.settings import Hardware
    from tasks.narrate.captioner import open_captioner
    from tasks.narrate.folder import Settings
    from tasks.narrate.folder import narrate_folder as narrate

    summary = step(narrate)(
        Path(folder),
        Path(out),
        open_captioner=lambda: open_captioner(model),
        settings=Settings(captions=captions, hardware=Hardware(device=device)),
    )
    left_out = [{"file": path, "why": why} for path, why in summary.failed]
    table("narrated", left_out, description=f"{summary.captions} captions of {summary.images} images; left out:")
