#!/usr/bin/env python3
"""Measures Avocado beside llama.cpp on this machine.

Both read the same files of random weights, in turn (A B A B ...), so that a noisy machine hits both.
What stands in the JSON file is not measured again: an interrupted run goes on where it was, and
`--rounds 5` after `--rounds 3` adds two. docs/performance.md is made of that file (performance.py).
"""

import argparse
import json
import os
import pathlib
import platform
import shlex
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

BENCH = pathlib.Path(__file__).resolve().parent
PARAMETERS = {"1b": 1.24e9, "8b": 8.03e9}
BITS = {"F32": 32, "BF16": 16, "F16": 16, "Q8_0": 8.5, "Q6_K": 6.6, "Q4_K_M": 5.2}  # others: 5
GIB = 1 << 30

# What is measured: the flags of `avocado bench`, which the peer understands too.
GROUPS = {
    "speed": "-p 512 -n 64 -r 1",
    "depth": "-p 0 -n 64 -d 4096 -r 1 --no-warmup",
    "batched": "-p 128 -n 32 --parallel 1,2,4,8,16 -r 1",
    "long8k": "-p 8192 -n 0 -r 1 --no-warmup",
    "long32k": "-p 32768 -n 0 -r 1 --no-warmup",
}
# Avocado alone, once: how near decoding is to what memory gives, what more threads bring, where the
# time goes, and how long a start takes.
ALONE = {
    "decode": "avocado bench MODEL --json -p 0 -n 16 -r 4",
    "threads": "threads_bench MODEL --json",
    "profile": "avocado bench MODEL --json --profile -p 512 -n 64 -r 1",
    "start": "start_bench MODEL --json",
}
# These with each number of threads, the others with the last.
EACH_THREADS = ("speed", "depth", "batched", "decode")


def say(text):
    print(text, file=sys.stderr, flush=True)


def parse():
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    names = lambda text: text.split(",")
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--shapes", type=names, default=["1b", "8b"], help="1b,8b")
    p.add_argument("--types", type=names, default=names("BF16,Q8_0,Q4_0,Q4_K_M,Q6_K,IQ4_XS,Q2_K"))
    p.add_argument("--groups", type=names, default=[*GROUPS, *ALONE], help=",".join([*GROUPS, *ALONE]))
    p.add_argument("--threads", type=names, default=["1", str(os.cpu_count())])
    p.add_argument("--only", default="", help="only what has this in its name: '1b Q4_0', 'batched t2'")
    p.add_argument("--rounds", type=int, default=3, help="pairs of each measurement")
    p.add_argument("--budget", type=float, default=float("inf"), help="start nothing after so many seconds")
    p.add_argument("--limit", type=float, default=1800, help="end a single process after so many seconds")
    p.add_argument("--out", type=pathlib.Path, default="build/compare.json")
    p.add_argument("--work", type=pathlib.Path, default=pathlib.Path(cache, "avocado-bench"),
                   help="folder for the models and llama.cpp")
    p.add_argument("--keep-models", action="store_true", help="leave the models in that folder")
    p.add_argument("--bin", type=pathlib.Path, default="build/bin", help="where avocado and make_model are")
    p.add_argument("--prefix", default="", help="put before each measured program: 'taskset -c 0,1'")
    p.add_argument("--peer-bench", help="measure beside this llama-bench instead of the package's llama.cpp")
    p.add_argument("--no-peer", action="store_true", help="measure Avocado alone")
    a = p.parse_args()
    for group in a.groups:
        if group not in GROUPS | ALONE:
            p.error(f"--groups {group}: there are {','.join(GROUPS | ALONE)}")
    for shape in a.shapes:
        if shape not in PARAMETERS:
            p.error(f"--shapes {shape}: there are {','.join(PARAMETERS)}")
    for program in ("avocado", "make_model"):
        if not (a.bin / program).is_file():
            p.error(f"{a.bin / program} is not there; `make bench` builds it, --bin names another folder")
    return a


