"""SAR-GPT: what is learned, what is seen, what is trained; files and answers. Its training is in test_train_loop."""

from pathlib import Path
from typing import Any

import micro_phi
import numpy as np
import pytest
import safetensors.torch
import torch
from micro_training import HARDWARE, SETTINGS, asked, drawn, micro_gpt

from sar_models import checkpoint, gpt, gpt_model, losses, model, pixels, train
from sar_models.answer import answers
from sar_models.conversations import conversations, laid, looked_at
from sar_models.settings import Answering, GptShape, Lora
from sar_models.world import World

LORA = Lora(rank=2)
QUESTIONS = ["What is bright in the picture?", "Is it very bright?", "Is it in the left half?", "Why?"]


@pytest.fixture(scope="module")
def micro() -> gpt_model.Gpt:
    return micro_gpt()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A GPT-2 with random weights and a tokenizer of whole words, as transformers saves them."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    words = ["Question", ":", "Answer", "?", "What", "is", "bright", "in", "the", "picture", "Is", "it", "yes", "no"]
    vocabulary = {word: number for number, word in enumerate(["<unk>", "<end>", *words])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    place = tmp_path_factory.mktemp("their") / "model"
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<end>", unk_token="<unk>").save_pretrained(place)
    torch.manual_seed(1)
    config = GPT2Config(vocab_size=len(vocabulary), n_embd=16, n_layer=2, n_head=2, n_positions=64,
                        bos_token_id=1, eos_token_id=1)  # fmt: skip
    GPT2LMHeadModel(config).save_pretrained(place)
    return place


@pytest.fixture(params=["sar_gpt_tiny", "gpt2", "phi"])
def of(request: pytest.FixtureRequest, folder: Path, tmp_path: Path) -> gpt_model.Gpt:
    """Around a language model of ours, a GPT-2, and one of Phi-2's layout with adapters."""
    if request.param == "phi":
        micro_phi.save(tmp_path / "phi")
        return micro_gpt(LORA, language_model=str(tmp_path / "phi"))
    return micro_gpt(language_model=str(folder) if request.param == "gpt2" else request.param)


def loss(of: gpt_model.Gpt, images: torch.Tensor, text: dict[str, torch.Tensor]) -> torch.Tensor:
    of.module.eval()
    with torch.inference_mode():
        return losses.named(gpt.forward(of.module, images, **text), gpt.counts(**text), world=World())["answer"]


def batch(of: gpt_model.Gpt, rows: list[int]) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    found = asked(12, of=of).batch(np.array(rows), seed=0, epoch=0)
    return pixels.normalise(found.images, mean=of.mean, std=of.std), dict(found.text)


def test_a_turn_is_learned_from_its_answer_and_the_stop_token_alone(micro: gpt_model.Gpt) -> None:
    turns = [("Is it very bright?", "no"), ("What is it?", "a ship")]
    found = laid(turns, words=micro.words, longest=99, record_id="r")
    learned = found.labels[found.labels != gpt.IGNORED].tolist()
    words = micro.words
    assert learned == [*words.answer("no"), words.stop, *words.answer("a ship"), words.stop]
    before = [int(found.tokens[at]) for at in range(len(found.tokens)) if found.labels[at] != gpt.IGNORED]
    asks = words.question("")[-1]
    assert before == [asks, *words.answer("no"), asks, *words.answer("a ship")], "each label follows its token"


def test_labels_of_question_tokens_change_nothing(micro: gpt_model.Gpt) -> None:
    """The loss by hand: the answers' log-probabilities, whatever stands at the positions of questions."""
    images, text = batch(micro, [2])
    with torch.inference_mode():
        everything = torch.ones_like(text["labels"], dtype=torch.bool)
        logs = micro.module.eval()(images, text["tokens"], text["turns"], everything).log_softmax(dim=1)
    wanted = text["labels"][0] != gpt.IGNORED
    by_hand = -logs[wanted].gather(1, text["labels"][0][wanted][:, None]).mean()
    torch.testing.assert_close(loss(micro, images, text), by_hand)
    assert 0 < int(wanted.sum()) < len(wanted) / 2


def test_turns_see_the_image_and_themselves_and_padding_is_not_seen(of: gpt_model.Gpt) -> None:
    """Packed and padded, the loss is the mean of those of the single questions, each alone in its row."""
    images, text = batch(of, [2, 0, 5])
    total, tokens = 0.0, 0
    for row in range(3):
        for number in range(int(text["turns"][row].max()) + 1):
            chosen = text["turns"][row] == number
            alone = {name: value[row][chosen][None] for name, value in text.items()}
            alone["turns"] = torch.zeros_like(alone["turns"])
            learned = int((alone["labels"] != gpt.IGNORED).sum())
            total += float(loss(of, images[row : row + 1], alone)) * learned
            tokens += learned
    assert float(loss(of, images, text)) == pytest.approx(total / tokens, rel=1e-5)
    wider = {name: torch.nn.functional.pad(value, (0, 40), value={"tokens": 3, "labels": gpt.IGNORED,
             "turns": gpt.PADDING}[name]) for name, value in text.items()}  # fmt: skip
    torch.testing.assert_close(loss(of, images, wider), loss(of, images, text))


def test_the_image_is_seen(micro: gpt_model.Gpt) -> None:
    images, text = batch(micro, [2])
    assert abs(float(loss(micro, images, text) - loss(micro, images.flip(3), text))) > 1e-6


def test_what_the_tower_makes_of_a_picture_can_stand_for_it(micro: gpt_model.Gpt, monkeypatch: Any) -> None:
    from sar_models import conversations as module

    def tower(pictures: torch.Tensor) -> torch.Tensor:
        return micro.module.tokens(pixels.normalise(pictures, mean=micro.mean, std=micro.std))

    whole = asked(12, of=micro)
    seen = looked_at(whole, tower, batch_size=5)
    found = seen.batch(np.array([7, 2]), seed=0, epoch=0)
    images, text = batch(micro, [7, 2])
    assert found.images.dtype == torch.float32
    torch.testing.assert_close(loss(micro, found.images, dict(found.text)), loss(micro, images, text))
    monkeypatch.setattr(module, "MEMORY_BYTES", 10)
    assert looked_at(whole, tower, batch_size=5).pictures is whole.pictures, "too much for the memory"


def test_generation_in_batches_is_greedy_decoding_step_by_step(of: gpt_model.Gpt) -> None:
    shaken(of)
    pictures = list(drawn(5, seed=2).values())
    questions = [QUESTIONS[: 1 + number % 4] for number in range(5)]
    found = answers(of, pictures, questions, answering=Answering(max_tokens=6, batch_size=4), hardware=HARDWARE)
    assert [len(each) for each in found] == [len(each) for each in questions]
    said = set()
    for picture, asked_of, given in zip(pictures, questions, found, strict=True):
        small = pixels.stack([pixels.resize(picture, size_px=of.image_size_px)])
        images = pixels.normalise(small, mean=of.mean, std=of.std)
        for question, answer in zip(asked_of, given, strict=True):
            expected = step_by_step(of, images, question, most=6)
            assert answer == of.words.text(expected)
            said.add(answer)
    assert len(said) > 1, "a test that compares one answer with itself proves nothing"


def shaken(of: gpt_model.Gpt) -> None:
    """Other weights, since a new model only repeats the last token that it is given."""
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in of.module.language_model.parameters():
            parameter += 0.3 * torch.randn_like(parameter)


def step_by_step(of: gpt_model.Gpt, images: torch.Tensor, question: str, *, most: int) -> list[int]:
    """One question, one token at a time, all computed anew at each step."""
    tokens = of.words.question(question)
    asked_tokens = len(tokens)
    with torch.inference_mode():
        for _ in range(most):
            row = torch.tensor([tokens])
            last = torch.zeros_like(row, dtype=torch.bool)
            last[0, -1] = True
            following = int(of.module.eval()(images, row, torch.zeros_like(row), last).argmax())
            if following == of.words.stop:
                break
            tokens = [*tokens, following]
    return tokens[asked_tokens:]


def test_answers_end_at_the_stop_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that has learned stops by itself, long before the limit, and says no word too many."""
    of = micro_gpt()
    trained_in(of, tmp_path)
    network, lengths = of.module.language_model, []
    generate = network.generate

    def watched(**settings: Any) -> torch.Tensor:
        tokens: torch.Tensor = generate(**settings)
        lengths.append(tokens.shape[1])
        return tokens

    monkeypatch.setattr(network, "generate", watched)
    found = answers(of, list(drawn(12, seed=0).values()), [["Is it very bright?"]] * 12,
                    answering=Answering(max_tokens=20, batch_size=8), hardware=HARDWARE)  # fmt: skip
    assert {each[0] for each in found} <= {"yes", "no"}
    assert lengths == [2, 2], "the answer and the stop token"


def trained_in(of: gpt_model.Gpt, folder: Path) -> train.History:
    return train.train(
        of, objective=gpt, train_set=asked(40, of=of), val_set=asked(12, of=of, seed=1), settings=SETTINGS,
        hardware=HARDWARE, seed=5, checkpoints=folder, log=lambda metrics, step: None, label="gpt",
    )  # fmt: skip


def test_exact_match_is_what_generation_gives(tmp_path: Path) -> None:
    of = micro_gpt()
    history = trained_in(of, tmp_path)
    pictures = drawn(12, seed=1)
    questions = [QUESTIONS[: 1 + number % 3] for number in range(12)]
    truths = [["ship", "no", "yes"], ["bridge", "no", "no"], ["tank", "yes", "yes"], ["road", "yes", "no"],
              ["tree", "no", "yes"], ["pier", "no", "no"], ["farm", "yes", "yes"], ["lake", "yes", "no"]]  # fmt: skip
    said = answers(of, list(pictures.values()), questions, answering=Answering(8, 8), hardware=HARDWARE)
    hits = [
        answer == truths[number % 8][turn] for number, given in enumerate(said) for turn, answer in enumerate(given)
    ]
    expected = 100 * sum(hits) / len(hits)
    assert history.curve[history.best_epoch - 1]["val_exact_match"] == pytest.approx(expected)
    assert expected >= 25


@pytest.mark.parametrize("lora", [Lora(), LORA])
def test_what_is_frozen_stays_and_the_rest_is_trained(lora: Lora, tmp_path: Path) -> None:
    of = micro_gpt(lora)
    before = {name: value.clone() for name, value in of.module.state_dict().items()}
    trained_in(of, tmp_path)
    after = of.module.state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    adapters = {name for name in before if "lora_" in name}
    projector = {name for name in before if name.startswith("projector.")}
    language = {name for name in before if name.startswith("language_model.")}
    assert changed == projector | (adapters if lora.rank else language)
    assert bool(adapters) == bool(lora.rank)
    kept = checkpoint.load(tmp_path, world=World())
    assert kept is not None
    assert set(kept["module"]) <= changed | set(dict(of.module.named_buffers())), "frozen weights are not stored"


@pytest.mark.parametrize("theirs", [False, True])
def test_a_language_model_that_can_speak_waits_for_its_projector(theirs: bool, folder: Path, tmp_path: Path) -> None:
    of = micro_gpt(LORA, language_model=str(folder)) if theirs else micro_gpt()
    before = {name: value.clone() for name, value in of.module.state_dict().items()}
    trainable = {name for name, parameter in of.module.named_parameters() if parameter.requires_grad}
    with gpt_model.aligning(of):
        trained_in(of, tmp_path)
    after = of.module.state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert any(name.startswith("projector.") for name in changed)
    assert any(name.startswith("language_model.") for name in changed) != theirs
    assert {name for name, parameter in of.module.named_parameters() if parameter.requires_grad} == trainable


@pytest.mark.parametrize("theirs", [False, True])
@pytest.mark.parametrize("lora", [Lora(), LORA])
def test_saved_and_loaded_is_the_same_model_and_the_same_bytes(
    lora: Lora, theirs: bool, folder: Path, tmp_path: Path
) -> None:
    of = micro_gpt(lora, language_model=str(folder) if theirs else "sar_gpt_tiny")
    with torch.no_grad():
        for parameter in of.module.parameters():
            if parameter.requires_grad:
                parameter += 0.01
    gpt_model.save(of, tmp_path / "a")
    loaded = gpt_model.load(tmp_path / "a")
    gpt_model.save(loaded, tmp_path / "b")
    for name in (model.WEIGHTS, model.CONFIG):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    ours = of.module.state_dict()
    assert all(torch.equal(ours[name], value) for name, value in loaded.module.state_dict().items())
    stored = safetensors.torch.load_file(tmp_path / "a" / model.WEIGHTS)
    base = [name for name in stored if name.startswith("language_model.") and "lora_" not in name]
    assert bool(base) == (not (theirs and lora.rank)), "frozen weights that come from elsewhere are not stored again"
    assert any(name.startswith("tower.") for name in stored)


def test_weights_that_do_not_fit_are_listed(micro: gpt_model.Gpt, tmp_path: Path) -> None:
    gpt_model.save(micro, tmp_path)
    path = tmp_path / model.WEIGHTS
    tensors = safetensors.torch.load_file(path)
    del tensors["projector.place"]
    tensors["stranger"] = torch.zeros(2)
    tensors["projector.layers.1.bias"] = torch.zeros(3)
    safetensors.torch.save_file(tensors, path)
    with pytest.raises(ValueError, match="does not fit") as refused:
        gpt_model.load(tmp_path)
    for complaint in ("missing: projector.place (4, 128)", "unexpected: stranger (2,)",
                      "mis-shaped: projector.layers.1.bias is (3,), the model has (128,)"):  # fmt: skip
        assert complaint in str(refused.value)


def test_a_half_of_a_language_model_is_refused(folder: Path, tmp_path: Path) -> None:
    import shutil

    half = tmp_path / "half"
    shutil.copytree(folder, half)
    tensors = safetensors.torch.load_file(half / "model.safetensors")
    gone = next(name for name in tensors if name.endswith("mlp.c_fc.weight"))
    del tensors[gone]
    tensors["transformer.wpe.weight"] = torch.zeros(5, 16)
    safetensors.torch.save_file(tensors, half / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ValueError, match="do not fit the model") as refused:
        micro_gpt(language_model=str(half))
    assert "c_fc.weight" in str(refused.value)
    assert "wpe.weight" in str(refused.value)


def test_a_language_model_that_cannot_be_had_is_one_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ValueError, match=r"'nobody/no-such-model' cannot be had \(.*Give the folder.*hf download"):
        micro_gpt(language_model="nobody/no-such-model")
    with pytest.raises(ValueError, match=r"'no_such' is unknown: give one of ours \(sar_gpt_tiny\)"):
        micro_gpt(language_model="no_such")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"empty' cannot be had"):
        micro_gpt(language_model=str(tmp_path / "empty"))


def test_kinds_and_towers_are_not_mixed_up(micro: gpt_model.Gpt, tmp_path: Path) -> None:
    gpt_model.save(micro, tmp_path / "gpt")
    with pytest.raises(ValueError, match="kind 'gpt'; a clip or coca model is needed"):
        model.load(tmp_path / "gpt")
    clip = model.initial("clip", architecture="micro_clip", seed=9)
    model.save(clip, tmp_path / "clip")
    with pytest.raises(ValueError, match="kind 'clip'; a gpt model is needed"):
        gpt_model.load(tmp_path / "clip")
    other = gpt_model.with_tower(micro_gpt(), clip)
    theirs = clip.module.visual.state_dict()
    assert all(torch.equal(theirs[name], value) for name, value in other.module.tower.state_dict().items())
    with pytest.raises(ValueError, match="tower of a 'micro_clip', not of a 'sar_clip_tiny'"):
        gpt_model.with_tower(micro, model.initial("clip", architecture="sar_clip_tiny", seed=1))


def test_turns_that_cannot_be_laid_are_named(micro: gpt_model.Gpt) -> None:
    with pytest.raises(ValueError, match=r"r/1: 'why why .* tokens; the language model takes 20"):
        laid([("why " * 30, "yes")], words=micro.words, longest=20, record_id="r/1")
    with pytest.raises(ValueError, match=r"r/2 has questions, but its image is not known \(1 such records\)"):
        conversations({"r/2": [("a?", "b")]}, {}, open_picture=lambda row: np.zeros((4, 4, 1), np.uint8),
                      words=micro.words, image_size_px=16, longest=20, threads=1)  # fmt: skip
    with pytest.raises(ValueError, match="with the answer"):
        answers(micro, [np.zeros((4, 4, 1), np.uint8)], [["why " * 600]], answering=Answering(), hardware=HARDWARE)


def test_a_convolutional_tower_keeps_its_statistics(tmp_path: Path) -> None:
    tower = model.initial("clip", architecture="sar_clip_tiny", seed=1)
    of = gpt_model.initial(tower, GptShape("sar_gpt_tiny", "", Lora(), -2), seed=1)
    assert of.module.projector.place.shape == (36, 128)
    before = {name: value.clone() for name, value in of.module.tower.state_dict().items()}
    of.module.train()
    of.module.tokens(torch.randn(2, 3, 96, 96))
    assert all(torch.equal(before[name], value) for name, value in of.module.tower.state_dict().items())
