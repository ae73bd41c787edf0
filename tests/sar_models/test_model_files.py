import json
from pathlib import Path

import micro_training  # noqa: F401  registers the micro architectures
import pytest
import safetensors.torch
import torch

from sar_models import model


@pytest.mark.parametrize("kind", ["clip", "coca"])
def test_same_seed_same_weights_and_other_seed_other_weights(kind: str) -> None:
    first, again, other = (
        model.initial(kind, architecture=f"micro_{kind}", seed=seed).module.state_dict() for seed in (1, 1, 2)
    )
    assert all(torch.equal(first[name], again[name]) for name in first)
    matrices = [name for name in first if first[name].ndim == 2]
    assert matrices
    assert not any(torch.equal(first[name], other[name]) for name in matrices)


def test_the_decoders_projection_is_initialised() -> None:
    """open_clip 3.3 leaves it as uninitialised memory."""
    decoder = model.initial("coca", architecture="sar_coca_tiny", seed=1).module.text_decoder
    width, _ = decoder.text_projection.shape
    assert float(decoder.text_projection.detach().std()) == pytest.approx(width**-0.5, rel=0.05)


def test_the_token_pool_is_open_clips_pool_with_its_cells() -> None:
    from open_clip.modified_resnet import ModifiedResNet

    from sar_models.token_pool import with_tokens

    torch.manual_seed(1)
    tower = ModifiedResNet(layers=[1, 1, 1, 1], output_dim=12, heads=4, image_size=64, width=8).eval()
    images = torch.randn(3, 3, 64, 64)
    with torch.inference_mode():
        expected = tower(images)
        pooled, tokens = with_tokens(tower)(images)
    torch.testing.assert_close(pooled, expected)
    assert tokens.shape == (3, 4, 12)
    # A cell's token is the answer to that cell's own query: put first, it is what open_clip's pool returns.
    features = torch.randn(2, tower.attnpool.c_proj.in_features, 2, 2)
    pool = tower.attnpool
    states = torch.cat([features.flatten(2).mean(dim=2, keepdim=True), features.flatten(2)], dim=2).transpose(1, 2)
    states = states + pool.positional_embedding
    with torch.inference_mode():
        answers, _ = torch.nn.functional.multi_head_attention_forward(
            states[:, 1:].transpose(0, 1), states.transpose(0, 1), states.transpose(0, 1),
            embed_dim_to_check=states.shape[2], num_heads=pool.num_heads, in_proj_weight=None,
            in_proj_bias=torch.cat([pool.q_proj.bias, pool.k_proj.bias, pool.v_proj.bias]),
            bias_k=None, bias_v=None, add_zero_attn=False, dropout_p=0.0,
            out_proj_weight=pool.c_proj.weight, out_proj_bias=pool.c_proj.bias, training=False, need_weights=False,
            use_separate_proj_weight=True, q_proj_weight=pool.q_proj.weight, k_proj_weight=pool.k_proj.weight,
            v_proj_weight=pool.v_proj.weight,
        )  # fmt: skip
        torch.testing.assert_close(pool(features)[1], answers.transpose(0, 1))


def test_a_resnet_coca_learns_through_its_tokens() -> None:
    built = model.initial("coca", architecture="sar_coca_tiny", seed=1)
    size = built.image_size_px
    output = built.module(torch.randn(2, 3, size, size), built.tokenizer(["one ship", "two"]))
    output["logits"].sum().backward()
    assert float(built.module.visual.conv1.weight.grad.abs().sum()) > 0


def test_initial_leaves_the_random_state_alone() -> None:
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    model.initial("clip", architecture="micro_clip", seed=9)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("kind", ["clip", "coca"])
def test_saved_and_loaded_is_the_same_model_and_the_same_bytes(kind: str, tmp_path: Path) -> None:
    built = model.initial(kind, architecture=f"micro_{kind}", seed=1)
    model.save(built, tmp_path / "a")
    loaded = model.load(tmp_path / "a")
    model.save(loaded, tmp_path / "b")
    for name in (model.WEIGHTS, model.CONFIG):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert (loaded.kind, loaded.architecture, loaded.seed) == (kind, f"micro_{kind}", 1)
    assert loaded.tokenizer.context_length == 16
    assert loaded.parameters == built.parameters > 1000


def test_weights_that_do_not_fit_are_listed(tmp_path: Path) -> None:
    model.save(model.initial("clip", architecture="micro_clip", seed=1), tmp_path)
    path = tmp_path / model.WEIGHTS
    tensors = safetensors.torch.load_file(path)
    del tensors["visual.proj"]
    tensors["stranger"] = torch.zeros(2)
    tensors["ln_final.weight"] = torch.zeros(3)
    safetensors.torch.save_file(tensors, path)
    with pytest.raises(ValueError, match="does not fit") as refused:
        model.load(tmp_path)
    message = str(refused.value)
    assert "missing: visual.proj (32, 32)" in message
    assert "unexpected: stranger (2,)" in message
    assert "mis-shaped: ln_final.weight is (3,), the model has (32,)" in message


def test_missing_and_damaged_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"config\.json does not exist.*dvc"):
        model.load(tmp_path)
    model.save(model.initial("clip", architecture="micro_clip", seed=1), tmp_path)
    path = tmp_path / model.WEIGHTS
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(ValueError, match=r"model\.safetensors is damaged"):
        model.load(tmp_path)


@pytest.mark.parametrize(
    ("kind", "architecture", "complaint"),
    [
        ("clip", "no_such", "no_such.*sar_clip_tiny"),
        ("clip", "sar_coca_tiny", "not of kind 'clip'"),
        ("coca", "sar_clip_tiny", "not of kind 'coca'"),
        ("gpt", "sar_clip_tiny", "no kind of model 'gpt'"),
        ("clip", "roberta-ViT-B-32", "Hugging Face"),
        ("clip", "ViT-B-16-SigLIP", "Hugging Face"),
    ],
)
def test_wrong_architectures_are_refused(kind: str, architecture: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        model.initial(kind, architecture=architecture, seed=1)


@pytest.mark.parametrize(("kind", "architecture"), [("clip", "ViT-L-14"), ("coca", "coca_ViT-L-14")])
def test_the_papers_architectures_build_by_name(kind: str, architecture: str) -> None:
    with torch.device("meta"):  # shapes only: the weights are gigabytes
        built = model.initial(kind, architecture=architecture, seed=1)
    assert built.image_size_px == 224
    assert built.parameters > 400_000_000
    assert built.tokenizer.vocab_size == 49408


def test_our_configurations_are_in_open_clips_format() -> None:
    for path in sorted(model.CONFIGS.glob("*.json")):
        config = json.loads(path.read_text())
        if "model_type" in config:
            continue  # in the format of transformers: the language model of SAR-GPT
        kind = "coca" if "multimodal_cfg" in config else "clip"
        built = model.initial(kind, architecture=path.stem, seed=1)
        assert built.parameters < 5_000_000, "the tiny pair is for two cores"
