#!/usr/bin/python3
"""Fills language.json with what jinja2 gives for each of its templates: text, the words of
raise_exception() in raised, or error (true) when there is no text. With --check nothing is written,
and the exit status says whether the file is what jinja2 gives; 77 when jinja2 is absent.

  record_language.py [--check] [RENDER_LINES]     with our program, differences are shown, too
"""

import json
import pathlib
import sys

try:
    import jinja_reference
except ImportError as absent:
    print(f"skipped: {absent} (Debian: python3-jinja2)")
    sys.exit(77)

FILE = pathlib.Path(__file__).resolve().parent / "language.json"


def main():
    arguments = [a for a in sys.argv[1:] if a != "--check"]
    cases = json.loads(FILE.read_text())
    env = jinja_reference.environment()
    ours = jinja_reference.Program(arguments[0]) if arguments else None
    differ = 0
    recorded = []
    for case in cases:
        theirs = jinja_reference.reference(env, case["template"], case.get("variables", {}))
        if ours:
            answer = ours.render(case["template"], case.get("variables", {}))
            if not jinja_reference.agree(answer, theirs):
                differ += 1
                print(f"{case['about']}: {case['template']!r}\n  jinja2 {theirs}\n  ours   {answer}")
        theirs = {"error": True} if "error" in theirs else theirs
        recorded.append({k: case[k] for k in ("about", "template", "variables") if k in case} | theirs)
    text = "[\n" + ",\n".join(json.dumps(c, ensure_ascii=True) for c in recorded) + "\n]\n"
    if "--check" in sys.argv:
        if text != FILE.read_text():
            print(f"{FILE.name} is not what jinja2 gives; run {pathlib.Path(__file__).name}")
            return 1
    else:
        FILE.write_text(text)
    print(f"{len(cases)} templates, {differ} differ")
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
