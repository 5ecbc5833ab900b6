"""Makes the parity fixtures in tests/fixtures/parity: tiny random models in Hugging Face format with the logits, losses
and gradients that transformers computes for them, and the losses of 20 LoRA steps with PEFT.

    python tests/parity/make_fixtures.py

Needs torch, transformers, peft and safetensors. The fixtures are committed; the engine's tests read them without Python.
"""

import json
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM, MistralConfig, MistralForCausalLM

OUT = Path(__file__).resolve().parents[1] / "fixtures" / "parity"
TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
SHAPE = dict(vocab_size=300, hidden_size=64, intermediate_size=112, num_hidden_layers=2, num_attention_heads=4,
             num_key_value_heads=2, max_position_embeddings=512, attn_implementation="eager")
LORA_STEPS = 20


def models():
    llama3 = {"rope_type": "llama3", "rope_theta": 10000.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
              "original_max_position_embeddings": 64}
    yield "llama-gqa-tied", LlamaForCausalLM(LlamaConfig(**SHAPE, tie_word_embeddings=True, rms_norm_eps=1e-5))
    yield "llama3-untied", LlamaForCausalLM(LlamaConfig(**SHAPE, tie_word_embeddings=False, rope_parameters=llama3))
    yield "mistral-window", MistralForCausalLM(MistralConfig(**SHAPE, tie_word_embeddings=False, sliding_window=7))


def randomize(model, generator):
    for name, p in model.named_parameters():
        noise = torch.randn(p.shape, generator=generator)
        p.data = 1 + 0.1 * noise if "norm" in name else 0.08 * noise


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


def make(name, model, generator):
    folder = OUT / name
    folder.mkdir(parents=True, exist_ok=True)
    randomize(model, generator)
    model.float().eval()
    ids = torch.randint(0, SHAPE["vocab_size"], (1, 24), generator=generator)
    model.config.architectures = [type(model).__name__]
    weights = {k: v.clone().contiguous() for k, v in model.state_dict().items()
               if not (model.config.tie_word_embeddings and k == "lm_head.weight")}
    (folder / "config.json").write_text(json.dumps(model.config.to_dict(), indent=1, default=str) + "\n")
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})

    loss = loss_of(model, ids)
    loss.backward()
    reference = {"ids": ids[0].int(), "labels": labels_of(ids)[0].int(), "logits": model(input_ids=ids).logits[0].detach(),
                 "loss": loss.detach().reshape(1)}
    # Norms of all gradients and the first rows of each: enough to see a wrong one, a tenth of the size.
    for key, p in model.named_parameters():
        if key in weights:
            reference["grad_norm." + key] = p.grad.norm().reshape(1)
            reference["grad_rows." + key] = p.grad[:4].clone().contiguous()
    save_file(reference, folder / "reference.safetensors")


def make_lora(name, model, generator):
    """LoRA on every linear, AdamW, two micro-batches of one document a step; losses are means over the step's targets."""
    folder = OUT / name
    peft = get_peft_model(model, LoraConfig(r=4, lora_alpha=8, lora_dropout=0.0, target_modules=TARGETS, bias="none"))
    start = {}
    for key, p in peft.named_parameters():
        if "lora_" in key:
            start["start." + key.replace("base_model.model.", "").replace(".default", "")] = p.detach().clone().contiguous()
    optimizer = torch.optim.AdamW([p for p in peft.parameters() if p.requires_grad], lr=5e-3, betas=(0.9, 0.999), eps=1e-8,
                                  weight_decay=0.01)
    documents = torch.randint(0, SHAPE["vocab_size"], (4, 20), generator=generator)
    losses = []
    for step in range(LORA_STEPS):
        pair = [documents[(2 * step + i) % 4 : (2 * step + i) % 4 + 1] for i in range(2)]
        total = sum(counted(d) for d in pair)
        optimizer.zero_grad()
        summed = 0.0
        for document in pair:
            loss = loss_of(peft, document)
            (loss / total).backward()
            summed += loss.item()
        losses.append(summed / total)
        optimizer.step()
    save_file({**start, "documents": documents.int(), "labels": labels_of(documents).int(),
               "losses": torch.tensor(losses)}, folder / "lora.safetensors")


def main():
    generator = torch.Generator().manual_seed(20260101)
    torch.manual_seed(1)
    for name, model in models():
        make(name, model, generator)
        make_lora(name, model, generator)
        print(name, "written")


if __name__ == "__main__":
    main()
