"""Positional embeddings for another grid or context."""

import torch

from sar_models.positions import mis_shaped, resized


def ramp(rows: int) -> torch.Tensor:
    """(rows, 2), growing evenly from row to row."""
    return torch.stack([torch.arange(rows) / rows, -torch.arange(rows) / rows], dim=1).float()


def test_a_context_is_stretched_linearly() -> None:
    """As open_clip does; a straight line stays one, but for its ends."""
    from open_clip.model import resize_text_pos_embed

    wanted = {"positional_embedding": torch.zeros(12, 2)}
    found = resized(wanted, {"positional_embedding": ramp(8)})["positional_embedding"]
    steps = found[1:-1].diff(dim=0)
    assert found.shape == (12, 2)
    torch.testing.assert_close(steps, steps[:1].expand_as(steps))
    theirs = {"positional_embedding": ramp(8)}
    model = torch.nn.Module()
    model.positional_embedding = torch.nn.Parameter(torch.zeros(12, 2))
    resize_text_pos_embed(theirs, model)
    torch.testing.assert_close(found, theirs["positional_embedding"])


def test_cocas_class_token_keeps_its_position() -> None:
    wanted = {"text.positional_embedding": torch.zeros(13, 2), "text.cls_emb": torch.zeros(2)}
    old = torch.cat([ramp(8), torch.full((1, 2), 7.0)])
    found = resized(wanted, {"text.positional_embedding": old})["text.positional_embedding"]
    assert found[-1].tolist() == [7, 7]
    alone = resized({"positional_embedding": torch.zeros(12, 2)}, {"positional_embedding": ramp(8)})
    torch.testing.assert_close(found[:-1], alone["positional_embedding"])


def test_the_grid_of_an_image_tower_keeps_its_picture_and_its_class_token() -> None:
    name = "visual.positional_embedding"
    down, across = torch.meshgrid(torch.arange(8.0), torch.arange(8.0), indexing="ij")
    old = torch.cat([torch.tensor([[9.0, -9.0]]), torch.stack([down, across], dim=2).flatten(0, 1)])
    found = resized({name: torch.zeros(17, 2)}, {name: old})[name]
    assert found[0].tolist() == [9, -9]
    grid = found[1:].reshape(4, 4, 2)
    torch.testing.assert_close(grid[1:3, 0, 0], torch.tensor([2.5, 4.5]), atol=0.1, rtol=0)
    torch.testing.assert_close(grid[0, 1:3, 1], torch.tensor([2.5, 4.5]), atol=0.1, rtol=0)


def test_what_cannot_fit_stays_for_the_error() -> None:
    wanted = {"visual.positional_embedding": torch.zeros(17, 2), "positional_embedding": torch.zeros(5, 4)}
    tensors = {"visual.positional_embedding": torch.zeros(12, 2), "positional_embedding": torch.zeros(5, 3)}
    assert mis_shaped(wanted, tensors) == list(wanted)
    assert mis_shaped(wanted, resized(wanted, tensors)) == list(wanted)
