"""The other side of `decode`, a process of its own: `python -m benchmarks.decode_peer WHAT ARCHITECTURE IMAGES`.

WHAT is `open_clip` (its own `generate`, which needs transformers 4) or `uncached` (our search over whole forward
passes). Reads lines `METHOD TOKENS`, and answers each with a line of JSON: CPU seconds, the tokens of each caption.
"""

import json
import sys
import time
from typing import Any

import torch

from sar_models import decode, model
from sar_models.settings import Decoding
from sar_models.tokenizer import PAD

BEAMS, SEED = 6, 1


class Whole:
    """The stepper to compare with: each row scored by open_clip's forward pass over the whole text so far."""

    def __init__(self, module: Any, images: torch.Tensor) -> None:
        self.images = len(images)
        self.longest = int(module.text_decoder.context_length) - 1
        self._module, self._shown = module, images
        self._encoded = module._encode_image(images)
        self._rows = torch.empty(self.images, 1, 0, dtype=torch.int64)

    def step(self, tokens: torch.Tensor, parents: torch.Tensor) -> torch.Tensor:
        """Log-probabilities, see `decode.Stepper`."""
        before = self._rows.gather(1, parents[:, :, None].expand(-1, -1, self._rows.shape[2]))
        self._rows = torch.cat([before, tokens[:, :, None]], dim=2)
        images, beams, length = self._rows.shape
        latent, pooled = (each.repeat_interleave(beams, dim=0) for each in self._encoded)
        text = self._rows.flatten(0, 1)
        logits = self._module(None, text, image_latent=latent, image_embs=pooled, output_labels=False)["logits"]
        last: torch.Tensor = logits[:, length - 1].log_softmax(dim=-1).view(images, beams, -1)
        return last

    def keep(self, images: torch.Tensor) -> None:
        """See `decode.Stepper`."""
        self._rows = self._rows[images]
        self._encoded = tuple(each[images] for each in self._encoded)


def pictures(of: model.Model, count: int) -> torch.Tensor:
    """The same normalised pictures on both sides (count, 3, S, S)."""
    size = of.image_size_px
    return torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(SEED))


def searched(stepper: decode.Stepper, of: model.Model, *, method: Any, tokens: int) -> list[list[int]]:
    """The tokens of each caption, without what begins, ends and fills it."""
    decoding = Decoding(method=method, beams=BEAMS, max_tokens=tokens)
    rows = decode.decode(stepper, decoding=decoding, start=of.tokenizer.start, end=of.tokenizer.end)
    return [words(row, of) for row in rows.tolist()]


def words(row: list[int], of: model.Model) -> list[int]:
    """The tokens before the first that ends or fills the row."""
    ends = [place for place, token in enumerate(row) if token in (of.tokenizer.end, PAD)]
    return row[: ends[0]] if ends else row


def generated(of: model.Model, images: torch.Tensor, *, method: str, tokens: int) -> list[list[int]]:
    """What open_clip's own `generate` writes; `seq_len` counts `start`, and where it is reached `end` is put."""
    rows = of.module.generate(
        images, seq_len=tokens + 2, min_seq_len=0, num_beams=BEAMS,
        generation_type="top_k" if method == "greedy" else "beam_search", top_k=1,
        sot_token_id=of.tokenizer.start, eos_token_id=of.tokenizer.end,
    )  # fmt: skip
    return [words(row[1:], of) for row in rows.tolist()]


def main(what: str, architecture: str, count: int) -> None:
    torch.set_num_threads(1)
    of = model.initial("coca", architecture=architecture, seed=SEED)
    module, images = of.module.eval(), pictures(of, count)
    for line in sys.stdin:
        method, tokens = line.split()
        begin = time.process_time()
        with torch.inference_mode():
            if what == "open_clip":
                found = generated(of, images, method=method, tokens=int(tokens))
            else:
                found = searched(Whole(module, images), of, method=method, tokens=int(tokens))
        print(json.dumps({"seconds": time.process_time() - begin, "tokens": found}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
