// The pickers, what they choose, and the page around it.
const pick = (name) => document.getElementById(`pick-${name}`);
const search = document.getElementById("search");

function option(value, name) {
  return element("option", { value }, name);
}

function fillPickers() {
  const numbered = (names) => names.map((name, at) => [at, name])
    .sort((a, b) => (a[1] < b[1] ? -1 : 1));
  pick("sender").append(option("", "All sources"),
    ...data.senders.map(([name], at) => option(at, name)));
  const models = numbered(data.models);
  if (models.length !== 1) pick("model").append(option("", "All data models"));
  pick("model").append(...models.map(([at, name]) => option(at, name)));
  fillEvents();
  const counts = new Array(verdicts.length).fill(0);
  for (const verdict of rows.verdict) counts[verdict] += 1;
  document.getElementById("pick-verdicts").append(...verdicts.map((verdict, at) => {
    const [sign, name] = data.labels[verdict];
    return element("label", { hidden: !counts[at] }, element("input", { type: "checkbox",
      value: verdict, checked: true, onchange: () => { drawTable(); keepState(); } }),
    element("span", {}, `${sign} ${name} ${count(counts[at])}`));
  }));
}

// only the event types of the chosen data model; the chosen one stays if it can
function fillEvents() {
  const before = pick("event").value;
  const model = pick("model").value;
  const known = new Set(data.feeds.filter((feed) => model === "" || feed[1] === Number(model))
    .map((feed) => feed[2]));
  pick("event").replaceChildren(option("", "All event types"),
    ...data.events.map((name, at) => [at, name]).filter(([at]) => known.has(at))
      .sort((a, b) => (a[1] < b[1] ? -1 : 1)).map(([at, name]) => option(at, name)));
  if (known.has(Number(before)) && before !== "") pick("event").value = before;
}

const chosenVerdicts = () => new Set([...document.querySelectorAll("#pick-verdicts :checked")]
  .map((input) => input.value));

// the rows that the pickers choose, in the order of the data: worst first
let chosen = null;
function chosenRows() {
  if (chosen) return chosen;
  const [sender, model, event] = ["sender", "model", "event"].map((name) => pick(name).value);
  const words = search.value.trim().toLowerCase();
  const fits = lowerPaths.map((path) => path.includes(words));
  const hidesEmpty = pick("filled").checked;
  chosen = [];
  for (let row = 0; row < rowCount; row += 1) {
    if (fits[rows.field[row]] && !(hidesEmpty && rows.populated[row] === 0 && !rows.rating[row])
      && (sender === "" || senderOf(row) === Number(sender))
      && (model === "" || modelOf(row) === Number(model))
      && (event === "" || eventOf(row) === Number(event))) chosen.push(row);
  }
  return chosen;
}

function redraw() {
  chosen = null;
  drawMap();
  drawTable();
  keepState();
}

let waiting = 0;
search.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(redraw, 120);
});
pick("model").addEventListener("change", () => { fillEvents(); redraw(); });
for (const name of ["sender", "event", "filled"]) pick(name).addEventListener("change", redraw);
pick("basis").addEventListener("change", () => { drawTable(); keepState(); });
document.getElementById("map-order").addEventListener("change", () => { drawMap(); keepState(); });
for (const input of document.querySelectorAll('input[name="map"]')) {
  input.addEventListener("change", () => { drawMap(); keepState(); });
}

const theme = document.getElementById("theme");
theme.addEventListener("change", () => {
  if (theme.value) document.documentElement.dataset.theme = theme.value;
  else delete document.documentElement.dataset.theme;
});
document.getElementById("print").addEventListener("click", () => window.print());

// the place in the bar that is being read
const links = new Map([...document.querySelectorAll(".bar a")]
  .map((link) => [link.getAttribute("href").slice(1), link]));
const watcher = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (!entry.isIntersecting) continue;
    for (const link of links.values()) link.removeAttribute("aria-current");
    links.get(entry.target.id)?.setAttribute("aria-current", "true");
  }
}, { rootMargin: "-20% 0px -70% 0px" });
for (const section of document.querySelectorAll("main > section")) watcher.observe(section);

// more rows before the reader reaches the end of what is drawn
const drawer = new IntersectionObserver((entries) => {
  for (const entry of entries) if (entry.isIntersecting && !entry.target.hidden) entry.target.click();
}, { rootMargin: "600px" });

for (const part of document.querySelectorAll(".tools, .pickers, #map-tools, #table-tools, #link-note")) {
  part.hidden = false;
}
fillPickers();
