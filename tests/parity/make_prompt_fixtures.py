"""Makes the fixtures of methods with virtual tokens and of 4-bit weights in tests/fixtures/prompt, on the tiny model of
tests/fixtures/parity/llama-gqa-tied:

- per method of PEFT: values to start from, the losses of 20 AdamW steps, the adapter that PEFT saves then, and its logits;
- of bitsandbytes: quantized matrices, and the logits of the model with every linear of its layers quantized.

    python tests/parity/make_prompt_fixtures.py

Needs torch, transformers, peft, bitsandbytes and safetensors. The fixtures are committed; the engine's tests read them without
Python.
"""

from pathlib import Path

import bitsandbytes.functional as bnb
import torch
from peft import PrefixTuningConfig, PromptEncoderConfig, PromptTuningConfig, get_peft_model
from safetensors.torch import save_file
from transformers import LlamaForCausalLM

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
MODEL = FIXTURES / "parity" / "llama-gqa-tied"
OUT = FIXTURES / "prompt"
STEPS, SLOTS = 20, 6
METHODS = {
    "prompt_tuning": (PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=SLOTS), 5e-2),
    "prefix_tuning": (PrefixTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=SLOTS), 5e-2),
    "p_tuning": (PromptEncoderConfig(task_type="CAUSAL_LM", num_virtual_tokens=SLOTS, encoder_hidden_size=24), 5e-3),
}


def base_model():
    return LlamaForCausalLM.from_pretrained(MODEL, attn_implementation="eager", torch_dtype=torch.float32).eval()


def labels_of(ids):
    """Every third token is not counted; the first never is."""
    labels = ids.clone()
    labels[:, ::3] = -100
    return labels


def logits_of(model, ids):
    """Of the real tokens only: with input vectors PEFT returns those of the virtual tokens as well."""
    return model(input_ids=ids).logits[:, -ids.shape[1] :].float()


def loss_of(model, ids):
    logits = logits_of(model, ids)
    labels = labels_of(ids)[:, 1:].reshape(-1)
    return torch.nn.functional.cross_entropy(logits[:, :-1].reshape(-1, logits.shape[-1]), labels, ignore_index=-100, reduction="sum")


def counted(ids):
    return int((labels_of(ids)[:, 1:] != -100).sum())


def our_name(method, key):
    """prompt_encoder.default.mlp_head.0.weight -> prompt_encoder.mlp_head.0.weight; one embedding is prompt_embeddings."""
    return key.replace(".default", "") if method == "p_tuning" else "prompt_embeddings"


def make_method(method, config, rate, generator):
    vocabulary = 300
    model = get_peft_model(base_model(), config)
    trained = [(k, p) for k, p in model.named_parameters() if p.requires_grad]
    for _, p in trained:
        if method == "prefix_tuning":
            p.data = 0.5 * torch.randn(p.shape, generator=generator)
    start = {"start." + our_name(method, k): p.detach().clone() for k, p in trained}
    optimizer = torch.optim.AdamW([p for _, p in trained], lr=rate, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0)
    documents = torch.randint(0, vocabulary, (4, 20), generator=generator)
    losses = []
    for step in range(STEPS):
        pair = [documents[(2 * step + i) % 4 : (2 * step + i) % 4 + 1] for i in range(2)]
        total = sum(counted(d) for d in pair)
        optimizer.zero_grad()
        summed = 0.0
        for document in pair:
            loss = loss_of(model, document)
            (loss / total).backward()
            summed += loss.item()
        losses.append(summed / total)
        optimizer.step()
    ids = torch.randint(0, vocabulary, (1, 16), generator=generator)
    model.eval()
    with torch.no_grad():
        logits = logits_of(model, ids)[0]
    model.peft_config["default"].base_model_name_or_path = "llama-gqa-tied"
    model.save_pretrained(OUT / method)
    (OUT / method / "README.md").unlink(missing_ok=True)
    save_file({**start, "documents": documents.int(), "labels": labels_of(documents).int(), "losses": torch.tensor(losses),
               "rate": torch.tensor([rate]), "ids": ids[0].int(), "logits": logits.contiguous()}, OUT / f"{method}.safetensors")
    print(method, losses[0], losses[-1])


def quantized(weight):
    codes, state = bnb.quantize_4bit(weight, blocksize=64, compress_statistics=True, quant_type="nf4")
    return codes, state, bnb.dequantize_4bit(codes, state)


def make_nf4(generator):
    """Matrices of whole blocks, with a shorter last block, with one block of zeros, and of bf16 values."""
    plain = 0.08 * torch.randn(64, 272, generator=generator)
    zeros = 0.08 * torch.randn(8, 64, generator=generator)
    zeros[3] = 0
    matrices = {"whole": plain, "ragged": 0.5 * torch.randn(6, 50, generator=generator), "zeros": zeros,
                "bf16": (0.08 * torch.randn(32, 96, generator=generator)).bfloat16()}
    out = {}
    for name, weight in matrices.items():
        codes, state, values = quantized(weight)
        out |= {f"{name}.weight": weight, f"{name}.codes": codes.reshape(-1), f"{name}.magnitudes": state.absmax,
                f"{name}.scales": state.state2.absmax, f"{name}.offset": state.offset.reshape(1), f"{name}.values": values}
    out["map"] = state.state2.code
    model = base_model()
    for name, p in model.named_parameters():
        if "layers." in name and p.dim() == 2:
            p.data = quantized(p.data)[2]
    ids = torch.randint(0, 300, (1, 24), generator=generator)
    with torch.no_grad():
        out |= {"ids": ids[0].int(), "logits": model(input_ids=ids).logits[0].contiguous()}
    save_file(out, OUT / "nf4.safetensors")


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    generator = torch.Generator().manual_seed(20260302)
    torch.manual_seed(2)
    for method, (config, rate) in METHODS.items():
        make_method(method, config, rate, generator)
    make_nf4(generator)


if __name__ == "__main__":
    main()
