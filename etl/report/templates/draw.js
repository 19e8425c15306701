// Elements, and the small drawings: rate with interval, sparkline, strip of days, chart of a series.
const element = (name, attributes = {}, ...children) => fill(document.createElement(name),
  attributes, children);
const shape = (name, attributes = {}, ...children) => fill(
  document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);

function fill(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (value !== null && value !== false) node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

// a path may break after its dots
const pathText = (path) => path.split(/(?<=\.)/).flatMap((part, at) =>
  at ? [element("wbr"), part] : [part]);

const picture = (width, height, label, ...children) => shape("svg",
  { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": label },
  ...children);

const verdictMark = (row) => {
  const { kind, sign, name } = markOf(row);
  return element("span", { class: `mark mark-${kind}` },
    element("span", { "aria-hidden": "true" }, sign), name);
};

const ratingBadge = (row) => basisOf(row)
  ? element("span", { class: `badge badge-${basisOf(row)}` }, `${ratingOf(row)} · ${basisOf(row)}`)
  : null;

const boundOf = (row) => ({
  Reliable: data.settings.reliable_above,
  Probable: data.settings.probable_above,
  Possible: data.settings.possible_below,
})[ratingOf(row)] ?? null;

// a track from 0 to 100%, the interval as a whisker, the rate as a point, the rating's bound dashed
function rateBar(row, width = 132) {
  const rate = rateOf(row);
  const at = (value) => 4 + value * (width - 8);
  const bound = boundOf(row);
  const parts = [shape("rect", { class: "track", x: 4, y: 5, width: width - 8, height: 4, rx: 2 })];
  if (bound !== null) {
    parts.push(shape("line", { class: "bound", x1: at(bound), x2: at(bound), y1: 2, y2: 12 }));
  }
  if (rate !== null && rows.low[row] !== null) {
    parts.push(shape("line", { class: "whisker", x1: at(rows.low[row] / 1e4),
      x2: at(rows.high[row] / 1e4), y1: 7, y2: 7 }));
    parts.push(shape("circle", { class: "point", cx: at(rate), cy: 7, r: 3.5 }));
  }
  const drawn = picture(width, 14, "", ...parts);
  drawn.setAttribute("aria-hidden", "true");
  return drawn;
}

const rateOfDay = (day) => (day === null ? null : share(day[0], day[1]));

// one line through the days' rates, broken where no messages came
function linePath(series, x, y) {
  let path = "";
  let isBroken = true;
  series.forEach((day, at) => {
    const rate = rateOfDay(day);
    if (rate === null) { isBroken = true; return; }
    path += `${isBroken ? "M" : "L"}${x(at).toFixed(1)} ${y(rate).toFixed(1)}h.1`;
    isBroken = false;
  });
  return path;
}

function trendWords(series) {
  const rates = series.map(rateOfDay).filter((rate) => rate !== null);
  if (!rates.length) return "no series";
  const first = percent(rates[0]);
  const last = percent(rates[rates.length - 1]);
  return `by day, from ${first} to ${last}, lowest ${percent(Math.min(...rates))}`;
}

function sparkline(row, width = 120, height = 26) {
  if (!hasDays(row)) return element("span", { class: "quiet" }, "–");
  const series = seriesOf(row);
  const x = (at) => 3 + at * (width - 6) / Math.max(series.length - 1, 1);
  const y = (rate) => 3 + (1 - rate) * (height - 6);
  const marks = (changesOfRow.get(row) ?? []).map(({ day }) => shape("line",
    { class: "change-line", x1: x(day), x2: x(day), y1: 0, y2: height }));
  return picture(width, height, trendWords(series),
    shape("line", { class: "rule", x1: 0, x2: width, y1: y(0), y2: y(0) }),
    ...marks, shape("path", { class: "line", d: linePath(series, x, y) }));
}

// no day is drawn wider than this; the axis above the bars follows it
const MOST_DAY_PX = 44;

// days as bars: height and shade say the rate, a gap no messages, a low red mark an empty day
function strip(series, changes, label) {
  const width = series.length * 10;
  const drawn = shape("svg", { class: "strip", viewBox: `0 0 ${width} 22`,
    style: `max-width:${series.length * MOST_DAY_PX}px`, preserveAspectRatio: "none", role: "img", "aria-label": label });
  series.forEach((day, at) => {
    if (day === null) return;
    const rate = rateOfDay(day);
    const height = rate === null ? 20 : Math.max(20 * rate, rate > 0 ? 2 : 3);
    const kind = rate === null ? "hidden-day" : rate === 0 ? "zero"
      : `s${Math.floor(rate * 10 + 1e-9)}`;
    drawn.append(
      shape("rect", { class: "ground", x: at * 10 + 0.5, y: 1, width: 9, height: 20 }),
      shape("rect", { class: kind, x: at * 10 + 0.5, y: 21 - height, width: 9, height }));
  });
  for (const { day } of changes) {
    drawn.append(shape("rect", { class: "changed", x: day * 10 - 1, y: 0, width: 2, height: 22 }));
  }
  return drawn;
}

// rates as a line over the messages of each day as bars; changes as upright lines
function chart(row, width = 640, height = 170) {
  const series = seriesOf(row);
  const [left, right, top, bottom, foot] = [38, 6, 8, 34, 18];
  const plot = height - bottom;
  const step = (width - left - right) / Math.max(series.length, 1);
  const x = (at) => left + (at + 0.5) * step;
  const y = (rate) => top + (1 - rate) * (plot - top);
  const most = Math.max(1, ...series.map((day) => (day ? Math.max(day[1], 0) : 0)));
  const drawn = picture(width, height, `${pathOf(row)} ${trendWords(series)}`);
  drawn.removeAttribute("width");
  drawn.removeAttribute("height");
  for (const rate of [0, 0.5, 1]) {
    drawn.append(shape("line", { class: "rule", x1: left, x2: width - right, y1: y(rate),
      y2: y(rate) }), shape("text", { class: "tick", x: left - 6, y: y(rate) + 3.5,
      "text-anchor": "end" }, `${rate * 100}%`));
  }
  const bound = boundOf(row);
  if (bound !== null) {
    drawn.append(shape("line", { class: "bound", x1: left, x2: width - right, y1: y(bound),
      y2: y(bound) }));
  }
  series.forEach((day, at) => {
    if (day === null || day[1] === HIDDEN) return;
    const tall = (foot - 4) * day[1] / most;
    drawn.append(shape("rect", { class: "bars", x: x(at) - step * 0.4, width: step * 0.8,
      y: plot + foot - tall, height: tall }));
  });
  for (const { day } of changesOfRow.get(row) ?? []) {
    const at = left + day * step;
    drawn.append(shape("line", { class: "change-line", x1: at, x2: at, y1: top, y2: plot }));
  }
  drawn.append(shape("path", { class: "line", d: linePath(series, x, y) }));
  series.forEach((day, at) => {
    const rate = rateOfDay(day);
    if (rate !== null && step > 6) {
      drawn.append(shape("circle", { class: "point", cx: x(at), cy: y(rate), r: 2 }));
    }
  });
  for (const at of [...new Set([0, Math.floor((series.length - 1) / 2), series.length - 1])]) {
    if (at >= 0) {
      drawn.append(shape("text", { class: "tick", x: x(at), y: height - 3, "text-anchor":
        at === 0 ? "start" : at === series.length - 1 ? "end" : "middle" }, shortDay(at)));
    }
  }
  return drawn;
}