class Peer:
    """llama.cpp out of a package, or any program with the flags of llama-bench."""

    def __init__(self, arguments):
        self.bench = arguments.peer_bench
        self.folder = arguments.work / "peer"
        self.name = self.bench or "llama.cpp"
        self.missing = "--no-peer" if arguments.no_peer else "" if self.bench else self.install()
        if self.missing:
            self.name = "alone"
            say(f"compare: WITHOUT the peer: {self.missing}")

    def install(self):
        """Returns why there is no llama.cpp, or nothing."""
        if not shutil.which("node") or not shutil.which("npm"):
            return "node and npm are not installed (on Debian: apt install nodejs npm)"
        shutil.copytree(BENCH / "peer", self.folder, dirs_exist_ok=True)
        if (self.folder / "node_modules/node-llama-cpp").is_dir():
            return ""
        say(f"compare: installing llama.cpp (85 MB) into {self.folder}")
        npm = subprocess.run(["npm", "install", "--no-package-lock", "--omit=optional", "--ignore-scripts"],
                             cwd=self.folder, capture_output=True, text=True)
        if npm.returncode == 0:
            return ""
        return f"npm could not install it (is its registry reachable from here?):\n{npm.stderr[-800:]}"

    def command(self, model, flags):
        """The command and its environment; None: the program has no such test."""
        if self.bench:
            if "--parallel" in flags:
                return None
            return [self.bench, "-m", str(model), "-o", "json"] + [f for f in flags if f != "--no-warmup"], {}
        # One thread makes all calls, and V8 starts none of its own: llama.cpp's wait in a loop for each
        # other, so that every further busy thread costs them milliseconds per product.
        return (["node", "--single-threaded", str(self.folder / "peer.mjs"), str(model)] + flags,
                {"UV_THREADPOOL_SIZE": "1"})


def measure(arguments, command, extra):
    """Runs one process to its end: {"rows": its JSON, "peak_memory": bytes}, or {"failed": why}."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(shlex.split(arguments.prefix) + command, env=os.environ | extra,
                                   stdout=out, stderr=errors, start_new_session=True)
        end = lambda *_: os.killpg(process.pid, signal.SIGKILL)
        signal.signal(signal.SIGALRM, end)
        signal.setitimer(signal.ITIMER_REAL, arguments.limit)
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            end()
            raise
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        errors.seek(0)
        if process.returncode != 0:
            return {"failed": f"exit status {process.returncode}: {errors.read()[-400:].strip()}"}
        rows = json.load(out)
        return {"rows": rows if isinstance(rows, list) else [rows], "peak_memory": usage.ru_maxrss * 1024}


def rates(run):
    """Tokens per second of each test of a process, by name."""
    found = {}
    for row in run.get("rows", []):
        if "pl" in row:
            found[f"pp{row['pp']} x{row['pl']}"] = row["speed_pp"]
            found[f"tg{row['tg']} x{row['pl']}"] = row["speed_tg"]
        elif "n_prompt" in row:  # the rows of threads_bench and start_bench are of another kind
            test = f"pp{row['n_prompt']}" if row["n_prompt"] else f"tg{row['n_gen']}"
            found[test + (f" @ d{row['n_depth']}" if row.get("n_depth") else "")] = row["avg_ts"]
    return found


def compared(rounds):
    """Of each test: (ours, peer's, ratios), medians and one ratio per round."""
    pairs = [(rates(r["ours"]), rates(r.get("peer", {}))) for r in rounds]
    for test in dict.fromkeys(t for ours, _ in pairs for t in ours):
        ours = [o[test] for o, _ in pairs if test in o]
        peer = [p[test] for _, p in pairs if test in p]
        yield (test, statistics.median(ours), statistics.median(peer) if peer else None,
               [o[test] / p[test] for o, p in pairs if test in o and test in p])


def print_table(name, rounds):
    for test, ours, peer, ratios in compared(rounds):
        beside = "" if peer is None else (f"  peer {peer:9.2f}  ratio {statistics.median(ratios):5.2f}"
                                          f" ({min(ratios):.2f} to {max(ratios):.2f})")
        print(f"{name:24} {test:16} {ours:9.2f} t/s{beside}", flush=True)


def available_memory():
    for line in open("/proc/meminfo"):
        if line.startswith("MemAvailable"):
            return int(line.split()[1]) * 1024
    return 0


def make_model(arguments, shape, kind):
    """The file, or None when this machine has no room for it."""
    path = arguments.work / f"{shape}-{kind}.gguf"
    if path.is_file():
        return path
    size = PARAMETERS[shape] * BITS.get(kind, 5) / 8
    disk, memory = shutil.disk_usage(arguments.work).free, available_memory()
    for what, there, needed in (("disk", disk, size + GIB), ("memory", memory, 1.25 * size + GIB)):
        if there < needed:
            say(f"compare: SKIPPED {shape} {kind}: it needs {needed / GIB:.0f} GiB of {what}, "
                f"{there / GIB:.0f} are free")
            return None
    subprocess.run([arguments.bin / "make_model", shape, kind, path], check=True)
    return path


def machine(arguments):
    doctor = subprocess.run([arguments.bin / "avocado", "doctor", "--json"], check=True, capture_output=True)
    caches = {}
    for cache in pathlib.Path("/sys/devices/system/cpu/cpu0/cache").glob("index*"):
        level, kind, size = ((cache / f).read_text().strip() for f in ("level", "type", "size"))
        caches[f"L{level}" + {"Data": "d", "Instruction": "i"}.get(kind, "")] = size
    return json.loads(doctor.stdout) | {"kernel": platform.release(), "caches": dict(sorted(caches.items()))}


def save(path, results):
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(results, indent=1))
    os.replace(temporary, path)


