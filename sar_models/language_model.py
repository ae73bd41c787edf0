"""A causal language model of transformers: from a configuration of ours with random weights, or with its own weights
from the hub or a folder; with LoRA adapters where they are asked for."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from sar_models.model import CONFIGS
from sar_models.settings import Lora
from sar_models.tokenizer import Tokenizer
from sar_models.words import OurWords, TheirWords, Words


@dataclass(frozen=True, eq=False)
class LanguageModel:
    """A network, float32 on the CPU, and its words."""

    network: Any  # transformers' model for causal language modelling, or peft's around it
    words: Words
    fetched: bool  # its weights came from the hub or a folder, and come from there again


def open_language_model(name: str, *, revision: str, lora: Lora) -> LanguageModel:
    """The language model `name`: a file of `sar_models/configs`, a hub id, or a local folder; random parts by torch's
    global seed.

    With `lora.rank` above 0 its weights are frozen, and adapters beside all linear layers but the last are trained.
    Raises `ValueError` when it cannot be had, or its weights do not fit it key by key.
    """
    path = CONFIGS / f"{name}.json"
    if path.is_file():
        found = _from_configuration(json.loads(path.read_text(encoding="utf-8")))
    elif "/" not in name and not Path(name).is_dir():
        ours = ", ".join(sorted(file.stem for file in CONFIGS.glob("*gpt*.json")))
        raise ValueError(f"language_model '{name}' is unknown: give one of ours ({ours}), a hub id or a local folder")
    else:
        found = _from_weights(name, revision)
    if lora.rank == 0:
        return found
    return LanguageModel(_with_adapters(found.network, lora), found.words, found.fetched)


def _from_configuration(shape: dict[str, Any]) -> LanguageModel:
    from transformers import AutoConfig, AutoModelForCausalLM

    tokenizer = Tokenizer(vocab_size=shape["vocab_size"], context_length=shape["max_position_embeddings"])
    words = OurWords(tokenizer)
    config = AutoConfig.for_model(**shape, pad_token_id=None, bos_token_id=tokenizer.start, eos_token_id=words.stop)
    return LanguageModel(AutoModelForCausalLM.from_config(config), words, fetched=False)


def _from_weights(name: str, revision: str) -> LanguageModel:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    pinned: dict[str, Any] = {"revision": revision} if revision else {}
    pinned["local_files_only"] = _is_here(name, revision)
    try:
        tokenizer = AutoTokenizer.from_pretrained(name, **pinned)
        network, report = AutoModelForCausalLM.from_pretrained(
            name, dtype=torch.float32, output_loading_info=True, ignore_mismatched_sizes=True, **pinned
        )
    except (OSError, ValueError) as error:
        raise ValueError(_cannot_be_had(name, error)) from error
    problems = [f"{kind.removesuffix('_keys')}: {key}" for kind, keys in report.items() for key in keys]
    if problems:
        raise ValueError(f"the weights of '{name}' do not fit the model:\n  " + "\n  ".join(sorted(problems)))
    return LanguageModel(network, TheirWords(tokenizer), fetched=True)


def _is_here(name: str, revision: str) -> bool:
    """Whether `name` is a folder, or in the cache of the hub; else the hub must know it and be reachable, which is
    asked once: transformers would try again for a minute."""
    from huggingface_hub import HfApi, try_to_load_from_cache

    if Path(name).is_dir() or isinstance(try_to_load_from_cache(name, "config.json", revision=revision or None), str):
        return True
    try:
        HfApi().model_info(name, revision=revision or None, timeout=10)
    except Exception as error:  # what the client of the hub raises differs with its version
        raise ValueError(_cannot_be_had(name, error)) from error
    return False


def _cannot_be_had(name: str, error: Exception) -> str:
    reason = (str(error).splitlines() or [type(error).__name__])[0]
    return (
        f"the language model '{name}' cannot be had ({reason}). Give the folder that holds it, or download it once "
        f"where the hub can be reached: `hf download {name}`"
    )


def _with_adapters(network: Any, lora: Lora) -> Any:
    from peft import LoraConfig, get_peft_model

    return get_peft_model(
        network,
        LoraConfig(
            r=lora.rank, lora_alpha=lora.alpha, lora_dropout=lora.dropout,
            target_modules="all-linear", task_type="CAUSAL_LM",
        ),
    )  # fmt: skip
