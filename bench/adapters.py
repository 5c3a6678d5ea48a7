#!/usr/bin/env python3
"""Fine-tunes a model on a task it has not seen, by all its weights and by adapters, on floats and
on blocks, each with its own best learning rate: the table of docs/adapters.md.

  bench/adapters.py --avocado out/b/bin/avocado MODEL

The task is to write a postcard from notes. Its texts are made here from a seed; the reader, city,
food and animal of a held-out card come together in no card of training. Much of a card is chosen at
random, so its loss has a floor well above zero and ratios mean something.
"""

import argparse
import hashlib
import json
import os
import random
import subprocess
import tempfile

import gguf_blocks

# Words of Avocado's own corpus, whose models are small: an adapter leaves the embedding table as it
# is, so it cannot learn words that the model has never met.
PEOPLE = ["Mika", "Ken", "Yuki", "Hana", "Riku", "Aya", "Jun", "Mei", "Kai", "Anna", "Tom", "Emma",
          "Leo", "Ben", "Nina", "Maria", "Paul", "Lucy", "Max"]
CITIES = ["Tokyo", "Osaka", "Kyoto", "Nara", "Paris", "London", "Rome", "Cairo", "Seoul", "Madrid"]
FOODS = ["apples", "bread", "cake", "curry", "grapes", "noodles", "peaches", "soup"]
ANIMALS = ["cat", "dog", "pig", "bear", "frog", "turtle", "snake"]
COLOURS = ["red", "blue", "white", "black", "yellow"]
THINGS = ["bag", "ball", "bell", "chair", "cup", "drum", "key", "lamp"]
PLACES = ["park", "river", "station", "zoo", "school", "lake", "castle", "shop"]
HELLO = ["Hello {to}!", "Good morning, {to}.", "How are you, {to}?"]
CITY = ["I am in {city}.", "I went to {city}.", "I live in {city} now."]
SIGHT = ["At the {place} I saw a {colour} {animal}.", "A {animal} has a {colour} {thing}.",
         "{friend} has a {colour} {animal}."]
MEAL = ["I like {food}.", "{friend} likes {food}.", "I have {food} and a {thing}."]
WALK = ["{friend} went to the {place}.", "The {thing} is at the {place}.",
        "I have a {colour} {thing}."]
BYE = ["Good night, {me}", "Thank you, {me}", "Goodbye, {me}"]

# All weights but the embedding table, which adapters leave as it is too.
INNER = "inner"
# Name of the row, kind of adapter (none: all weights), type of the base, learning rates to try.
METHODS = [("full", None, None, (1e-3, 2e-3, 4e-3)),
           ("full but the table", INNER, None, (1e-3, 2e-3)),
           ("LoRA", "lora", None, (2e-3, 4e-3, 8e-3)),
           ("DoRA", "dora", None, (2e-3, 4e-3, 8e-3)),
           ("QLoRA, Q8_0", "lora", "Q8_0", (2e-3, 4e-3, 8e-3)),
           ("QLoRA, Q4_K", "lora", "Q4_K", (2e-3, 4e-3, 8e-3))]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="a GGUF file with F32, F16 or BF16 matrices")
    parser.add_argument("--avocado", default="out/b/bin/avocado", help="the program")
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--rows", type=int, default=8, help="rows of a step")
    parser.add_argument("--row-tokens", type=int, default=128)
    parser.add_argument("--cards", type=int, default=4000, help="postcards to learn from")
    parser.add_argument("--rank", type=int, default=32)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--work", help="a folder for all files, which stays")
    return parser.parse_args()


def held_out(card):
    key = f"{card['to']} {card['city']} {card['food']} {card['animal']}"
    return hashlib.sha256(key.encode()).digest()[0] < 26  # a tenth


def document(notes, text, chat):
    question = "Write a postcard: " + "; ".join(notes)
    if not chat:
        return {"prompt": question + "\n", "completion": text}
    return {"messages": [{"role": "user", "content": question},
                         {"role": "assistant", "content": text}]}


