"""Predicts how long a step of `collie-rank bench --device cuda` takes, part by part, from what the card gives.

    python3 native/gpu/model.py [--ceilings gpu-out/ceilings.log] [--measured gpu-out/bench.log]

Without --ceilings the card is the H100 below: rates that others have published for it, never measured by us. With it, all rates are scaled by what
ceilings.py measured. With --measured the prediction of every benchmark in that log stands beside what it reached, else those of check.sh. "As written"
is the engine of today; "mended" has the known losses removed. Counted: arithmetic of the matrix products and of attention, bytes of the elementwise
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
}


@dataclass(frozen=True)
class Job:
    shape: str
    method: str = "lora"
    rank: int = 16
    batch: int = 4
    seq: int = 512
    nf4: bool = False

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


def predict(job, card, mended=False):
    """Seconds of the parts of one step: {name: seconds}."""
    m, n, full = MODELS[job.shape], job.tokens, job.method == "full"
    q_width, kv_width = m.heads * m.head_dim, m.kv_heads * m.head_dim
    gemm = m.gemm * card.gemm
    forward, backward = m.flash if not mended else (1.62 * m.flash[0], 1.59 * m.flash[1])  # FA2; cuDNN or FA3
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
    if not mended:
        parts["copies round attention"] = m.layers * n * 2 * (6 * q_width + 2 * (q_width + 2 * kv_width)) / (card.copy * 0.83)
        parts["attention's own temporaries"] = m.layers * n * q_width * 20 / (card.copy * 1.67)
    if full and not mended:
        parts["fp32 gradients read and written"] = m.body * 4 / card.copy
    if not full:
        x = m.layers * n * 2 * (2 * m.hidden + q_width + m.inner)
        dy = m.layers * n * 2 * (q_width + 2 * kv_width + 2 * m.hidden + 2 * m.inner)
        parts["adapter products"] = (2 * x + dy + (0 if mended else 2 * x)) / (card.copy * (0.9 if mended else 0.55))
    if job.nf4:
        parts["NF4 dequantized"] = 5.06 * m.body / card.copy if mended else 3 * m.body * 40 / card.instructions
    tensors = (9 * m.layers + 3) if full else 14 * m.layers
    trained = m.body + m.vocabulary * m.hidden * (1 if m.tied else 2) if full else 0
    update = trained * (18 if mended else 42) / (card.copy * 0.87)
    parts["update, norm, zeroing"] = update + (0.3e-3 if mended else tensors * 20e-6 + 1e-3)
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
    parts, mended = predict(job, card), predict(job, card, mended=True)
    total = sum(parts.values())
    against = "" if reached is None else f"; measured {reached:.0f} tokens/s, {reached / (job.tokens / total):.2f} of that"
    print(f"{job}: {1e3 * total:.0f} ms, {job.tokens / total:.0f} tokens/s as written, {job.tokens / sum(mended.values()):.0f} mended{against}")
    for name, spent in sorted(parts.items(), key=lambda part: -part[1]):
        print(f"  {1e3 * spent:8.1f} ms {100 * spent / total:5.1f} %  {name}{'' if name not in mended else f' ({1e3 * mended[name]:.1f} mended)'}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ceilings", help="the log of ceilings.py; when it is not there, the card above counts")
    parser.add_argument("--measured", help="the log of check.sh's benchmarks")
    options = parser.parse_args()
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
