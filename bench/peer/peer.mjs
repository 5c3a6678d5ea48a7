// node peer.mjs MODEL [-p 512] [-n 128] [-d 0] [-t 1,2] [--parallel 1,2] [-b 512] [-r 5] [--no-warmup]
// [--depth-state FILE]: measures llama.cpp with the tests and the flags of `avocado bench`, and prints JSON with the names of
// llama-bench. Run it as compare.py does: one thread for calls, or node's own threads take the cores.
// llama.cpp comes ready-made with the package node-llama-cpp; its lowest layer is used, in which a
// batch is one call of llama_decode. Random tokens, so that no tokenizer is needed.
// --depth-state: the keys and values of a depth are read from FILE, or written there by the first run.
// How long attention takes does not depend on what they are, so the types of one shape may share them.

import { availableParallelism } from "node:os";
import { existsSync } from "node:fs";
import { getLlama, LlamaLogLevel } from "node-llama-cpp";

const fail = (text) => { console.error(`peer: ${text}`); process.exit(1); };

function parse(argv) {
  const lists = { "-p": [512], "-n": [128], "-d": [0], "-t": [1], "--parallel": [], "-b": [512], "-r": [5] };
  const cold = argv.includes("--no-warmup");
  argv = argv.filter((flag) => flag !== "--no-warmup");
  const at = argv.indexOf("--depth-state");
  const state = at < 0 ? null : argv.splice(at, 2)[1];
  const [model, ...rest] = argv;
  if (!model || model.startsWith("-")) fail("the first argument is a GGUF file");
  for (let i = 0; i < rest.length; i += 2) {
    if (!(rest[i] in lists)) fail(`${rest[i]}: no such flag; there are ${Object.keys(lists).join(" ")}`);
    lists[rest[i]] = (rest[i + 1] ?? "").split(",").filter((s) => s !== "").map(Number);
    if (lists[rest[i]].some((x) => !Number.isInteger(x) || x < 0))
      fail(`${rest[i]} ${rest[i + 1]}: give whole numbers, as a list: 512,2048`);
  }
  return { model, lists, cold, state };
}

const mean = (xs) => xs.reduce((a, b) => a + b, 0) / xs.length;
const deviation = (xs) => xs.length < 2 ? 0
  : Math.sqrt(xs.reduce((s, x) => s + (x - mean(xs)) ** 2, 0) / (xs.length - 1));
const rounded = (n, unit) => Math.ceil(n / unit) * unit;
const random_ids = (n) => Uint32Array.from({ length: n }, () => 3 + Math.floor(Math.random() * 30000));

const { model: path, lists, cold, state } = parse(process.argv.slice(2));
const repetitions = lists["-r"][0];
const log = [];
const llama = await getLlama({ gpu: false, build: "never", logLevel: LlamaLogLevel.debug,
                               logger: (_, text) => log.push(text) });
const { AddonModel, AddonContext } = llama._bindings;
const model = new AddonModel(path, { useMmap: true });
if (!await model.init()) fail(`${path}: llama.cpp cannot load it\n${log.join("")}`);
const version = llama.llamaCppRelease.release;
const buffers = [...new Set(log.join("\n").match(/\S+ model buffer size/g) ?? [])]
  .map((text) => text.split(" ")[0]).join(",");

// Runs `count` tokens of each of `sequences` from position `from` on, at most `batch` in one call.
async function feed(context, sequences, from, count, batch) {
  for (let done = 0; done < count;) {
    const n = Math.min(Math.max(1, Math.floor(batch / sequences)), count - done);
    context.initBatch(n * sequences);
    for (let s = 0; s < sequences; s++)
      context.addToBatch(s, from + done, random_ids(n),
                         done + n === count ? Uint32Array.of(n - 1) : new Uint32Array(0));
    await context.decodeBatch();
    done += n;
  }
}

