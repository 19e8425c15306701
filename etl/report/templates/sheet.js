// The sheet: everything known of one field, feed by feed.
const sheet = document.getElementById("sheet");
const sheetTitle = document.getElementById("sheet-title");
const sheetBody = document.getElementById("sheet-body");
const FEEDS_AT_ONCE = 8;

function openSheet(path, list) {
  sheetTitle.replaceChildren(...pathText(path));
  sheetBody.replaceChildren();
  if (!sheet.open) sheet.showModal();
  showFeeds(list, 0);
  sheetBody.scrollTop = 0;
  sheet.scrollTop = 0;
  sheetTitle.focus({ preventScroll: true });
}

function showFeeds(list, from) {
  for (const row of list.slice(from, from + FEEDS_AT_ONCE)) sheetBody.append(feedArticle(row));
  const rest = list.length - from - FEEDS_AT_ONCE;
  if (rest <= 0) return;
  const more = element("button", { type: "button", onclick: () => {
    more.remove();
    showFeeds(list, from + FEEDS_AT_ONCE);
  } }, `Show ${count(rest)} more`);
  sheetBody.append(more);
}

function feedArticle(row) {
  const certainty = certaintyOf(row);
  return element("article", { class: "feed" },
    element("h3", {}, element("span", {}, `${senderName(row)} · ${feedName(row)}`),
      verdictMark(row)),
    element("p", { class: "says" }, textOf(row) || data.labels[verdictOf(row)][2]),
    !hasDays(row) ? null : chart(row, Math.min(640, sheetBody.clientWidth - 40)),
    element("dl", { class: "numbers" }, ...numbers(row, certainty)),
    hasDays(row) ? dayTable(row) : rows.series[row] === 2 ? element("p", { class: "hint" },
      "Its days are left out to keep this file small; quality.field_day has them.") : null);
}

function numbers(row, certainty) {
  const kind = data.kinds[rows.kind[row]];
  const place = data.places[rows.field[row]];
  const list = [
    ["Filled in", `${count(rows.populated[row])} of ${messagesText(messagesOf(row))}`],
    ["Rate", percent(rateOf(row))],
    ["Interval", interval(row)],
    ["Rating in force", ratingOf(row) ? `${ratingOf(row)} (${basisOf(row)})` : "none known"],
    ["Rating’s source", data.ratingSources[rows.source[row]] || "–"],
    ["Certainty", certainty || "–"],
    ["Observed band", data.ratings[rows.band[row]] || "–"],
    ["Required to send", rows.required[row] ? "yes" : "not stated"],
    ["Organizations", rows.organizations[row] === null ? "–"
      : `${count(rows.carrying[row])} of ${count(rows.organizations[row])} carry it`],
    kind === "array"
      ? ["Rows", `${count(rows.elements[row])} in ${count(rows.elementsOf[row])}`
        + (rows.meanElements[row] === null ? "" : `, mean ${rows.meanElements[row] / 100}`)]
      : ["Elements", `${count(rows.elements[row])} of ${count(rows.elementsOf[row])} (${
        hundredths(rows.elementRate[row])})`],
    ["Within parent", rows.parentRate[row] === null ? "–"
      : `${hundredths(rows.parentRate[row])} of ${count(rows.parents[row])}`],
    ["Source id", senderId(row) || "–"],
    ["Stored in", place || "–"],
  ];
  return list.map(([name, value]) => element("div", {}, element("dt", {}, name),
    element("dd", {}, value)));
}

function dayTable(row) {
  const holder = element("details", { ontoggle: () => {
    if (holder.open && holder.children.length === 1) holder.append(drawDays(row));
  } }, element("summary", {}, "Day by day"));
  return holder;
}

function drawDays(row) {
  const changed = new Map((changesOfRow.get(row) ?? []).map(({ day, kind }) => [day, kind]));
  const lines = seriesOf(row).flatMap((day, at) => day === null ? [] : [element("tr", {},
    element("th", { scope: "row" }, dayName(at)),
    element("td", { class: "num" }, count(day[0])), element("td", { class: "num" }, count(day[1])),
    element("td", { class: "num" }, percent(rateOfDay(day))),
    element("td", {}, changed.get(at) ?? ""))]);
  return element("table", {}, element("thead", {}, element("tr", {},
    ...["Day", "Filled", "Messages", "Rate", "Change"].map((name, at) => element("th",
      { scope: "col", class: at && at < 4 ? "num" : null }, name)))),
  element("tbody", {}, ...lines));
}

document.getElementById("sheet-close").addEventListener("click", () => sheet.close());
sheet.addEventListener("click", (event) => { if (event.target === sheet) sheet.close(); });
