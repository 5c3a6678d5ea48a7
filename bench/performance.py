#!/usr/bin/env python3
"""Writes docs/performance.md from the file that compare.py saves: performance.py [FILE.json].

Only what was measured gets a table; every figure is a median of the rounds in the file.
"""

import json
import pathlib
import statistics
import sys
import textwrap

from compare import GIB, PARAMETERS, compared

DOCUMENT = pathlib.Path(__file__).resolve().parent.parent / "docs/performance.md"
SHAPES = {"1b": "the shape of Llama 3.2 1B", "8b": "the shape of Llama 3 8B"}


def table(head, rows):
    """Without the columns in which nothing stands."""
    if not rows:
        return ""
    filled = [i for i in range(len(head)) if any(row[i] for row in rows)]
    head, rows = [head[i] for i in filled], [[row[i] for i in filled] for row in rows]
    lines = ["| " + " | ".join(head) + " |", "|---" + "|--:" * (len(head) - 1) + "|"]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines) + "\n\n"


def number(value):
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}"


def beside(ours, peer, ratios):
    """Three cells: ours, the peer's, the ratio with its range."""
    if not ratios:
        return [number(ours), "", ""]
    if len(ratios) == 1:
        return [number(ours), number(peer), f"**{ratios[0]:.2f}**"]
    low, high = min(ratios), max(ratios)
    return [number(ours), number(peer), f"**{statistics.median(ratios):.2f}** ({low:.2f} to {high:.2f})"]


class Results:
    def __init__(self, path):
        data = json.loads(pathlib.Path(path).read_text())
        self.machine = data["machine"]
        self.found = {}  # (peer, shape, type, group, threads) -> rounds
        for name, rounds in data["measurements"].items():
            if rounds:
                self.found[tuple(name.rsplit(" ", 4))] = rounds

    def of(self, *wanted):
        """((peer, shape, type, group, threads), rounds) where all that are not None agree."""
        return [(key, rounds) for key, rounds in self.found.items()
                if all(w is None or w == k for w, k in zip(wanted, key))]

    def names(self, place):
        return list(dict.fromkeys(key[place] for key in self.found))


def machine_text(results):
    m, rows = results.machine, []
    cpu, memory = m["cpu"], m["memory"]
    rows.append(["processor", f"{cpu['model']}, {cpu['cores_usable']} cores"])
    sets = m["instruction_sets"]
    rows.append(["instruction sets", ", ".join(sets["available"] + sets["extensions"])])
    rows.append(["caches", ", ".join(f"{name} {size}" for name, size in m["caches"].items())])
    rows.append(["memory", f"{memory['total_bytes'] / GIB:.0f} GiB"])
    rows.append(["system", f"Linux {m['kernel']}; Avocado {m['version']} built by {m['compiler']}"])
    limits = {}
    for key, rounds in results.found.items():
        for row in (r for one in rounds for r in one["ours"]["rows"] if "gops_limit" in r):
            limits.setdefault(("reading", key[4]), []).append(row["gb_per_s_limit"])
            limits.setdefault((f"{row['gops_limit_of']} products", key[4]), []).append(row["gops_limit"])
    for (what, threads), values in sorted(limits.items()):
        unit = "GB/s" if what == "reading" else "Gop/s"
        limit = f"{number(statistics.median(values))} {unit}"
        rows.append([f"measured limit: {what}, threads: {threads[1:]}", limit])
    return table(["", ""], rows)


def speed_text(results, peer, shape):
    text = ""
    for group in ("speed", "depth"):
        cells = {}  # test -> type -> cells
        for (_, _, kind, _, threads), rounds in results.of(peer, shape, None, group, None):
            for test, *values in compared(rounds):
                cells.setdefault(test, {}).setdefault(kind, {})[threads] = beside(*values)
        for test, kinds in cells.items():
            columns = sorted({t for row in kinds.values() for t in row})
            head = ["type"] + [f"{who}, {t[1:]} thr." for t in columns for who in ("Avocado", peer, "ratio")]
            rows = [[kind] + [cell for t in columns for cell in row.get(t, ["", "", ""])]
                    for kind, row in kinds.items()]
            text += f"### {shape}, {test}\n\n" + table(head, rows)
    return text


