"""Predicts how long a step of `collie-rank bench --device cuda` takes, part by part, from what the card gives.

    python3 native/gpu/model.py [--ceilings gpu-out/ceilings.log] [--measured gpu-out/bench.log]
    python3 native/gpu/model.py --targets

Without --ceilings the card is the H100 below: rates that others have published for it, never measured by us. With it, all rates are scaled by what
ceilings.py measured. With --measured the prediction of every benchmark in that log stands beside what it reached, else those of check.sh. "As written"
is the engine of today; "mended" has the known losses removed (MENDS, each by a name; those that are in count in both). --targets prints the
table of docs/benchmarks.md, on the card that was measured last. Counted: arithmetic of the matrix products and of attention, bytes of the elementwise
kernels or, where those are more, their instructions, and the launches and waits of a step. Everything runs one after another, as it does.
"""
import argparse
import json
import re
import shlex
from dataclasses import dataclass

# An H100 SXM in the shapes of ceilings.py.
COPY, GEMM, FLASH_FORWARD, FLASH_BACKWARD = 3.0e12, 680e12, 345e12, 290e12


@dataclass(frozen=True)
class Card:
    """Bytes, operations and instructions a second."""

    copy: float = COPY
    gemm: float = 1.0  # factors on the rates of a Model
    flash_forward: float = 1.0
    flash_backward: float = 1.0

    instructions: float = 18e12


# docs/benchmarks.md, 2026-11-28: the rates of that card in ceilings.py, and what its predictions of check.sh's three runs came from.
MEASURED = Card(3.02e12, 1.16, 268e12 / FLASH_FORWARD, 254e12 / FLASH_BACKWARD)

# What makes a step faster: whether the engine has it, and what it is.
MENDS = {
    "nf4 by packs": (True, "16 bytes of codes at a time and no division: 7 instructions a value in place of 40"),
    "8-bit kernel": (False, "8-bit AdamW in one kernel a tensor, in place of 32 small ones per 131,072 values"),
    "cudnn": (False, "cuDNN's attention or FlashAttention-3, without the copies round it"),
    "adapters": (False, "adapters in few grouped products; dx is not read again for them"),
    "nf4 once": (False, "weights unpacked once in place of three times"),
    "one launch": (False, "one launch for norm, zeroing, update and copies of all tensors, no wait in a step"),
    "bf16 states": (False, "bf16 weights, gradients and moments; gradients are not read again to add to them"),
    "fp8": (False, "products of the layers in fp8, at 1.6 times the rate"),
}
LANDED = frozenset(name for name, (landed, _) in MENDS.items() if landed)
MENDED = frozenset(MENDS) - {"fp8"}
FP8 = 1.6


@dataclass(frozen=True)
class Model:
    hidden: int
    inner: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    vocabulary: int
    tied: bool
    gemm: float  # operations a second that products of its widths reach on the card above
    flash: tuple[float, float]  # forward, backward

    @property
    def body(self):
        """Parameters of the linear layers."""
        attention = self.hidden * (self.heads + 2 * self.kv_heads) * self.head_dim + self.heads * self.head_dim * self.hidden
        return self.layers * (attention + 3 * self.hidden * self.inner)


MODELS = {
    "1b": Model(2048, 8192, 16, 32, 8, 64, 128256, True, 620e12, (260e12, 200e12)),
    "8b": Model(4096, 14336, 32, 32, 8, 128, 128256, False, GEMM, (FLASH_FORWARD, FLASH_BACKWARD)),
    "qwen3-8b": Model(4096, 12288, 36, 32, 8, 128, 151936, False, GEMM, (FLASH_FORWARD, FLASH_BACKWARD)),
    "qwen2.5-0.5b": Model(896, 4864, 24, 14, 2, 64, 151936, True, 560e12, (260e12, 200e12)),
    "qwen2.5-1.5b": Model(1536, 8960, 28, 12, 2, 128, 151936, True, 620e12, (FLASH_FORWARD, FLASH_BACKWARD)),
    "qwen2.5-7b": Model(3584, 18944, 28, 28, 4, 128, 152064, False, GEMM, (FLASH_FORWARD, FLASH_BACKWARD)),
}


@dataclass(frozen=True)
class Job:
    shape: str
    method: str = "lora"
    rank: int = 16
    batch: int = 4
    seq: int = 512
    nf4: bool = False
    optimizer: str = "adamw"
    accumulation: int = 1  # micro-batches a step
    checkpointing: bool = False  # of all layers

    @property
    def tokens(self):
        return self.batch * self.seq

    def __str__(self):
        method = self.method if self.method == "full" else f"{'q' if self.nf4 else ''}lora r{self.rank}"
        return f"{self.shape} {method}, {self.batch} x {self.seq}"


