"""Makes tests/fixtures/optimizers: weights after 50 steps of every optimizer's reference on a small random problem.

    python tests/parity/make_optimizer_fixtures.py [case ...]

Needs torch, transformers and the authors' or well-kept implementations: lion-pytorch, pytorch-optimizer, lomo-optim, apollo-torch,
bitsandbytes. They run in fp64 where they can, from fp32 values, so that what the test sees is the engine's rounding alone.

The problem is made of numbers that native/tests/engine/optim_problem.cpp makes again bit for bit: a noisy pull of every weight
towards a target, g = c (w - target) + 0.3 noise; a third of the rows of the table, other ones every step, has no gradient. The
learning rate falls, and every third step is clipped to half.
"""
import json
import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

OUT = Path(__file__).resolve().parent.parent / "fixtures" / "optimizers"
STEPS = 50
CURVATURE_TOKENS = 64.0
SEED = 42
# name: (shape, kind, decayed)
PARAMETERS = {
    "matrix": ((24, 16), "matrix", True),
    "odd": ((7, 29), "matrix", True),
    "vector": ((33,), "vector", False),
    "table": ((40, 12), "table", True),
    "large": ((64, 65), "matrix", True),
}
INDEX = {name: i for i, name in enumerate(PARAMETERS)}
MASK = (1 << 64) - 1


def bits(key, count):
    """SplitMix64 (Steele, Lea and Flood 2014): the stream that starts at `key`."""
    z = (np.uint64(key) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)).astype(np.uint64)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def uniform(key, shape):
    """In [-1, 1), exact in fp32."""
    values = (bits(key, int(np.prod(shape))) >> np.uint64(40)).astype(np.float64) * 2.0**-23 - 1.0
    return torch.from_numpy(values).reshape(shape)


def single(x):
    """The values of fp32, in fp64."""
    return x.float().double()


class Problem:
    def __init__(self, name, pulled=True):
        self.name = name
        self.pulled = pulled
        self.shape, self.kind, self.decayed = PARAMETERS[name]
        self.key = (INDEX[name] + 1) * 1_000_000
        self.start = single(0.5 * uniform(self.key, self.shape))
        self.target = single(0.5 * uniform(self.key + 1, self.shape))
        self.pull = single(0.55 + 0.45 * uniform(self.key + 2, self.shape))

    def gradient(self, weight, step):
        noise = float(np.float32(0.3)) * uniform(self.key + 1000 + step, self.shape)
        return self.silent(self.pull * (weight - self.target) + noise if self.pulled else noise, step)

    def sampled_gradient(self, step):
        return self.silent(single(uniform(self.key + 5000 + step, self.shape)), step)

    def silent(self, gradient, step):
        if self.kind == "table":
            rows = torch.arange(self.shape[0])
            gradient[(rows + step) % 3 == 0] = 0
        return gradient


def rate(case, step):
    return case["learning_rate"] * (1 - step / 100)


def factor(step):
    return 0.5 if step % 3 == 0 else 1.0


class Stepper:
    """One parameter under one reference: every rule works on each parameter alone."""

    dtype = torch.float64

    def __init__(self, case, problem, parameter):
        self.case, self.problem, self.parameter = case, problem, parameter
        self.hyper = case["hyper"]
        self.decay = self.hyper.get("weight_decay", 0.0) if problem.decayed else 0.0
        self.start()

    def start(self):
        """Makes self.optimizer."""
        raise NotImplementedError

    def step(self, gradient, step):
        self.parameter.grad = (gradient * factor(step)).to(self.parameter.dtype)
        for group in self.optimizer.param_groups:
            group["lr"] = rate(self.case, step)
        self.optimizer.step()

    def observe(self, step):
        """Curvature, for the rule that wants it."""

    def result(self):
        return {"weight": self.parameter.data}


class AdamW(Stepper):
    def start(self):
        h = self.hyper
        self.optimizer = torch.optim.AdamW([self.parameter], betas=(h["beta1"], h["beta2"]), eps=h["eps"], weight_decay=self.decay)


class Lion(Stepper):
    def start(self):
        from lion_pytorch import Lion as Reference

        self.optimizer = Reference([self.parameter], lr=1.0, betas=(self.hyper["beta1"], self.hyper["beta2"]),
                                   weight_decay=self.decay)


