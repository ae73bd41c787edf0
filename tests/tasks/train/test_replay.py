"""Which images are seen again."""

from tasks.train.replay import replayed

ROWS = [{"record_id": f"s/{number // 2}", "text": str(number)} for number in range(2000)]


def test_whole_images_about_as_many_as_asked_for() -> None:
    kept = replayed(ROWS, share=0.3, seed=1)
    images = {row["record_id"] for row in kept}
    assert 250 < len(images) < 350
    assert len(kept) == 2 * len(images), "all captions of an image, or none"
    assert replayed(ROWS, share=0.3, seed=1) == kept
    assert {row["record_id"] for row in replayed(ROWS, share=0.3, seed=2)} != images
    assert images < {row["record_id"] for row in replayed(ROWS, share=0.5, seed=1)}


def test_none_and_all() -> None:
    assert replayed(ROWS, share=0.0, seed=1) == []
    assert replayed(ROWS, share=1.0, seed=1) == ROWS
