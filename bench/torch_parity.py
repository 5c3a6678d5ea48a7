#!/usr/bin/env python3
"""Trains the same small model with avocado and with PyTorch.

  torch_parity.py AVOCADO [--steps 100] [--f64]

Same first weights (read from our run's first checkpoint), same rows in the same order, f32. Compares
the gradient of step 1, tensor by tensor (from AdamW's first moment), and the loss of every step.
With --f64 PyTorch computes in f64: the judge where two runs in f32 part because every step enlarges
their differences. (At a rate of 3e-3 with a tied head it is PyTorch's f32 that leaves: our losses
stayed within 2e-7 of its f64.) Ends with status 1 when a gradient differs by more than 1e-4 of its
norm, or a loss by more than 1e-4.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy
import torch

from torch_llama import Llama, optimizer

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
LIMIT = 1e-4

RECIPE = """
[model]
{model}
[data]
train = ["text.txt"]
row_tokens = 128
[train]
rows = 4
micro_batches = 2
seed = 3
steps = {steps}
lr = {lr}
warmup = {warmup}
checkpoint_every = {steps}
keep = 2
"""
FRESH = """architecture = "llama"
width = 128
layers = 4
heads = 8
kv_heads = 4
ffn = 352
context = 128
tied = {tied}
[tokenizer]
train = {{ vocab_size = 1024 }}
"""
MASK = 0xFFFFFFFF


def philox(counter, key):
    c, key = list(counter), list(key)
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [p1 >> 32 ^ c[1] ^ key[0], p1 & MASK, p0 >> 32 ^ c[3] ^ key[1], p0 & MASK]
        key = [(key[0] + 0x9E3779B9) & MASK, (key[1] + 0xBB67AE85) & MASK]
    return c


def permute(i, n, seed, stream):
    """src/base/philox.h: which row comes i-th."""
    if n <= 1:
        return 0
    half = ((n - 1).bit_length() + 1) // 2
    while True:
        left, right = i >> half, i & (1 << half) - 1
        for number in range(6):
            draw = philox([right, number, 2, stream], [seed & MASK, seed >> 32])
            left, right = right, left ^ (draw[1] << 32 | draw[0]) & (1 << half) - 1
        i = left << half | right
        if i < n:
            return i


def read_rows(path):
    """docs/formats/run.md: per row its sequences, each as words."""
    data = path.read_bytes()
    rows, sequences = (int(v) for v in numpy.frombuffer(data, "<u8", 2, 24))
    starts = numpy.frombuffer(data, "<u8", rows + 1 + sequences + 1, 80).astype(int)
    words = numpy.frombuffer(data, "<u4", offset=80 + 8 * len(starts))
    first, begin = starts[:rows + 1], starts[rows + 1:]
    return [[words[begin[s]:begin[s + 1]] for s in range(first[r], first[r + 1])]
            for r in range(rows)]


def read_tensors(path, prefix):
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8:8 + size])
    tensors = {}
    for name, entry in header.items():
        if name.startswith(prefix):
            begin, end = entry["data_offsets"]
            values = numpy.frombuffer(data[8 + size + begin:8 + size + end], "<f4").copy()
            tensors[name[len(prefix):]] = values.reshape(entry["shape"])
    return tensors


def train(avocado, folder, name, **recipe):
    (folder / f"{name}.toml").write_text(RECIPE.format(**recipe))
    subprocess.run([avocado, "train", str(folder / f"{name}.toml")], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return folder / name


def compare(avocado, folder, steps, tied, f64):
    # One step with a learning rate of 0 gives a file with fresh weights to begin from, and the
    # gradient of the first step, from AdamW's moment.
    fresh = train(avocado, folder, f"fresh-{tied}", steps=1, lr=0.0, warmup=0,
                  model=FRESH.format(tied=str(tied).lower()))
    run = train(avocado, folder, f"run-{tied}", steps=steps, lr=0.001, warmup=min(10, steps),
                model=f'base = "{fresh.name}/final.gguf"')
    manifest = json.loads((run / "run.json").read_text())
    config, o = manifest["model"], manifest["train"]
    records = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    records = [r for r in records if r["kind"] == "step"]
    rows = read_rows(run / "train.rows")
    first = read_tensors(run / "checkpoints/step-00000000.safetensors", "p.")
    kind = torch.float64 if f64 else torch.float32
    weights = {name: torch.tensor(v.squeeze(0) if v.shape[0] == 1 else v, dtype=kind,
                                  requires_grad=True)
               for name, v in first.items()}
    model = Llama(config, weights)
    adamw = optimizer(weights, 1.0, o["beta1"], o["beta2"], o["eps"], o["weight_decay"])
    moments = read_tensors(fresh / "checkpoints/step-00000001.safetensors", "m.")
    position, worst_loss, worst_gradient = 0, 0.0, 0.0
    for record in records:
        adamw.zero_grad()
        total, learned = 0.0, 0
        for _ in range(o["rows"] * o["micro_batches"]):
            row = permute(position % len(rows), len(rows), o["seed"], position // len(rows))
            position += 1
            for words in rows[row]:
                ids = torch.tensor((words & 0x7FFFFFFF).astype(numpy.int64))
                learn = torch.tensor((words[1:] >> 31).astype(numpy.int64)) == 1
                logits = model.logits(ids[None, :-1])[0][learn]
                loss = torch.nn.functional.cross_entropy(logits, ids[1:][learn], reduction="sum")
                loss.backward()
                total, learned = total + loss.item(), learned + int(learn.sum())
        with torch.no_grad():
            for p in weights.values():
                p.grad /= learned
        norm = torch.nn.utils.clip_grad_norm_(weights.values(), o["clip"] or float("inf")).item()
        if record["step"] == 1:
            for name, p in weights.items():
                ours = moments[name].reshape(p.shape) / numpy.float32(1 - o["beta1"])
                error = numpy.linalg.norm(ours - p.grad.numpy()) / numpy.linalg.norm(p.grad)
                worst_gradient = max(worst_gradient, float(error))
        for group in adamw.param_groups:
            group["lr"] = record["lr"]
        adamw.step()
        worst_loss = max(worst_loss, abs(record["loss"] - total / learned) / record["loss"])
    print(f"{'tied' if tied else 'untied'} head, {len(records)} steps, loss {records[0]['loss']:.4f} "
          f"-> {records[-1]['loss']:.4f}: losses differ by at most {worst_loss:.1e}, gradients of "
          f"step 1 by {worst_gradient:.1e} of their norms (limit {LIMIT:.0e}); last gradient norm "
          f"{records[-1]['grad_norm']:.5f}, PyTorch {norm:.5f}", flush=True)
    return worst_loss <= LIMIT and worst_gradient <= LIMIT


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("avocado")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--f64", action="store_true", help="PyTorch in f64")
    arguments = parser.parse_args()
    torch.set_num_threads(2)
    print("PyTorch", torch.__version__, flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        text = "\n\n".join(p.read_text() for p in sorted((REPOSITORY / "docs").glob("*.md")))
        (folder / "text.txt").write_text(text)
        avocado = str(pathlib.Path(arguments.avocado).resolve())
        results = [compare(avocado, folder, arguments.steps, tied, arguments.f64)
                   for tied in (False, True)]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
