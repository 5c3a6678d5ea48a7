#!/usr/bin/env python3
"""Training steps of avocado and of PyTorch, in turn: torch_speed.py TRAIN_BENCH [--model 15m] ...

The model, the batch, the precision and the number of threads are the same; the fastest step of
each counts, and the peak of its process's memory. PyTorch runs as it comes: eager, with the BLAS it
was linked to; in bf16 by autocast.
"""

import argparse
import json
import resource
import subprocess
import time

import torch

from torch_llama import Llama, optimizer, shapes

MODELS = {"15m": (288, 6, 6, 768), "110m": (768, 12, 12, 2048)}


def torch_step(a):
    width, layers, heads, ffn = MODELS[a.model]
    config = {"vocab": 32000, "width": width, "layers": layers, "heads": heads, "kv_heads": heads,
              "head_dim": width // heads, "ffn": ffn, "context": a.tokens, "tied": True,
              "rope_base": 10000.0, "norm_eps": 1e-5}
    torch.manual_seed(1)
    weights = {name: (torch.randn(shape) * 0.02 if len(shape) == 2 else torch.ones(shape))
               for name, shape in shapes(config).items()}
    for p in weights.values():
        p.requires_grad_(True)
    model = Llama(config, weights)
    adamw = optimizer(weights, 1e-3, 0.9, 0.95, 1e-8, 0.1)
    ids = torch.randint(0, config["vocab"], (a.rows, a.tokens + 1))

    def step():
        adamw.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=a.bf16):
            logits = model.logits(ids[:, :-1])
        loss = torch.nn.functional.cross_entropy(logits.float().flatten(0, 1), ids[:, 1:].flatten())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights.values(), 1.0)
        adamw.step()
    return step


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("train_bench")
    parser.add_argument("--model", choices=MODELS, default="15m")
    parser.add_argument("--tokens", type=int, default=512)
    parser.add_argument("--rows", type=int, default=4)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--bf16", action="store_true")
    a = parser.parse_args()
    torch.set_num_threads(a.threads)
    step = torch_step(a)
    command = [a.train_bench, "--json", "--model", a.model, "--tokens", str(a.tokens), "--rows",
               str(a.rows), "--threads", str(a.threads), "--seconds", str(a.seconds)]
    command += ["--bf16"] * a.bf16
    ours, theirs = None, float("inf")
    step()
    for _ in range(a.rounds):
        result = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        if ours is None or result["seconds"] < ours["seconds"]:
            ours = result
        begin = time.monotonic()
        while time.monotonic() - begin < a.seconds:
            start = time.monotonic()
            step()
            theirs = min(theirs, time.monotonic() - start)
    tokens = a.rows * a.tokens
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(f"{a.model}, {a.rows} x {a.tokens} tokens, {'bf16' if a.bf16 else 'f32'}, {a.threads} "
          f"threads: avocado {ours['tokens_per_s']:.0f} tokens/s ({ours['percent_of_peak']:.1f} % of "
          f"the peak), PyTorch {torch.__version__} {tokens / theirs:.0f}: "
          f"{theirs / ours['seconds']:.2f} times; peak memory {ours['peak_bytes'] / 1e6:.0f} and "
          f"{memory / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
