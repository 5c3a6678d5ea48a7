#!/usr/bin/env python3
"""Fine-tunes a model on a task it has not seen, by all its weights and by adapters, on floats and
on blocks, each with its own best learning rate: the table of docs/adapters.md.

  bench/adapters.py --avocado out/b/bin/avocado MODEL

The task is to write a postcard from notes. Its texts are made here from a seed; places, foods and
animals of held-out cards come together in no card of training. Much of a card is chosen at random,
so its loss has a floor well above zero and ratios mean something.
"""

import argparse
import hashlib
import json
import os
import random
import subprocess
import tempfile

import gguf_blocks

PLACES = ["Lima", "Oslo", "Kyoto", "Nara", "Rome", "Cairo", "Porto", "Bern", "Riga", "Quito",
          "Delhi", "Hanoi", "Tunis", "Malmo", "Perth", "Accra", "Turin", "Split", "Osaka", "Bergen"]
FOODS = ["soup", "rice", "bread", "plums", "cheese", "noodles", "beans", "pie", "grapes", "fish",
         "cake", "corn", "melon", "pasta", "nuts", "honey"]
ANIMALS = ["goat", "heron", "camel", "otter", "donkey", "crow", "lizard", "swan", "badger", "hare",
           "seal", "parrot", "mule", "toad", "falcon", "moth"]
PEOPLE = ["Ken", "Mia", "Jun", "Hana", "Tom", "Lea", "Omar", "Ivy", "Nils", "Rosa", "Emi", "Paul"]
WEATHER = ["fog", "rain", "sun", "snow", "wind", "storms"]
WORDS = ["blue", "quiet", "huge", "old", "funny", "golden", "tiny", "strange", "soft", "bright"]
HELLO = ["Dear {to},", "Hello {to}!", "Hi {to},", "My dear {to},"]
PLACE = ["I am in {place} now.", "Here is a card from {place}.", "{place} is a {word} town.",
         "We came to {place} on a {word} boat."]
SKY = ["There is {weather} all day.", "Every morning brings {weather}.",
       "The {weather} will not end.", "After the {weather} came a {word} night."]
MEAL = ["For lunch I had {food}.", "You would love the {food} here.",
        "I ate {food} from a {word} plate.", "They sell {word} {food} in the street."]
SIGHT = ["Then a {animal} sat on my bag.", "I drew a {word} {animal} for you.",
         "A {animal} follows me everywhere.", "At the gate stood a {animal} with {word} eyes."]
BYE = ["Love, {me}", "See you soon, {me}", "Yours, {me}", "Write back! {me}"]

# Name of the row, kind of adapter (none: all weights), type of the base, learning rates to try.
METHODS = [("full", None, None, (5e-4, 1e-3, 2e-3)),
           ("LoRA", "lora", None, (5e-3, 1e-2, 2e-2)),
           ("DoRA", "dora", None, (5e-3, 1e-2, 2e-2)),
           ("QLoRA, Q8_0", "lora", "Q8_0", (5e-3, 1e-2, 2e-2)),
           ("QLoRA, Q4_K", "lora", "Q4_K", (5e-3, 1e-2, 2e-2))]


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
    key = f"{card['place']} {card['food']} {card['animal']}"
    return hashlib.sha256(key.encode()).digest()[0] < 26  # a tenth


def write_cards(path, count, wanted, seed):
    draw = random.Random(seed)
    with open(path, "w", encoding="utf-8") as file:
        while count > 0:
            card = {"place": draw.choice(PLACES), "weather": draw.choice(WEATHER),
                    "food": draw.choice(FOODS), "animal": draw.choice(ANIMALS),
                    "to": draw.choice(PEOPLE), "me": draw.choice(PEOPLE)}
            if held_out(card) != wanted:
                continue
            count -= 1
            text = " ".join(draw.choice(lines).format(word=draw.choice(WORDS), **card)
                            for lines in (HELLO, PLACE, SKY, MEAL, SIGHT, BYE))
            notes = "; ".join(card.values())
            file.write(json.dumps({"prompt": f"Postcard: {notes}\n", "completion": text}) + "\n")


def recipe(options, base, kind, rate, steps):
    adapter = f'[adapter]\nkind = "{kind}"\nrank = {options.rank}\n' if kind else ""
    return f"""[model]
base = "{base}"
{adapter}[data]
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
"""


def train(options, folder, name, base, kind, rate, steps):
    """The loss on held-out cards after the last step, and the bytes of what was learned."""
    path, out = f"{folder}/{name}.toml", f"{folder}/{name}"
    with open(path, "w", encoding="utf-8") as file:
        file.write(recipe(options, base, kind, rate, steps))
    subprocess.run([options.avocado, "train", path, "--out", out, "--threads", str(options.threads)],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with open(f"{out}/metrics.jsonl", encoding="utf-8") as file:
        losses = [record["loss"] for record in map(json.loads, file) if record["kind"] == "eval"]
    return losses[-1], os.path.getsize(f"{out}/{'adapter' if kind else 'final'}.gguf")


def measure(options, folder):
    write_cards(f"{folder}/train.jsonl", options.cards, False, 1)
    write_cards(f"{folder}/eval.jsonl", options.cards // 10, True, 2)
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
            run = f"{name}-{rate}".replace(" ", "").replace(",", "-")
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
