// Builds the page from the numbers of the run. Text from files goes into text nodes only.
const run = JSON.parse(document.getElementById("run").textContent);
let language = (location.hash.slice(1) || navigator.language || "en").startsWith("ja") ? "ja" : "en";
let theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";

function el(name, attributes, ...children) {
  const node = document.createElement(name);
  for (const [name_, value] of Object.entries(attributes)) node.setAttribute(name_, value);
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

const say = (word) => words[language][word] || word;
const text = (value) => typeof value === "string" ? value : JSON.stringify(value);
const count = (value) => typeof value === "number" ? value.toLocaleString("en") : "–";
const shortCount = (value) => value >= 1e9 ? `${(value / 1e9).toFixed(2)}B` : value >= 1e6 ? `${(value / 1e6).toFixed(2)}M`
  : value >= 1e4 ? `${(value / 1e3).toFixed(1)}k` : count(Math.round(value));
const last = (values) => values[values.length - 1];

function table(rows, head) {
  const node = el("table", {});
  if (head) node.append(el("tr", {}, ...head.map(([name, numeric]) => el("th", numeric ? {class: "number"} : {}, name))));
  for (const row of rows)
    node.append(el("tr", {}, ...row.map((cell, i) => cell instanceof Node && cell.nodeName === "TH" ? cell
      : el("td", head && head[i][1] ? {class: "number"} : {}, cell))));
  return node;
}
const pairs = (object) => table(Object.entries(object).map(([name, value]) => [el("th", {}, name), text(value)]));
const card = (title, ...children) => el("section", {class: "card"}, el("h3", {}, title), ...children);

function header() {
  const language_ = el("button", {}, say("other"));
  language_.onclick = () => { language = language === "en" ? "ja" : "en"; build(); };
  const theme_ = el("button", {}, say(theme === "dark" ? "light" : "dark"));
  theme_.onclick = () => { theme = theme === "dark" ? "light" : "dark"; build(); };
  return el("header", {}, el("h1", {}, run.name), el("span", {class: `state ${run.state}`}, say(run.state)),
            el("span", {class: "spring"}), language_, theme_);
}

function tile(name, value, more) {
  return el("div", {class: "card tile"}, el("div", {class: "name"}, name), el("div", {class: "value"}, value),
            more ? el("div", {class: "more"}, more) : null);
}

function tiles() {
  const series = run.series, made = [tile(say("steps"), count(run.steps_done), `${say("of")} ${count(run.steps)}`)];
  if (series.smoothed) made.push(tile(say("loss"), number(last(series.smoothed.y)), say("last_steps")));
  if (run.eval.x.length) made.push(tile(say("eval"), number(last(run.eval.y)), `${say("step")} ${count(last(run.eval.x))}`));
  made.push(tile(say("parameters"), shortCount(run.parameters)), tile(say("tokens"), shortCount(run.tokens)));
  if (series.tokens_per_s) made.push(tile(say("speed"), shortCount(last(series.tokens_per_s.y)), say("per_second")));
  return el("div", {class: "tiles"}, ...made);
}

// Charts are drawn when their width is known, and again when it changes.
function chart(title, lines, height, wide) {
  const plot = el("div", {class: "plot"});
  const keys = lines.length > 1 ? lines.map((line) => key(line)) : [];
  new ResizeObserver(() => draw(plot, lines, say("step"), height)).observe(plot);
  return el("section", {class: wide ? "card wide" : "card"}, el("div", {class: "head"}, el("h3", {}, title), ...keys), plot);
}

function curves() {
  const {loss, smoothed, ...others} = run.series;
  if (!loss) return [el("h2", {}, say("curves")), el("p", {}, say("no_steps"))];
  const lines = [{name: say("loss_train"), color: "var(--blue)", faint: true, ...loss},
                 {name: say("smoothed"), color: "var(--blue)", ...smoothed, low: null, high: null}];
  if (run.eval.x.length) lines.push({name: say("loss_eval"), color: "var(--orange)", dots: true, ...run.eval});
  const colors = ["var(--violet)", "var(--green)", "var(--orange)", "var(--blue)"];
  const small = Object.entries(others).map(([name, series], i) =>
    chart(say(name), [{name: say(name), color: colors[i % colors.length], ...series}], 170, false));
  return [el("h2", {}, say("curves")), el("div", {class: "charts"}, chart(say("loss"), lines, 300, true), ...small),
          run.thinned > 1 ? el("p", {}, say("thinned").replace("{n}", run.thinned)) : null];
}

function samples() {
  if (!run.samples.length) return [];
  const prompts = [...new Set(run.samples.map((sample) => sample.prompt))];
  return [el("h2", {}, say("samples")), el("div", {class: "columns"}, ...prompts.map((prompt) => {
    const rows = run.samples.filter((sample) => sample.prompt === prompt).reverse().map((sample) => [
      count(sample.step),
      el("div", {class: "sample"}, el("span", {class: "prompt"}, prompt), sample.text,
         sample.ended ? el("span", {class: "prompt", title: say("ended")}, " ∎") : null)]);
    return el("section", {class: "card"}, el("div", {class: "scroll"}, table(rows, [[say("step"), true], [prompt, false]])));
  }))];
}

function dataReport() {
  const report = run.data_report;
  if (!report || !Array.isArray(report.sources)) return [];
  const rows = report.sources.map((s) => [
    text(s.path), say(`for_${s.use}`), count(s.weight), count(s.documents), count(s.tokens), count(s.learned),
    count(Object.values(s.dropped || {}).reduce((sum, problem) => sum + (problem.count || 0), 0))]);
  const head = [[say("file")], [say("use")], [say("weight"), true], [say("documents"), true], [say("all_tokens"), true],
                [say("learned"), true], [say("dropped"), true]];
  const dropped = report.sources.flatMap((s) => Object.entries(s.dropped || {}).map(([kind, problem]) => [
    text(s.path), say(kind), count(problem.count),
    (problem.first || []).slice(0, 3).map((bad) => `${say("line")} ${bad.line}: ${bad.problem}`).join("\n")]));
  const passes = [["train", report.train], ["eval", report.eval]].filter(([, pass]) => pass).map(([use, pass]) => [
    say(`for_${use}`), count(pass.documents), count(pass.rows), count(pass.inputs), count(pass.learned)]);
  return [el("h2", {}, say("data")), el("section", {class: "card scroll"}, table(rows, head)),
          el("div", {class: "columns", style: "margin-top: 12px"},
             el("section", {class: "card scroll"}, table(passes, [[say("use")], [say("documents"), true], [say("rows"), true],
                                     [say("inputs"), true], [say("learned"), true]])),
             dropped.length ? el("section", {class: "card scroll sample"}, table(dropped,
               [[say("file")], [say("kind")], [say("count"), true], [say("first")]])) : null)];
}

function settings() {
  const recipe = run.recipe_text
    ? el("details", {}, el("summary", {}, say("recipe")), el("pre", {class: "card"}, run.recipe_text)) : null;
  return [el("h2", {}, say("settings")),
          el("div", {class: "columns"}, card(say("model"), pairs(run.model)), card(say("training"), pairs(run.train))), recipe];
}

function machines() {
  if (!run.sessions.length) return [];
  const rows = run.sessions.map((s) => [text(s.time), count(s.step), text(s.cpu), text(s.isa), count(s.threads), text(s.version)]);
  return [el("h2", {}, say("machine")), el("section", {class: "card scroll"}, table(rows,
    [[say("time")], [say("after"), true], [say("cpu")], [say("isa")], [say("threads"), true], [say("version")]]))];
}

function proof() {
  const row = (name, value) => value ? [[el("th", {}, say(name)), el("code", {}, value)]] : [];
  const rows = [...row("definition", run.definition), ...row("chain", run.chain),
                ...row("weights", run.final.weights), ...row("model_file", run.final.sha256),
                ...Object.entries(run.sources).map(([file, digest]) => [el("th", {}, file), el("code", {}, text(digest))])];
  const commands = [[`avocado verify ${run.folder}`, say("checks")]];
  if (run.final.file) commands.push([`avocado show ${run.folder}/${run.final.file}`, say("shows")]);
  return [el("h2", {}, say("proof")), el("p", {}, say("proof_text")),
          el("pre", {class: "card"}, commands.map(([command, what]) => `${command}    # ${what}`).join("\n")),
          el("section", {class: "card", style: "margin-top: 12px"}, table(rows))];
}

function build() {
  document.documentElement.lang = language;
  document.documentElement.dataset.theme = theme;
  document.title = `${run.name} · Avocado`;
  const made = say("made").replace("{version}", run.version).replace("{time}", run.time);
  const parts = [header(), run.problem ? el("p", {class: "problem"}, `${say("log_bad")}: ${run.problem}`) : null,
                 tiles(), ...curves(), ...samples(), ...dataReport(), ...settings(), ...machines(), ...proof(),
                 el("footer", {}, made)];
  document.getElementById("page").replaceChildren(...parts.filter((part) => part));
}

build();