CHECKED = [Job("1b", "full", batch=8, seq=1024), Job("8b", batch=2, seq=4096), Job("8b", batch=2, seq=4096, nf4=True)]


def head(m, job, card):
    """Head and cross entropy over the whole vocabulary, in chunks of rows."""
    full, v = job.method == "full", m.vocabulary
    rows = min(2048, (640 << 20) // (2 * v) // 128 * 128)
    chunks = -(-job.tokens // rows)
    padded = -(-rows // 128) * 128  # a tile of the product
    products = 0
    for pass_index in range(3 if full else 2):  # forward, hidden gradient, table gradient
        table = v * m.hidden * (8 if pass_index == 2 else 2)  # fp32 read and written, or bf16 read
        products += max(2 * padded * m.hidden * v / (m.gemm * card.gemm), (table + rows * v * 2) / card.copy)
    return products * chunks, job.tokens * v * 6 / card.copy * 0.7


# What is wanted of one H100, tokens a second: the job, the rate, whether with products in fp8.
def _full(shape, batch, **more):
    return Job(shape, "full", batch=batch, seq=1024, accumulation=524288 // (batch * 1024), **more)


_EIGHT = Job("8b", batch=2, seq=4096, accumulation=16)
_QWEN3 = Job("qwen3-8b", batch=4, seq=2048, accumulation=16)
_SEVEN = _full("qwen2.5-7b", 4, optimizer="adamw8bit", checkpointing=True)
TARGETS = [
    (_EIGHT, 14500, False),
    (_EIGHT, 17000, True),
    (_QWEN3, 11000, False),
    (_QWEN3, 12500, True),
    (Job("8b", batch=2, seq=4096, accumulation=16, nf4=True), 10500, False),
    (_full("qwen2.5-0.5b", 32), 150000, False),
    (_full("qwen2.5-1.5b", 16), 60000, False),
    (_SEVEN, 14000, False),
    (_SEVEN, 19000, True),
]


def predict(job, card, mends=LANDED):
    """Seconds of the parts of one micro-batch, with its share of the optimizer step: {name: seconds}."""
    m, n, full = MODELS[job.shape], job.tokens, job.method == "full"
    q_width, kv_width = m.heads * m.head_dim, m.kv_heads * m.head_dim
    gemm = m.gemm * card.gemm * (FP8 if "fp8" in mends else 1)
    cudnn = "cudnn" in mends
    forward, backward = m.flash if not cudnn else (1.62 * m.flash[0], 1.59 * m.flash[1])  # FA2; cuDNN or FA3
    causal = 4 * n * (job.seq / 2) * q_width * m.layers
    each = lambda count, size: m.layers * n * count * size / (card.copy * 0.93)  # in packs of 16 bytes
    parts = {
        "products of the layers": (6 if full else 4) * m.body * n / gemm,
        "attention": causal / (forward * card.flash_forward) + 2.5 * causal / (backward * card.flash_backward),
        "swiglu": each(m.inner, 6) + each(m.inner, 10),
        "rotary": 2 * each((m.heads + m.kv_heads) * m.head_dim / 2, 8),
        "norms": 4 * each(m.hidden, 8),
    }
    parts["head"], parts["cross entropy"] = head(m, job, card)
    if job.checkpointing:
        parts["recomputed"] = 0.73 * 2 * m.body * n / gemm + causal / (forward * card.flash_forward)
    if not cudnn:
        parts["copies round attention"] = m.layers * n * 2 * (6 * q_width + 2 * (q_width + 2 * kv_width)) / (card.copy * 0.83)
        parts["attention's own temporaries"] = m.layers * n * q_width * 20 / (card.copy * 1.67)
    if full and "bf16 states" not in mends:
        parts["fp32 gradients read and written"] = m.body * 4 / card.copy
    if not full:
        x = m.layers * n * 2 * (2 * m.hidden + q_width + m.inner)
        dy = m.layers * n * 2 * (q_width + 2 * kv_width + 2 * m.hidden + 2 * m.inner)
        grouped = "adapters" in mends
        parts["adapter products"] = (2 * x + dy + (0 if grouped else 2 * x)) / (card.copy * (0.9 if grouped else 0.55))
    if job.nf4:
        passes, instructions = 1 if "nf4 once" in mends else 3, 7.2 if "nf4 by packs" in mends else 40
        parts["NF4 dequantized"] = passes * m.body * max(instructions / card.instructions, 2.53 / card.copy)
    tensors = (9 * m.layers + 3) if full else 14 * m.layers
    trained = m.body + m.vocabulary * m.hidden * (1 if m.tied else 2) if full else 0
    if job.optimizer == "adamw8bit":
        update = trained * (20 / (card.copy * 0.87) if "8-bit kernel" in mends else 0.97e-9)
    else:
        update = trained * (18 if "bf16 states" in mends else 42) / (card.copy * 0.87)
    step = update + (0.3e-3 if "one launch" in mends else tensors * 20e-6 + 1e-3)
    parts["update, norm, zeroing"] = step / job.accumulation
    return parts


def measured_card(path):
    with open(path, encoding="utf-8") as file:
        lines = [line for line in file if line.startswith('{"device"')]
    if not lines:
        print(f"{path} has no line of JSON: ceilings.py did not end")
        return None
    found = json.loads(lines[-1])
    if found["device"] != "cuda":
        return None
    large = [rate for name, rate in found["gemm_tflops"].items() if min(map(int, name.split("x"))) >= 2048]
    flash = found["attention_tflops"].get("FLASH_ATTENTION", [FLASH_FORWARD / 1e12, FLASH_BACKWARD / 1e12])
    scale = lambda rate, usual: rate * 1e12 / usual
    return Card(found["copy_tb_s"] * 1e12, scale(sum(large) / len(large), GEMM), scale(flash[0], FLASH_FORWARD), scale(flash[1], FLASH_BACKWARD))


def measured_jobs(path):
    """(Job or None, what it was called, tokens a second) of every benchmark in a log of check.sh."""
    command, jobs = [], []
    with open(path, encoding="utf-8") as file:
        for line in file:
            if line.startswith("$ "):
                command = shlex.split(line[2:])
            elif found := re.match(r"(.+): ([\d.]+) tokens/s, peak", line):
                if line.startswith("step "):
                    continue
                option = lambda name, usual: command[command.index(name) + 1] if name in command else usual
                shape, ragged = option("--model-shape", None), "--tokens" in command
                numbers = {name: int(option(f"--{name}", str(getattr(Job, name)))) for name in ("batch", "seq", "rank")}
                job = Job(shape, option("--method", "lora"), nf4=option("--quantization", "none") == "nf4", **numbers)
                jobs.append((job if shape in MODELS and not ragged else None, found[1], float(found[2])))
    return jobs


def show(job, card, reached=None):
    parts, mended = predict(job, card), predict(job, card, MENDED)
    total = sum(parts.values())
    against = "" if reached is None else f"; measured {reached:.0f} tokens/s, {reached / (job.tokens / total):.2f} of that"
    print(f"{job}: {1e3 * total:.0f} ms, {job.tokens / total:.0f} tokens/s as written, {job.tokens / sum(mended.values()):.0f} mended{against}")
    for name, spent in sorted(parts.items(), key=lambda part: -part[1]):
        print(f"  {1e3 * spent:8.1f} ms {100 * spent / total:5.1f} %  {name}{'' if name not in mended else f' ({1e3 * mended[name]:.1f} mended)'}")


def rate(job, card, mends):
    return job.tokens / sum(predict(job, card, frozenset(mends)).values())


def table(card):
    """Markdown: every target beside the engine without any mend, as it is, with all of them; then what each mend alone would add."""
    yield "| what | target | before | as it is | all of it |"
    yield "| --- | --- | --- | --- | --- |"
    for job, target, fp8 in TARGETS:
        more = ["fp8"] if fp8 else []
        rates = [rate(job, card, []), rate(job, card, LANDED), rate(job, card, MENDED.union(more))]
        yield f"| {job}{', fp8' if fp8 else ''} | {target:,} | " + " | ".join(f"{one:,.0f}" for one in rates) + " |"
    yield ""
    yield "| | in | " + " | ".join(str(job) for job, _, fp8 in TARGETS if not fp8) + " |"
    yield "| --- | --- |" + " --- |" * sum(not fp8 for _, _, fp8 in TARGETS)
    for name, (landed, what) in MENDS.items():
        without = LANDED - {name}
        gains = [rate(job, card, without | {name}) / rate(job, card, without) - 1 for job, _, fp8 in TARGETS if not fp8]
        yield f"| {name}: {what} | {'yes' if landed else 'no'} | " + " | ".join(f"{100 * gain:.1f} %" for gain in gains) + " |"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ceilings", help="the log of ceilings.py; when it is not there, the card above counts")
    parser.add_argument("--measured", help="the log of check.sh's benchmarks")
    parser.add_argument("--targets", action="store_true", help="the table of targets, in Markdown")
    options = parser.parse_args()
    if options.targets:
        print("\n".join(table(MEASURED)))
        return
    card = None
    if options.ceilings:
        try:
            card = measured_card(options.ceilings)
        except FileNotFoundError:
            pass
    print(f"Ceilings: {'as measured' if card else 'published ones of an H100'}")
    card = card or Card()
    for job, name, reached in measured_jobs(options.measured) if options.measured else [(job, "", None) for job in CHECKED]:
        if job:
            show(job, card, reached)
        else:
            print(f"{name}: {reached:.1f} tokens/s; no prediction for this model or these lengths")


main()
