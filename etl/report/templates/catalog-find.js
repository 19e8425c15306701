// Search, and the way to what was found: #mart.patient opens a table, #mart.patient/last_name a column.
const MOST = 60;
const index = [];
for (const table of tables) {
  index.push({ table, text: `${table.name} ${table.meaning} ${table.path}`.toLowerCase(), name: table.name.toLowerCase() });
  for (const column of table.columns) {
    const meaning = meaningOf(table, column);
    index.push({ table, column, meaning, name: column[0].toLowerCase(),
      text: `${table.name} ${column[0]} ${meaning}`.toLowerCase() });
  }
}
const search = document.getElementById("search"), within = document.getElementById("within");
const found = document.getElementById("found"), note = document.getElementById("found-note");

function rank(entry, words) {
  const { table } = entry;
  const isMart = table.name.startsWith("mart.") ? 0 : table.group.isModel ? 8 : 16;
  const isEmpty = table.rows === 0 ? 4 : 0;
  const isNamed = words.every((one) => entry.name.includes(one)) ? 0 : 2;
  return isMart + isEmpty + isNamed + (entry.column ? 1 : 0);
}
function marked(text, words) {
  const parts = [];
  let rest = text;
  while (rest) {
    const places = words.map((one) => [rest.toLowerCase().indexOf(one), one.length]).filter(([at]) => at >= 0);
    if (!places.length) break;
    const [at, length] = places.sort((a, b) => a[0] - b[0])[0];
    parts.push(rest.slice(0, at), element("mark", {}, rest.slice(at, at + length)));
    rest = rest.slice(at + length);
  }
  return [...parts, rest];
}
function show() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  found.replaceChildren();
  if (!words.length) { note.textContent = ""; return; }
  const hits = index.filter((entry) => (!within.value || entry.table.group.name === within.value)
    && words.every((one) => entry.text.includes(one)));
  hits.sort((a, b) => rank(a, words) - rank(b, words) || a.text.length - b.text.length);
  for (const { table, column, meaning } of hits.slice(0, MOST)) {
    const name = column ? `${table.name}.${column[0]}` : table.name;
    found.append(element("li", {}, element("a", { href: `#${table.name}${column ? `/${column[0]}` : ""}` },
      element("code", {}, ...marked(name, words)),
      element("span", {}, ...marked((column ? meaning : table.meaning) || rowsText(table), words)))));
  }
  note.textContent = !hits.length ? "No name, path or meaning contains all of these words."
    : hits.length > MOST ? `${count(hits.length)} found; the first ${MOST} are shown.`
      : `${count(hits.length)} found.`;
}
function reveal() {
  const [name, column] = decodeURIComponent(location.hash.slice(1)).split("/");
  const table = byName.get(name);
  if (!table) return;
  const group = groupDetails.get(table.group);
  if (group) { group.open = true; fillGroup(group, table.group); }
  const details = document.getElementById(name);
  details.open = true;
  fill(details);
  for (const old of document.querySelectorAll("tr.hit")) old.classList.remove("hit");
  const row = column && [...details.querySelectorAll("tbody tr")]
    .find((one) => one.querySelector("code").textContent === column);
  if (row) row.classList.add("hit");
  (row || details).scrollIntoView({ block: row ? "center" : "start", behavior: "instant" });
  details.querySelector("summary").focus({ preventScroll: true });
}
search.addEventListener("input", show);
within.addEventListener("change", show);
addEventListener("hashchange", reveal);

const theme = document.getElementById("theme");
theme.addEventListener("change", () => {
  if (theme.value) document.documentElement.dataset.theme = theme.value;
  else delete document.documentElement.dataset.theme;
});
document.getElementById("print").addEventListener("click", () => print());
let closed = [];
addEventListener("beforeprint", () => {
  closed = [...document.querySelectorAll("#marts details:not([open])")];
  for (const details of closed) { details.open = true; fill(details); }
});
addEventListener("afterprint", () => { for (const details of closed) details.open = false; });
for (const hidden of document.querySelectorAll(".tools, .pickers")) hidden.hidden = false;
const firstQuery = document.querySelector("#ask .query");
firstQuery.append(copyButton(() => firstQuery.querySelector("code").textContent));
reveal();
