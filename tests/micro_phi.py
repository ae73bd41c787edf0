"""A language model of the layout of microsoft/phi-2, made in a moment: random weights, everything else as it is there.

As there: PhiForCausalLM with rotary positions over a part of each head, no dropout, biases on all linear layers and the
output layer, more rows of embeddings than the tokenizer has tokens; a byte-level BPE tokenizer whose only special token
begins, ends and stands for the unknown, without a token for padding.
"""

from pathlib import Path

TEXTS = ("Question: What is bright in the picture? Answer: a ship", "Question: Is it bright? Answer: yes", "dark no")


def save(folder: Path) -> None:
    """Configuration, weights and tokenizer into `folder`, as transformers writes them."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PhiConfig, PhiForCausalLM, PreTrainedTokenizerFast

    end = "<|endoftext|>"
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=320, special_tokens=[end], initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(TEXTS, trainer)
    words = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=end, eos_token=end, unk_token=end)
    words.save_pretrained(folder)
    torch.manual_seed(1)
    config = PhiConfig(
        vocab_size=len(words) + 11, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
        max_position_embeddings=128, partial_rotary_factor=0.4, bos_token_id=words.bos_token_id,
        eos_token_id=words.eos_token_id, tie_word_embeddings=False,
        initializer_range=0.3,  # a frozen output layer near 0 could say nothing
    )  # fmt: skip
    PhiForCausalLM(config).save_pretrained(folder)
