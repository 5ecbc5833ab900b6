"""Logits of Hugging Face transformers + PEFT for given token ids, as the judge of what Collie exports.

Writes fp32 logits [N, vocab_size] of all documents, one after another. Weights are taken as they are stored and computed with in
fp32; each document is a forward pass of its own, so that packing on our side is judged as well.
"""

import argparse
import json

import numpy
import peft
import torch
import transformers


def logits(job):
    model = transformers.AutoModelForCausalLM.from_pretrained(job["model"], dtype=torch.float32)
    if job["adapter"]:
        model = peft.PeftModel.from_pretrained(model, job["adapter"])
        if not any(part in name for part in ("lora_", "ia3_", "prompt_encoder") for name, _ in model.named_parameters()):
            raise SystemExit(f"{job['adapter']} added no weights")
    model.eval()
    with open(job["ids"]) as file:
        documents = json.load(file)
    with torch.no_grad():
        # Prompt tuning answers for its virtual tokens as well, which come first.
        rows = [model(input_ids=torch.tensor([ids])).logits[0, -len(ids):] for ids in documents]
    numpy.concatenate([part.float().numpy() for part in rows]).astype("<f4").tofile(job["out"])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("jobs", help="JSON file: a list of {model, adapter or null, ids, out}; ids: a JSON list of documents")
    with open(parser.parse_args().jobs) as file:
        for job in json.load(file):
            logits(job)


if __name__ == "__main__":
    main()
