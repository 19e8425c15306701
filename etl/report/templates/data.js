// The data of the report: what etl/report/payload.py wrote, read by row number.
// -1 is a hidden small count; rates and intervals are hundredths of a percent.
const data = JSON.parse(document.getElementById("data").textContent);
const HIDDEN = -1;
const rows = data.rows;
const rowCount = rows.feed.length;
const verdicts = data.verdicts;
const below = data.suppressBelow;
const wholeNumber = new Intl.NumberFormat("en-US");
const lowerPaths = data.fields.map(([, path]) => path.toLowerCase());

const feedOf = (row) => data.feeds[rows.feed[row]];
const senderOf = (row) => feedOf(row)[0];
const modelOf = (row) => feedOf(row)[1];
const eventOf = (row) => feedOf(row)[2];
const messagesOf = (row) => feedOf(row)[3];
const pathOf = (row) => data.fields[rows.field[row]][1];
const verdictOf = (row) => verdicts[rows.verdict[row]];
const certaintyOf = (row) => data.certainties[rows.certainty[row]];
const ratingOf = (row) => data.ratings[rows.rating[row]];
const basisOf = (row) => data.bases[rows.basis[row]];
const feedName = (row) => `${data.models[modelOf(row)]} ${data.events[eventOf(row)]}`;
const senderName = (row) => data.senders[senderOf(row)][0];
const senderId = (row) => data.senders[senderOf(row)][3];
const shortSender = (row) => data.senders[senderOf(row)][2];

// the mark of a verdict: what is met only perhaps has a mark of its own
const markOf = (row) => {
  const verdict = verdictOf(row);
  const isPerhaps = verdict === "met" && certaintyOf(row) === "perhaps";
  const [sign, name] = isPerhaps ? ["≈", "Perhaps met"] : data.labels[verdict];
  return { kind: isPerhaps ? "perhaps" : verdict, sign, name };
};

const textOf = (row) => data.texts[rows.text[row]];

const rateOf = (row) => share(rows.populated[row], messagesOf(row));
const share = (part, whole) => (part === HIDDEN || whole <= 0 ? null : part / whole);

const count = (number) => {
  if (number === null || number === undefined) return "–";
  return number === HIDDEN ? `<${below}` : wholeNumber.format(number);
};
const messagesText = (number) => `${count(number)} ${number === 1 ? "message" : "messages"}`;

// as quality.field_verdict words it: never 100% or 0% where one message says otherwise
const percent = (rate) => {
  if (rate === null) return "–";
  if (rate > 0 && rate < 0.0005) return "<0.1%";
  if (rate < 1 && rate >= 0.9995) return ">99.9%";
  return `${(100 * rate).toFixed(1)}%`;
};
const hundredths = (rate) => (rate === null ? "–" : `${(rate / 100).toFixed(1)}%`);
const interval = (row) => rows.low[row] === null ? "–"
  : `${(rows.low[row] / 100).toFixed(1)} – ${(rows.high[row] / 100).toFixed(1)}%`;

const dayName = (day) => new Date(`${data.days[day]}T00:00:00Z`)
  .toLocaleDateString("en-US", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
const shortDay = (day) => new Date(`${data.days[day]}T00:00:00Z`)
  .toLocaleDateString("en-US", { day: "numeric", month: "short", timeZone: "UTC" });

const changesOfRow = new Map();
for (const [row, day, kind] of data.changes) {
  if (!changesOfRow.has(row)) changesOfRow.set(row, []);
  changesOfRow.get(row).push({ day, kind });
}

// days are in the page: 0 never filled, 1 in every message, 2 left out to keep the file light
const hasDays = (row) => rows.series[row] !== 0 && rows.series[row] !== 2;

// per day of the report [populated, messages]; null on days without messages
const seriesOf = (row) => {
  const [, , , , days, messages] = feedOf(row);
  const series = new Array(data.days.length).fill(null);
  const populated = rows.series[row];
  if (populated === 2) return series;
  days.forEach((day, at) => {
    const filled = populated === 0 ? 0 : populated === 1 ? messages[at] : populated[at];
    series[day] = [filled, messages[at]];
  });
  return series;
};

// several rows' series as one; a hidden part hides the day
const addSeries = (list) => {
  const total = new Array(data.days.length).fill(null);
  for (const row of list) {
    seriesOf(row).forEach((day, at) => {
      if (day === null) return;
      const sum = total[at] ?? (total[at] = [0, 0]);
      for (const part of [0, 1]) {
        sum[part] = sum[part] === HIDDEN || day[part] === HIDDEN ? HIDDEN : sum[part] + day[part];
      }
    });
  }
  return total;
};

const addRows = (list) => {
  let populated = 0;
  let messages = 0;
  for (const row of list) {
    populated = populated === HIDDEN || rows.populated[row] === HIDDEN ? HIDDEN
      : populated + rows.populated[row];
    messages = messages === HIDDEN || messagesOf(row) === HIDDEN ? HIDDEN
      : messages + messagesOf(row);
  }
  return { populated, messages, rate: share(populated, messages) };
};
