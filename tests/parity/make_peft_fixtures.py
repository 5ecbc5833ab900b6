"""Makes the fixtures in tests/fixtures/peft: for every method on linear layers that PEFT has, 20 training steps on a tiny model
of tests/fixtures/parity. Each folder holds the adapter as PEFT saved it in the end, and training.safetensors: the values it
started with, documents, labels, losses, and the logits of the trained model.

    python tests/parity/make_peft_fixtures.py

Needs torch, transformers, peft and safetensors, and the fixtures that make_fixtures.py makes. The engine's tests read the
result without Python.
"""

import json
import shutil
import tempfile
from pathlib import Path

import torch
from peft import AdaLoraConfig, IA3Config, LoraConfig, get_peft_model
from peft.optimizers import create_loraplus_optimizer
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
STEPS, RATE, DECAY = 20, 5e-3, 0.01
LORA_PLUS = 4


def cases():
    """name, model, PEFT's config, our method, ratio of LoRA+"""
    task = dict(task_type="CAUSAL_LM")  # without it PEFT leaves AdaLoRA's penalty out
    factors = dict(**task, r=4, lora_alpha=8, target_modules=TARGETS, lora_dropout=0.0)
    ours = dict(rank=4, alpha=8, target_modules=TARGETS, modules_to_save=[], init_adapter=None)
    lora = dict(type="lora", dropout=0, scaling="standard", lr_ratio=1, **ours)
    yield "lora", "llama-gqa-tied", LoraConfig(**factors), lora, 1
    yield ("rslora-plus", "llama-gqa-tied", LoraConfig(**factors, use_rslora=True),
           {**lora, "scaling": "rank_stabilized", "lr_ratio": LORA_PLUS}, LORA_PLUS)
    one = ["layers.1.self_attn.q_proj", "layers.0.mlp.down_proj"]
    yield ("lora-norms", "mistral-window",
           LoraConfig(**{**factors, "target_modules": one}, modules_to_save=["model.norm", "input_layernorm"]),
           {**lora, "target_modules": one, "modules_to_save": ["norm", "input_layernorm"]}, 1)
    yield "dora", "llama-gqa-tied", LoraConfig(**factors, use_dora=True), dict(type="dora", lr_ratio=1, **ours), 1
    yield ("pissa", "llama-gqa-tied", LoraConfig(**factors, init_lora_weights="pissa"),
           dict(type="pissa", dropout=0, rank=4, alpha=8, target_modules=TARGETS, modules_to_save=[]), 1)
    yield ("adalora", "llama-gqa-tied",
           AdaLoraConfig(**task, init_r=4, target_r=2, tinit=4, tfinal=6, deltaT=2, beta1=0.85, beta2=0.8, orth_reg_weight=0.5,
                         total_step=STEPS, lora_alpha=8, target_modules=TARGETS, lora_dropout=0.0),
           dict(type="adalora", init_rank=4, target_rank=2, alpha=8, dropout=0, start_ratio=0.2, end_ratio=0.3, interval=2,
                beta1=0.85, beta2=0.8, orthogonality=0.5, target_modules=TARGETS, modules_to_save=[]), 1)
    yield ("ia3", "llama-gqa-tied", IA3Config(**task, target_modules=["k_proj", "v_proj", "down_proj"], feedforward_modules=["down_proj"]),
           dict(type="ia3", target_modules=["k_proj", "v_proj", "down_proj"], feedforward_modules=["down_proj"], modules_to_save=[],
                init_adapter=None), 1)
    wide = ["q_proj", "o_proj", "up_proj", "down_proj"]
    yield ("ia3-wide", "mistral-window", IA3Config(**task, target_modules=wide, feedforward_modules=["o_proj", "down_proj"]),
           dict(type="ia3", target_modules=wide, feedforward_modules=["o_proj", "down_proj"], modules_to_save=[], init_adapter=None), 1)


def labels_of(ids):
    """Every third token is not counted; the first never is."""
    labels = ids.clone()
    labels[:, ::3] = -100
    return labels


def summed_loss(logits, ids):
    labels = labels_of(ids)[:, 1:].reshape(-1)
    return torch.nn.functional.cross_entropy(logits[:, :-1].float().reshape(-1, logits.shape[-1]), labels, ignore_index=-100, reduction="sum")


def counted(ids):
    return int((labels_of(ids)[:, 1:] != -100).sum())


def our_name(name):
    for part in ("base_model.model.", ".default", ".modules_to_save"):
        name = name.replace(part, "")
    return name


