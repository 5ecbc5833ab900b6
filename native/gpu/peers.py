"""The benchmarks of check.sh that transformers and PEFT can do as well, by them: the same shapes, tokens, precision and trained tensors.

    python3 native/gpu/peers.py [--device cuda|cpu]

bf16 weights drawn on the device, attention by torch's scaled_dot_product_attention (causal, no mask), the loss over all positions, fused AdamW, clipping
to 1, and no padding: what a careful user of both libraries gets. Where a step does not fit without activation checkpointing it is taken with it, and
the line says so. Prints a line each: "peer <name>: <tokens/s>, peak <GB>". With --device cpu: in small, to try the script.
"""
import argparse
import sys
import time

sys.path.pop(0)  # transformers looks for a package that is called like a script of this folder
import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

SHAPES = {
    "1b": dict(hidden_size=2048, intermediate_size=8192, num_hidden_layers=16, num_attention_heads=32, num_key_value_heads=8, vocab_size=128256),
    "8b": dict(hidden_size=4096, intermediate_size=14336, num_hidden_layers=32, num_attention_heads=32, num_key_value_heads=8, vocab_size=128256),
    "tiny": dict(hidden_size=64, intermediate_size=160, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, vocab_size=512),
}
LINEARS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def build(shape, method, checkpointing, device):
    config = LlamaConfig(**SHAPES[shape], max_position_embeddings=8192, tie_word_embeddings=shape == "1b", use_cache=False, attn_implementation="sdpa")
    with torch.device(device):
        torch.set_default_dtype(torch.bfloat16)
        model = LlamaForCausalLM(config)
        torch.set_default_dtype(torch.float32)
    if method == "lora":
        model = get_peft_model(model, LoraConfig(r=16, lora_alpha=32, target_modules=LINEARS))
    if checkpointing:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        model.enable_input_require_grads()
    return model.train()


def steps(shape, method, batch, seq, checkpointing, device, warmup=2, timed=4):
    model = build(shape, method, checkpointing, device)
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-4, fused=device == "cuda")
    ids = torch.randint(0, SHAPES[shape]["vocab_size"], (batch, seq), device=device)
    wait = torch.cuda.synchronize if device == "cuda" else lambda: None
    for step in range(warmup + timed):
        if step == warmup:
            wait()
            begun = time.perf_counter()
        model(input_ids=ids, labels=ids).loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    wait()
    return timed * batch * seq / (time.perf_counter() - begun)


def measure(name, shape, method, batch, seq, device):
    for checkpointing in (False, True):
        if device == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
        try:
            rate = steps(shape, method, batch, seq, checkpointing, device)
        except torch.OutOfMemoryError:
            continue
        peak = torch.cuda.max_memory_allocated() / 1e9 if device == "cuda" else 0
        print(f"peer {name}: {rate:.1f} tokens/s, peak {peak:.2f} GB{', with activation checkpointing' if checkpointing else ''}", flush=True)
        return
    print(f"peer {name}: does not fit", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    device = parser.parse_args().device
    torch.manual_seed(0)
    if device == "cpu":
        return measure("tiny-lora", "tiny", "lora", 2, 16, device)
    measure("1b-full (bf16 weights and states)", "1b", "full", 8, 1024, device)
    measure("8b-lora", "8b", "lora", 2, 4096, device)


main()