def batched_text(results, peer, shape):
    text = ""
    for (_, _, kind, _, threads), rounds in results.of(peer, shape, None, "batched", None):
        tests = [t for t in compared(rounds) if t[0].startswith("tg")]
        rows = [[test.split("x")[1]] + beside(*values) for test, *values in tests]
        text += f"### {shape} {kind}, {threads[1:]} threads\n\n"
        text += table(["sequences", "Avocado", peer, "ratio"], rows)
    return text


def peak_memory(rounds, who):
    peaks = [r[who]["peak_memory"] for r in rounds if "peak_memory" in r.get(who, {})]
    return f"{max(peaks) / GIB:.1f} GiB" if peaks else ""


def long_text(results, peer, shape):
    rows = []
    for group in ("long8k", "long32k"):
        for (_, _, kind, _, _), rounds in results.of(peer, shape, None, group, None):
            for test, *values in compared(rounds):
                memory = [peak_memory(rounds, who) for who in ("ours", "peer")]
                rows.append([f"{shape} {kind} {test}"] + beside(*values) + memory)
    return table(["test", "Avocado", peer, "ratio", "Avocado's memory", f"{peer}'s memory"], rows)


def decode_text(results):
    """Rates are those of the best run, as the limit is the best that was measured."""
    text = ""
    for shape in PARAMETERS:
        found = [(kind, threads, row) for (_, _, kind, _, threads), rounds in
                 results.of(None, shape, None, "decode", None) for one in rounds for row in one["ours"]["rows"]]
        columns = sorted({threads for _, threads, _ in found})
        limits = {t: max(row["gb_per_s_limit"] for _, threads, row in found if threads == t) for t in columns}
        best = {}  # (type, threads) -> tokens/s, GB/s
        for kind, threads, row in found:
            rate = max(row["samples_ts"])
            best[kind, threads] = max(best.get((kind, threads), (0, 0)), (rate, row["gb_per_s"] * rate / row["avg_ts"]))
        rows = []
        for kind in dict.fromkeys(kind for kind, _, _ in found):
            rows.append([kind])
            for t in columns:
                rate, read = best.get((kind, t), (0, 0))
                rows[-1] += [number(rate), number(read), f"**{100 * read / limits[t]:.0f} %**"] if rate else [""] * 3
        head = ["type"] + [f"{what}, {t[1:]} thr." for t in columns for what in ("tokens/s", "GB/s", "share")]
        limit = ", ".join(f"{number(limits[t])} GB/s (threads: {t[1:]})" for t in columns)
        if rows:
            text += (f"### {shape}, tg16 beside the limit of reading\n\nThe best of some runs, and its share of the "
                     f"most that was read: {limit}.\n\n" + table(head, rows))
    return text


def threads_text(results):
    rows = []
    for (_, shape, kind, _, _), rounds in results.of(None, None, None, "threads", None):
        for same in zip(*(one["ours"]["rows"] for one in rounds)):
            middle = lambda key: statistics.median(row[key] for row in same)
            rows.append([f"{shape} {kind} {same[0]['test']}, {same[0]['name']}", number(middle("tokens_per_s")),
                         f"{middle('of_sums'):.2f}", f"{middle('median_of_ratios'):.2f}"])
    return table(["test", "tokens/s", "times one thread, of sums", "median of ratios"], rows)


def profile_text(results):
    text = ""
    for (_, shape, kind, _, threads), rounds in results.of(None, None, None, "profile", None):
        for row in (r for r in rounds[-1]["ours"]["rows"] if r.get("profile")):
            test = f"pp{row['n_prompt']}" if row["n_prompt"] else f"tg{row['n_gen']}"
            shares = sorted(row["profile"].items(), key=lambda item: -item[1])
            text += f"{shape} {kind} {test}, {threads[1:]} threads: "
            text += ", ".join(f"{step} {100 * share:.0f} %" for step, share in shares if share >= 0.005) + ".\n\n"
    return text