class Adan(Stepper):
    def start(self):
        from pytorch_optimizer import Adan as Reference

        h = self.hyper
        self.optimizer = Reference([self.parameter], betas=(h["beta1"], h["beta2"], h["beta3"]), eps=h["eps"],
                                   weight_decay=self.decay, weight_decouple=h["no_prox"], foreach=False)


class Sgd(Stepper):
    def start(self):
        h = self.hyper
        self.optimizer = torch.optim.SGD([self.parameter], lr=1.0, momentum=h["momentum"], nesterov=h["nesterov"],
                                         weight_decay=self.decay)


class LomoStepper(Stepper):
    """lomo-optim updates from a hook in the backward pass; here its update is called with a gradient. It computes in fp32."""

    dtype = torch.float32

    def module(self):
        module = torch.nn.Module()
        module.weight = self.parameter
        return module

    def step(self, gradient, step):
        self.optimizer.lr = rate(self.case, step)
        self.optimizer.step_num = step
        self.optimizer.clip_coef = torch.tensor(factor(step))
        self.parameter.grad = gradient.float()
        self.optimizer.grad_func(0)


class Lomo(LomoStepper):
    def start(self):
        from lomo_optim import Lomo as Reference

        self.optimizer = Reference(self.module(), clip_grad_norm=1.0, clip_grad_value=self.hyper["clip_value"] or None,
                                   weight_decay=self.decay)


class AdaLomo(LomoStepper):
    def start(self):
        from lomo_optim import AdaLomo as Reference

        h = self.hyper
        torch.Tensor.cuda = lambda tensor: tensor  # it insists on a GPU for its state
        self.optimizer = Reference(self.module(), loss_scale=None, eps=(h["eps1"], h["eps2"]), clip_grad_norm=1.0,
                                   clip_threshold=h["clip_threshold"], decay_rate=-h["decay_rate"], weight_decay=self.decay)


class Sophia(Stepper):
    """The authors' SophiaG (github.com/Liuhong99/Sophia) is in no package: its two formulas, written down again. It multiplies h by
    the tokens of the batch in the step; with as many tokens in every batch that is the engine's form."""

    def start(self):
        self.m, self.h = torch.zeros_like(self.parameter), torch.zeros_like(self.parameter)

    def step(self, gradient, step):
        h, lr, w = self.hyper, rate(self.case, step), self.parameter.data
        w.mul_(1 - lr * self.decay)
        self.m.mul_(h["beta1"]).add_(gradient * factor(step), alpha=1 - h["beta1"])
        ratio = (self.m.abs() / (h["rho"] * CURVATURE_TOKENS * self.h + 1e-15)).clamp(None, 1)
        w.addcmul_(self.m.sign(), ratio, value=-lr)

    def observe(self, step):
        if (step - 1) % self.hyper["hessian_interval"] == 0:
            gradient = self.problem.sampled_gradient(step)
            self.h.mul_(self.hyper["beta2"]).addcmul_(gradient, gradient, value=1 - self.hyper["beta2"])


class Adafactor(Stepper):
    def start(self):
        h = self.hyper
        self.optimizer = torch.optim.Adafactor([self.parameter], beta2_decay=-h["decay_rate"], eps=(h["eps1"], h["eps2"]),
                                               d=h["clip_threshold"], weight_decay=self.decay, foreach=False)


def newton_schulz(grad, coefficients, steps, eps):
    """torch.optim._muon._zeropower_via_newtonschulz, without its rounding to bf16."""
    a, b, c = coefficients
    x = grad.T if grad.size(0) > grad.size(1) else grad
    x = x / x.norm().clamp(min=eps)
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if grad.size(0) > grad.size(1) else x


class Muon(Stepper):
    def start(self):
        import torch.optim._muon as muon

        h = self.hyper
        muon._zeropower_via_newtonschulz = newton_schulz
        self.share = 1.0
        if self.problem.kind == "matrix":
            self.optimizer = torch.optim.Muon([self.parameter], momentum=h["momentum"], nesterov=h["nesterov"],
                                              ns_steps=h["ns_steps"], adjust_lr_fn=h["scale"], weight_decay=self.decay)
        else:
            self.share = h["adamw_learning_rate"] / self.case["learning_rate"]
            self.optimizer = torch.optim.AdamW([self.parameter], betas=(h["adamw_beta1"], h["adamw_beta2"]), eps=h["adamw_eps"],
                                               weight_decay=self.decay)

    def step(self, gradient, step):
        self.parameter.grad = gradient * factor(step)
        self.optimizer.param_groups[0]["lr"] = rate(self.case, step) * self.share
        self.optimizer.step()


