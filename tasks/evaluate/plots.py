"""Recall, CIDEr and exact match by variant, and learning curves."""

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from sar_models.metrics.bootstrap import Interval
from tasks import paths
from tasks.download import catalog
from tasks.evaluate.figure import LABELS, colour, figure
from tasks.evaluate.measure import Table
from tasks.evaluate.vqa import EXACT_MATCH, MAJORITY

STAGES = {"optical": "stage 1, optical text", "two_stage": "stage 2, SAR text", "sar": "SAR text alone"}
SLICE_COLUMNS = 4
SLICES = {  # axis → title
    "speckle_looks": "added speckle [looks]", "noise_db": "noise to mean power [dB]", "gain_db": "gain [dB]",
    "resolution": "resolution", "objects": "number of objects", "object_size": "median size of objects",
    "source": "source", "route": "route of the captions",
}  # fmt: skip
UNORDERED = frozenset({"source", "route"})
MODELS = {"clip": "CLIP", "coca": "CoCa", "gpt": "SAR-GPT"}


def write(folder: Path, table: Table, *, slices: Mapping[str, Mapping[str, Any]]) -> None:
    """Write all plots of numbers into `folder`; `slices` are axis → test set → level → variant → metric → interval."""
    bars(
        folder / "recall_by_variant.png", table, metric="mean_recall",
        title="Image-text retrieval by variant (CLIP)", axis="mean recall [%]",
    )  # fmt: skip
    bars(
        folder / "cider_by_variant.png", table, metric="cider",
        title="Captioning by variant (CoCa, against captions no model wrote)", axis="CIDEr",
        line="held_out_cider", line_label="a true caption, held out, against the others",
    )  # fmt: skip
    asked = {
        name: variants for name, variants in table.items() if any(EXACT_MATCH in found for found in variants.values())
    }
    if asked:
        bars(
            folder / "vqa_by_variant.png", asked, metric=EXACT_MATCH,
            title="Visual question answering by variant (SAR-GPT)", axis="exact match [%]",
            line=MAJORITY, line_label="always the commonest answer of the family",
        )  # fmt: skip
    if any(name.startswith("sar/") for sets in slices.values() for name in sets):
        along_axes(folder / "slices.png", slices)
    learning_curves(
        folder / "learning_curves.png",
        {
            (stage, kind): json.loads((paths.model(stage, kind) / "training.json").read_text(encoding="utf-8"))
            for kind in MODELS
            for stage in STAGES
        },
    )


def bars(path: Path, table: Table, *, metric: str, title: str, axis: str, line: str = "", line_label: str = "") -> None:
    """A group of bars a test set, one bar a variant, each with its 95 % interval.

    `line`: a metric that is the same for all variants, drawn across each group that has it.
    """
    every = list(next(iter(table.values())))
    variants = [name for name in every if all(metric in metrics[name] for metrics in table.values())]
    width = 0.8 / len(variants)
    with figure(path, width_in=max(7.0, 1.7 * len(table) + 1.5), height_in=4.6) as page:
        axes = page.subplots()
        axes.grid(visible=False, axis="x")
        for number, variant in enumerate(variants):
            found: list[Interval] = [metrics[variant][metric] for metrics in table.values()]
            places = [group + (number - (len(variants) - 1) / 2) * width for group in range(len(table))]
            heights = [interval.value for interval in found]
            spread = [
                [max(0.0, interval.value - interval.low) for interval in found],
                [max(0.0, interval.high - interval.value) for interval in found],
            ]
            axes.bar(places, heights, width * 0.92, color=colour(variant, every), label=_label(variant))
            axes.errorbar(places, heights, yerr=spread, fmt="none", ecolor="#222222", elinewidth=1.1, capsize=3)
            for place, interval in zip(places, found, strict=True):
                text = f"{interval.value:.1f}" if interval.value >= 10 else f"{interval.value:.2f}"
                axes.annotate(
                    text, (place, interval.high), xytext=(0, 3), textcoords="offset points",
                    ha="center", va="bottom", fontsize=8,
                )  # fmt: skip
        if line:
            drawn = [
                (metrics[variants[0]][line].value, group)
                for group, metrics in enumerate(table.values())
                if line in metrics[variants[0]]
            ]
            axes.hlines(
                [value for value, _ in drawn],
                [group - 0.44 for _, group in drawn], [group + 0.44 for _, group in drawn],
                colors="#222222", linestyles="dashed", linewidth=1.4,
            )  # fmt: skip
        labels = [
            f"{_name(test_set, table)}\n{metrics[variants[0]][metric].n} images" for test_set, metrics in table.items()
        ]
        axes.set_xticks(range(len(table)), labels)
        axes.tick_params(axis="x", length=0)
        axes.set_ylim(bottom=0)
        axes.margins(y=0.1)
        axes.set_ylabel(axis)
        axes.set_title(title, pad=20)
        note = "whiskers: 95 % bootstrap interval over images" + (f"; dashed: {line_label}" if line else "")
        axes.text(0, 1.02, note, transform=axes.transAxes, fontsize=8.5, color="#555555", va="bottom")
        page.legend(loc="outside lower center", ncols=len(variants))


