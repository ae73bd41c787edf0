"""From the sheet to a person's verdict to quarantine, and what it says of the rest."""

import csv
import io
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from scipy.stats import binomtest
from validate_world import SHIP, Shot, World, quarantine

from tasks import paths, records
from tasks.review import sample, sheet
from tasks.validate import reviews
from tasks.validate.stage import validate_text

ODD = 'A T-72 tank, "seen" </script><b>from</b> above.'
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture
def text(world: World) -> World:
    world.source("chips", [Shot("odd.png", captions=[ODD, "A SAR image of a T-72 tank."], route="given", split="train"),
                           Shot("b.png", split="train"), Shot("v.png", split="val")])  # fmt: skip
    world.source("ships", [Shot("a.png", boxes=[SHIP], label=None, captions=["One ship is there."], route="a2c")])
    validate_text("sar", params=world.lenient())
    return world


def write_review(name: str, *rows: tuple[str, str, str, str]) -> Path:
    path = paths.reviews() / name
    path.parent.mkdir(exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(reviews.COLUMNS)
        writer.writerows([item.split("#")[0], kind, item, said, verdict, ""] for kind, item, said, verdict in rows)
    return path


def measured() -> dict[str, Any]:
    return dict(json.loads(paths.metrics("validate_sar").read_text())["review"]["captions"])


def test_what_people_rejected_goes_to_quarantine(text: World) -> None:
    same = "A SAR image of a T-72 tank."
    write_review("one.csv", ("caption", "chips/b.png#c0", same, "reject"),
                 ("caption", "chips/odd.png#c0", ODD, "accept"),
                 ("caption", "chips/v.png#c0", same, "accept"))  # fmt: skip
    write_review("two.csv", ("caption", "chips/v.png#c0", same, "reject"))
    validate_text("sar", params=text.params)  # people's choice is no fault of the source: the stage does not stop
    assert quarantine() == {
        "chips/b.png#c0": ("review_rejected", "rejected by 1 of 1 verdicts"),
        "chips/v.png#c0": ("review_rejected", "rejected by 1 of 2 verdicts"),
    }
    found = measured()
    assert (found["reviewed"], found["accepted"], found["rejected"], found["stale"]) == (3, 1, 2, 0)
    card = (paths.text("sar") / "README.md").read_text(encoding="utf-8")
    assert "Of 3 captions reviewed, people accepted 1 and rejected 2: 33.3% are right" in card
    assert re.search(r"\(95 % interval 6\.\d% to 79\.\d%, Wilson\)", card)


def test_a_verdict_on_other_words_is_stale_and_not_applied(text: World) -> None:
    write_review("old.csv", ("caption", "chips/b.png#c0", "A tank.", "reject"),
                 ("caption", "chips/gone.png#c0", "X", "reject"),
                 ("caption", "elsewhere/x.png#c0", "of another text", "reject"))  # fmt: skip
    validate_text("sar", params=text.params)
    assert quarantine() == {}
    found = measured()
    assert (found["reviewed"], found["stale"], found["share_accepted"]) == (0, 2, None)
    assert "2 verdicts are on words that changed since" in (paths.text("sar") / "README.md").read_text(encoding="utf-8")


def test_files_that_are_no_review_are_refused(text: World) -> None:
    path = write_review("bad.csv", ("caption", "chips/b.png#c0", "A tank.", "maybe"))
    with pytest.raises(ValueError, match=r"bad.csv line 2: .*maybe"):
        validate_text("sar", params=text.params)
    path.write_text("id,verdict\nchips/b.png#c0,reject\n")
    with pytest.raises(ValueError, match=r"bad.csv: the columns are id, verdict; a review has record_id"):
        validate_text("sar", params=text.params)


@pytest.mark.parametrize("content", ["record_id,kind".encode("utf-16"), b"record_id,kind," + b"x" * 200_000])
def test_a_file_that_is_no_csv_is_named(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "sheet.csv").write_bytes(content)
    with pytest.raises(ValueError, match=r"sheet\.csv is no CSV in UTF-8 .*save it as UTF-8"):
        reviews.load(tmp_path)


def test_questions_are_judged_with_their_answer(tmp_path: Path) -> None:
    said = "Is there a ship? yes"
    (tmp_path / "r.csv").write_text(
        ",".join(reviews.COLUMNS) + f"\nships/a,question,ships/a#q1,{said},reject,\n"
        f"ships/a,question,ships/a#q2,{said},accept,\nships/a,question,ships/a#q2,{said},accept,\n"
    )
    found = reviews.load(tmp_path)
    rows = [{"question_id": f"ships/a#q{n}", "question": "Is there a ship?", "answer": "yes"} for n in (1, 2)]
    reviews.mark(rows, found, kind="question")
    assert [row["rejected"] for row in rows] == ["rejected by 1 of 1 verdicts", None]
    rows[1]["answer"] = "no"
    items = [(row["question_id"], reviews.judged_text(row)) for row in rows]
    counted = found.measure("question", items, sources=["ships"])
    assert (counted["rejected"], counted["accepted"], counted["stale"]) == (1, 0, 2)


@pytest.mark.parametrize(("successes", "trials"), [(0, 5), (5, 5), (190, 200), (1, 3)])
def test_the_interval_is_wilsons(successes: int, trials: int) -> None:
    expected = binomtest(successes, trials).proportion_ci(method="wilson")
    assert reviews.wilson(successes, trials) == pytest.approx((expected.low, expected.high), abs=6e-5)


def test_the_sample_is_seeded_and_spread() -> None:
    sizes = {"big": 900, "middle": 90, "small": 8, "tiny": 2}
    rows = [
        {"record_id": f"{name}/{n}", "source": name, "route": "a2c", "split": ("train", "test")[n % 2]}
        for name, size in sizes.items()
        for n in range(size)
        for _ in range(3)
    ]
    drawn = sample.draw(rows, n=100, seed=7)
    assert len(drawn) == len(set(drawn)) == 100
    assert drawn == sample.draw(list(reversed(rows)), n=100, seed=7)
    assert drawn != sample.draw(rows, n=100, seed=8)
    of = {name: sum(record_id.startswith(f"{name}/") for record_id in drawn) for name in sizes}
    assert of["tiny"] == 2
    assert of["small"] >= 2
    assert of["big"] == pytest.approx(90, abs=3)
    assert len(sample.draw(rows, n=5000, seed=7)) == 1000
    assert len(sample.draw(rows, n=3, seed=7)) == 3


def page(tmp_path: Path, **settings: int) -> str:
    out = tmp_path / "sheet.html"
    sheet.write("sar", out, **({"n": 200, "seed": 7} | settings))
    return out.read_text(encoding="utf-8")


def test_the_sheet_holds_image_annotation_and_text_and_nothing_from_outside(text: World, tmp_path: Path) -> None:
    html = page(tmp_path)
    assert html == page(tmp_path)
    assert not re.findall(r"""(?:src|href)\s*=\s*["'](?!data:)""", html)
    assert str(text.root) not in html
    found = re.search(r'<script id="data" type="application/json">(.*?)</script>', html, flags=re.DOTALL)
    assert found
    items = {item["record"]: item for item in json.loads(found[1])["items"]}
    assert sorted(items) == ["chips/b.png", "chips/odd.png", "chips/v.png", "ships/a.png"]
    assert items["chips/odd.png"]["captions"][0]["text"] == ODD
    (box,) = items["ships/a.png"]["boxes"]
    assert box["points"] == "10.0,12.0 18.0,12.0 18.0,16.0 10.0,16.0"
    assert items["ships/a.png"]["image"].startswith("data:image/jpeg;base64,")
    with pytest.raises(ValueError, match="give --n 1 or more"):
        page(tmp_path, n=0)


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")
def test_keys_on_the_page_make_a_csv_that_validate_reads(text: World, tmp_path: Path) -> None:
    keys = """<script>
      const press = (key, more) => document.dispatchEvent(new KeyboardEvent("keydown", {key, ...more}));
      const odd = entries.find((own) => own.told.text.includes("seen"));
      go(odd.number); press("r"); odd.note.value = 'no, "not" so'; odd.note.oninput(); press("j"); press("A", {shiftKey: true});
      const other = entries.find((own) => own.told.id === "chips/b.png#c0");
      other.note.value = "hm"; other.note.oninput();
      const told = [document.getElementById("count").textContent, fileName(), fileName()];
      let asked = ""; window.confirm = (text) => { asked = text; return false; }; download();
      const again = JSON.parse(localStorage.getItem(KEY));
      document.body.replaceChildren(make("pre", {id: "csv"}, csvText() + "KEPT " + Object.keys(again).length),
        make("pre", {id: "told"}, JSON.stringify([...told, asked])));
    </script>"""  # noqa: E501
    (tmp_path / "driven.html").write_text(page(tmp_path).replace("</body>", f"{keys}</body>"), encoding="utf-8")
    assert CHROMIUM is not None
    ran = subprocess.run(
        [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'chrome'}",
         "--dump-dom", (tmp_path / "driven.html").as_uri()],
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    shown = re.search(r'<pre id="csv">(.*?)KEPT (\d+)</pre>', ran.stdout, flags=re.DOTALL)
    assert shown
    saved = shown[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    assert shown[2] == "3"
    found = re.search(r'<pre id="told">(.*?)</pre>', ran.stdout)
    assert found
    count, name, again, asked = json.loads(found[1])
    assert count.endswith(" judged, 1 rejected, 1 noted, not judged")
    assert re.fullmatch(r"review_sar_seed7_[0-9a-f]{8}\.csv", name)
    assert name == again
    assert asked.startswith("Noted, not judged: 1.")
    paths.reviews().mkdir()
    (paths.reviews() / "driven.csv").write_text(saved, encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(saved)))
    assert [(row["id"], row["text"], row["verdict"], row["note"]) for row in rows] == [
        ("chips/odd.png#c0", ODD, "reject", 'no, "not" so'),
        ("chips/odd.png#c1", "A SAR image of a T-72 tank.", "accept", ""),
    ]
    validate_text("sar", params=text.params)
    assert quarantine() == {"chips/odd.png#c0": ("review_rejected", "rejected by 1 of 1 verdicts")}
    assert len(records.read(paths.text("sar") / "quarantine.parquet")) == 1