def nearest_codes(values, code, scales, codes, block):
    """Quantizes to the nearest of the map. bitsandbytes' CPU library does not: it looks codes up in a coarser table."""
    for i in range(len(scales)):
        part = values.view(-1)[i * block : (i + 1) * block]
        scales[i] = part.abs().max()
        shares = part / scales[i].clamp(min=torch.finfo(torch.float32).tiny)
        codes.view(-1)[i * block : (i + 1) * block] = (shares[:, None] - code[None, :]).abs().argmin(1)


class AdamW8bit(Stepper):
    """bitsandbytes' CPU implementation, in fp32: an 8-bit code is equal or it is not."""

    dtype = torch.float32

    def start(self):
        import bitsandbytes.backends.cpu.ops as ops
        from bitsandbytes.optim import AdamW8bit as Reference

        ops._quant_blockwise_fp32_direct = nearest_codes
        h = self.hyper
        self.optimizer = Reference([self.parameter], lr=1.0, betas=(h["beta1"], h["beta2"]), eps=h["eps"], weight_decay=self.decay)

    def result(self):
        state = self.optimizer.state[self.parameter]
        if state["state1"].dtype != torch.uint8:
            return super().result()
        return {"weight": self.parameter.data, "m_codes": state["state1"], "v_codes": state["state2"]}


def hash_name(name):
    """FNV-1a in 64 bits, as the engine's."""
    value = 14695981039346656037
    for byte in name.encode():
        value = (value ^ byte) * 1099511628211 & MASK
    return value


def projection(seed, name, refresh, rank, small):
    """The engine's: SplitMix64 and Box and Muller, [rank, small]."""
    key = bits((seed * 1_000_003 + refresh) & MASK, 1)
    uniforms = (bits(int(key[0]) + hash_name(name) & MASK, 2 * rank * small) >> np.uint64(11)).astype(np.float64)
    radius = np.sqrt(-2 * np.log((uniforms[0::2] + 1) * 2.0**-53))
    values = radius * np.cos(2 * np.pi * uniforms[1::2] * 2.0**-53) / np.sqrt(rank)
    return single(torch.from_numpy(values)).reshape(rank, small)


class Apollo(Stepper):
    def start(self):
        from apollo_torch import APOLLOAdamW

        h = self.hyper
        betas = (h["beta1"], h["beta2"])
        if self.problem.kind != "matrix" or min(self.problem.shape) <= h["rank"]:
            self.optimizer = torch.optim.AdamW([self.parameter], betas=betas, eps=h["eps"], weight_decay=self.decay)
            return
        group = {"params": [self.parameter], "rank": h["rank"], "proj": "random", "proj_type": "std", "scale": h["scale"],
                 "scale_type": h["scale_type"], "update_proj_gap": h["update_interval"]}
        self.optimizer = APOLLOAdamW([group], betas=betas, eps=h["eps"], weight_decay=self.decay)
        self.refreshes = 0

    def step(self, gradient, step):
        import apollo_torch.random_projector as projector

        def drawn(_, weights, rank, type, seed):
            drawn_now = projection(SEED, self.problem.name, self.refreshes, rank, min(weights.shape))
            self.refreshes += 1
            return drawn_now if type == "right" else drawn_now.T

        projector.GradientProjector.get_orthogonal_matrix = drawn
        super().step(gradient, step)


SMALL = ["matrix", "odd", "vector", "table"]


def case(name, rule, stepper, learning_rate, parameters=SMALL, pulled=True, **hyper):
    return {"name": name, "type": rule, "stepper": stepper, "learning_rate": learning_rate, "parameters": parameters,
            "pulled": pulled, "hyper": hyper}


