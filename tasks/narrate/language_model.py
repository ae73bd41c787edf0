"""The language-model rewriter: any causal language model with a chat template, greedy, batched, seeded.

The only module of the data stages that imports torch directly, and only once a model is made.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import Any

from sar_models.settings import Hardware
from tasks import strict
from tasks.narrate import words
from tasks.params import LanguageModel as LanguageModelSettings

THOUGHT = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL)  # models that reason aloud do so between these


@dataclass(frozen=True)
class Example:
    """One caption before and after."""

    optical: str
    sar: str


@dataclass(frozen=True)
class Prompt:
    """`rewrite_examples.yaml`"""

    version: int
    instruction: str
    examples: tuple[Example, ...]


@cache
def prompt() -> Prompt:
    return strict.load(Prompt, words.FOLDER / "rewrite_examples.yaml")


class LanguageModel:
    """Asks a model for each caption, after an instruction and examples. What it answers is for the guard to judge."""

    def __init__(self, settings: LanguageModelSettings, *, hardware: Hardware, seed: int) -> None:
        """Load the model. Raises `ValueError` when none is named, it cannot be had, or it has no chat template."""
        if not settings.name:
            raise ValueError("rewriter is language_model: name one in pairs.language_model.name (hub id or folder)")
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        revision = {"revision": settings.revision} if settings.revision else {}
        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(settings.name, padding_side="left", **revision)
            dtype = torch.bfloat16 if hardware.precision == "bf16" else torch.float32
            self._model: Any = AutoModelForCausalLM.from_pretrained(settings.name, dtype=dtype, **revision)
        except OSError as error:
            raise ValueError(
                f"the language model '{settings.name}' cannot be loaded: give a folder that holds it, or a hub id "
                f"where the hub can be reached ({error})"
            ) from error
        if not self._tokenizer.chat_template:
            raise ValueError(f"'{settings.name}' has no chat template: choose a model tuned to follow instructions")
        if self._tokenizer.pad_token is None:
            self._tokenizer.pad_token = self._tokenizer.eos_token
        self._settings, self._hardware, self._seed = settings, hardware, seed

    @property
    def rule(self) -> str:
        """Such as `pair.language_model@1`; which model, the report says."""
        return f"pair.language_model@{prompt().version}"

    @property
    def model(self) -> dict[str, str]:
        """Which model it is: its name, its revision where the hub tells one, and the digest of its weights."""
        import torch

        digest = sha256()
        for name, values in sorted(self._model.state_dict().items()):
            digest.update(name.encode())
            digest.update(values.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
        revision = getattr(self._model.config, "_commit_hash", None) or self._settings.revision
        return {"name": self._settings.name, "revision": revision, "weights_sha256": digest.hexdigest()}

    def rewrite(self, captions: Sequence[str]) -> list[str]:
        """One answer a caption: its first line, without thoughts and quotation marks."""
        import torch

        from sar_models.hardware import computing

        answers: list[str] = []
        size = self._settings.batch_size
        with computing(self._hardware) as device, torch.inference_mode():
            self._model.to(device).eval()
            torch.manual_seed(self._seed)
            for start in range(0, len(captions), size):
                answers += self._answer(captions[start : start + size], device)
        return answers

    def _answer(self, captions: Sequence[str], device: Any) -> list[str]:
        chats = [self._chat(caption) for caption in captions]
        batch = self._tokenizer(chats, return_tensors="pt", padding=True, add_special_tokens=False).to(device)
        tokens = self._model.generate(
            input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], do_sample=False, num_beams=1,
            max_new_tokens=self._settings.max_new_tokens, pad_token_id=self._tokenizer.pad_token_id,
            temperature=None, top_p=None, top_k=None,
        )  # fmt: skip
        new = tokens[:, batch["input_ids"].shape[1] :]
        return [_first_line(text) for text in self._tokenizer.batch_decode(new, skip_special_tokens=True)]

    def _chat(self, caption: str) -> str:
        """The instruction stands in the first question, since some templates know no system role."""
        turns: list[dict[str, str]] = []
        for number, example in enumerate((*prompt().examples, Example(" ".join(caption.split()), ""))):
            asked = example.optical if number else f"{prompt().instruction}\n\n{example.optical}"
            turns += [{"role": "user", "content": asked}, {"role": "assistant", "content": example.sar}]
        chat: str = self._tokenizer.apply_chat_template(
            turns[:-1], tokenize=False, add_generation_prompt=True, enable_thinking=False
        )
        return chat


def _first_line(answer: str) -> str:
    lines = [line.strip() for line in THOUGHT.sub("", answer).splitlines() if line.strip()]
    return " ".join(lines[0].strip("\"'“”").split()) if lines else ""