def write_cards(path, count, wanted, seed, chat):
    draw = random.Random(seed)
    with open(path, "w", encoding="utf-8") as file:
        while count > 0:
            card = {"to": draw.choice(PEOPLE), "city": draw.choice(CITIES),
                    "food": draw.choice(FOODS), "animal": draw.choice(ANIMALS),
                    "me": draw.choice(PEOPLE)}
            if held_out(card) != wanted:
                continue
            count -= 1
            text = " ".join(
                draw.choice(lines).format(colour=draw.choice(COLOURS), thing=draw.choice(THINGS),
                                          place=draw.choice(PLACES), friend=draw.choice(PEOPLE),
                                          **card)
                for lines in (HELLO, CITY, SIGHT, MEAL, WALK, BYE))
            file.write(json.dumps(document(card.values(), text, chat)) + "\n")


def recipe(options, base, kind, rate, steps):
    adapter = f'[adapter]\nkind = "{kind}"\nrank = {options.rank}\n'
    still = '[[train.group]]\nmatch = "token_embd.weight"\nlr_scale = 0\n'
    return f"""[model]
base = "{base}"
{adapter if kind not in (None, INNER) else ""}[data]
train = ["train.jsonl"]
eval = ["eval.jsonl"]
row_tokens = {options.row_tokens}
[train]
steps = {steps}
rows = {options.rows}
lr = {rate}
warmup = {min(20, steps - 1)}
weight_decay = 0
seed = 1
eval_every = {steps}
eval_rows = 100000
checkpoint_every = {steps}
keep = 1
{still if kind == INNER else ""}"""


def train(options, folder, name, base, kind, rate, steps):
    """The loss on held-out cards after the last step, and the bytes of what was learned."""
    path, out = f"{folder}/{name}.toml", f"{folder}/{name}"
    with open(path, "w", encoding="utf-8") as file:
        file.write(recipe(options, base, kind, rate, steps))
    command = [options.avocado, "train", path, "--out", out, "--threads", str(options.threads)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with open(f"{out}/metrics.jsonl", encoding="utf-8") as file:
        losses = [record["loss"] for record in map(json.loads, file) if record["kind"] == "eval"]
    return losses[-1], os.path.getsize(
        f"{out}/{'final' if kind in (None, INNER) else 'adapter'}.gguf")


def measure(options, folder):
    chat = "tokenizer.chat_template" in gguf_blocks.Model(options.model).metadata
    write_cards(f"{folder}/train.jsonl", options.cards, False, 1, chat)
    write_cards(f"{folder}/eval.jsonl", options.cards // 10, True, 2, chat)
    bases = {None: os.path.abspath(options.model)}
    for kind in ("Q8_0", "Q4_K"):
        bases[kind] = f"{folder}/{kind}.gguf"
        counts = gguf_blocks.quantize(options.model, kind, bases[kind])
        print(f"{kind} base: " + ", ".join(f"{n} matrices {name}" for name, n in counts.items()))
    before, _ = train(options, folder, "before", bases[None], "lora", 1e-12, 1)
    print(f"held-out loss before: {before:.4f}\n")
    print("| method | learning rates tried: loss | best loss | of full | of the gain | file |")
    print("|---|---|--:|--:|--:|--:|")
    full = None
    for name, kind, stored, rates in METHODS:
        found = []
        for rate in rates:
            run = f"{name}-{rate}".replace(", ", "-").replace(" ", "-")
            found.append((rate, *train(options, folder, run, bases[stored], kind, rate,
                                       options.steps)))
        _, loss, size = min(found, key=lambda item: item[1])
        full = full or loss
        tried = ", ".join(f"{rate:g}: {value:.4f}" for rate, value, _ in found)
        print(f"| {name} | {tried} | {loss:.4f} | {loss / full:.3f} "
              f"| {100 * (before - loss) / (before - full):.1f} % | {size / 1e6:.2f} MB |",
              flush=True)


def main():
    options = arguments()
    if options.work:
        os.makedirs(options.work, exist_ok=True)
        measure(options, options.work)
    else:
        with tempfile.TemporaryDirectory() as folder:
            measure(options, folder)


if __name__ == "__main__":
    main()