CASES = [
    case("adamw", "adamw", AdamW, 0.01, beta1=0.9, beta2=0.99, eps=1e-8, weight_decay=0.1),
    case("lion", "lion", Lion, 0.005, beta1=0.9, beta2=0.99, weight_decay=0.1),
    case("adan", "adan", Adan, 0.01, beta1=0.98, beta2=0.92, beta3=0.99, eps=1e-8, weight_decay=0.1, no_prox=False),
    case("adan-no-prox", "adan", Adan, 0.01, beta1=0.95, beta2=0.9, beta3=0.98, eps=1e-6, weight_decay=0.1, no_prox=True),
    case("sgd", "sgd", Sgd, 0.05, momentum=0.0, nesterov=False, weight_decay=0.1),
    case("sgd-momentum", "sgd", Sgd, 0.02, momentum=0.9, nesterov=False, weight_decay=0.1),
    case("sgd-nesterov", "sgd", Sgd, 0.02, momentum=0.9, nesterov=True, weight_decay=0.1),
    case("lomo", "lomo", Lomo, 0.05, clip_value=0.0, weight_decay=0.1),
    case("lomo-clamped", "lomo", Lomo, 0.05, clip_value=0.2, weight_decay=0.0),
    case("adalomo", "adalomo", AdaLomo, 0.02, decay_rate=0.8, eps1=1e-30, eps2=1e-3, clip_threshold=1.0, weight_decay=0.1),
    case("adalomo-clipped", "adalomo", AdaLomo, 0.05, decay_rate=0.6, eps1=1e-30, eps2=0.5, clip_threshold=0.3, weight_decay=0.0),
    case("sophia", "sophia", Sophia, 0.01, beta1=0.965, beta2=0.99, rho=0.04, hessian_interval=10, weight_decay=0.1),
    case("sophia-often", "sophia", Sophia, 0.01, beta1=0.9, beta2=0.9, rho=2.0, hessian_interval=1, weight_decay=0.0),
    case("adafactor", "adafactor", Adafactor, 0.02, decay_rate=0.8, eps1=1e-7, eps2=1e-3, clip_threshold=1.0, weight_decay=0.1),
    case("muon", "muon", Muon, 0.002, momentum=0.95, nesterov=True, ns_steps=5, scale="original", weight_decay=0.1,
         adamw_learning_rate=0.01, adamw_beta1=0.9, adamw_beta2=0.95, adamw_eps=1e-8),
    case("muon-matched", "muon", Muon, 0.002, momentum=0.9, nesterov=False, ns_steps=3, scale="match_rms_adamw", weight_decay=0.0,
         adamw_learning_rate=0.004, adamw_beta1=0.9, adamw_beta2=0.95, adamw_eps=1e-8),
    # Gradients that do not depend on the weights: a code is the nearest of 256, and a last bit would choose another.
    case("adamw8bit", "adamw8bit", AdamW8bit, 0.01, parameters=["matrix", "vector", "large"], pulled=False, beta1=0.9, beta2=0.99,
         eps=1e-8, weight_decay=0.1),
    case("apollo", "apollo", Apollo, 0.01, rank=4, update_interval=20, scale=1.0, scale_type="channel", beta1=0.9, beta2=0.99,
         eps=1e-8, weight_decay=0.1),
    case("apollo-mini", "apollo", Apollo, 0.01, rank=1, update_interval=200, scale=128.0, scale_type="tensor", beta1=0.9,
         beta2=0.99, eps=1e-8, weight_decay=0.0),
]


def run(one):
    tensors = {}
    for name in one["parameters"]:
        problem = Problem(name, one["pulled"])
        parameter = torch.nn.Parameter(problem.start.to(one["stepper"].dtype).clone())
        stepper = one["stepper"](one, problem, parameter)
        for step in range(1, STEPS + 1):
            stepper.step(problem.gradient(parameter.data.double(), step), step)
            stepper.observe(step)
        for key, value in stepper.result().items():
            tensors[f"{name}.{key}"] = value.detach().float().contiguous() if value.is_floating_point() else value.contiguous()
    save_file(tensors, OUT / f"{one['name']}.safetensors")


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    for one in CASES:
        if not sys.argv[1:] or one["name"] in sys.argv[1:]:
            run(one)
            print(one["name"], "written")
    listed = [{k: v for k, v in one.items() if k != "stepper"} for one in CASES]
    (OUT / "cases.json").write_text(json.dumps(listed, indent=1) + "\n")


if __name__ == "__main__":
    main()
