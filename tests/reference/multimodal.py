"""Writes tiny models of two modalities with transformers, and their logits for texts.

usage: multimodal.py <out> <ids>     into <out>/<gemma3|mistral3>: a folder `model`, and `theirs.f32` as logits.py writes it
"""

import json
import sys
from pathlib import Path

import numpy
import torch
from transformers import (
    Gemma3Config,
    Gemma3ForConditionalGeneration,
    Gemma3TextConfig,
    Mistral3Config,
    Mistral3ForConditionalGeneration,
    MistralConfig,
    PixtralVisionConfig,
    SiglipVisionConfig,
)

TEXT = dict(
    vocab_size=96,
    hidden_size=32,
    intermediate_size=48,
    num_hidden_layers=6,
    num_attention_heads=4,
    num_key_value_heads=2,
    head_dim=16,
    max_position_embeddings=128,
)
VISION = dict(hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2, image_size=28, patch_size=14)


def gemma3():
    text = Gemma3TextConfig(**TEXT, sliding_window=7, query_pre_attn_scalar=16)
    config = Gemma3Config(text_config=text, vision_config=SiglipVisionConfig(**VISION), mm_tokens_per_image=4)
    config.boi_token_index, config.image_token_index, config.eoi_token_index = 0, 1, 2
    return Gemma3ForConditionalGeneration(config)


def mistral3():
    text = MistralConfig(**TEXT, sliding_window=None)
    vision = PixtralVisionConfig(**VISION, head_dim=8)
    return Mistral3ForConditionalGeneration(Mistral3Config(text_config=text, vision_config=vision, image_token_index=1))


def write(out: Path, model, documents) -> None:
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for weight in model.parameters():  # far enough from their start that the layers matter
            weight.add_(0.1 * torch.randn(weight.shape, generator=generator))
    model.to(torch.bfloat16).save_pretrained(out / "model")
    model = type(model).from_pretrained(out / "model", dtype=torch.float32).eval()
    with torch.no_grad():
        rows = [model(input_ids=torch.tensor([ids])).logits[0] for ids in documents]
    numpy.concatenate([part.numpy() for part in rows]).astype("<f4").tofile(out / "theirs.f32")


folder, ids = sys.argv[1:]
documents = json.loads(Path(ids).read_text())
torch.manual_seed(0)
for make in (gemma3, mistral3):
    place = Path(folder) / make.__name__
    place.mkdir()
    write(place, make(), documents)
