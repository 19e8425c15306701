// The groups: data models with the tree of their tables, then what all share.
const SVG = "http://www.w3.org/2000/svg";
const LINE = 26, STEP = 22, WIDE = 560;
function svg(tag, attributes, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}
function tree(group) {
  const depth = new Map(), last = new Map(), order = [];
  const below = new Map();
  for (const table of group.tables) {
    const list = below.get(table.parent) || [];
    list.push(table);
    below.set(table.parent, list);
  }
  const walk = (table, level) => {
    depth.set(table, level);
    last.set(table.number, order.length);
    order.push(table);
    for (const child of below.get(table.number) || []) walk(child, level + 1);
  };
  const here = new Set(group.tables.map((table) => table.number));
  for (const table of group.tables) if (!here.has(table.parent)) walk(table, 0);
  const picture = svg("svg", { class: "tree", width: WIDE, height: order.length * LINE + 8,
    viewBox: `0 0 ${WIDE} ${order.length * LINE + 8}`, role: "group", "aria-label": `Tables of ${group.name}` });
  order.forEach((table, number) => {
    const x = 8 + depth.get(table) * STEP, y = 4 + number * LINE;
    if (depth.get(table)) {
      const top = 4 + last.get(table.parent) * LINE + LINE - 5;
      picture.append(svg("path", { d: `M${x - STEP + 10} ${top}V${y + 11}H${x}` }));
    }
    const label = table.path ? table.path.split(".").pop() : "message";
    picture.append(svg("a", { href: `#${table.name}`, "aria-label": `${table.name}, ${rowsText(table)}` },
      svg("rect", { x, y, width: WIDE - x - 8, height: LINE - 5, rx: 5 }),
      svg("text", { x: x + 8, y: y + 15 }, label),
      svg("text", { x: WIDE - 16, y: y + 15, class: "rows" }, rowsText(table))));
  });
  return element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `Tree of ${group.name}` }, picture);
}
function fillGroup(details, group) {
  if (details.dataset.filled) return;
  details.dataset.filled = "yes";
  if (group.meaning) details.append(element("p", { class: "lead-in" }, group.meaning));
  if (group.isModel) details.append(tree(group));
  details.append(...group.tables.map(tableDetails));
}
const groupDetails = new Map();
for (const group of groups) {
  const isMarts = group.tables.every((table) => document.getElementById(table.name));
  if (!group.tables.length || isMarts) continue;
  const details = element("details", { class: "group" },
    element("summary", {}, element("h3", {}, group.name),
      element("span", { class: "quiet" }, `${count(group.tables.length)} ${group.tables.length === 1 ? "table" : "tables"}`)));
  details.addEventListener("toggle", () => fillGroup(details, group));
  groupDetails.set(group, details);
  document.getElementById("groups").append(details);
}
for (const details of document.querySelectorAll("#marts details")) {
  details.addEventListener("toggle", () => fill(details));
}
