"""As make_family_fixtures.py, for families whose code stands beside their weights: a decoder written down here from what is published of them
(no code of theirs), whose weights are stored under their names and in their order of rows.

    python tests/parity/make_remote_fixtures.py [name ...]
"""

import json
import math
import sys
from types import SimpleNamespace

import torch
from make_family_fixtures import ALL, LENGTH, OUT, SHAPE, labels_of, loss_of, make_lora, randomize
from safetensors.torch import save_file
from torch import nn

D, F, L, H, KV, V = (SHAPE[k] for k in ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "vocab_size"))
E = D // H


class RMSNorm(nn.Module):
    def __init__(self, eps):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(D))
        self.eps = eps

    def forward(self, x):
        return x / (x.pow(2).mean(-1, keepdim=True) + self.eps).sqrt() * self.weight


def rotate(x, s):
    """x [T, heads, E]: the first `s.rotary` elements of a head turn by position times frequency, in pairs (i, i + r/2) or (2i, 2i + 1)."""
    r = s.rotary
    position = torch.arange(x.shape[0], dtype=torch.float32)[:, None] / s.stretch
    angle = position * s.theta ** (-torch.arange(0, r, 2, dtype=torch.float32) / r)
    cos, sin = angle.cos()[:, None], angle.sin()[:, None]
    turned, rest = x[..., :r], x[..., r:]
    a, b = (turned[..., 0::2], turned[..., 1::2]) if s.neighbours else (turned[..., : r // 2], turned[..., r // 2 :])
    first, second = a * cos - b * sin, b * cos + a * sin
    both = torch.stack([first, second], -1).flatten(-2) if s.neighbours else torch.cat([first, second], -1)
    return torch.cat([both, rest], -1)


class Attention(nn.Module):
    def __init__(self, s):
        super().__init__()
        self.s = s
        self.q_proj = nn.Linear(D, H * E, bias=s.qkv_bias)
        self.k_proj = nn.Linear(D, s.kv * E, bias=s.qkv_bias)
        self.v_proj = nn.Linear(D, s.kv * E, bias=s.qkv_bias)
        self.o_proj = nn.Linear(H * E, D, bias=s.o_bias)

    def forward(self, x):
        n = x.shape[0]
        q, k = rotate(self.q_proj(x).view(n, H, E), self.s), rotate(self.k_proj(x).view(n, self.s.kv, E), self.s)
        k, v = (t.repeat_interleave(H // self.s.kv, 1) for t in (k, self.v_proj(x).view(n, self.s.kv, E)))
        scores = torch.einsum("ihe,jhe->hij", q, k) / math.sqrt(E)
        scores = scores.masked_fill(torch.ones(n, n, dtype=torch.bool).triu(1), float("-inf"))
        return self.o_proj(torch.einsum("hij,jhe->ihe", scores.softmax(-1), v).reshape(n, H * E))


class MLP(nn.Module):
    def __init__(self, bias):
        super().__init__()
        self.gate_proj, self.up_proj, self.down_proj = nn.Linear(D, F, bias=bias), nn.Linear(D, F, bias=bias), nn.Linear(F, D, bias=bias)

    def forward(self, x):
        return self.down_proj(nn.functional.silu(self.gate_proj(x)) * self.up_proj(x))


class Layer(nn.Module):
    def __init__(self, s):
        super().__init__()
        self.s = s
        self.self_attn, self.mlp = Attention(s), MLP(s.mlp_bias)
        self.input_layernorm, self.post_attention_layernorm = RMSNorm(s.eps), RMSNorm(s.eps)

    def forward(self, x):
        x = x + self.s.residual * self.self_attn(self.input_layernorm(x))
        return x + self.s.residual * self.mlp(self.post_attention_layernorm(x))


class PlainMLP(nn.Module):
    def __init__(self):
        super().__init__()
        self.up_proj, self.down_proj = nn.Linear(D, F), nn.Linear(F, D)

    def forward(self, x):
        return self.down_proj(nn.functional.gelu(self.up_proj(x), approximate="tanh"))


class MossLayer(nn.Module):
    """Attention and MLP of the same normed input, side by side."""

    def __init__(self, s):
        super().__init__()
        self.self_attn, self.mlp = Attention(s), PlainMLP()
        self.input_layernorm = nn.LayerNorm(D, eps=s.eps)

    def forward(self, x):
        normed = self.input_layernorm(x)
        return x + self.self_attn(normed) + self.mlp(normed)


class Inner(nn.Module):
    def __init__(self, s):
        super().__init__()
        self.embed_tokens = nn.Embedding(V, D)
        self.layers = nn.ModuleList(MossLayer(s) if s.moss else Layer(s) for _ in range(L))
        self.norm = nn.LayerNorm(D, eps=s.eps) if s.moss else RMSNorm(s.eps)


class Decoder(nn.Module):
    def __init__(self, s):
        super().__init__()
        self.s, self.config = s, SimpleNamespace(vocab_size=V, model_type="")
        self.model = Inner(s)
        if not s.tied:
            self.lm_head = nn.Linear(D, V, bias=s.moss)

    def forward(self, input_ids):
        x = self.model.embed_tokens(input_ids[0]) * self.s.embedding
        for layer in self.model.layers:
            x = layer(x)
        x = self.model.norm(x) * self.s.logits
        logits = x @ self.model.embed_tokens.weight.T if self.s.tied else self.lm_head(x)
        return SimpleNamespace(logits=logits[None])


def style(**changes):
    usual = dict(kv=KV, qkv_bias=False, o_bias=False, mlp_bias=False, theta=10000.0, rotary=E, neighbours=False, stretch=1.0, eps=1e-6, embedding=1.0, residual=1.0, logits=1.0, tied=False, moss=False)
    return SimpleNamespace(**{**usual, **changes})


def layer_name(name):
    """("3", "mlp.up_proj.weight") of a name in a layer."""
    parts = name.split(".")
    return (parts[2], ".".join(parts[3:])) if name.startswith("model.layers.") else (None, name)


def same(weights, s):
    return weights


def internlm2(weights, s):
    """Of each group of heads: its queries, its key, its value."""
    names = {"self_attn.o_proj": "attention.wo", "mlp.gate_proj": "feed_forward.w1", "mlp.up_proj": "feed_forward.w3", "mlp.down_proj": "feed_forward.w2",
             "input_layernorm": "attention_norm", "post_attention_layernorm": "ffn_norm"}
    out = {"model.tok_embeddings.weight": weights["model.embed_tokens.weight"], "model.norm.weight": weights["model.norm.weight"],
           "output.weight": weights["lm_head.weight"]}
    for name, value in weights.items():
        layer, inside = layer_name(name)
        if layer is None or "q_proj" in inside or "k_proj" in inside or "v_proj" in inside:
            continue
        module, ending = inside.rsplit(".", 1)
        out[f"model.layers.{layer}.{names[module]}.{ending}"] = value
    for layer in range(L):
        for ending in ["weight"] + ["bias"] * s.qkv_bias:
            q, k, v = (weights[f"model.layers.{layer}.self_attn.{p}_proj.{ending}"] for p in "qkv")
            width = q.shape[1:]
            grouped = torch.cat([q.view(s.kv, H // s.kv, E, *width), k.view(s.kv, 1, E, *width), v.view(s.kv, 1, E, *width)], 1)
            out[f"model.layers.{layer}.attention.wqkv.{ending}"] = grouped.reshape(-1, *width)
    return out


def chatglm(weights, s):
    """Queries, keys and values after one another; gate before up."""
    out = {"transformer.embedding.word_embeddings.weight": weights["model.embed_tokens.weight"],
           "transformer.encoder.final_layernorm.weight": weights["model.norm.weight"], "transformer.output_layer.weight": weights["lm_head.weight"]}
    for layer in range(L):
        ours, theirs = f"model.layers.{layer}.", f"transformer.encoder.layers.{layer}."
        for ending in ("weight", "bias"):
            out[theirs + "self_attention.query_key_value." + ending] = torch.cat([weights[f"{ours}self_attn.{p}_proj.{ending}"] for p in "qkv"])
        out[theirs + "self_attention.dense.weight"] = weights[ours + "self_attn.o_proj.weight"]
        out[theirs + "mlp.dense_h_to_4h.weight"] = torch.cat([weights[ours + "mlp.gate_proj.weight"], weights[ours + "mlp.up_proj.weight"]])
        out[theirs + "mlp.dense_4h_to_h.weight"] = weights[ours + "mlp.down_proj.weight"]
        for norm in ("input_layernorm", "post_attention_layernorm"):
            out[f"{theirs}{norm}.weight"] = weights[f"{ours}{norm}.weight"]
    return out


def moss(weights, s):
    """Rows of queries, values and keys of the first quarter of the heads, then of the second, ..."""
    names = {"input_layernorm": "ln_1", "self_attn.o_proj": "attn.out_proj", "mlp.up_proj": "mlp.fc_in", "mlp.down_proj": "mlp.fc_out"}
    out = {"transformer.wte.weight": weights["model.embed_tokens.weight"]}
    for ending in ("weight", "bias"):
        out["transformer.ln_f." + ending], out["lm_head." + ending] = weights["model.norm." + ending], weights["lm_head." + ending]
    for name, value in weights.items():
        layer, inside = layer_name(name)
        module, ending = inside.rsplit(".", 1)
        if layer is not None and module in names:
            out[f"transformer.h.{layer}.{names[module]}.{ending}"] = value
    for layer in range(L):
        parts = [weights[f"model.layers.{layer}.self_attn.{p}_proj.weight"].chunk(4) for p in "qvk"]
        out[f"transformer.h.{layer}.attn.qkv_proj.weight"] = torch.cat([part for core in zip(*parts) for part in core])
    return out


LLAMA = {k: v for k, v in SHAPE.items() if "token" not in k}
CHATGLM = dict(architectures=["ChatGLMModel"], model_type="chatglm", num_layers=L, hidden_size=D, ffn_hidden_size=F, num_attention_heads=H, kv_channels=E,
               multi_query_attention=True, multi_query_group_num=KV, padded_vocab_size=V, seq_length=128, layernorm_epsilon=1e-5, rmsnorm=True,
               add_bias_linear=False, add_qkv_bias=True, rope_ratio=50, original_rope=True, apply_residual_connection_post_layernorm=False,
               post_layer_norm=True, pre_seq_len=None, quantization_bit=0, torch_dtype="bfloat16")
# name: (what differs from Llama, names in files, config.json)
FAMILIES = {
    "internlm": (style(kv=H, qkv_bias=True, o_bias=True), same,
                 dict({k: v for k, v in LLAMA.items() if k != "num_key_value_heads"}, architectures=["InternLMForCausalLM"], model_type="internlm", bias=True,
                      rms_norm_eps=1e-6, rotary={"base": 10000, "type": "dynamic", "scaling_factor": 2.0}, tie_word_embeddings=False)),
    "internlm2": (style(theta=1e6, stretch=2.0, eps=1e-5), internlm2,
                  dict(LLAMA, architectures=["InternLM2ForCausalLM"], model_type="internlm2", bias=False, rms_norm_eps=1e-5, rope_theta=1e6,
                       rope_scaling={"type": "linear", "factor": 2.0}, tie_word_embeddings=False)),
    "internlm2-bias": (style(qkv_bias=True, o_bias=True), internlm2,
                       dict(LLAMA, architectures=["InternLM2ForCausalLM"], model_type="internlm2", bias=True, rms_norm_eps=1e-6, tie_word_embeddings=False)),
    "internlm3": (style(qkv_bias=True, o_bias=True, mlp_bias=True), same,
                  dict(LLAMA, architectures=["InternLM3ForCausalLM"], model_type="internlm3", head_dim=E, qkv_bias=True, bias=True, rms_norm_eps=1e-6,
                       rope_scaling={"rope_type": "dynamic", "factor": 6.0}, tie_word_embeddings=False)),
    "minicpm": (style(embedding=12.0, residual=1.4 / math.sqrt(L), logits=16 / D, eps=1e-5, tied=True), same,
                dict(LLAMA, architectures=["MiniCPMForCausalLM"], model_type="minicpm", scale_emb=12, scale_depth=1.4, dim_model_base=16, rms_norm_eps=1e-5)),
    "moss": (style(kv=H, rotary=4, neighbours=True, eps=1e-5, moss=True), moss,
             dict(architectures=["MossForCausalLM"], model_type="moss", n_embd=D, n_inner=F, n_layer=L, n_head=H, n_positions=128, n_ctx=128, vocab_size=V,
                  rotary_dim=4, activation_function="gelu_new", layer_norm_epsilon=1e-5, attn_pdrop=0.0, embd_pdrop=0.0, resid_pdrop=0.0, scale_attn_weights=True,
                  tie_word_embeddings=False, wbits=32, groupsize=128, torch_dtype="bfloat16")),
    "chatglm": (style(qkv_bias=True, rotary=E // 2, neighbours=True, theta=500000.0, eps=1e-5), chatglm, CHATGLM),
}  # fmt: skip


def main():
    for name in sys.argv[1:] or list(FAMILIES):
        s, in_files, config = FAMILIES[name]
        generator = torch.Generator().manual_seed(20261128)
        torch.manual_seed(1)
        model = Decoder(s).float().eval()
        randomize(model, generator)
        folder = OUT / name
        folder.mkdir(parents=True, exist_ok=True)
        # As published: the names of code that is not here.
        config["auto_map"] = {"AutoModelForCausalLM": f"modeling_{config['model_type']}.{config['architectures'][0]}"}
        (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")
        weights = {k: v.detach().clone() for k, v in model.named_parameters()}
        save_file({k: v.bfloat16().contiguous() for k, v in in_files(weights, s).items()}, folder / "model.safetensors", metadata={"format": "pt"})
        ids = torch.randint(3, V, (1, LENGTH), generator=generator)
        loss = loss_of(model, ids)
        loss.backward()
        reference = {"ids": ids[0].int(), "labels": labels_of(ids)[0].int(), "logits": model(input_ids=ids).logits[0].detach(), "loss": loss.detach().reshape(1)}
        for key, p in model.named_parameters():
            reference["grad_norm." + key] = p.grad.norm().reshape(1)
            reference["grad_rows." + key] = p.grad[:4].clone().contiguous()
        save_file(reference, folder / "reference.safetensors")
        make_lora(folder, model, ALL, generator)
        print(name, "written", sum(f.stat().st_size for f in folder.iterdir()))


if __name__ == "__main__":
    main()
