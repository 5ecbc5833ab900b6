"""Makes tests/fixtures/families: for every model family a tiny random model in its own files, with the logits, losses and gradients that
transformers computes for it, and the losses of ten LoRA steps with PEFT.

    python tests/parity/make_family_fixtures.py [name ...]

Needs the packages of tests/reference/requirements.txt. Weights are bf16 numbers, so that the fixtures are small; all is computed in fp32.
Documents are longer than every window and than every original rope length. The fixtures are committed.
"""

import json
import sys
from pathlib import Path

import torch
import transformers
from peft import LoraConfig, get_peft_model
from safetensors.torch import save_file

OUT = Path(__file__).resolve().parents[1] / "fixtures" / "families"
SHAPE = dict(vocab_size=96, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
             max_position_embeddings=128, pad_token_id=0, bos_token_id=1, eos_token_id=2)
FOUR = dict(SHAPE, num_hidden_layers=4)  # for patterns of layers
HEADS = {key: value for key, value in SHAPE.items() if key != "num_key_value_heads"}
GPT = dict(vocab_size=96, n_embd=32, n_inner=48, n_layer=2, n_head=4, n_positions=128, bos_token_id=1, eos_token_id=2)
NO_DROPOUT = dict(attn_pdrop=0.0, embd_pdrop=0.0, resid_pdrop=0.0)
LENGTH = 40
STEPS = 10
ALL = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
YARN = {"rope_type": "yarn", "rope_theta": 10000.0, "factor": 8.0, "original_max_position_embeddings": 16}
LONGROPE = {"rope_type": "longrope", "rope_theta": 10000.0, "original_max_position_embeddings": 16,
            "short_factor": [1.0, 1.1, 1.2, 1.5], "long_factor": [1.0, 2.0, 4.0, 9.0]}

