"""Writes the tiny models of tests/fixtures/families as GGUF files with the `gguf` package, beside the Hugging Face folder that each is of.

usage: gguf_families.py <fixtures> <out> <family>...

Tensor names are the package's own map; rows are permuted, and norms stored as 1 + w, where llama.cpp's converter does so
(convert_hf_to_gguf.py). What a GGUF file cannot say is taken out of the folder's config as well (`representable`): an attention scale that is not
that of the head dimension, an activation, a window. Weights are rounded to bf16 first, so that nothing is lost on the way.
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
    "ministral3": gguf.MODEL_ARCH.MISTRAL3,
    "qwen2": gguf.MODEL_ARCH.QWEN2,
    "qwen3": gguf.MODEL_ARCH.QWEN3,
    "gemma": gguf.MODEL_ARCH.GEMMA,
    "gemma2": gguf.MODEL_ARCH.GEMMA2,
    "gemma3_text": gguf.MODEL_ARCH.GEMMA3,
    "granite": gguf.MODEL_ARCH.GRANITE,
    "smollm3": gguf.MODEL_ARCH.SMOLLM3,
    "olmo2": gguf.MODEL_ARCH.OLMO2,
    "olmo3": gguf.MODEL_ARCH.OLMO2,
    "exaone4": gguf.MODEL_ARCH.EXAONE4,
    "phi": gguf.MODEL_ARCH.PHI2,
    "phi3": gguf.MODEL_ARCH.PHI3,
    "gpt2": gguf.MODEL_ARCH.GPT2,
    "gpt_neox": gguf.MODEL_ARCH.GPTNEOX,
    "stablelm": gguf.MODEL_ARCH.STABLELM,
    "starcoder2": gguf.MODEL_ARCH.STARCODER2,
    "cohere": gguf.MODEL_ARCH.COMMAND_R,
    "cohere2": gguf.MODEL_ARCH.COHERE2,
    "falcon": gguf.MODEL_ARCH.FALCON,
    "internlm2": gguf.MODEL_ARCH.INTERNLM2,
    "minicpm": gguf.MODEL_ARCH.MINICPM,
    "chatglm": gguf.MODEL_ARCH.CHATGLM,
    "glm": gguf.MODEL_ARCH.CHATGLM,
    "glm4": gguf.MODEL_ARCH.GLM4,
}
PERMUTED = {"llama", "ministral3", "granite", "smollm3", "internlm2", "minicpm"}
ONE_PLUS = {"gemma", "gemma2", "gemma3_text"}
BY_GROUP = {"gpt_neox": "query_key_value", "falcon": "query_key_value", "internlm2": "wqkv"}
PARTIAL = {"phi", "phi3", "gpt_neox", "stablelm", "chatglm", "glm", "glm4"}
NO_ROPE_KEYS = {"gpt2"}


def representable(config: dict) -> dict:
    """What llama.cpp's converter can say of a model."""
    config = dict(config)
    kind = config["model_type"]
    rope = config.get("rope_parameters") or {}
    if rope.get("rope_type") == "yarn" and kind == "llama":
        config["rope_parameters"] = {"rope_type": "default", "rope_theta": rope["rope_theta"]}
    if kind == "ministral3":  # as the published ones
        config["rope_parameters"] = dict(rope, mscale=1.0, mscale_all_dim=1.0)
    if "query_pre_attn_scalar" in config:
        config["query_pre_attn_scalar"] = config["head_dim"]
    if kind == "starcoder2":
        config["sliding_window"] = 4096
    if kind == "gpt_neox":
        config["hidden_act"] = "gelu"
    return config


def value(config: dict, *names: str):
    """The first of these keys that there is."""
    return next((config[name] for name in names if config.get(name) is not None), None)


def key_value_heads(config: dict) -> int:
    if config["model_type"] == "falcon":
        return config["num_kv_heads"] if config["new_decoder_architecture"] else 1 if config["multi_query"] else config["num_attention_heads"]
    return value(config, "num_key_value_heads", "multi_query_group_num", "num_attention_heads", "n_head")


