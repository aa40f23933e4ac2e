// Tables whose columns sort, and what is in those of the scores.

const MOST_LINES = 15;
const FIRST_LINES = 12;

// columns: { title, value(row), text(row), isText, rank, hint, cell(row) }; rank -1 sorts down first.
function sortable(caption, columns, rows, sortedBy = null) {
  let shown = rows.length > MOST_LINES ? FIRST_LINES : rows.length;
  const body = element("tbody");
  const heads = columns.map((column) => {
    if (!column.value) return element("th", { scope: "col" }, column.title);
    const button = element("button", { type: "button", title: column.hint, click: () => sort(column) },
      column.title, element("span", { class: "arrow", "aria-hidden": "true" }));
    return element("th", { scope: "col", class: column.isText ? "" : "numbers" }, button);
  });
  const lines = rows.map((row) => ({ row, line: element("tr") }));
  let order = 0;
  let current = null;

  function fill() {
    for (const { row, line } of lines) {
      line.replaceChildren(...columns.map((column) => {
        const attributes = { class: [column.isText ? "" : "numbers", column.isBest?.(row) ? "best" : ""].join(" ").trim() || null };
        return element("td", attributes, column.cell ? column.cell(row) : column.text(row));
      }));
      line.classList.toggle("baseline", Boolean(row.isBaseline?.()));
    }
  }

  function sort(column) {
    order = column === current ? -order : column.isText ? 1 : column.rank || 1;
    current = column;
    arrange();
  }

  function arrange() {
    if (current) {
      lines.sort((one, other) => {
        const [a, b] = [current.value(one.row), current.value(other.row)];
        if (a === null || b === null) return (a === null) - (b === null);
        return order * (typeof a === "string" ? compareTexts(a, b) : a - b);
      });
    }
    columns.forEach((column, index) => {
      const isCurrent = column === current;
      if (isCurrent) heads[index].setAttribute("aria-sort", order > 0 ? "ascending" : "descending");
      else heads[index].removeAttribute("aria-sort");
    });
    body.replaceChildren(...lines.slice(0, shown).map(({ line }) => line));
  }

  fill();
  if (sortedBy) sort(sortedBy);
  else arrange();
  const table = element("table", {},
    element("caption", {}, caption, element("span", { class: "hint", "aria-hidden": "true" }, "more columns →")),
    element("thead", {}, element("tr", {}, ...heads)), body);
  const more = element("button", { type: "button", class: "more", hidden: shown === rows.length,
    click: () => { shown = rows.length; more.hidden = true; arrange(); } }, `Show all ${rows.length} lines`);
  const scroller = element("div", { class: "scroller", tabindex: 0, role: "region", "aria-label": caption }, table);
  const box = element("div", { class: "table" }, scroller, more);
  const look = () => box.classList.toggle("cut", scroller.scrollWidth - scroller.clientWidth - scroller.scrollLeft > 2);
  scroller.addEventListener("scroll", look);
  new ResizeObserver(look).observe(scroller);
  return { box, update: () => { fill(); arrange(); look(); } };
}

// The paired differences of two groups, null without pairs.
function differences(group, baseline, metric) {
  const own = scoresOf(group, metric);
  const other = scoresOf(baseline, metric);
  const paired = [...own.keys()].filter((draw) => other.has(draw)).map((draw) => own.get(draw) - other.get(draw));
  const found = statistics(paired);
  return found && { ...found, wins: paired.filter((one) => isBetter(one, 0, metric)).length };
}

function scoresOf(group, metric) {
  const runs = data.runs.filter((one) => one.group === group && one.scores[metric] !== null && one.scores[metric] !== undefined);
  return new Map(runs.map((one) => [JSON.stringify([one.image, one.key]), one.scores[metric]]));
}

const METHOD = {
  title: "Method", isText: true,
  value: (row) => `${row.name}, ${row.varied}`,
  cell: (row) => element("span", { class: "method" }, row.name, element("small", {}, ...row.varied.split(", ").filter(Boolean).map((one) => element("span", {}, one)))),
};

function showTables() {
  for (const [index, table] of data.tables.entries()) {
    byId("tables").append(scoreTable(table, index).box);
  }
  if (data.tables.length > 1) showOverview();
  const same = distinct(data.groups.filter((one) => one.same).map((one) => `${one.name}: ${one.same}`));
  if (same.length) {
    byId("tables").append(element("p", { class: "note" }, `The same in all lines: ${same.join("; ")}.`));
  }
}

