import io

import pytest
from rich.console import Console

from tasks.download.progress import Bar, Branch, Stopped
from tasks.download.transfer import parallel


class Clock:
    """Time that passes only when it is told to."""

    def __init__(self):
        self.now_s = 100.0

    def __call__(self):
        return self.now_s


def bar_on(stream, *, terminal, **options):
    clock = Clock()
    console = Console(file=stream, force_terminal=terminal, width=200, color_system=None)
    return clock, Bar("fetch x", console=console, clock=clock, **options)


def test_plain_lines_where_there_is_no_terminal():
    stream = io.StringIO()
    clock, bar = bar_on(stream, terminal=False, total=100_000_000)
    with bar:
        for _ in range(20):
            clock.now_s += 1.0
            bar.moved(5_000_000)
    assert stream.getvalue().splitlines() == [
        "fetch x: 25.0 MB of 100.0 MB, 5.0 MB/s, 0:15 left",
        "fetch x: 50.0 MB of 100.0 MB, 5.0 MB/s, 0:10 left",
        "fetch x: 75.0 MB of 100.0 MB, 5.0 MB/s, 0:05 left",
        "fetch x: 100.0 MB of 100.0 MB, 5.0 MB/s",
        "fetch x: 100.0 MB of 100.0 MB, 5.0 MB/s",
    ]


def test_a_bar_with_rate_and_time_left_on_a_terminal():
    stream = io.StringIO()
    clock, bar = bar_on(stream, terminal=True, total=40_000_000)
    with bar:
        clock.now_s += 2.0
        bar.moved(10_000_000)
        bar._rich.refresh()
    assert "━" in stream.getvalue()
    assert "10.0 MB of 40.0 MB, 5.0 MB/s, 0:06 left" in stream.getvalue()


def test_what_was_here_before_does_not_count_for_the_rate():
    clock, bar = bar_on(io.StringIO(), terminal=False)
    with bar:
        bar.resume(90_000_000, of=100_000_000)
        clock.now_s += 1.0
        bar.moved(1_000_000)
        assert bar.text() == "91.0 MB of 100.0 MB, 1.0 MB/s, 0:09 left"


def test_files_are_counted_with_their_bytes():
    clock, bar = bar_on(io.StringIO(), terminal=False, unit="files", total=7201)
    with bar:
        clock.now_s += 2.0
        bar.moved(3000)
        bar.finished()
        assert bar.text() == "1 of 7201 files, 3.0 kB, 1.5 kB/s, 4:00:00 left"


def test_nothing_is_claimed_of_an_unknown_end():
    clock, bar = bar_on(io.StringIO(), terminal=False)
    with bar:
        clock.now_s += 1.0
        bar.moved(500)
        assert bar.text() == "500 B, 500 B/s"


def test_the_first_error_stops_the_others_and_only_them():
    bar = Bar("x", console=Console(file=io.StringIO()))
    stopped = []

    def fail(meter):
        raise ValueError("the cause")

    def go_on(meter):
        try:
            while True:
                meter.moved(1)
        except Stopped:
            stopped.append(True)
            raise

    with bar, pytest.raises(ValueError, match="the cause"):
        parallel([go_on, go_on, fail, go_on, go_on], threads=3, bar=bar)
    assert 1 <= len(stopped) <= 2, "those under way end, those behind never start"
    with bar:
        Branch(bar).moved(1)
