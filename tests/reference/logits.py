"""Logits of Hugging Face transformers + PEFT for given token ids, as the judge of what Collie exports.

Writes fp32 logits [N, vocab_size] of all documents, one after another. Weights are taken as they are stored and computed with in
fp32; each document is a forward pass of its own, so that packing on our side is judged as well.
"""

import argparse
import json

import numpy
import torch
import transformers


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True)
    parser.add_argument("--adapter")
    parser.add_argument("--ids", required=True, help="JSON file: a list of documents, each a list of ids")
    parser.add_argument("--out", required=True)
    arguments = parser.parse_args()

    model = transformers.AutoModelForCausalLM.from_pretrained(arguments.model, dtype=torch.float32)
    if arguments.adapter:
        import peft

        model = peft.PeftModel.from_pretrained(model, arguments.adapter)
        if not any("lora_" in name for name, _ in model.named_parameters()):
            raise SystemExit("the adapter added no LoRA weights")
    model.eval()
    with open(arguments.ids) as file:
        documents = json.load(file)
    with torch.no_grad():
        logits = [model(input_ids=torch.tensor([ids])).logits[0] for ids in documents]
    numpy.concatenate([rows.float().numpy() for rows in logits]).astype("<f4").tofile(arguments.out)


if __name__ == "__main__":
    main()