function scoreTable(table, index) {
  let baseline = table.baseline;
  const rows = table.groups.map((id) => ({ id, ...data.groups[id], isBaseline: () => id === baseline }));
  const against = (row, metric) =>
    baseline === null || row.id === baseline ? null : differences(row.id, baseline, metric);
  // Below the score, so that several metrics have room.
  const difference = (row, metric) => {
    const found = against(row, metric);
    return found && element("small", {}, `Δ ${withError(found, metric, "+")}`);
  };
  const most = Math.max(...rows.map((row) => row.runs));
  const first = data.metrics[0];

  const columns = [{
    title: "vs.",
    cell: (row) => element("input", {
      type: "radio", name: `baseline-${index}`, checked: row.id === baseline, disabled: !row.runs,
      "aria-label": `Compare with ${row.name} ${row.varied}`,
      change: () => { baseline = row.id; made.update(); focusOn(row.id); }, "data-group": row.id,
    }),
  }, METHOD];
  for (const { name, title } of data.metrics) {
    const best = bestMean(rows, name);
    const rank = rankOf(name);
    columns.push({
      title, rank,
      value: (row) => row.scores[name]?.mean ?? null,
      cell: (row) => element("span", { class: "score" }, withError(row.scores[name], name), difference(row, name)),
      isBest: (row) => row.scores[name]?.mean === best,
    });
  }
  if (first) {
    columns.push({
      title: "Better in", rank: -1, hint: `Pairs with a better ${first.title}`,
      value: (row) => { const found = against(row, first.name); return found && found.wins / found.count; },
      text: (row) => { const found = against(row, first.name); return found ? `${found.wins} of ${found.count}` : "–"; },
    });
  }
  columns.push(
    { title: "Time per run", value: (row) => row.seconds, text: (row) => seconds(row.seconds) },
    { title: "Iterations", value: (row) => row.iterations, text: (row) => short(row.iterations) },
    { title: "Runs", rank: -1, value: (row) => row.runs, text: (row) => String(row.runs) + (row.runs < most ? ` of ${most}` : "") },
  );
  if (rows.some((row) => row.failed)) {
    columns.push({ title: "Failed", rank: -1, value: (row) => row.failed, text: (row) => String(row.failed) });
  }
  const made = sortable(`${table.degradation} (${table.task})`, columns, rows);
  const focusOn = (id) => made.box.querySelector(`[data-group="${id}"]`).focus();
  return made;
}

// The mean of every method and setting for every degradation, in one table.
function showOverview() {
  let metric = data.metrics[0]?.name;
  if (!metric) return;
  const lines = new Map();
  for (const group of data.groups) {
    const id = JSON.stringify([group.name, group.settings]);
    if (!lines.has(id)) lines.set(id, { name: group.name, varied: group.varied, cells: {} });
    lines.get(id).cells[columnOf(group)] = group;
  }
  const rows = [...lines.values()];
  const columns = [METHOD];
  for (const table of data.tables) {
    const id = columnOf(table);
    const mean = (row) => row.cells[id]?.scores[metric]?.mean ?? null;
    columns.push({
      title: table.degradation, get rank() { return rankOf(metric); }, value: mean, text: (row) => score(mean(row), metric),
      isBest: (row) => mean(row) !== null && mean(row) === bestMean(rows.map((one) => one.cells[id]), metric),
    });
  }
  const made = sortable("All degradations: mean score", columns, rows, columns.find((one) => one.rank));
  byId("overview").append(
    element("div", { class: "controls" }, choice("Score", data.metrics.map((one) => [one.name, one.title]), metric,
      (value) => { metric = value; made.update(); })),
    made.box,
  );
}

function columnOf(one) {
  return JSON.stringify([one.task, one.degradation]);
}

function showDropped() {
  byId("dropped").hidden = !data.dropped.length;
  const columns = [
    METHOD,
    { title: "Degradation", value: (row) => row.degradation, text: (row) => row.degradation, isText: true },
    ...data.metrics.map(({ name, title }) => ({ title, rank: rankOf(name), value: (row) => row.scores[name]?.mean ?? null,
      text: (row) => withError(row.scores[name], name) })),
    { title: "Iterations", value: (row) => row.iterations, text: (row) => short(row.iterations) },
    { title: "Runs", rank: -1, value: (row) => row.runs, text: (row) => String(row.runs) },
  ];
  byId("dropped-table").append(sortable(`${plural(data.dropped.length, "line")} of the sweep`, columns, data.dropped).box);
}

function showFailures() {
  const column = (title, value) => ({ title, value, text: value, isText: true });
  const columns = [
    column("Degradation", (row) => row.degradation), column("Image", (row) => row.image),
    column("Method", (row) => row.group),
    { title: "Key", value: (row) => row.key, text: (row) => String(row.key) },
    column("Reason", (row) => row.error || "unknown"),
  ];
  byId("failures").append(sortable(plural(data.failed.length, "run"), columns, data.failed).box);
}
