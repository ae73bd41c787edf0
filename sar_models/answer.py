"""What a SAR-GPT answers to questions about pictures."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sar_models import pixels
from sar_models.gpt_model import Gpt
from sar_models.hardware import autocast, computing
from sar_models.settings import Answering, Hardware

PICTURES = 32  # looked at together


def answers(
    gpt: Gpt,
    pictures: Iterable[NDArray[np.uint8]],
    questions: Sequence[Sequence[str]],
    *,
    answering: Answering,
    hardware: Hardware,
) -> list[list[str]]:
    """The greedy answer to each question about each picture (H, W, 1 or 3), every question asked alone.

    `questions` are those of each picture. Raises `ValueError` for a question that is longer than the model takes.
    """
    found: list[list[str]] = []
    with computing(hardware) as device, torch.inference_mode():
        module = gpt.module.to(device).eval()
        for shown, asked in _groups(pictures, questions):
            resized = [pixels.resize(each, size_px=gpt.image_size_px) for each in shown]
            images = pixels.normalise(pixels.stack(resized).to(device), mean=gpt.mean, std=gpt.std)
            rows = [(number, question) for number, of in enumerate(asked) for question in of]
            said: list[str] = []
            with autocast(hardware):
                begun = module.shown(images)
                for start in range(0, len(rows), answering.batch_size):
                    said += _answered(gpt, begun, rows[start : start + answering.batch_size], answering, device)
            rest = iter(said)
            found += [[next(rest) for _ in of] for of in asked]
    return found


def _groups(
    pictures: Iterable[NDArray[np.uint8]], questions: Sequence[Sequence[str]]
) -> Iterator[tuple[list[NDArray[np.uint8]], Sequence[Sequence[str]]]]:
    group: list[NDArray[np.uint8]] = []
    done = 0
    for picture in pictures:
        group.append(picture)
        if len(group) == PICTURES or done + len(group) == len(questions):
            yield group, questions[done : done + len(group)]
            done += len(group)
            group = []
    assert not group, "as many pictures as lists of questions"
    assert done == len(questions), "as many pictures as lists of questions"


def _answered(
    gpt: Gpt, begun: torch.Tensor, rows: Sequence[tuple[int, str]], answering: Answering, device: torch.device
) -> list[str]:
    """One batch: what each row sees ends at the same place, so padding stands in front and is masked."""
    prompts = [gpt.words.question(question) for _, question in rows]
    for (_, question), prompt in zip(rows, prompts, strict=True):
        if len(prompt) + answering.max_tokens > gpt.longest:
            raise ValueError(f"'{question[:60]} …' has {len(prompt)} tokens; with the answer {gpt.longest} are taken")
    embedded = [
        torch.cat([begun[number], gpt.module.embedded(torch.tensor(prompt, device=device))])
        for (number, _), prompt in zip(rows, prompts, strict=True)
    ]
    longest = max(len(row) for row in embedded)
    inputs = begun.new_zeros(len(rows), longest, begun.shape[2])
    mask = torch.zeros(len(rows), longest, dtype=torch.int64, device=device)
    for number, row in enumerate(embedded):
        inputs[number, longest - len(row) :] = row
        mask[number, longest - len(row) :] = 1
    tokens: Any = gpt.module.language_model.generate(
        inputs_embeds=inputs, attention_mask=mask, max_new_tokens=answering.max_tokens,
        do_sample=False, num_beams=1, temperature=None, top_p=None, top_k=None,
        eos_token_id=gpt.words.stop, pad_token_id=gpt.words.pad,
    )  # fmt: skip
    return [gpt.words.text(row) for row in tokens.tolist()]