def optimizer_of(peft, ratio):
    if ratio > 1:
        return create_loraplus_optimizer(peft, torch.optim.AdamW, lr=RATE, loraplus_lr_ratio=ratio, loraplus_weight_decay=DECAY)
    trained = [(n, p) for n, p in peft.named_parameters() if p.requires_grad]
    vector = [p for n, p in trained if p.ndim == 1 or "ia3_l" in n]
    matrix = [p for n, p in trained if not (p.ndim == 1 or "ia3_l" in n)]
    return torch.optim.AdamW([{"params": matrix, "weight_decay": DECAY}, {"params": vector, "weight_decay": 0.0}], lr=RATE)


def penalty_of(peft, ids):
    """What AdaLoRA adds to a loss: PEFT's loss less the cross entropy."""
    out = peft(input_ids=ids, labels=ids)
    entropy = torch.nn.functional.cross_entropy(out.logits[:, :-1].float().reshape(-1, out.logits.shape[-1]), ids[:, 1:].reshape(-1))
    return out.loss - entropy


def train(peft, documents, ratio):
    optimizer = optimizer_of(peft, ratio)
    adalora = hasattr(peft.base_model, "rankallocator")
    losses, ranks = [], []
    for step in range(1, STEPS + 1):
        pair = [documents[(2 * step + i) % 4 : (2 * step + i) % 4 + 1] for i in range(2)]
        total = sum(counted(d) for d in pair)
        optimizer.zero_grad()
        summed = 0.0
        for document in pair:
            loss = summed_loss(peft(input_ids=document).logits, document)
            (loss / total).backward()
            summed += loss.item()
        if adalora:
            penalty_of(peft, pair[0]).backward()
        losses.append(summed / total)
        optimizer.step()
        if adalora:
            peft.base_model.update_and_allocate(step)
            pattern = peft.peft_config["default"].rank_pattern
            ranks.append(sum(sum(p) for p in pattern.values()) if pattern else -1)
    return losses, ranks


def make(name, base, config, method, ratio, generator):
    out = FIXTURES / "peft" / name
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    model = AutoModelForCausalLM.from_pretrained(FIXTURES / "parity" / base, attn_implementation="eager", dtype=torch.float32)
    peft = get_peft_model(model, config)
    peft.train()
    start = {}
    for key, p in peft.named_parameters():
        if not p.requires_grad:
            continue
        if "lora_B" in key and method["type"] in ("lora", "dora"):
            p.data = 0.02 * torch.randn(p.shape, generator=generator)  # zeros would leave A without a gradient in the first step
        if "ia3_l" in key:
            p.data = 1 + 0.1 * torch.randn(p.shape, generator=generator)
        start["start." + our_name(key)] = p.detach().clone().contiguous()
    documents = torch.randint(0, 300, (4, 20), generator=generator)
    with tempfile.TemporaryDirectory() as initial:
        pissa = method["type"] == "pissa"
        if pissa:
            peft.peft_config["default"].init_lora_weights = True  # the factors as they are, whatever they came from
            peft.save_pretrained(initial)
            peft.peft_config["default"].init_lora_weights = "pissa"
        losses, ranks = train(peft, documents, ratio)
        ids = torch.randint(0, 300, (1, 24), generator=generator)
        peft.eval()
        logits = peft(input_ids=ids).logits[0].detach()
        # PiSSA is saved as LoRA of twice the rank on the untouched base.
        extra = {"path_initial_model_for_weight_conversion": initial} if pissa else {}
        peft.save_pretrained(out, **extra)
    (out / "README.md").unlink()
    config_path = out / "adapter_config.json"
    saved = json.loads(config_path.read_text())
    saved["base_model_name_or_path"] = base
    config_path.write_text(json.dumps(saved, indent=1) + "\n")
    (out / "method.json").write_text(json.dumps({"model": base, "method": method}, indent=1) + "\n")
    tensors = {**start, "documents": documents.int(), "labels": labels_of(documents).int(), "losses": torch.tensor(losses),
               "ids": ids[0].int(), "logits": logits.contiguous()}
    if ranks:
        tensors["ranks"] = torch.tensor(ranks, dtype=torch.int32)
    save_file(tensors, out / "training.safetensors")
    print(name, [round(x, 4) for x in (losses[0], losses[-1])], ranks)


def main():
    torch.set_num_threads(1)
    for index, case in enumerate(cases()):
        torch.manual_seed(index)
        make(*case, torch.Generator().manual_seed(20260102 + index))


if __name__ == "__main__":
    main()
