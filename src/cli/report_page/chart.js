// One chart: lines over steps, with a band where points stand for several steps, dots for rare
// points, and the values under the pointer.
const kNames = "http://www.w3.org/2000/svg";

function svg(name, attributes, parent) {
  const node = document.createElementNS(kNames, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (parent) parent.append(node);
  return node;
}

// Round numbers that cut [low, high] into about `count` parts.
function ticks(low, high, count) {
  const raw = (high - low) / count, power = 10 ** Math.floor(Math.log10(raw));
  const size = [1, 2, 5, 10].find((n) => n * power >= raw) * power;
  const found = [];
  for (let i = Math.ceil(low / size); i * size <= high + size * 1e-9; ++i) found.push(i * size);
  return found;
}

function number(value, digits = 4) {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e9)) return value.toExponential(digits - 2);
  if (size >= 1e4) return Math.round(value).toLocaleString("en");
  return String(Number(value.toPrecision(digits)));
}

function range(lines, keys) {
  let low = Infinity, high = -Infinity;
  for (const line of lines)
    for (const key of keys)
      for (const value of line[key] || [])
        if (value !== null) { low = Math.min(low, value); high = Math.max(high, value); }
  return low <= high ? [low, high] : [0, 1];
}

const upper = (line) => line.high || line.y;

// Where the scale ends. The first steps of a run are far above all others and would leave these no
// room: a highest value that is more than twice as far up as 90 % of all reach is cut off.
function scaleTop(lines, low, high) {
  const all = lines.flatMap(upper).filter((value) => value !== null).sort((a, b) => a - b);
  const most = all[Math.floor(0.9 * (all.length - 1))];
  return most > low && high - low > 2 * (most - low) ? most + 0.3 * (most - low) : high;
}

// `lines`: {name, color, x, y, low?, high?, dots?, faint?}
function draw(plot, lines, stepWord, height) {
  plot.replaceChildren();
  const width = Math.max(plot.clientWidth, 200), left = 52, right = 8, top = 8, bottom = 22;
  const [x0, x1] = range(lines, ["x"]);
  let [y0, highest] = range(lines, ["y", "low", "high"]), y1 = scaleTop(lines, y0, highest);
  const cut = highest > y1;
  const pad = (y1 - y0 || Math.abs(y1) || 1) * 0.06;
  [y0, y1] = [y0 >= 0 ? Math.max(0, y0 - pad) : y0 - pad, y1 + pad];
  const px = (x) => left + (x1 > x0 ? (x - x0) / (x1 - x0) : 0.5) * (width - left - right);
  const py = (y) => top + (1 - (y - y0) / (y1 - y0)) * (height - top - bottom);
  const root = svg("svg", {viewBox: `0 0 ${width} ${height}`, height, role: "img"}, plot);

  for (const y of ticks(y0, y1, 4)) {
    svg("line", {x1: left, x2: width - right, y1: py(y), y2: py(y), class: "grid"}, root);
    svg("text", {x: left - 8, y: py(y) + 4, "text-anchor": "end"}, root).textContent = number(y, 3);
  }
  for (const x of ticks(x0, Math.max(x1, x0 + 1), Math.max(3, width / 90))) {
    if (!Number.isInteger(x) || x < x0 || x > x1) continue;
    svg("text", {x: px(x), y: height - 4, "text-anchor": "middle"}, root).textContent = x.toLocaleString("en");
  }
  svg("line", {x1: left, x2: width - right, y1: height - bottom, y2: height - bottom, class: "base"}, root);

  const inside = svg("svg", {x: 0, y: 0, width, height: height - bottom, style: "overflow: hidden"}, root);
  for (const line of lines) {
    const shown = line.x.map((x, i) => [x, i]).filter(([, i]) => line.y[i] !== null);
    if (line.low) {
      const upper = shown.map(([x, i]) => `${px(x)},${py(line.high[i])}`);
      const lower = shown.map(([x, i]) => `${px(x)},${py(line.low[i])}`).reverse();
      svg("polygon", {points: upper.concat(lower).join(" "), fill: line.color, style: "opacity: var(--band)"}, inside);
    }
    const points = shown.map(([x, i]) => `${px(x)},${py(line.y[i])}`).join(" ");
    svg("polyline", {points, fill: "none", stroke: line.color, "stroke-width": line.faint ? 1 : 1.7,
                     "stroke-linejoin": "round", opacity: line.faint ? 0.45 : 1}, inside);
    if (line.dots && shown.length <= 60 || shown.length === 1)
      for (const [x, i] of shown) svg("circle", {cx: px(x), cy: py(line.y[i]), r: 3.5, fill: line.color}, inside);
  }
  if (cut) {
    const line = lines.find((line) => upper(line).includes(highest));
    const x = px(line.x[upper(line).indexOf(highest)]), before = x > width / 2;
    svg("text", {x: x + (before ? -8 : 8), y: top + 8, "text-anchor": before ? "end" : "start"}, root)
      .textContent = `↑ ${number(highest, 3)}`;
  }

  const cross = svg("line", {y1: top, y2: height - bottom, class: "cross", visibility: "hidden"}, root);
  const tip = el("div", {class: "tip", hidden: ""});
  plot.append(tip);
  root.addEventListener("pointerleave", () => { tip.hidden = true; cross.setAttribute("visibility", "hidden"); });
  root.addEventListener("pointermove", (event) => {
    const at = x0 + (event.offsetX - left) / (width - left - right) * (x1 - x0);
    const step = nearest(lines[0].x, at);
    tip.replaceChildren(el("div", {}, `${stepWord} ${step.toLocaleString("en")}`));
    for (const line of lines) {
      const x = nearest(line.x, step), i = line.x.indexOf(x);
      if (line.dots && Math.abs(px(x) - px(step)) > 6) continue;
      tip.append(key(line, el("b", {}, number(line.y[i]))));
    }
    tip.hidden = false;
    cross.setAttribute("visibility", "visible");
    cross.setAttribute("x1", px(step)); cross.setAttribute("x2", px(step));
    const beside = px(step) + 14 + tip.offsetWidth > width ? px(step) - 14 - tip.offsetWidth : px(step) + 14;
    tip.style.left = `${Math.max(0, beside)}px`;
  });
}

// The member of ascending `values` that is closest to `wanted`.
function nearest(values, wanted) {
  let low = 0, high = values.length - 1;
  while (low < high) {
    const middle = low + high >> 1;
    if (values[middle] < wanted) low = middle + 1; else high = middle;
  }
  return low > 0 && wanted - values[low - 1] < values[low] - wanted ? values[low - 1] : values[low];
}

function key(line, ...rest) {
  const mark = el("i", {});
  mark.style.color = line.color;
  mark.style.opacity = line.faint ? 0.45 : 1;
  return el("span", {class: "key"}, mark, line.name, ...rest);
}
