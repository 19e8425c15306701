// What the table shows, as a CSV file: every chosen row, plain numbers, UTC days.
const CSV_COLUMNS = [
  ["source", senderName], ["source_id", (row) => data.senders[senderOf(row)][1]],
  ["data_model", (row) => data.models[modelOf(row)]],
  ["event_type", (row) => data.events[eventOf(row)]], ["path", pathOf],
  ["verdict", verdictOf], ["certainty", certaintyOf], ["rating", ratingOf], ["basis", basisOf],
  ["rating_source", (row) => data.ratingSources[rows.source[row]]],
  ["messages_populated", (row) => plain(rows.populated[row])],
  ["messages", (row) => plain(messagesOf(row))],
  ["rate", (row) => rateOf(row)?.toFixed(4)],
  ["rate_low", (row) => fraction(rows.low[row])], ["rate_high", (row) => fraction(rows.high[row])],
  ["stored_in", (row) => data.places[rows.field[row]]],
];
const plain = (number) => (number === HIDDEN ? `<${below}` : number);
const fraction = (hundredth) => (hundredth === null ? "" : (hundredth / 1e4).toFixed(4));

// a text that a spreadsheet would take for a formula is led by an apostrophe
function csvCell(value) {
  const text = String(value ?? "");
  const safe = /^[=+\-@\t\r]/.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function csvOf(list) {
  const head = CSV_COLUMNS.map(([name]) => name).join(",");
  return [head, ...list.map((row) => CSV_COLUMNS.map(([, read]) => csvCell(read(row))).join(","))]
    .join("\r\n") + "\r\n";
}

document.getElementById("csv").addEventListener("click", () => {
  const address = URL.createObjectURL(new Blob(["\ufeff", csvOf(tableRows)],
    { type: "text/csv;charset=utf-8" }));
  const link = element("a", { href: address, download: "field-reliability.csv" });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
});
