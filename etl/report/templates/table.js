// The table of all fields: filtered, sorted, drawn a hundred rows at a time.
const fieldTable = document.getElementById("table");
const tableMore = document.getElementById("table-more");
const tableNote = document.getElementById("table-note");
const TABLE_ROWS = 100;
let tableRows = [];
let tableShown = 0;
let sortBy = null;
let isDescending = false;

const bySign = (value) => (value === null ? -1 : value);
const COLUMNS = [
  { name: "Field", key: (row) => lowerPaths[rows.field[row]] },
  { name: "Source", isRoomy: true, key: (row) => senderName(row).toLowerCase() },
  { name: "Verdict", key: (row) => row },
  { name: "Rating", isRoomy: true, key: (row) => rows.basis[row] * 10 + rows.rating[row] || 99 },
  { name: "Rate", key: (row) => bySign(rateOf(row)) },
  { name: "Filled", key: (row) => rows.populated[row], isNumber: true, isRoomy: true },
  { name: "Messages", key: (row) => messagesOf(row), isNumber: true, isRoomy: true },
  { name: "By day", key: null, isRoomy: true },
];

function drawTable() {
  const wanted = chosenVerdicts();
  const basis = document.getElementById("pick-basis").value;
  tableRows = chosenRows().filter((row) => wanted.has(verdictOf(row)) && hasBasis(row, basis));
  if (sortBy !== null) sortRows();
  tableShown = 0;
  fieldTable.replaceChildren(element("caption", { class: "sr" }, "All fields"),
    element("thead", {}, element("tr", {}, ...COLUMNS.map(columnHead))), element("tbody"));
  tableNote.textContent = `${count(tableRows.length)} of ${count(rowCount)} checks`
    + (sortBy === null ? ", worst first." : ".");
  showMoreRows();
}

function hasBasis(row, basis) {
  if (!basis) return true;
  const own = basisOf(row);
  if (basis === "none") return own === "";
  return basis === "inferred" ? own === "inferred" : own === "site" || own === "documented";
}

function sortRows() {
  const key = COLUMNS[sortBy].key;
  const keys = new Map(tableRows.map((row) => [row, key(row)]));
  const sign = isDescending ? -1 : 1;
  tableRows.sort((a, b) => {
    const [left, right] = [keys.get(a), keys.get(b)];
    return left < right ? -sign : left > right ? sign : a - b;
  });
}

function columnHead(column, at) {
  const state = sortBy !== at ? "none" : isDescending ? "descending" : "ascending";
  const kind = `${column.isNumber ? "num " : ""}${column.isRoomy ? "roomy" : ""}`;
  if (column.key === null) {
    return element("th", { scope: "col", class: kind }, element("span", {}, column.name));
  }
  return element("th", { scope: "col", "aria-sort": state, "data-name": column.name,
    class: kind },
    element("button", { type: "button", onclick: () => {
      isDescending = sortBy === at ? !isDescending : Boolean(column.isNumber);
      sortBy = at;
      drawTable();
      keepState();
      fieldTable.tHead.rows[0].cells[at].querySelector("button").focus();
    } }, column.name));
}

function showMoreRows() {
  const body = fieldTable.tBodies[0];
  for (const row of tableRows.slice(tableShown, tableShown + TABLE_ROWS)) body.append(line(row));
  tableShown = Math.min(tableShown + TABLE_ROWS, tableRows.length);
  tableMore.hidden = tableShown >= tableRows.length;
  tableMore.textContent = `Show more rows (${count(tableRows.length - tableShown)} left)`;
  if (!tableRows.length) {
    body.append(element("tr", {}, element("td", { colspan: COLUMNS.length, class: "quiet" },
      "No field matches these choices.")));
  }
}

function line(row) {
  const certainty = certaintyOf(row);
  return element("tr", {},
    element("th", { scope: "row" }, element("button", { type: "button", class: "link",
      onclick: () => openSheet(pathOf(row), [row]) }, ...pathText(pathOf(row))),
    element("span", { class: "where" }, feedName(row),
      element("span", { class: "narrow" }, ` · ${shortSender(row)}`))),
    element("td", { class: "roomy", title: senderId(row) || senderName(row) }, shortSender(row)),
    element("td", {}, verdictMark(row), certainty && verdictOf(row) === "met"
      && certainty !== "perhaps" ? element("span", { class: "certainty" }, certainty) : null),
    element("td", { class: "roomy" }, ratingBadge(row) ?? element("span", { class: "quiet" },
      rows.band[row] ? `seen as ${data.ratings[rows.band[row]]}` : "–")),
    element("td", { class: "rate" }, element("span", { class: "rate-text" },
      element("span", {}, rows.populated[row] === HIDDEN ? "hidden" : percent(rateOf(row))),
      element("span", { class: "quiet" }, interval(row))), rateBar(row)),
    element("td", { class: "num roomy" }, count(rows.populated[row])),
    element("td", { class: "num roomy" }, count(messagesOf(row))),
    element("td", { class: "roomy" }, sparkline(row)));
}

tableMore.addEventListener("click", showMoreRows);
