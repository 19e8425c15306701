// The heat map: fields x sources or fields x days, drawn a screenful at a time.
const mapTable = document.getElementById("map-table");
const mapMore = document.getElementById("map-more");
const mapNote = document.getElementById("map-note");
const MAP_ROWS = 60;
let mapFields = [];
let mapShown = 0;

// one entry per field of the chosen model: its rows, worst verdict first
function drawMap() {
  const chosen = new Map();
  for (const row of chosenRows()) {
    const field = rows.field[row];
    if (!chosen.has(field)) chosen.set(field, []);
    chosen.get(field).push(row);
  }
  mapFields = [...chosen.entries()];
  if (document.getElementById("map-order").value === "path") {
    mapFields.sort((a, b) => (lowerPaths[a[0]] < lowerPaths[b[0]] ? -1 : 1));
  }
  mapShown = 0;
  const senders = [...new Set(mapFields.flatMap(([, list]) => list.map(senderOf)))]
    .sort((a, b) => a - b);
  const head = isByDay() ? dayHead() : element("tr", {}, element("th", { scope: "col" }, "Field"),
    ...senders.map((sender) => element("th", { scope: "col", class: "sender",
      title: data.senders[sender][0] }, data.senders[sender][2])));
  mapTable.replaceChildren(
    element("caption", { class: "sr" }, isByDay() ? "Fields by day" : "Fields by source"),
    element("thead", {}, head), element("tbody"));
  const models = new Set(mapFields.map(([field]) => data.fields[field][0])).size;
  mapTable.senders = senders;
  mapTable.hasModels = models > 1;
  mapNote.textContent = `${count(mapFields.length)} fields of ${count(models)} data ${
    models === 1 ? "model" : "models"}. ` + (isByDay()
    ? "Bars show each day’s rate; a low red mark is a day on which the field was never filled."
    : "A sign marks the worst verdict among the event types; choose a field for its numbers.");
  drawLegend();
  showMoreFields();
}

const isByDay = () => document.querySelector('input[name="map"]:checked').value === "days";

// labels stand above the middle of their day's bar, as wide as the bars are
function dayHead() {
  const last = data.days.length - 1;
  const named = [...new Set(last < 4 ? [0, last] : [0, Math.floor(last / 2), last])];
  const axis = element("span", { class: "axis",
    style: `max-width:${data.days.length * MOST_DAY_PX}px` },
  ...named.filter((day) => day >= 0).map((day) => element("span", { class: day === 0 ? "first"
    : day === last ? "last" : null,
  style: `left:${(100 * (day + 0.5) / data.days.length).toFixed(3)}%` }, shortDay(day))));
  return element("tr", {}, element("th", { scope: "col" }, "Field"),
    element("th", { scope: "col", class: "days" }, axis),
    element("th", { scope: "col", class: "num" }, "Rate"));
}

function showMoreFields() {
  const body = mapTable.tBodies[0];
  for (const [field, list] of mapFields.slice(mapShown, mapShown + MAP_ROWS)) {
    body.append(isByDay() ? dayRow(field, list) : senderRow(field, list));
  }
  mapShown = Math.min(mapShown + MAP_ROWS, mapFields.length);
  mapMore.hidden = mapShown >= mapFields.length;
  mapMore.textContent = `Show more fields (${count(mapFields.length - mapShown)} left)`;
}

const fieldHead = (field, list) => element("th", { scope: "row" },
  element("button", { type: "button", class: "link",
    onclick: () => openSheet(data.fields[field][1], list) }, ...pathText(data.fields[field][1])),
  mapTable.hasModels ? element("span", { class: "where" }, data.models[data.fields[field][0]])
    : null);

function senderRow(field, list) {
  return element("tr", {}, fieldHead(field, list), ...mapTable.senders.map((sender) => {
    const own = list.filter((row) => senderOf(row) === sender);
    if (!own.length) return element("td", { class: "cell cell-none" }, "");
    const { rate, populated, messages } = addRows(own);
    const worst = markOf(own[0]);
    const sign = ["below", "above", "not_listed_for_event", "perhaps"].includes(worst.kind)
      ? element("span", { class: "sign" }, element("span", { "aria-hidden": "true" }, worst.sign),
        element("span", { class: "sr" }, worst.name)) : null;
    const shade = rate === null ? "" : `h${rate === 0 ? 0 : Math.max(1, Math.floor(rate * 10))}`;
    const cell = element("td", { class: `cell ${shade}`,
      title: `${count(populated)} of ${messagesText(messages)}`,
      onclick: () => openSheet(data.fields[field][1], own) },
    rate === null && populated === HIDDEN ? count(populated) : percent(rate), sign);
    return cell;
  }));
}

function dayRow(field, list) {
  const series = addSeries(list);
  const changes = list.flatMap((row) => changesOfRow.get(row) ?? []);
  const { rate } = addRows(list);
  const words = changes.map(({ day, kind }) => `, ${kind} on ${shortDay(day)}`).join("");
  const drawn = strip(series, changes, trendWords(series) + words);
  drawn.addEventListener("pointermove", (event) => {
    const box = drawn.getBoundingClientRect();
    const at = Math.floor((event.clientX - box.left) / box.width * series.length);
    const day = series[at];
    showTip(event, day ? `${dayName(at)}: ${count(day[0])} of ${count(day[1])}, ${
      percent(rateOfDay(day))}` : data.days[at] ? `${dayName(at)}: no messages` : "");
  });
  drawn.addEventListener("pointerleave", hideTip);
  return element("tr", {}, fieldHead(field, list), element("td", { class: "days" }, drawn),
    element("td", { class: "num" }, percent(rate)));
}

function drawLegend() {
  const legend = document.getElementById("map-legend");
  const swatches = shape("svg", { width: 132, height: 14, "aria-hidden": "true" },
    ...Array.from({ length: 11 }, (_, at) => shape("rect",
      { x: at * 12, y: 0, width: 12, height: 14, style: `fill:var(--heat-${at})` })));
  legend.replaceChildren("0%", swatches, "100%");
}

const tip = document.getElementById("tip");
function showTip(event, words) {
  tip.textContent = words;
  tip.hidden = !words;
  const left = Math.min(event.clientX + 14, window.innerWidth - tip.offsetWidth - 8);
  tip.style.left = `${Math.max(left, 4)}px`;
  tip.style.top = `${event.clientY + 16}px`;
}
function hideTip() { tip.hidden = true; }

mapMore.addEventListener("click", showMoreFields);
