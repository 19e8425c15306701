// What the page carries, and how a table is shown: its columns, and the query that joins it.
const data = JSON.parse(document.getElementById("data").textContent);
const word = (place) => data.words[place || 0];
const groups = data.groups.map(([name, meaning, isModel]) => ({ name, meaning, isModel, tables: [] }));
const tables = data.tables.map(([name, group, meaning, rows, key, path, parent, refers, columns], number) => {
  const table = { number, name, group: groups[group], meaning, rows, key, path, parent, refers, columns };
  groups[group].tables.push(table);
  return table;
});
const byName = new Map(tables.map((table) => [table.name, table]));

function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}
const count = (number) => number.toLocaleString("en-US");
const rowsText = (table) => table.rows === null ? "view" : `${count(table.rows)} ${table.rows === 1 ? "row" : "rows"}`;
const meaningOf = (table, column) => {
  if (!table.group.isModel || table.key.includes(column[0])) return column[2];
  return column[2] && table.path && column[2] !== table.path ? `${table.path}.${column[2]}` : column[2];
};
const percent = (filled) => filled === undefined ? "" : `${((filled || 0) / 10).toFixed(1)}%`;

// A query to copy: the table, joined to what it hangs on.
function queryOf(table) {
  const short = (name) => name.slice(name.indexOf(".") + 1);
  const own = table.columns.map((column) => column[0]);
  const chosen = [...table.key, ...own.filter((name) => !table.key.includes(name))].slice(0, Math.max(4, table.key.length + 2));
  const alias = "t";
  const lines = chosen.map((name) => `  ${alias}.${name}`);
  const from = [`from ${table.name} as ${alias}`];
  if (table.refers.length) {
    const seen = new Set();
    for (const [column, target, targetColumn] of table.refers) {
      if (seen.has(target) || target === table.name || !byName.has(target)) continue;
      seen.add(target);
      const other = short(target);
      const first = byName.get(target).columns.map((one) => one[0]).find((name) => name !== targetColumn && !name.endsWith("_id"));
      if (first) lines.push(`  ${other}.${first} as ${other}_${first}`);
      from.push(`left join ${target} as ${other}\n  on ${other}.${targetColumn} = ${alias}.${column}`);
    }
  } else if (table.group.isModel && table.parent >= 0) {
    let above = tables[table.parent];
    for (let level = 1; above; above = tables[above.parent]) {
      const name = above.parent >= 0 ? `parent_${level++}` : "message";
      from.push(`inner join ${above.name} as ${name}\n  using (${above.key.join(", ")})`);
      if (name === "message") lines.push("  message.event_type", "  message.event_at");
    }
    lines.splice(0, table.key.length, ...table.key.map((name) => `  ${name}`));
  } else if (table.name !== "core.message" && own.includes("message_id") && byName.has("core.message")) {
    lines.push("  message.data_model", "  message.event_type");
    from.push(`inner join core.message as message\n  on message.message_id = ${alias}.message_id`);
  }
  return `select\n${lines.join(",\n")}\n${from.join("\n")}\nlimit 20`;
}

function copyButton(text) {
  const button = element("button", { type: "button" }, "Copy");
  button.addEventListener("click", async () => {
    try { await navigator.clipboard.writeText(text()); } catch { select(button.parentNode); }
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
  return button;
}
function select(node) {
  const range = document.createRange();
  range.selectNodeContents(node.querySelector("code"));
  getSelection().removeAllRanges();
  getSelection().addRange(range);
  document.execCommand("copy");
}
function queryBox(table) {
  const text = queryOf(table);
  const box = element("div", { class: "query" },
    element("pre", { tabindex: "0", "aria-label": `Query of ${table.name}` }, element("code", {}, text)));
  box.append(copyButton(() => text));
  return box;
}

function columnTable(table) {
  const isModel = table.columns.some((column) => column.length > 3);
  const heads = ["Column", "Type", isModel ? "Path or meaning" : "Meaning",
    ...(isModel ? ["Value set", "Sensitivity", "Filled", "Rating"] : [])];
  const body = element("tbody");
  for (const column of table.columns) {
    const [name, kind, , set, sensitivity, rating, filled] = column;
    const row = element("tr", { "data-column": name },
      element("th", { scope: "row" }, element("code", {}, name)),
      element("td", {}, word(kind).toLowerCase()),
      element("td", {}, meaningOf(table, column)));
    if (isModel) {
      row.append(element("td", {}, word(set)), element("td", {}, word(sensitivity)),
        element("td", { class: "num" }, percent(filled)), element("td", {}, word(rating)));
    }
    body.append(row);
  }
  return element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `Columns of ${table.name}` },
    element("table", {}, element("thead", {}, element("tr", {},
      ...heads.map((head) => element("th", { scope: "col" }, head)))), body));
}

function tableDetails(table) {
  const details = element("details", { class: "table", id: table.name, "data-table": table.name },
    element("summary", {}, element("h4", {}, table.name), element("span", { class: "quiet" }, rowsText(table))));
  details.addEventListener("toggle", () => fill(details));
  return details;
}
// What is inside of a table is made when it is opened.
function fill(details) {
  const table = byName.get(details.dataset.table);
  if (details.dataset.filled || !table) return;
  details.dataset.filled = "yes";
  const slot = details.querySelector(".slot");
  if (slot) return slot.append(queryBox(table));
  if (table.meaning) details.append(element("p", { class: "lead-in" }, table.meaning));
  if (table.key.length) details.append(element("p", { class: "hint" }, `Key: ${table.key.join(", ")}.`));
  details.append(queryBox(table), columnTable(table));
}
