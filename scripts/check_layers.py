#!/usr/bin/env python3
"""Fails when an include points against the flow of data.

The rooms and what each may use are read from the avocado_room() lines of CMakeLists.txt, so the
order has one home. A room may include itself and, transitively, the rooms after ROOMS. src/cli may
include every room but api; only api includes public headers, and these only each other.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)


def read_rooms():
    """Room name -> set of rooms it may include, from CMakeLists.txt."""
    allowed = {}
    text = re.sub(r"#.*", "", (ROOT / "CMakeLists.txt").read_text())
    for words in re.findall(r"avocado_room\(([^)]*)\)", text):
        name, *rest = words.split()
        uses = []
        if "ROOMS" in rest:
            uses = rest[rest.index("ROOMS") + 1 :]
            uses = uses[: uses.index("DEPS")] if "DEPS" in uses else uses
        for room in uses:
            if room not in allowed:
                sys.exit(f"CMakeLists.txt: {name} uses {room}, which is not declared before it")
        allowed[name] = {name}.union(uses, *(allowed[room] for room in uses))
    return allowed


def sources(folder):
    return sorted(p for p in (ROOT / folder).rglob("*") if p.suffix in (".h", ".cc", ".cu"))


def main():
    allowed = read_rooms()
    allowed["cli"] = set(allowed) - {"api"} | {"cli"}
    present = {p.name for p in (ROOT / "src").iterdir() if p.is_dir()}
    problems = [f"src/{room}: not declared in CMakeLists.txt" for room in sorted(present - set(allowed))]

    checked = 0
    for room, may in allowed.items():
        files = sources(f"src/{room}")
        for path in files:
            for include in INCLUDE.findall(path.read_text()):
                checked += 1
                target = include.split("/")[0]
                where = f"{path.relative_to(ROOT)}: \"{include}\""
                if (path.name.endswith("_test.cc") or path.name.startswith("test_")) and (ROOT / "tests" / include).is_file():
                    continue
                if target == "avocado" and room == "api":
                    continue
                if target not in allowed:
                    problems.append(f"{where} names no room; write the path from src/")
                elif target not in may:
                    problems.append(f"{where}: {room} may not use {target}")
        uses = " ".join(sorted(may - {room}, key=list(allowed).index)) or "nothing"
        print(f"  {room:8} {len(files):3} files  may use: {uses}")

    for path in sources("include"):
        for include in INCLUDE.findall(path.read_text()):
            checked += 1
            if not include.startswith("avocado/"):
                problems.append(f"{path.relative_to(ROOT)}: a public header includes \"{include}\"")

    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"layers: {checked} includes checked, {len(problems)} against the flow")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
