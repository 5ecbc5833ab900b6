"""What this card gives in the shapes that the engine uses: a copy, matrix products, attention of several libraries.

    python3 native/gpu/ceilings.py [--device cuda|cpu]

Prints a line a measurement, a line of JSON that model.py reads, and a summary. TFLOP/s count a multiply-add as two; the copy counts bytes read and
written; attention is causal, so half of the square. With --device cpu: the same in small, to try the script.
"""
import argparse
import json
import time

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

# M x K x N of the 8B shape with LoRA r16 on 8192 tokens: the fused base products with and without the adapter's columns, the down projection,
# the head in two chunk sizes, one skinny adapter product.
GEMMS = [(8192, 4144, 6144), (8192, 4096, 6144), (8192, 4128, 28672), (8192, 14352, 4096), (130, 4096, 128256), (2048, 4096, 128256), (8192, 4096, 16)]
ATTENTION = {"batch": 2, "heads": 32, "kv_heads": 8, "tokens": 4096, "head_dim": 128}
COPY_ELEMENTS = 1 << 30


def milliseconds(work, device, repeats=10):
    if device == "cpu":
        begun = time.perf_counter()
        work()
        return (time.perf_counter() - begun) * 1e3
    for _ in range(3):
        work()
    begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    begin.record()
    for _ in range(repeats):
        work()
    end.record()
    end.synchronize()
    return begin.elapsed_time(end) / repeats


def measure_copy(elements, options, device):
    source = torch.randn(elements, **options)
    target = torch.empty_like(source)
    return 2 * source.nbytes / milliseconds(lambda: target.copy_(source), device) / 1e9


def measure_gemm(shape, options, device):
    m, k, n = shape
    x, weight, out = torch.randn(m, k, **options), torch.randn(n, k, **options), torch.empty(m, n, **options)
    spent = milliseconds(lambda: torch.mm(x, weight.t(), out=out), device)
    return 2 * m * n * k / spent / 1e9, spent


def measure_attention(backend, shape, options, device):
    """(forward, backward) TFLOP/s; the backward pass has 2.5 times the arithmetic of the forward pass."""
    size = (shape["batch"], shape["heads"], shape["tokens"], shape["head_dim"])
    kv = (shape["batch"], shape["kv_heads"], shape["tokens"], shape["head_dim"])
    q = torch.randn(size, **options, requires_grad=True)
    k, v = (torch.randn(kv, **options, requires_grad=True) for _ in range(2))
    flops = 4 * shape["batch"] * shape["heads"] * shape["tokens"] ** 2 * shape["head_dim"] / 2
    with sdpa_kernel(backend):
        run = lambda: torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
        grad = torch.randn_like(run())
        forward = milliseconds(run, device)
        both = milliseconds(lambda: torch.autograd.grad(run(), (q, k, v), grad), device)
    if both <= forward:
        raise RuntimeError(f"forward took {forward:.3f} ms, forward and backward {both:.3f}: another program was at work")
    return flops / forward / 1e9, 2.5 * flops / (both - forward) / 1e9


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    device = parser.parse_args().device
    small = device == "cpu"
    options = {"device": device, "dtype": torch.float32 if small else torch.bfloat16}
    gemms = [(64, 72, 96), (16, 64, 300)] if small else GEMMS
    attention = {"batch": 1, "heads": 4, "kv_heads": 2, "tokens": 64, "head_dim": 16} if small else ATTENTION
    backends = [SDPBackend.MATH] if small else [SDPBackend.FLASH_ATTENTION, SDPBackend.CUDNN_ATTENTION]

    copy = measure_copy(1 << 16 if small else COPY_ELEMENTS, options, device)
    print(f"copy {copy:.3g} TB/s", flush=True)
    products = {}
    for shape in gemms:
        name = "x".join(map(str, shape))
        products[name], spent = measure_gemm(shape, options, device)
        print(f"gemm {name}: {spent:.3f} ms, {products[name]:.4g} TFLOP/s", flush=True)
    attentions = {}
    for backend in backends:
        try:
            attentions[backend.name] = measure_attention(backend, attention, options, device)
            print(f"attention {backend.name}: forward {attentions[backend.name][0]:.4g}, backward {attentions[backend.name][1]:.4g} TFLOP/s", flush=True)
        except RuntimeError as error:
            print(f"attention {backend.name}: not measured ({str(error).splitlines()[0]})", flush=True)
    print(json.dumps({"device": device, "copy_tb_s": copy, "gemm_tflops": products, "attention_tflops": attentions}))
    best = max(products.values())
    shown = "; ".join(f"{name.lower()} {forward:.4g} forward, {backward:.4g} backward" for name, (forward, backward) in attentions.items())
    print(f"summary: copy {copy:.3g} TB/s; GEMM up to {best:.4g} TFLOP/s; {shown or 'no fused attention'}")


main()
