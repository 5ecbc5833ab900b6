"""Writes the tiny models of tests/fixtures/families as GGUF files with the `gguf` package, beside the Hugging Face folder that each is of.

usage: gguf_families.py <fixtures> <out> <family>...

Tensor names are the package's own map; rows are permuted, and norms stored as 1 + w, where llama.cpp's converter does so
(convert_hf_to_gguf.py). What a GGUF file cannot say is taken out of the folder's config as well: yarn of the fixtures, and an attention scale
that is not that of the head dimension. Weights are rounded to bf16 first, so that nothing is lost on the way.
"""

import json
import sys
from pathlib import Path

import gguf
import numpy as np
import torch
from safetensors.torch import load_file, save_file

ARCHITECTURES = {
    "llama": gguf.MODEL_ARCH.LLAMA,
    "qwen2": gguf.MODEL_ARCH.QWEN2,
    "qwen3": gguf.MODEL_ARCH.QWEN3,
    "gemma": gguf.MODEL_ARCH.GEMMA,
    "gemma2": gguf.MODEL_ARCH.GEMMA2,
    "gemma3_text": gguf.MODEL_ARCH.GEMMA3,
    "granite": gguf.MODEL_ARCH.GRANITE,
    "smollm3": gguf.MODEL_ARCH.SMOLLM3,
    "olmo2": gguf.MODEL_ARCH.OLMO2,
}
PERMUTED = {"llama", "granite", "smollm3"}
ONE_PLUS = {"gemma", "gemma2", "gemma3_text"}


def representable(config: dict) -> dict:
    config = dict(config)
    rope = config.get("rope_parameters") or {}
    if rope.get("rope_type") == "yarn":
        config["rope_parameters"] = {"rope_type": "default", "rope_theta": rope["rope_theta"]}
    if "query_pre_attn_scalar" in config:
        config["query_pre_attn_scalar"] = config["head_dim"]
    return config


def permuted(weight: np.ndarray, heads: int) -> np.ndarray:
    pairs = weight.reshape(heads, 2, weight.shape[0] // heads // 2, *weight.shape[1:])
    return pairs.swapaxes(1, 2).reshape(weight.shape)


def stored(name: str, weight: np.ndarray, config: dict) -> np.ndarray:
    kind = config["model_type"]
    if kind in PERMUTED and ".q_proj." in name:
        return permuted(weight, config["num_attention_heads"])
    if kind in PERMUTED and ".k_proj." in name:
        return permuted(weight, config["num_key_value_heads"])
    return weight + 1 if kind in ONE_PLUS and name.endswith("norm.weight") else weight


def metadata(writer: gguf.GGUFWriter, config: dict) -> None:
    head_dim = config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_key_length(head_dim)
    writer.add_value_length(head_dim)
    rope = config["rope_parameters"]
    main = rope.get("full_attention", rope)
    writer.add_rope_freq_base(main["rope_theta"])
    if main["rope_type"] == "linear":
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(main["factor"])
    kind = config["model_type"]
    if kind in ("gemma2", "gemma3_text"):
        writer.add_sliding_window(config["sliding_window"])
    if kind == "gemma2":
        writer.add_attn_logit_softcapping(config["attn_logit_softcapping"])
        writer.add_final_logit_softcapping(config["final_logit_softcapping"])
    if kind == "gemma3_text":
        writer.add_uint32("gemma3.attention.sliding_window_pattern", config["layer_types"].index("full_attention") + 1)
        writer.add_rope_freq_base_swa(rope["sliding_attention"]["rope_theta"])
    if kind == "granite":
        writer.add_attention_scale(config["attention_multiplier"])
        writer.add_embedding_scale(config["embedding_multiplier"])
        writer.add_residual_scale(config["residual_multiplier"])
        writer.add_logit_scale(config["logits_scaling"])


def write(source: Path, out: Path) -> None:
    config = representable(json.loads((source / "config.json").read_text()))
    weights = {name: tensor.to(torch.bfloat16) for name, tensor in load_file(source / "model.safetensors").items()}
    (out / "folder").mkdir(parents=True)
    (out / "folder/config.json").write_text(json.dumps(config))
    save_file(weights, out / "folder/model.safetensors", {"format": "pt"})
    architecture = ARCHITECTURES[config["model_type"]]
    names = gguf.get_tensor_name_map(architecture, config["num_hidden_layers"])
    writer = gguf.GGUFWriter(out / "model.gguf", gguf.MODEL_ARCH_NAMES[architecture])
    metadata(writer, config)
    for name, tensor in weights.items():
        target = names.get_name(name, try_suffixes=(".weight", ".bias"))
        if target is None:
            raise SystemExit(f"{source.name}: the gguf package has no name for {name}")
        writer.add_tensor(target, stored(name, tensor.float().numpy(), config))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


fixtures, folder, *families = sys.argv[1:]
for family in families:
    write(Path(fixtures) / family, Path(folder) / family)