def head_size(config: dict) -> int:
    return value(config, "head_dim", "kv_channels") or value(config, "hidden_size", "n_embd") // value(config, "num_attention_heads", "n_head")


def permuted(weight: np.ndarray, heads: int) -> np.ndarray:
    pairs = weight.reshape(heads, 2, weight.shape[0] // heads // 2, *weight.shape[1:])
    return pairs.swapaxes(1, 2).reshape(weight.shape)


def grouped(weight: np.ndarray, config: dict) -> list[np.ndarray]:
    """Queries, keys and values of rows that stand together for each key-value head."""
    groups, size = key_value_heads(config), head_size(config)
    blocks = weight.reshape(groups, -1, size, *weight.shape[1:])
    return [part.reshape(-1, *weight.shape[1:]) for part in (blocks[:, :-2], blocks[:, -2], blocks[:, -1])]


def stored(name: str, weight: np.ndarray, config: dict) -> np.ndarray:
    kind = config["model_type"]
    if kind in PERMUTED and ".q_proj." in name:
        return permuted(weight, config["num_attention_heads"])
    if kind in PERMUTED and ".k_proj." in name:
        return permuted(weight, config["num_key_value_heads"])
    if kind == "gpt2" and weight.ndim == 2 and name.split(".")[-2] in ("c_attn", "c_proj", "c_fc"):
        return weight.T
    if kind in BY_GROUP and BY_GROUP[kind] in name:
        return np.concatenate(grouped(weight, config))
    return weight + 1 if kind in ONE_PLUS and name.endswith("norm.weight") else weight


def sizes(writer: gguf.GGUFWriter, config: dict) -> None:
    kind = config["model_type"]
    writer.add_context_length(value(config, "max_position_embeddings", "n_positions", "seq_length"))
    writer.add_embedding_length(value(config, "hidden_size", "n_embd"))
    writer.add_block_count(value(config, "num_hidden_layers", "n_layer", "num_layers"))
    writer.add_feed_forward_length(value(config, "intermediate_size", "n_inner", "ffn_hidden_size"))
    writer.add_head_count(value(config, "num_attention_heads", "n_head"))
    if kind != "gpt2":
        writer.add_head_count_kv(key_value_heads(config))
    rms = value(config, "rms_norm_eps", "layernorm_epsilon")
    if rms is not None:
        writer.add_layer_norm_rms_eps(rms)
    else:
        writer.add_layer_norm_eps(value(config, "layer_norm_eps", "layer_norm_epsilon", "norm_epsilon"))
    if value(config, "head_dim"):
        writer.add_key_length(config["head_dim"])
        writer.add_value_length(config["head_dim"])


def rotary(writer: gguf.GGUFWriter, config: dict) -> None:
    kind = config["model_type"]
    rope = config.get("rope_parameters") or config.get("rope_scaling") or {}
    main = rope.get("full_attention", rope)
    if kind in PARTIAL:
        share = main.get("partial_rotary_factor", 0.5 if kind == "chatglm" else 1)
        writer.add_rope_dimension_count(int(head_size(config) * share))
    if kind not in NO_ROPE_KEYS:
        writer.add_rope_freq_base(main.get("rope_theta") or config.get("rope_theta") or 10000 * config.get("rope_ratio", 1))
    rope_type = main.get("rope_type", main.get("type"))
    if rope_type == "linear":
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(main["factor"])
    if rope_type == "yarn":
        writer.add_rope_scaling_type(gguf.RopeScalingType.YARN)
        writer.add_rope_scaling_factor(main["factor"])
        writer.add_rope_scaling_orig_ctx_len(main["original_max_position_embeddings"])
        if main.get("mscale_all_dim"):
            writer.add_rope_scaling_yarn_log_mul(main["mscale_all_dim"])
    if rope_type == "longrope":
        writer.add_rope_scaling_orig_ctx_len(config["original_max_position_embeddings"])
        for which in ("long", "short"):
            writer.add_tensor(f"rope_factors_{which}.weight", np.array(main[f"{which}_factor"], np.float32))


def metadata(writer: gguf.GGUFWriter, config: dict) -> None:
    sizes(writer, config)
    rotary(writer, config)
    kind = config["model_type"]
    if kind in ("gemma2", "gemma3_text", "cohere2", "exaone4", "olmo3"):
        writer.add_sliding_window(config["sliding_window"])
    if kind == "phi3":
        writer.add_sliding_window(config["sliding_window"] or 0)
    if kind in ("exaone4", "olmo3"):
        writer.add_sliding_window_pattern([kind == "sliding_attention" for kind in config["layer_types"]])
    if kind == "gemma2":
        writer.add_attn_logit_softcapping(config["attn_logit_softcapping"])
        writer.add_final_logit_softcapping(config["final_logit_softcapping"])
    if kind == "gemma3_text":
        writer.add_uint32("gemma3.attention.sliding_window_pattern", config["layer_types"].index("full_attention") + 1)
        writer.add_rope_freq_base_swa(config["rope_parameters"]["sliding_attention"]["rope_theta"])
    if kind == "granite":
        writer.add_attention_scale(config["attention_multiplier"])
        writer.add_embedding_scale(config["embedding_multiplier"])
        writer.add_residual_scale(config["residual_multiplier"])
        writer.add_logit_scale(config["logits_scaling"])
    if kind == "minicpm":
        writer.add_embedding_scale(config["scale_emb"])
        writer.add_residual_scale(config["scale_depth"] / config["num_hidden_layers"] ** 0.5)
        writer.add_logit_scale(config["hidden_size"] / config["dim_model_base"])
    if kind == "ministral3":
        writer.add_attn_temperature_scale(config["rope_parameters"]["llama_4_scaling_beta"])
    if kind in ("cohere", "cohere2"):
        writer.add_logit_scale(config["logit_scale"])
    if kind in ("gpt_neox", "stablelm"):
        writer.add_parallel_residual(config["use_parallel_residual"])


def tensors(name: str, weight: np.ndarray, config: dict, names: gguf.TensorNameMap, architecture: str) -> list[tuple[str, np.ndarray]]:
    """A tensor of the folder as one or more of the file."""
    if config["model_type"] == "internlm2" and "wqkv" in name:
        layer = name.split(".")[2]
        q, k, v = grouped(weight, config)
        parts = {"q": permuted(q, config["num_attention_heads"]), "k": permuted(k, config["num_key_value_heads"]), "v": v}
        return [(f"blk.{layer}.attn_{part}.weight", rows) for part, rows in parts.items()]
    known = name.removeprefix("transformer.") if config["model_type"] == "chatglm" else name
    target = names.get_name(known, try_suffixes=(".weight", ".bias"))
    if target is None:
        raise SystemExit(f"{architecture}: the gguf package has no name for {name}")
    return [(target, np.ascontiguousarray(stored(name, weight, config)))]


def write(source: Path, out: Path) -> None:
    config = representable(json.loads((source / "config.json").read_text()))
    weights = {name: tensor.to(torch.bfloat16) for name, tensor in load_file(source / "model.safetensors").items()}
    (out / "folder").mkdir(parents=True)
    (out / "folder/config.json").write_text(json.dumps(config))
    save_file(weights, out / "folder/model.safetensors", {"format": "pt"})
    architecture = ARCHITECTURES[config["model_type"]]
    names = gguf.get_tensor_name_map(architecture, value(config, "num_hidden_layers", "n_layer", "num_layers"))
    writer = gguf.GGUFWriter(out / "model.gguf", gguf.MODEL_ARCH_NAMES[architecture])
    metadata(writer, config)
    for name, tensor in weights.items():
        for target, rows in tensors(name, tensor.float().numpy(), config, names, source.name):
            writer.add_tensor(target, rows)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


fixtures, folder, *families = sys.argv[1:]
for family in families:
    write(Path(fixtures) / family, Path(folder) / family)
