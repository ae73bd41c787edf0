"""The language-model rewriter with a tiny random model, tokenizer and chat template that are made here."""

from pathlib import Path
from typing import Any

import pytest

from sar_models.settings import Hardware
from tasks.narrate.language_model import LanguageModel, _first_line, prompt
from tasks.narrate.rewrite import guard, rewrite
from tasks.narrate.rewrite_rules import sar_caption
from tasks.params import LanguageModel as Settings

TEMPLATE = (
    "{% for message in messages %}<{{ message['role'] }}> {{ message['content'] }} <end>{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)
CAPTIONS = ["Two white ships lie near a harbor.", "a red bridge crosses the river", "The lawn is green."]
HARDWARE = Hardware(threads=1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama of two narrow layers over words."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    place = tmp_path_factory.mktemp("language_model")
    texts = [prompt().instruction, *CAPTIONS, *(f"{each.optical} {each.sar}" for each in prompt().examples)]
    words = sorted({word for text in texts for word in text.split()})
    special = ["<pad>", "<end>", "<unknown>", "<user>", "<assistant>"]
    tokenizer = Tokenizer(models.WordLevel({word: n for n, word in enumerate([*special, *words])}, "<unknown>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="<unknown>", eos_token="<end>", additional_special_tokens=special[3:]
    )
    wrapped.chat_template = TEMPLATE
    wrapped.save_pretrained(place)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(words) + len(special), hidden_size=32, intermediate_size=32, num_hidden_layers=2,
        num_attention_heads=2, num_key_value_heads=2, max_position_embeddings=1024, eos_token_id=1, bos_token_id=None,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(place)
    return place


def made(folder: Path, **settings: Any) -> LanguageModel:
    return LanguageModel(Settings(str(folder), max_new_tokens=6, **settings), hardware=HARDWARE, seed=1)


def test_answers_are_greedy_equal_and_do_not_depend_on_the_batch(folder: Path) -> None:
    together = made(folder, batch_size=3).rewrite(CAPTIONS)
    assert together == made(folder, batch_size=1).rewrite(CAPTIONS)  # so padding on the left is masked
    assert all(together)
    assert made(folder, batch_size=2).rewrite([]) == []


def test_its_model_is_told_by_the_digest_of_its_weights(folder: Path) -> None:
    import torch

    one, other = made(folder, revision="abc"), made(folder)
    assert one.model["name"] == str(folder)
    assert (one.model["revision"], other.model["revision"]) == ("abc", "")
    assert one.model["weights_sha256"] == other.model["weights_sha256"]
    with torch.no_grad():
        next(iter(other._model.parameters())).view(-1)[0] += 1
    assert one.model["weights_sha256"] != other.model["weights_sha256"]


def test_what_it_is_asked_holds_instruction_examples_and_the_caption_last(folder: Path) -> None:
    chat = made(folder)._chat("a  red\nbridge")
    assert chat.startswith(f"<user> {prompt().instruction}")
    assert chat.endswith("<user> a red bridge <end><assistant>")
    assert all(each.optical in chat and each.sar in chat for each in prompt().examples)


def test_what_a_random_model_says_is_refused_and_the_rules_step_in(folder: Path) -> None:
    model = made(folder)
    found = rewrite(CAPTIONS, by=model)
    assert model.rule == f"pair.language_model@{prompt().version}"
    assert all(each.refused for each in found)
    assert [each.text for each in found] == [sar_caption(caption) for caption in CAPTIONS]


def test_the_examples_pass_the_guard_themselves() -> None:
    assert len(prompt().examples) >= 6
    for example in prompt().examples:
        assert guard(example.optical, example.sar, plain=sar_caption(example.optical)) is None, example


def test_thoughts_quotes_and_further_lines_are_cut() -> None:
    assert _first_line('<think>It says\nwhite.</think>\n\n"Two ships."\nI left out white.') == "Two ships."
    assert _first_line("<think>without end") == ""


def test_errors_say_what_to_do(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"pairs\.language_model\.name"):
        LanguageModel(Settings(), hardware=HARDWARE, seed=1)
    with pytest.raises(ValueError, match="cannot be loaded"):
        LanguageModel(Settings(str(tmp_path / "nothing")), hardware=HARDWARE, seed=1)
    import shutil

    bare = tmp_path / "bare"
    shutil.copytree(folder, bare)
    (bare / "chat_template.jinja").unlink()
    with pytest.raises(ValueError, match="no chat template"):
        LanguageModel(Settings(str(bare)), hardware=HARDWARE, seed=1)
