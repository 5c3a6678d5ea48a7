#!/usr/bin/python3
"""Renders every template of the test data over every conversation beside this file, with our program
and with jinja2, and compares byte for byte.

  oracle.py RENDER_LINES DATA [--verbose]

Exits with 77 when jinja2 or the data is absent.
"""

import json
import pathlib
import struct
import sys

HERE = pathlib.Path(__file__).resolve().parent
try:
    import jinja_reference
except ImportError as absent:
    print(f"skipped: {absent} (Debian: python3-jinja2)")
    sys.exit(77)


def gguf_strings(path):
    """The string values of a GGUF file's metadata, by key."""
    data = path.read_bytes()
    at = 8

    def take(form):
        nonlocal at
        (value,) = struct.unpack_from("<" + form, data, at)
        at += struct.calcsize("<" + form)
        return value

    def take_string():
        nonlocal at
        size = take("Q")
        at += size
        return data[at - size : at]

    def take_value(kind):
        if kind == 8:
            return take_string()
        if kind == 9:
            inner, count = take("I"), take("Q")
            return [take_value(inner) for _ in range(count)]
        return take({0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}[kind])

    take("Q")
    strings = {}
    for _ in range(take("Q")):
        key = take_string().decode()
        value = take_value(take("I"))
        if isinstance(value, bytes):
            strings[key] = value.decode(errors="replace")
    return strings


def templates(data):
    """(name, source, bos, eos) of everything that has a chat template."""
    for path in sorted((data / "templates").glob("*.jinja")):
        yield path.stem, path.read_text(), "<s>", "</s>"
    for path in sorted((data / "tokenizers").glob("*/tokenizer_config*.json")):
        config = json.loads(path.read_text())
        found = config.get("chat_template")

        def token(key):
            value = config.get(key)
            return value["content"] if isinstance(value, dict) else value

        name = path.parent.name + path.stem.removeprefix("tokenizer_config")
        for variant in found if isinstance(found, list) else [{"name": "", "template": found}]:
            if variant["template"]:
                yield f"{name} {variant['name']}".strip(), variant["template"], token("bos_token"), token("eos_token")
    for path in sorted((data / "tokenizers").rglob("*.gguf")):
        for key, value in gguf_strings(path).items():
            if key.startswith("tokenizer.chat_template"):
                yield f"{path.stem} {key.removeprefix('tokenizer.chat_template')}".strip(), value, "<s>", "</s>"


def variables_of(conversation, bos, eos):
    """What transformers hands to a template."""
    variables = {"tools": None, "documents": None, "add_generation_prompt": False}
    variables |= {name: value for name, value in (("bos_token", bos), ("eos_token", eos)) if value is not None}
    given = {k: v for k, v in conversation.items() if k not in ("extra", "now")}
    return variables | given | conversation.get("extra", {})


def main():
    program, data = sys.argv[1], pathlib.Path(sys.argv[2])
    if not (data / "templates").is_dir():
        print(f"skipped: no templates in {data}")
        return 77
    conversations = {p.stem: json.loads(p.read_text()) for p in sorted((HERE / "conversations").glob("*.json"))}
    env = jinja_reference.environment()
    ours = jinja_reference.Program(program)
    totals = [0, 0, 0]
    print(f"{'template':58} {'equal':>6} {'refused':>8} {'differ':>7}   of {len(conversations)} conversations")
    for name, source, bos, eos in templates(data):
        counts = [0, 0, 0]
        for title, conversation in conversations.items():
            variables = variables_of(conversation, bos, eos)
            theirs = jinja_reference.reference(env, source, variables, conversation.get("now"))
            answer = ours.render(source, variables, conversation.get("now"))
            same = jinja_reference.agree(answer, theirs)
            counts[2 if not same else 0 if "text" in theirs else 1] += 1
            if not same or "--verbose" in sys.argv:
                print(f"  {name}, {title}:\n    jinja2 {json.dumps(theirs)}\n    ours   {json.dumps(answer)}")
        print(f"{name:58} {counts[0]:6} {counts[1]:8} {counts[2]:7}")
        totals = [a + b for a, b in zip(totals, counts)]
    print(f"{'all':58} {totals[0]:6} {totals[1]:8} {totals[2]:7}")
    return 1 if totals[2] or not totals[0] else 0


if __name__ == "__main__":
    sys.exit(main())