def along_axes(path: Path, slices: Mapping[str, Mapping[str, Any]]) -> None:
    """Mean recall of each variant along each axis, of the SAR images."""
    axes_of = {
        axis: next(levels for name, levels in sets.items() if name.startswith("sar/"))
        for axis, sets in slices.items()
        if any(name.startswith("sar/") for name in sets)
    }
    every = list(dict.fromkeys(name for levels in axes_of.values() for found in levels.values() for name in found))
    rows = -(-len(axes_of) // SLICE_COLUMNS)
    with figure(path, width_in=4 * SLICE_COLUMNS, height_in=3.1 * rows + 0.8) as page:
        grid = page.subplots(rows, SLICE_COLUMNS, squeeze=False)
        for axes in grid.flat[len(axes_of) :]:
            axes.set_axis_off()
        for axes, (axis, levels) in zip(grid.flat[: len(axes_of)], axes_of.items(), strict=True):
            for variant in every:
                found = {
                    place: metrics[variant]["mean_recall"]
                    for place, metrics in enumerate(levels.values())
                    if "mean_recall" in metrics.get(variant, {})
                }
                axes.errorbar(
                    list(found), [each.value for each in found.values()],
                    yerr=[
                        [max(0.0, each.value - each.low) for each in found.values()],
                        [max(0.0, each.high - each.value) for each in found.values()],
                    ],
                    color=colour(variant, every), label=_label(variant), marker="o", markersize=4, elinewidth=0.9,
                    capsize=2, linestyle="none" if axis in UNORDERED else "-",
                )  # fmt: skip
            names = [level.replace("sim_", "sim_\n") if len(level) > 9 else level for level in levels]
            axes.set_xticks(range(len(levels)), names, fontsize=8)
            axes.set_xlim(-0.4, len(levels) - 0.6)
            axes.set_ylim(bottom=0)
            axes.set_title(SLICES[axis], fontsize=10)
        for axes in grid[:, 0]:
            axes.set_ylabel("mean recall [%]")
        page.suptitle("Image-text retrieval of SAR images: worse images, and groups of images (CLIP)")
        handles, labels = grid.flat[0].get_legend_handles_labels()
        page.legend(handles, labels, loc="outside lower center", ncols=len(every))


def learning_curves(path: Path, trainings: Mapping[tuple[str, str], Mapping[str, Any]]) -> None:
    """Training and validation loss of each (stage, kind) by epoch; the epoch whose weights were kept is marked."""
    columns = len({stage for stage, _ in trainings})
    rows = len(trainings) // columns
    with figure(path, width_in=5 * columns, height_in=3.4 * rows) as page:
        grid = page.subplots(rows, columns, squeeze=False)
        for axes, ((stage, kind), training) in zip(grid.flat, trainings.items(), strict=True):
            curve = training["curve"]
            epochs = [row["epoch"] for row in curve]
            kept = training["best_epoch"]
            axes.plot(epochs, [row["train_loss"] for row in curve], color="#999999", marker=".", label="training")
            axes.plot(epochs, [row["val_loss"] for row in curve], color="#0072B2", marker=".", label="validation")
            axes.plot(
                kept, training["best_val_loss"], marker="o", markersize=11, markerfacecolor="none",
                markeredgecolor="#D55E00", markeredgewidth=1.8, linestyle="none", label="weights kept",
            )  # fmt: skip
            axes.set_title(f"{MODELS[kind]}: {STAGES[stage]}")
            axes.set_xlabel("epoch")
            axes.set_ylabel("loss [nats]")
            axes.xaxis.get_major_locator().set_params(integer=True)
            axes.set_ylim(bottom=0)
        handles, labels = grid.flat[0].get_legend_handles_labels()
        page.legend(handles, labels, loc="outside lower center", ncols=3)


def _label(variant: str) -> str:
    return LABELS.get(variant, variant)


def simulated(test_set: str) -> bool:
    """Whether the images of `<modality>/<source>` are simulated, by the source's description as it was built."""
    modality, _, source = test_set.partition("/")
    return catalog.load(source, path=paths.sources_data(modality) / source / "source.yaml").address == "simulated"


def _name(test_set: str, test_sets: Collection[str]) -> str:
    """The test set as people should read it: what is simulated says so."""
    modality, _, source = test_set.partition("/")
    if source != "all":
        return f"{test_set}\n(simulated)" if simulated(test_set) else test_set
    members = [name for name in test_sets if name.startswith(f"{modality}/") and name != test_set]
    return f"{test_set}\n({'pooled, simulated' if all(map(simulated, members)) else 'pooled'})"