# name: (class of the config without "Config", settings, targets of LoRA)
FAMILIES = {
    "llama-bias": ("Llama", dict(SHAPE, attention_bias=True, mlp_bias=True, rope_parameters=YARN), ALL),
    "qwen2": ("Qwen2", dict(SHAPE, head_dim=8, tie_word_embeddings=True), ALL),
    "qwen2-window": ("Qwen2", dict(FOUR, use_sliding_window=True, sliding_window=7, max_window_layers=2), ALL),
    "qwen3": ("Qwen3", dict(SHAPE, head_dim=16, rope_parameters=YARN), ALL),
    "gemma": ("Gemma", dict(SHAPE, head_dim=16), ALL),
    "gemma2": ("Gemma2", dict(SHAPE, head_dim=16, query_pre_attn_scalar=24, sliding_window=7, attn_logit_softcapping=2.0,
                              final_logit_softcapping=3.0), ALL),
    "gemma3": ("Gemma3Text", dict(FOUR, head_dim=16, query_pre_attn_scalar=24, sliding_window=7,
                                  layer_types=["sliding_attention", "sliding_attention", "sliding_attention", "full_attention"],
                                  rope_parameters={"sliding_attention": {"rope_type": "default", "rope_theta": 1e4},
                                                   "full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 1e6}}), ALL),
    "phi3": ("Phi3", dict(SHAPE), ["o_proj", "down_proj"]),
    "phi3-longrope": ("Phi3", dict(SHAPE, rope_parameters=LONGROPE, original_max_position_embeddings=16), ["o_proj", "down_proj"]),
    "phi4-mini": ("Phi3", dict(SHAPE, tie_word_embeddings=True, partial_rotary_factor=0.75, hidden_size=64, num_key_value_heads=4),
                  ["o_proj", "down_proj"]),
    "granite": ("Granite", dict(SHAPE, attention_multiplier=0.3, embedding_multiplier=5.0, residual_multiplier=0.4, logits_scaling=2.0), ALL),
    "smollm3": ("SmolLM3", dict(FOUR, tie_word_embeddings=True), ALL),
    "olmo2": ("Olmo2", dict(SHAPE), ALL),
    "olmo3": ("Olmo3", dict(FOUR, sliding_window=7, rope_parameters={
        "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0}, "full_attention": YARN}), ALL),
    "exaone4": ("Exaone4", dict(FOUR, sliding_window=7, sliding_window_pattern=4), ALL),
    "glm": ("Glm", dict(SHAPE, head_dim=16), ["q_proj", "k_proj", "v_proj", "o_proj", "down_proj"]),
    "glm4": ("Glm4", dict(SHAPE, head_dim=16), ["q_proj", "k_proj", "v_proj", "o_proj", "down_proj"]),
    "gpt-neox": ("GPTNeoX", dict(HEADS, rotary_pct=0.5, attention_bias=True), ["dense", "dense_h_to_4h", "dense_4h_to_h"]),
    "gpt-neox-sequential": ("GPTNeoX", dict(HEADS, use_parallel_residual=False, attention_bias=False, hidden_act="relu"),
                            ["dense", "dense_h_to_4h", "dense_4h_to_h"]),
    "phi": ("Phi", dict(SHAPE, partial_rotary_factor=0.5), ["q_proj", "k_proj", "v_proj", "dense", "fc1", "fc2"]),
    "stablelm": ("StableLm", dict(SHAPE, use_qkv_bias=True, partial_rotary_factor=0.25), ALL),
    "stablelm-parallel": ("StableLm", dict(SHAPE, use_parallel_residual=True, partial_rotary_factor=0.5), ALL),
    "starcoder2": ("Starcoder2", dict(SHAPE, sliding_window=7, use_bias=True), ["q_proj", "k_proj", "v_proj", "o_proj", "c_fc", "c_proj"]),
    "cohere": ("Cohere", dict(SHAPE, logit_scale=0.5, attention_bias=True), ALL),
    "cohere2": ("Cohere2", dict(FOUR, sliding_window=7, logit_scale=0.5), ALL),
    "gpt2": ("GPT2", dict(GPT, **NO_DROPOUT), ["attn.c_proj", "c_fc", "mlp.c_proj"]),
    "gpt2-bare": ("GPT2", dict(GPT, tie_word_embeddings=False, **NO_DROPOUT), ["attn.c_proj", "c_fc", "mlp.c_proj"]),
    "gptj": ("GPTJ", dict(GPT, rotary_dim=4), ["q_proj", "k_proj", "v_proj", "out_proj", "fc_in", "fc_out"]),
    "codegen": ("CodeGen", dict(GPT, rotary_dim=4), ["out_proj", "fc_in", "fc_out"]),
    "falcon": ("Falcon", dict(HEADS, ffn_hidden_size=48, bias=True), ["dense", "dense_h_to_4h", "dense_4h_to_h"]),
    "falcon-grouped": ("Falcon", dict(HEADS, ffn_hidden_size=48, new_decoder_architecture=True, num_kv_heads=2),
                       ["dense", "dense_h_to_4h", "dense_4h_to_h"]),
    "falcon-sequential": ("Falcon", dict(HEADS, ffn_hidden_size=48, parallel_attn=False, multi_query=False),
                          ["dense", "dense_h_to_4h", "dense_4h_to_h"]),
    "mistral": ("Mistral", dict(SHAPE, sliding_window=7), ALL),
    "ministral3": ("Ministral3", dict(SHAPE, head_dim=16, rope_parameters=dict(YARN, original_max_position_embeddings=64, llama_4_scaling_beta=0.1)), ALL),
}

# What files call modules: (theirs, ours).
NEOX = [("gpt_neox.embed_in", "model.embed_tokens"), ("gpt_neox.final_layer_norm", "model.norm"), ("embed_out", "lm_head"),
        ("gpt_neox.layers", "model.layers"), ("attention.dense", "self_attn.o_proj"), ("attention.", "self_attn."),
        ("dense_h_to_4h", "up_proj"), ("dense_4h_to_h", "down_proj")]
GPTJ = [("transformer.wte", "model.embed_tokens"), ("transformer.ln_f", "model.norm"), ("transformer.h.", "model.layers."), ("ln_1", "input_layernorm"),
        ("attn.out_proj", "self_attn.o_proj"), (".attn.", ".self_attn."), ("fc_in", "up_proj"), ("fc_out", "down_proj")]
FALCON = [("transformer.word_embeddings", "model.embed_tokens"), ("transformer.ln_f", "model.norm"), ("transformer.h.", "model.layers."),
          ("self_attention.dense", "self_attn.o_proj"), ("self_attention.", "self_attn."), ("dense_h_to_4h", "up_proj"), ("dense_4h_to_h", "down_proj")]
GPT2 = [("transformer.wte", "model.embed_tokens"), ("transformer.wpe", "model.embed_positions"), ("transformer.ln_f", "model.norm"), ("transformer.h.", "model.layers."),
        ("ln_1", "input_layernorm"), ("ln_2", "post_attention_layernorm"), (".attn.c_proj", ".self_attn.o_proj"), (".attn.", ".self_attn."), ("c_fc", "up_proj"),
        ("mlp.c_proj", "mlp.down_proj")]
NAMES = {
    "gpt2": GPT2,
    "gptj": GPTJ,
    "codegen": GPTJ,
    "falcon": FALCON,
    "gpt_neox": NEOX,
    "phi": [("model.final_layernorm", "model.norm"), ("self_attn.dense", "self_attn.o_proj"), ("fc1", "up_proj"), ("fc2", "down_proj")],
    "starcoder2": [("mlp.c_fc", "mlp.up_proj"), ("mlp.c_proj", "mlp.down_proj")],
}
# What transformers calls modules otherwise than files do: (its name, the files').
FILES = {"gpt_neox": [("lm_head", "embed_out")]}
# Folders whose names lack what transformers' module has in front of them, as GPT-2's published ones do.
BARE = {"gpt2-bare": "transformer."}


def renamed(key, pairs):
    for old, new in pairs:
        key = key.replace(old, new)
    return key


def logical(key, config):
    """Our name of a tensor of transformers' module."""
    return renamed(renamed(key, FILES.get(config.model_type, [])), NAMES.get(config.model_type, []))


def kv_heads(config):
    if config.model_type != "falcon" or not (config.new_decoder_architecture or config.multi_query):
        return config.num_attention_heads
    return config.num_kv_heads if config.new_decoder_architecture else 1


def fused_parts(key, value, config):
    """Our names of a file's tensor: the parts of a fused one by their rows."""
    key = logical(key, config)
    if config.model_type == "gpt2" and key.endswith("_proj.weight") or "c_attn" in key:
        value = value.T if value.dim() == 2 else value  # linears are stored [in, out]
        parts = value.chunk(3) if "c_attn" in key else [value]
        return [(key.replace("c_attn", name), part) for name, part in zip(["q_proj", "k_proj", "v_proj"], parts)]
    if "query_key_value" in key:
        groups = kv_heads(config)
        parts = value.unflatten(0, (groups, config.num_attention_heads // groups + 2, -1)).split([config.num_attention_heads // groups, 1, 1], dim=1)
        return [(key.replace("query_key_value", name), part.flatten(0, 2)) for name, part in zip(["q_proj", "k_proj", "v_proj"], parts)]
    if config.model_type == "codegen" and "qkv_proj" in key:
        parts = value.unflatten(0, (4, 3, -1)).unbind(1)
        return [(key.replace("qkv_proj", name), part.flatten(0, 1)) for name, part in zip(["q_proj", "v_proj", "k_proj"], parts)]
    head = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    q, kv = config.num_attention_heads * head, getattr(config, "num_key_value_heads", config.num_attention_heads) * head
    if "qkv_proj" in key:
        return [(key.replace("qkv_proj", name), part) for name, part in zip(["q_proj", "k_proj", "v_proj"], value.split([q, kv, kv]))]
    if "gate_up_proj" in key:
        return [(key.replace("gate_up_proj", name), part) for name, part in zip(["gate_proj", "up_proj"], value.chunk(2))]
    return [(key, value)]


def randomize(model, generator):
    for name, p in model.named_parameters():
        noise = torch.randn(p.shape, generator=generator)
        norm = ("norm" in name or "ln_" in name) and not name.endswith("bias")
        plus_one = norm and "Gemma" in type(model).__name__
        p.data = ((0.0 if plus_one else 1.0) + 0.2 * noise if norm else 0.15 * noise).bfloat16().float()


def labels_of(ids):
    """Every third token is not counted; the first never is. The loss is summed, as the engine's is."""
    labels = ids.clone()
    labels[:, ::3] = -100
    return labels


def loss_of(model, ids):
    logits = model(input_ids=ids).logits.float()
    labels = labels_of(ids)[:, 1:].reshape(-1)
    return torch.nn.functional.cross_entropy(logits[:, :-1].reshape(-1, logits.shape[-1]), labels, ignore_index=-100, reduction="sum")


def counted(ids):
    return int((labels_of(ids)[:, 1:] != -100).sum())


def make(folder, model, generator):
    config = model.config
    ids = torch.randint(3, config.vocab_size, (1, LENGTH), generator=generator)
    weights = {renamed(k, FILES.get(config.model_type, [])): v.clone().contiguous() for k, v in model.state_dict().items()
               if not (config.tie_word_embeddings and k == "lm_head.weight")}
    settings = {k: v for k, v in config.to_dict().items() if k not in ("transformers_version", "id2label", "label2id", "dtype", "_name_or_path")}
    settings["architectures"] = [type(model).__name__]
    (folder / "config.json").write_text(json.dumps(settings, indent=1, default=str) + "\n")
    save_file({k.removeprefix(BARE.get(folder.name, "")): v.bfloat16() for k, v in weights.items()}, folder / "model.safetensors", metadata={"format": "pt"})
    loss = loss_of(model, ids)
    loss.backward()
    reference = {"ids": ids[0].int(), "labels": labels_of(ids)[0].int(), "logits": model(input_ids=ids).logits[0].detach(),
                 "loss": loss.detach().reshape(1)}
    # Norms of all gradients and the first rows of each: enough to see a wrong one, a tenth of the size.
    for key, p in model.named_parameters():
        if renamed(key, FILES.get(config.model_type, [])) not in weights:
            continue
        for part, grad in fused_parts(key, p.grad, config):
            reference["grad_norm." + part] = grad.norm().reshape(1)
            reference["grad_rows." + part] = grad[:4].clone().contiguous()
    save_file(reference, folder / "reference.safetensors")


def make_lora(folder, model, targets, generator):
    """LoRA, AdamW, one document a step; losses are means over its targets."""
    model.zero_grad()
    peft = get_peft_model(model, LoraConfig(r=2, lora_alpha=4, lora_dropout=0.0, target_modules=targets, bias="none"))
    start = {}
    for key, p in peft.named_parameters():
        if "lora_" in key:
            name = logical(key.replace("base_model.model.", "").replace(".default", ""), model.config)
            start["start." + name] = p.detach().clone().contiguous()
    optimizer = torch.optim.AdamW([p for p in peft.parameters() if p.requires_grad], lr=5e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01)
    documents = torch.randint(3, model.config.vocab_size, (2, LENGTH), generator=generator)
    losses = []
    for step in range(STEPS):
        document = documents[step % 2 : step % 2 + 1]
        optimizer.zero_grad()
        loss = loss_of(peft, document) / counted(document)
        loss.backward()
        losses.append(loss.item())
        optimizer.step()
    save_file({**start, "documents": documents.int(), "labels": labels_of(documents).int(), "losses": torch.tensor(losses)},
              folder / "lora.safetensors")


def main():
    wanted = sys.argv[1:] or list(FAMILIES)
    for name in wanted:
        prefix, settings, targets = FAMILIES[name]
        generator = torch.Generator().manual_seed(20261128)
        torch.manual_seed(1)
        config = getattr(transformers, prefix + "Config")(**settings, attn_implementation="eager")
        model = getattr(transformers, "GPT2LMHeadModel" if prefix == "GPT2" else prefix.replace("Text", "") + "ForCausalLM")(config)
        randomize(model, generator)
        model.float().eval()
        folder = OUT / name
        folder.mkdir(parents=True, exist_ok=True)
        make(folder, model, generator)
        make_lora(folder, model, targets, generator)
        print(name, "written", sum(f.stat().st_size for f in folder.iterdir()))


if __name__ == "__main__":
    main()
