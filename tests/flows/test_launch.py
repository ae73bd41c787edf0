"""How a training stage starts itself: on one host, or as one of several by torchrun's variables."""

import pytest

from flows.launch import torchrun_options

SECOND = {"PET_NNODES": "2", "PET_NODE_RANK": "1", "PET_RDZV_ENDPOINT": "[fd00::1]:29400"}


@pytest.fixture(autouse=True)
def on_one_host(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SECOND:
        monkeypatch.delenv(name, raising=False)


def test_one_process_needs_no_torchrun_and_more_meet_on_this_host() -> None:
    assert torchrun_options(1) == []
    assert torchrun_options(4) == ["--standalone", "--nproc-per-node=4"]


def test_a_host_of_two_starts_its_share_of_the_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECOND.items():
        monkeypatch.setenv(name, value)
    assert torchrun_options(8) == [
        "--nnodes=2",
        "--nproc-per-node=4",
        "--rdzv-backend=static",
        "--rdzv-endpoint=[fd00::1]:29400",
        "--node-rank=1",
    ]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"PET_NNODES": "3"}, "8 processes cannot be shared equally"),
        ({"PET_NNODES": "1:2"}, "PET_NNODES is '1:2'; it must be a whole number"),
        ({"PET_NNODES": "0"}, "cannot be shared equally"),
        ({"PET_NODE_RANK": ""}, "PET_NODE_RANK is ''"),
        ({"PET_NODE_RANK": "2"}, "the last 1"),
        ({"PET_RDZV_ENDPOINT": ""}, "set PET_RDZV_ENDPOINT to HOST:PORT"),
        ({"PET_RDZV_ENDPOINT": "host-1"}, "set PET_RDZV_ENDPOINT to HOST:PORT"),
        ({"PET_RDZV_ENDPOINT": "host-1:"}, "set PET_RDZV_ENDPOINT to HOST:PORT"),
    ],
)
def test_what_does_not_say_where_the_hosts_meet_is_refused(
    changed: dict[str, str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**SECOND, **changed}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match=message):
        torchrun_options(8)


def test_one_process_cannot_be_shared_by_two_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else both would train all of it, and write it."""
    for name, value in SECOND.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match="processes of all hosts together"):
        torchrun_options(1)
