#!/usr/bin/env python3
"""Prints the longest source files and fails when one has more than LIMIT lines without a reason."""

import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LIMIT = 600
SUFFIXES = {".h", ".cc", ".cu", ".py", ".sh", ".cmake", ".ts"}
FOLDERS = ["include", "src", "tests", "bench", "cmake", "scripts", "web"]

# path -> why one concept needs that many lines
REASONS = {}


def main():
    sizes = {}
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in SUFFIXES and path.is_file():
                sizes[str(path.relative_to(ROOT))] = path.read_bytes().count(b"\n")
    order = sorted(sizes, key=lambda p: (-sizes[p], p))
    for path in order[:3]:
        print(f"  {sizes[path]:5} {path}")
    long = [path for path in order if sizes[path] > LIMIT]
    bad = [path for path in long if path not in REASONS]
    for path in bad:
        print(f"{path}: {sizes[path]} lines; split it, or give the reason in scripts/check_sizes.py", file=sys.stderr)
    for path in sorted(set(REASONS) - set(long)):
        print(f"scripts/check_sizes.py: {path} needs no reason any more", file=sys.stderr)
        bad.append(path)
    print(f"sizes: {len(sizes)} files, {sum(sizes.values())} lines, longest {sizes[order[0]]}, {len(long)} over {LIMIT}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
