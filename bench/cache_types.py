#!/usr/bin/env python3
"""What each type of the key-value cache costs and gives, as the tables of docs/cache-types.md.

For every pair of types, plain and rotated: memory per token, how far the probabilities of a model
over a text are from those of an f16 cache (`avocado perplexity --kl-base f16`), and tokens per
second behind a long context (`avocado bench`).
"""

import argparse
import json
import shlex
import subprocess

TYPES = ["f32", "f16", "bf16", "q8_0", "q4_0"]
PAIRS = [(one, one) for one in TYPES] + [("q8_0", "q4_0")]
BITS = {"f32": 32, "f16": 16, "bf16": 16, "q8_0": 8.5, "q4_0": 4.5}  # heads of whole groups of 32
SHAPES = {"1B": (16, 8, 64), "8B": (32, 8, 128)}  # layers, kv heads, head_dim


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--avocado", default="out/b/bin/avocado", help="the program")
    parser.add_argument("--model", nargs=4, action="append", default=[],
                        metavar=("NAME", "PATH", "TEXT", "CTX"),
                        help="a model, a text and the tokens of a window; may be given again")
    parser.add_argument("--speed", metavar="PATH", help="a model to measure the speed of")
    parser.add_argument("--depth", type=int, default=4096, help="tokens in the context before")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--prefix", default="", help="put before the command of each speed")
    return parser.parse_args()


def run(command):
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def flags(k, v, rotated):
    return ["--ctk", k, "--ctv", v] + (["--cache-hadamard"] if rotated else [])


def bytes_per_token(shape, k, v):
    layers, heads, dim = SHAPES[shape]
    return layers * heads * dim * (BITS[k] + BITS[v]) / 8


def variants():
    return [(k, v, rotated) for rotated in (False, True) for k, v in PAIRS]


def name(k, v, rotated):
    return (k if k == v else f"K {k}, V {v}") + (", rotated" if rotated else "")


def table(head, rows):
    print("| " + " | ".join(head) + " |")
    print("|---" + "|--:" * (len(head) - 1) + "|")
    for row in rows:
        print("| " + " | ".join(row) + " |", flush=True)
    print()


def quality_row(avocado, path, text, context, variant):
    result = run([avocado, "perplexity", path, text, "--ctx", context, "--stride", context,
                  "--kl-base", "f16", "--json"] + flags(*variant))
    kl = result["kl_divergence"]
    return [name(*variant), f"{result['cache_bytes_per_token']}", f"{kl['mean']:.2e}",
            f"{kl['max']:.2e}", f"{100 * kl['same_top']:.2f} %", f"{result['perplexity']:.4f}"]


def speed_row(a, variant):
    row = run(shlex.split(a.prefix) + [a.avocado, "bench", a.speed, "-p", "0", "-n", "16", "-d",
              str(a.depth), "-r", "3", "-t", str(a.threads), "--json"] + flags(*variant))[0]
    return [name(*variant), f"{row['avg_ts']:.1f} ± {row['stddev_ts']:.1f}"]


def main():
    a = arguments()
    print("## Memory\n")
    table(["cache"] + [f"{shape}, KiB per token" for shape in SHAPES] + ["8B at 32,768 tokens, GiB"],
          [[name(k, v, False)] + [f"{bytes_per_token(shape, k, v) / 1024:.1f}" for shape in SHAPES]
           + [f"{bytes_per_token('8B', k, v) * 32768 / 2**30:.2f}"] for k, v in PAIRS])
    for title, path, text, context in a.model:
        print(f"## {title}\n")
        table(["cache", "bytes per token", "mean KL", "max KL", "same top token", "perplexity"],
              [quality_row(a.avocado, path, text, context, v) for v in variants()])
    if a.speed:
        print("## Speed\n")
        table(["cache", f"tokens/s at depth {a.depth:,}"], [speed_row(a, v) for v in variants()])


if __name__ == "__main__":
    main()