// Not timed: with all threads.
async function fill(context, sequences, depth, batch) {
  if (depth > 0 && state && existsSync(state)) {
    const ids = await context.loadSequenceStateFromFile(state, 0, depth);
    if (ids.length !== depth) fail(`${state}: holds ${ids.length} positions, not ${depth}; delete it`);
    return;
  }
  await feed(context, sequences, 0, depth, batch);
  if (depth > 0 && state) await context.saveSequenceStateToFile(state, 0, new Uint32Array(depth));
}

const seconds_of = async (work) => {
  const start = process.hrtime.bigint();
  await work();
  return Number(process.hrtime.bigint() - start) * 1e-9;
};

async function measure({ prompt, generate, depth, threads, batch, sequences = 1 }, once) {
  const longest = rounded(depth + prompt + generate, 256);
  const context = new AddonContext(model, { contextSize: longest * sequences, batchSize: batch,
                                            threads: availableParallelism(), sequences, flashAttention: "auto", performanceTracking: false });
  if (!await context.init()) fail(`no context of ${longest} tokens\n${log.slice(-20).join("")}`);
  await fill(context, sequences, depth, batch);
  context.setThreads(threads);
  for (let i = cold ? 1 : 0; i <= repetitions; i++) {  // run 0 warms up
    await once(context, i);
    for (let s = 0; s < sequences; s++) context.removeTokenCellsFromSequence(s, depth, -1);
  }
  await context.dispose();
}

const common = { model_filename: path, model_type: model.getModelDescription(), model_size: model.getTotalSize(),
                 model_n_params: model.getTotalParameters(), backends: "CPU", build: version, buffers };
const rows = [];

async function llama_bench(test) {
  const rates = [];
  const { prompt, generate, depth } = test;
  await measure(test, async (context, i) => {
    const time = await seconds_of(async () => {
      await feed(context, 1, depth, prompt, test.batch);
      for (let t = 0; t < generate; t++) await feed(context, 1, depth + prompt + t, 1, test.batch);
    });
    if (i > 0) rates.push((prompt + generate) / time);
  });
  rows.push({ ...common, n_batch: test.batch, n_threads: test.threads, n_prompt: prompt, n_gen: generate,
              n_depth: depth, avg_ts: mean(rates), stddev_ts: deviation(rates), samples_ts: rates });
}

// As llama-batched-bench: every sequence gets its own prompt, then all go on token by token.
async function batched_bench(test) {
  const pp = [], tg = [];
  const { prompt, generate, sequences } = test;
  await measure({ ...test, depth: 0 }, async (context, i) => {
    const t_pp = await seconds_of(() => feed(context, sequences, 0, prompt, test.batch));
    const t_tg = await seconds_of(async () => {
      for (let t = 0; t < generate; t++) await feed(context, sequences, prompt + t, 1, test.batch);
    });
    if (i > 0) { pp.push(t_pp); tg.push(t_tg); }
  });
  rows.push({ ...common, n_batch: test.batch, n_threads: test.threads, pp: prompt, tg: generate, pl: sequences,
              n_kv: sequences * (prompt + generate), t_pp: mean(pp), t_tg: mean(tg),
              speed_pp: sequences * prompt / mean(pp), speed_tg: sequences * generate / mean(tg) });
}

for (const threads of lists["-t"]) {
  for (const batch of lists["-b"]) {
    for (const sequences of lists["--parallel"])
      await batched_bench({ prompt: lists["-p"][0], generate: lists["-n"][0], threads, batch, sequences });
    if (lists["--parallel"].length > 0) continue;
    for (const depth of lists["-d"]) {
      for (const prompt of lists["-p"])
        if (prompt > 0) await llama_bench({ prompt, generate: 0, depth, threads, batch });
      for (const generate of lists["-n"])
        if (generate > 0) await llama_bench({ prompt: 0, generate, depth, threads, batch });
    }
  }
}
console.log(JSON.stringify(rows, null, 1));
process.exit(0);
