"""The report: complete, self-contained, escaped, and a function of its inputs alone."""

import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest
from dvc.repo import Repo
from report_world import HOSTILE, VARIANTS, captions, entry, examples, later_files

from tasks import paths
from tasks.report import charts, page, paper, tables
from tasks.report.examples import best_first
from tasks.report.version import of_tree


class Page(HTMLParser):
    """Tags, the text, and what each attribute says."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in ("meta", "img", "br"):  # the void ones
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.text += data


def test_two_builds_have_equal_bytes_and_name_nothing_of_this_machine(
    run: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    examples()
    later_files()
    here = page.write().read_bytes()
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "clone"
    shutil.copytree(run, elsewhere, ignore=shutil.ignore_patterns(".state"))
    monkeypatch.setenv("DVC_ROOT", str(elsewhere))
    assert page.write().read_bytes() == here
    assert str(run).encode() not in here


def test_nothing_is_fetched_and_every_tag_is_closed(run: Path) -> None:
    examples()
    later_files()
    shown = Page(page.page(of_tree()))
    assert shown.open == []
    assert "script" not in shown.tags
    addresses = [value for name, value in shown.attributes if name in ("src", "href")]
    assert {value[:5] for value in addresses if not value.startswith("#")} == {"data:"}
    targets = {value for name, value in shown.attributes if name == "id"}
    assert {value[1:] for value in addresses if value.startswith("#")} <= targets
    assert "url(" not in page.page(of_tree())


def test_every_section_shows_its_file(run: Path) -> None:
    examples()
    later_files()
    shown = Page(page.page(of_tree())).text
    for said in ("977", "813", "speckle_looks", "claim on", "(false)", "p = 0.002", "SAR-RS-CLIP, stage 2, SAR text",
                 "The first right image is number 8.", "✓ right", "f" * 32, "3 exact copies", "30.0"):  # fmt: skip
        assert said in shown, said
    assert "absent" not in shown.lower()


def test_missing_files_are_said_to_be_missing(run: Path) -> None:
    for path in (paths.predictions("captions"), run / "metrics" / "validate_sar.json", run / "dvc.lock"):
        path.unlink()
    shutil.rmtree(run / "models")
    shown = Page(page.page(of_tree())).text
    for name in ("zero_shot.json", "slices.json", "hygiene.json", "retrieval.parquet", "validate_*.json", "dvc.lock",
                 "learning_curves.png", "captions that the models gave"):  # fmt: skip
        assert name in shown, name


def test_what_models_and_files_say_is_escaped(run: Path) -> None:
    examples()
    later_files()
    text = page.page(of_tree())
    assert HOSTILE in Page(text).text
    assert "<script" not in text
    assert "<img src=x>" not in text
    assert 'open_ships/"><img src=x>.png' in Page(text).text


def test_pictures_are_shown_only_where_their_licence_lets_them_be_passed_on(run: Path) -> None:
    shown = page.page(of_tree())
    assert "closed_ships/" in Page(shown).text
    assert "the licence of closed_ships is not known to allow redistribution use" in Page(shown).text
    pictures = re.findall(r'<img class="picture" src="data:image/jpeg;base64,[^"]+" alt="SAR image ([^"]+)"', shown)
    assert pictures
    assert all(name.startswith("open_ships/") for name in pictures)


def test_it_is_made_anew_only_if_something_changed(run: Path) -> None:
    first = page.write()
    first.write_text("kept")
    assert page.write().read_text() == "kept"
    captions("an ice shelf.")
    assert "an ice shelf." in page.write().read_text()
    later_files()
    assert "speckle_looks" in page.write().read_text()
    out = run / "out.html"
    assert page.write(out=out) == out
    assert out.read_bytes() == first.read_bytes()


def test_a_profile_is_read_from_its_run(run: Path) -> None:
    examples()
    Repo.init(str(run), no_scm=True).close()
    kept = run / "runs" / "other"
    kept.mkdir(parents=True)
    for name in ("metrics", "dvc.lock"):
        shutil.move(run / name, kept / name)
    (run / "profiles").mkdir()
    shutil.move(run / "params.yaml", run / "profiles" / "other.yaml")
    assert "runs/other" in page.write("other").read_text()
    with pytest.raises(ValueError, match=r"no run of a profile '\.\./x'.*other"):
        page.write("../x")


@pytest.mark.parametrize("name", ["metrics/evaluate.json", "metrics/slices.json", "models/optical/clip/training.json",
                                  "dvc.lock", "params.yaml"])  # fmt: skip
def test_a_damaged_file_is_named(name: str, run: Path) -> None:
    later_files()
    (run / name).write_text("{")
    with pytest.raises(ValueError, match=rf"{Path(name).name}.* damaged"):
        page.page(of_tree())


def test_a_missing_file_is_named(run: Path) -> None:
    shard = paths.sources_data("sar") / "open_ships" / "shards" / "000000.tar"
    shard.unlink()
    with pytest.raises(ValueError, match=r"open_ships/shards/000000\.tar does not exist"):
        page.page(of_tree())
    (run / "metrics" / "compare.json").unlink()
    with pytest.raises(ValueError, match=r"metrics/compare\.json .*make repro"):
        page.page(of_tree())


CAPTIONING = ("cider", "bleu_4")


def answers(baseline: float, gain: dict[str, float], *, test_set: str = "sar/all") -> dict[str, str]:
    ours, theirs = entry(1.0, spread=0.1), entry(baseline, spread=baseline / 10)
    of = {
        variant: {"mean_recall": ours} | dict.fromkeys(CAPTIONING, ours if variant == "two_stage" else theirs)
        for variant in VARIANTS
    }
    gains = {f"two_stage-{variant}": {"mean_recall": gain} for variant in paper.BASELINES}
    found = paper.answers({"sar/all": of, test_set: of}, {"sar/all": gains, test_set: gains})
    return {answer.claim.what: answer.verdict for answer in found}


def test_of_captions_that_score_alike_the_false_ones_are_worse() -> None:
    claims = {
        "lies": [("two ships", "false"), ("a quay", "true")],
        "true": [("a ship", "true")],
        "good": [("x", "false")],
    }
    found = best_first({"lies": 0.0, "true": 0.0, "good": 0.3, "silent": 0.0}, claims)
    assert found == ["good", "silent", "true", "lies"]


def test_verdicts_on_the_claims_of_the_paper() -> None:
    hrsid, bleu = "Mean recall on HRSID, over the best baseline", "BLEU-4 of SAR-RS-CoCa, over the original CoCa"
    assert answers(0.05, entry(15.0), test_set="sar/hrsid_sample")[hrsid] == "met"
    assert answers(0.05, entry(10.5), test_set="sar/hrsid_sample")[hrsid] == "met, not surely"
    assert answers(0.05, entry(9.0), test_set="sar/hrsid_sample")[hrsid] == "not met"
    assert answers(0.05, entry(15.0))[hrsid] == "not tested: no such images here (on others: met)"
    assert answers(0.05, entry(9.0))[bleu] == "met"  # 20 times
    assert answers(0.12, entry(9.0))[bleu] == "met, not surely"  # 8.3 times
    assert answers(0.2, entry(9.0))[bleu] == "not met"
    assert answers(0.0, entry(9.0))[bleu] == "no ratio: the baseline scores below 0.01"


def test_slices_go_from_mild_to_hard_and_the_clean_images_stand_where_nothing_is_changed() -> None:
    def order(axis: str, *levels: str) -> list[str]:
        of = {"two_stage": {"mean_recall": entry(1.0)}}
        (found,) = tables.along({axis: {"sar/all": dict.fromkeys(sorted(levels), of)}})
        return [row.name for row in found.rows]

    assert order("speckle_looks", "1", "16", "4", "clean") == ["clean", "16", "4", "1"]
    assert order("gain_db", "+3", "+6", "-3", "-6", "clean") == ["-6", "-3", "clean", "+3", "+6"]
    assert order("noise_db", "-10", "0", "clean") == ["clean", "-10", "0"]
    assert order("objects", "0", "10 or more", "2-4") == ["0", "2-4", "10 or more"]
    assert order("source", "b", "a") == ["a", "b"]


@pytest.mark.parametrize("values", [[0.0, 0.0], [0.003, 0.001], [1.0, 9.9], [57.0, 100.0], [-4.0, 3.0], [12345.0, 7.0]])
def test_charts_stay_within_their_frame(values: list[float]) -> None:
    points = [charts.Point(place, value, value - 1, value + 1) for place, value in enumerate(values)]
    (line,) = (drawn := charts.chart("x", {"a": points}, unit="", labels={0.0: "first"}, ring=(0, values[0]))).lines
    heights = [y for _, y in line.dots] + [y for _, low, high in line.whiskers for y in (low, high)]
    assert all(charts.TOP <= y <= charts.HEIGHT - charts.BOTTOM for y in heights)
    assert drawn.ring == line.dots[0]
    assert 2 <= len(drawn.y_ticks) <= 8