def one_round(arguments, peer, model, group, threads):
    """{"ours": a run, "peer": a run, where it has such a test}."""
    tests = GROUPS.get(group, "")
    if PARAMETERS[model.stem.split("-")[0]] > 4e9 and "--no-warmup" not in tests:
        tests += " --no-warmup"  # a first run is no slower when it takes half a minute
    program, *flags = ALONE.get(group, f"avocado bench MODEL --json {tests}").split()
    flags += ["--threads", threads]
    # Packed anew each time, as llama.cpp does: nothing is kept of a model that is deleted afterwards.
    ours = [str(arguments.bin / program)] + [str(model) if f == "MODEL" else f for f in flags]
    runs = {"ours": measure(arguments, ours, {"AVOCADO_PACKED_CACHE": "off"})}
    if group in GROUPS and not peer.missing:
        flags = tests.split() + ["-t", threads]
        if group == "depth" and not peer.bench:  # filled once for all types of a shape
            flags += ["--depth-state", str(model.with_name(model.stem.split("-")[0] + "-depth.state"))]
        if command := peer.command(model, flags):
            runs["peer"] = measure(arguments, *command)
    for who, run in runs.items():
        if "failed" in run:
            say(f"compare: {model.stem} {group} t{threads}: {who} FAILED: {run['failed']}")
    return runs


def measure_model(arguments, peer, shape, kind, results, end):
    wanted = []  # (name, group, threads, rounds that there are, rounds that there should be)
    for group in arguments.groups:
        for threads in arguments.threads:
            name = f"{shape} {kind} {group} t{threads}"
            once = group not in EACH_THREADS and threads != arguments.threads[-1]
            if arguments.only in name and not once:
                rounds = results["measurements"].setdefault(f"{peer.name} {name}", [])
                wanted.append((name, group, threads, rounds, 1 if group in ALONE else arguments.rounds))
    missing = any(len(rounds) < number for *_, rounds, number in wanted)
    model = make_model(arguments, shape, kind) if missing else None
    for name, group, threads, rounds, number in wanted:
        while model and len(rounds) < number and time.monotonic() < end:
            runs = one_round(arguments, peer, model, group, threads)
            if "failed" in runs["ours"]:
                break
            rounds.append(runs)
            save(arguments.out, results)
        print_table(name, rounds)
    if model and not arguments.keep_models:
        model.unlink()


def main():
    arguments = parse()
    end = time.monotonic() + arguments.budget
    arguments.work.mkdir(parents=True, exist_ok=True)
    load = os.getloadavg()[0]
    if load > 0.5 * os.cpu_count():
        say(f"compare: the machine is busy (load {load:.1f}): speeds mean little, ratios somewhat more")
    peer = Peer(arguments)
    results = {"measurements": {}}
    if arguments.out.is_file():
        results = json.loads(arguments.out.read_text())
    results["machine"] = machine(arguments)
    for shape in arguments.shapes:
        for kind in arguments.types:
            if time.monotonic() < end:
                measure_model(arguments, peer, shape, kind, results, end)
        if not arguments.keep_models:
            (arguments.work / f"{shape}-depth.state").unlink(missing_ok=True)
    if time.monotonic() >= end:
        say("compare: the time is over; the same command goes on from here")


if __name__ == "__main__":
    main()