def start_text(results):
    rows = []
    for (_, shape, kind, _, _), rounds in results.of(None, None, None, "start", None):
        report = rounds[-1]["ours"]["rows"][0]
        for start in report["starts"]:
            rows.append([f"{shape} {kind}, {start['start']}", f"{start['load_s']:.2f} s",
                         f"{start['first_token_s']:.2f} s",
                         f"{start['peak_bytes'] / report['model_bytes']:.2f}"])
    return table(["start", "loaded after", "first token after", "peak memory / file"], rows)


def section(title, introduction, body):
    return f"## {title}\n\n{introduction}\n\n{body}" if body.strip() else ""


def main():
    results = Results(sys.argv[1] if len(sys.argv) > 1 else "build/compare.json")
    each = lambda text: "".join(text(results, peer, shape) for peer in results.names(0) for shape in PARAMETERS)
    shapes = " and ".join(f"{name} ({SHAPES[name]})" for name in results.names(1))
    builds = {row["build"] for rounds in results.found.values() for one in rounds
              for row in one.get("peer", {}).get("rows", []) if "build" in row}
    document = (
        "# Speed\n\nThis page is made by `make performance`; every figure comes from a run on the machine below. "
        "The models are random weights in "
        f"{shapes}; speed does not depend on their values. Rates are tokens per second. A ratio above 1 means that "
        "Avocado is faster: it is the median over pairs of runs that alternate between the two programs, with the "
        "least and the greatest where there is more than one pair. Both keep keys and values in 16 bits.\n\n"
        + (f"llama.cpp is release {', '.join(sorted(builds))} as the package node-llama-cpp ships it, with the "
           "back end that it chooses for this processor.\n\n" if builds else "")
        + section("Machine", "Limits are measured by `avocado bench`.", machine_text(results))
        + section("One sequence", "pp512 is a prompt of 512 tokens, tg64 are 64 tokens one by one, "
                  "@ d4096 after 4,096 tokens.",
                  each(speed_text))
        + section("Many sequences", "Each has a prompt of 128 tokens; tokens per second of all together, one by one.",
                  each(batched_text))
        + section("Long prompts", "One run from cold, all threads; memory is the peak of the process.", each(long_text))
        + section("Threads", "A thread takes the next chunk of a product when it has done its last, so that a fast "
                  "core does more of them; between products threads look for work for 50 microseconds, then "
                  "sleep. Who wakes up late is not waited for, and threads that meet on one CPU while another is "
                  "free part: kernels may leave them there for seconds, at half the speed. There is one per performance core, and `--cpu-pin` says whether they are bound: `auto` does "
                  "it where cores or memory nodes differ. `threads_bench` lets one thread, several, and several with "
                  "a CPU each take turns within one process.",
                  threads_text(results) + decode_text(results))
        + section("Where the time goes", "Shares of the steps, from `avocado bench --profile`.", profile_text(results))
        + section("Start", "From the start of a process, weights packed in memory or kept.", start_text(results))
        + "## Make it again\n\n`make performance` runs everything (hours with the 8b shape) and goes on where it was "
        "interrupted. `PERFORMANCE_FLAGS` selects: `make performance PERFORMANCE_FLAGS=\"--shapes 1b --groups speed "
        "--budget 1200\"`; `bench/compare.py --help` lists the flags. `bench/performance.py FILE` writes this page "
        "from a saved file.\n")
    # Tables and titles keep their lines; prose is wrapped.
    parts = [part if part[:1] in "|#" else textwrap.fill(part, 100) for part in document.strip().split("\n\n")]
    DOCUMENT.write_text("\n\n".join(parts) + "\n")


if __name__ == "__main__":
    main()
