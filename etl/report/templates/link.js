// The choices live in the address behind the section's name (#fields?model=Order): they outlast a
// reload, and the address can be sent to somebody.

function partsOfHash() {
  const [section, query = ""] = location.hash.slice(1).split("?", 2);
  return { section, choices: new URLSearchParams(query) };
}

const checkedOf = (name) => document.querySelector(`input[name="${name}"]:checked`).value;
const numberOf = (names, name) => { const at = names.indexOf(name); return at < 0 ? "" : String(at); };
const senderIds = data.senders.map(([name, source]) => (name.endsWith(" (test)")
  ? `${source} (test)` : source));

function choicesNow() {
  const choices = new URLSearchParams();
  const set = (name, value, usual = "") => { if (value !== usual) choices.set(name, value); };
  set("source", senderIds[pick("sender").value] ?? "");
  if (data.models.length !== 1) set("model", data.models[pick("model").value] ?? "");
  set("event", data.events[pick("event").value] ?? "");
  set("search", search.value.trim());
  set("empty", pick("filled").checked ? "" : "shown");
  set("map", checkedOf("map"), "sources");
  set("order", document.getElementById("map-order").value, "worst");
  set("basis", pick("basis").value);
  set("hide", verdicts.filter((verdict) => !chosenVerdicts().has(verdict)).join(" "));
  if (sortBy !== null) set("sort", `${COLUMNS[sortBy].name}${isDescending ? " down" : ""}`);
  return choices;
}

function writeHash(section, choices) {
  const query = choices.toString();
  const hash = `#${section || (query ? "map" : "")}${query ? `?${query}` : ""}`;
  if (hash === "#" && !location.hash) return;
  try { history.replaceState(null, "", hash); } catch { location.replace(hash); }
}

function keepState() { writeHash(partsOfHash().section, choicesNow()); }

function restoreState() {
  const { section, choices } = partsOfHash();
  const get = (name) => choices.get(name) ?? "";
  pick("sender").value = numberOf(senderIds, get("source"));
  if (choices.has("model")) pick("model").value = numberOf(data.models, get("model"));
  fillEvents();
  pick("event").value = numberOf(data.events, get("event"));
  search.value = get("search");
  pick("filled").checked = get("empty") !== "shown";
  const map = document.querySelector(`input[name="map"][value="${get("map") === "days"
    ? "days" : "sources"}"]`);
  map.checked = true;
  document.getElementById("map-order").value = get("order") === "path" ? "path" : "worst";
  pick("basis").value = get("basis");
  if (pick("basis").selectedIndex < 0) pick("basis").value = "";
  const hidden = new Set(get("hide").split(" "));
  for (const input of document.querySelectorAll("#pick-verdicts input")) {
    input.checked = !hidden.has(input.value);
  }
  const [name, way] = get("sort").split(" ");
  const at = COLUMNS.findIndex((column) => column.name.split(" ")[0] === name && column.key);
  sortBy = at < 0 ? null : at;
  isDescending = at >= 0 && way === "down";
  redraw();
  if (section && choices.size) document.getElementById(section)?.scrollIntoView();
}

// a link of the bar changes the section and keeps the choices; an address that was typed sets them
window.addEventListener("hashchange", () => {
  const { section, choices } = partsOfHash();
  if (choices.size) restoreState();
  else writeHash(section, choicesNow());
});

restoreState();
drawer.observe(tableMore);
