"""The baseline of `collie bench cpu`: training steps of Hugging Face transformers + PEFT.

Best fair settings: fused scaled-dot-product attention, fused AdamW, no activation checkpointing, no key-value cache, gradient
clipping as in Collie's default, dynamic padding to the longest row of the batch (nothing when all are equally long).

Precision bf16, as these libraries do it: LoRA keeps frozen weights in bf16 and adapters in fp32 (PEFT's default); full
fine-tuning keeps fp32 weights and computes under autocast (what Trainer's bf16=True does), for Collie also keeps fp32 masters.

Reads a model folder and a token store (native/core/formats/token_store.h); writes JSON lines: one `info`, one `step` at the end of
each step. The caller times steps from one end to the next, so that the first one warms up and is not counted.
"""

import argparse
import json
import time

import numpy
import torch
import transformers


def parse_arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--method", choices=["lora", "full"], required=True)
    parser.add_argument("--precision", choices=["bf16", "fp32"], required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--steps", type=int, required=True, help="with the warm-up step")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--alpha", type=float, default=32)
    parser.add_argument("--learning-rate", type=float, default=1e-4)
    return parser.parse_args()


def read_rows(folder):
    """(ids, mask) of every document of the training split."""
    ids = numpy.fromfile(f"{folder}/train.ids.u32", dtype="<u4").astype(numpy.int64)
    mask = numpy.fromfile(f"{folder}/train.mask.u8", dtype=numpy.uint8)
    offsets = numpy.fromfile(f"{folder}/train.offsets.u64", dtype="<u8").astype(numpy.int64)
    return [(ids[a:b], mask[a:b]) for a, b in zip(offsets, offsets[1:])]


def collate(rows):
    """Pads to the longest row. Labels of padding and of masked tokens are -100; returns the batch and its real tokens."""
    longest = max(len(ids) for ids, _ in rows)
    input_ids = torch.zeros(len(rows), longest, dtype=torch.long)
    labels = torch.full((len(rows), longest), -100, dtype=torch.long)
    attention_mask = torch.zeros(len(rows), longest, dtype=torch.long)
    for i, (ids, mask) in enumerate(rows):
        row = torch.from_numpy(ids.copy())
        input_ids[i, : len(ids)] = row
        labels[i, : len(ids)] = torch.where(torch.from_numpy(mask.copy()).bool(), row, -100)
        attention_mask[i, : len(ids)] = 1
    batch = {"input_ids": input_ids, "labels": labels}
    real = sum(len(ids) for ids, _ in rows)
    if real < input_ids.numel():
        batch["attention_mask"] = attention_mask
    return batch, real


def build_model(arguments):
    weights = torch.bfloat16 if arguments.precision == "bf16" and arguments.method == "lora" else torch.float32
    model = transformers.AutoModelForCausalLM.from_pretrained(
        arguments.model, dtype=weights, attn_implementation="sdpa", use_cache=False
    )
    if arguments.method == "lora":
        import peft

        config = peft.LoraConfig(
            r=arguments.rank,
            lora_alpha=arguments.alpha,
            lora_dropout=0.0,
            target_modules="all-linear",
            task_type="CAUSAL_LM",
        )
        model = peft.get_peft_model(model, config)
    model.train()
    return model


def main():
    arguments = parse_arguments()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    model = build_model(arguments)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=arguments.learning_rate, weight_decay=0.0, fused=True)
    autocast = torch.autocast(
        "cpu", torch.bfloat16, enabled=arguments.precision == "bf16" and arguments.method == "full"
    )
    rows = read_rows(arguments.data)
    info = {
        "type": "info",
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "trainable_params": sum(parameter.numel() for parameter in trained),
        "total_params": sum(parameter.numel() for parameter in model.parameters()),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
    }
    if arguments.method == "lora":
        import peft

        info["peft"] = peft.__version__
    print(json.dumps(info), flush=True)

    for step in range(arguments.steps):
        begin = step * arguments.batch
        picked = [rows[(begin + i) % len(rows)] for i in range(arguments.batch)]
        batch, real_tokens = collate(picked)
        with autocast:
            loss = model(**batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        record = {
            "type": "step",
            "tokens": real_tokens,
            "padded_tokens": batch["input_ids"].numel(),
            "loss": loss.item(),
            "time_us": time.time_ns() // 1000,
        }
        print(json.dumps(record), flush=True)


if __name__ == "__main__":
    main()
