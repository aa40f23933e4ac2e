// The page: its sections, and what the reader has chosen in them.

const data = JSON.parse(byId("data").textContent);
const metricOptions = data.metrics.map((one) => [one.name, one.title]);

// A method has one colour in all charts.
const methodNames = distinct(data.groups.map((one) => one.name));

function colourOf(name) {
  return methodNames.indexOf(name);
}

function nameOf(group) {
  return [group.name, group.varied].filter(Boolean).join(", ");
}

function tableOptions() {
  return data.tables.map((one, index) => [index, `${one.degradation} (${one.task})`]);
}

function showAbout() {
  const count = (of) => distinct(data.runs.map(of)).length;
  const methods = distinct(data.groups.map((one) => JSON.stringify([one.name, one.settings]))).length;
  byId("about").textContent = `${plural(data.runs.length, "run")}: ` +
    `${methods === 1 ? "1 method" : `${methods} methods and settings`}, ` +
    `${plural(data.tables.length, "degradation")}, ${plural(count((one) => one.image), "image")}, ` +
    `${plural(count((one) => one.key), "key")}${data.failed.length ? `; ${data.failed.length} failed` : ""}.`;
  const without = data.runs.filter((one) => !one.pictures).length;
  const remarks = [
    without && `${plural(without, "run")} without pictures: the image files cannot be read.`,
    data.left && `${plural(data.left, "run")} of the plan not done yet.`,
    data.others && `${plural(data.others, "row")} of the table left out: of no run of the last plan.`,
    ...Object.entries(data.notFinite).map(([name, count]) => `${plural(count, "run")} without a finite ${name}: in no mean of it.`),
  ].filter(Boolean);
  byId("remarks").replaceChildren(...remarks.map((one) => element("li", {}, one)));
  byId("remarks").hidden = !remarks.length;
  byId("failed").hidden = !data.failed.length;
}

const time = { table: 0, metric: data.metrics[0]?.name };

function showTime() {
  const timed = (index) => data.tables[index].groups.map((id) => data.groups[id])
    .filter((one) => one.seconds > 0 && one.scores[time.metric]);
  byId("time-controls").replaceChildren(
    choice("Degradation", tableOptions(), time.table, (value) => { time.table = Number(value); showTime(); }),
    choice("Score", metricOptions, time.metric, (value) => { time.metric = value; showTime(); }));
  const groups = timed(time.table);
  const points = groups.map((group) => ({
    group, x: group.seconds, y: group.scores[time.metric].mean, error: group.scores[time.metric].error,
    title: `${nameOf(group)}: ${withError(group.scores[time.metric], time.metric)}, ${seconds(group.seconds)}`,
  }));
  const front = points.filter((one) => !points.some((other) => other.x <= one.x &&
    !isBetter(one.y, other.y, time.metric) && (other.x < one.x || other.y !== one.y)));
  front.sort((one, other) => one.x - other.x);
  for (const one of front) one.label = nameOf(one.group);
  draw(byId("time-chart"), {
    label: `${about(time.metric).title} against seconds per run`, isNamed: true,
    x: { title: "seconds per run", isLog: points.length > 0 }, y: { title: about(time.metric).title },
    front,
    series: methodNames
      .map((name) => ({ name, colour: colourOf(name), points: points.filter((one) => one.group.name === name) }))
      .filter((one) => one.points.length),
  });
}

const sensitivity = { setting: null, table: 0, metric: data.metrics[0]?.name };

// The settings with two or more numbers as values.
function numericSettings() {
  const values = new Map();
  for (const group of data.groups) {
    for (const [name, value] of Object.entries(group.settings)) {
      if (typeof value !== "number") continue;
      if (!values.has(name)) values.set(name, new Set());
      values.get(name).add(value);
    }
  }
  return [...values].filter(([, one]) => one.size > 1).sort((a, b) => b[1].size - a[1].size).map(([name]) => name);
}

function showSensitivity() {
  const settings = numericSettings();
  if (!settings.length || !data.metrics.length) {
    byId("sensitivity-controls").replaceChildren(element("p", {}, "No setting has two or more numbers as values."));
    byId("sensitivity-chart").hidden = true;
    return;
  }
  sensitivity.setting ??= settings[0];
  const { setting, metric, table } = sensitivity;
  const change = (name, convert) => (value) => { sensitivity[name] = convert(value); showSensitivity(); };
  byId("sensitivity-controls").replaceChildren(
    choice("Setting", settings.map((one) => [one, one]), setting, change("setting", String)),
    choice("Degradation", [["-1", "all"], ...tableOptions()], table, change("table", Number)),
    choice("Score", metricOptions, metric, change("metric", String)));
  const series = curvesOver(setting, metric, table < 0 ? data.tables.map((_, index) => index) : [table]);
  const values = distinct(series.flatMap((one) => one.points.map((point) => point.x))).sort((a, b) => a - b);
  draw(byId("sensitivity-chart"), {
    label: `${about(metric).title} over ${setting}`, isNamed: true,
    x: { title: setting, isLog: isByRatios(values) }, y: { title: about(metric).title }, series,
  });
  byId("sensitivity-findings").replaceChildren(...series.map(finding));
}

// A curve for each method with its other settings, and each of some degradations.
function curvesOver(setting, metric, tables) {
  const curves = new Map();
  for (const table of tables) {
    for (const group of data.tables[table].groups.map((id) => data.groups[id])) {
      const found = group.scores[metric];
      if (typeof group.settings[setting] !== "number" || !found) continue;
      const others = Object.entries(group.settings).filter(([name]) => name !== setting);
      const id = JSON.stringify([table, group.name, others]);
      const words = group.varied.split(", ").filter((one) => one && !one.startsWith(`${setting} `));
      const name = [tables.length > 1 ? group.degradation : "", group.name, ...words].filter(Boolean).join(", ");
      if (!curves.has(id)) curves.set(id, { name, line: true, colour: colourOf(group.name), points: [] });
      const x = group.settings[setting];
      curves.get(id).points.push({ x, y: found.mean, error: found.error,
        title: `${name}, ${setting} ${short(x, 6)}: ${withError(found, metric)}` });
    }
  }
  const several = [...curves.values()].filter((one) => one.points.length > 1);
  for (const [index, one] of several.entries()) {
    one.variant = several.slice(0, index).filter((other) => other.colour === one.colour).length;
    one.points.sort((a, b) => a.x - b.x);
    one.best = one.points.reduce((best, point) => (isBetter(point.y, best.y, metric) ? point : best));
    one.best.isBest = true;
  }
  return several;
}

function finding(series) {
  const { points, best } = series;
  const isEdge = best === points[0] || best === points[points.length - 1];
  const value = score(best.y, sensitivity.metric);
  return element("li", {}, `${series.name}: best at ${short(best.x, 6)} (${value})` +
    (isEdge ? ", an end of the range: the optimum may lie beyond." : "."));
}

const chosen = { degradation: null, image: null, key: null, method: "", left: "start", run: null };
const viewer = comparison();

function showPictures() {
  const choices = [];
  let runs = data.runs;
  for (const [name, label] of [["degradation", "Degradation"], ["image", "Image"], ["key", "Key"]]) {
    const values = distinct(runs.map((one) => one[name])).sort((a, b) => compareTexts(String(a), String(b)));
    if (!values.some((one) => String(one) === String(chosen[name]))) chosen[name] = values[0];
    runs = runs.filter((one) => String(one[name]) === String(chosen[name]));
    choices.push(choice(label, values.map((one) => [one, String(one)]), chosen[name], choose(name)));
  }
  const methods = distinct(runs.map((one) => data.groups[one.group].name));
  if (!methods.includes(chosen.method)) chosen.method = "";
  choices.push(choice("Method", [["", "all"], ...methods.map((one) => [one, one])], chosen.method, choose("method")));
  const listed = runs.filter((one) => !chosen.method || data.groups[one.group].name === chosen.method);
  const metric = data.metrics[0]?.name;
  const byScore = (a, b) => {
    const [one, other] = [a, b].map((run) => run.scores[metric] ?? null);
    if (one === null || other === null) return (one === null) - (other === null);
    return rankOf(metric) * (one - other);
  };
  listed.sort(byScore);
  runs = [...runs].sort(byScore);
  // The same method and settings as before, if this image has them.
  const before = chosen.run && nameOf(data.groups[chosen.run.group]);
  const run = listed.find((one) => one === chosen.run) || listed.find((one) => nameOf(data.groups[one.group]) === before) || listed[0];
  chosen.run = run;
  byId("picture-controls").replaceChildren(...choices);
  const left = showRun(run, runs);
  keepingPlace(byId("candidates"), () => [...inputTiles(run, left), ...listed.map(candidate)]);
}

function choose(name) {
  return (value) => { chosen[name] = value; showPictures(); };
}

function scoresText(run) {
  return data.metrics.map((one) => `${one.title.replace(/ \(.*/, "")} ${score(run.scores[one.name], one.name)}` +
    (one.name === "psnr" && run.scores.psnr !== null ? " dB" : "")).join(" · ");
}

// Fills a row of tiles anew; it stays scrolled and focused as it was.
function keepingPlace(box, tiles) {
  const { scrollLeft } = box;
  const focused = box.contains(document.activeElement) ? document.activeElement.dataset.tile : null;
  box.replaceChildren(...tiles());
  box.scrollLeft = scrollLeft;
  if (focused) box.querySelector(`[data-tile="${focused}"]`)?.focus({ preventScroll: true });
}

// The degraded image and the reference, to be shown left of the divider.
function inputTiles(run, left) {
  const problem = data.problems[run.problem];
  const tile = (id, source, title, text) => element("button", { type: "button", class: "candidate",
    "aria-pressed": String(left === id), "data-tile": id, click: () => { chosen.left = id; showPictures(); } },
  element("img", { src: source, alt: "", loading: "lazy" }), element("strong", {}, title), element("span", {}, text));
  if (!problem) return [];
  const start = problem.start
    ? [tile("start", problem.start, "degraded", problem.psnr === null ? "" : `PSNR ${score(problem.psnr, "psnr")} dB`)] : [];
  return [...start, tile("reference", problem.reference, "reference", "")];
}

function candidate(run) {
  const group = data.groups[run.group];
  const picture = run.pictures
    ? element("img", { src: run.pictures.restored, alt: "", loading: "lazy" })
    : element("span", { class: "no-picture" }, "no picture");
  return element("button", { type: "button", class: "candidate", "aria-pressed": String(run === chosen.run),
    "data-tile": run.row, click: () => { chosen.run = run; showPictures(); } },
  picture, element("strong", {}, nameOf(group)), element("span", {}, scoresText(run)));
}

// The pictures that one can be compared with: [id, { source, title }].
function compared(run, runs) {
  const problem = data.problems[run.problem];
  const start = problem.psnr === null ? "degraded" : `degraded, ${score(problem.psnr, "psnr")} dB`;
  const own = [["start", { source: problem.start, title: start }], ["reference", { source: problem.reference, title: "reference" }]]
    .filter(([, shown]) => shown.source);
  const others = runs.filter((one) => one !== run && one.pictures).map((one) => [`group ${one.group}`,
    { source: one.pictures.restored, title: nameOf(data.groups[one.group]) }]);
  return [...own, ...others];
}

// Shows a run, and gives what is left of its divider: what is chosen, if this image has it.
function showRun(run, runs) {
  const box = byId("viewer");
  if (!run.pictures) {
    box.replaceChildren(element("p", {}, "This run has no pictures: its image files cannot be read."));
    return null;
  }
  const group = data.groups[run.group];
  const options = compared(run, runs);
  const left = options.some(([id]) => id === chosen.left) ? chosen.left : options[0][0];
  const { scale } = run;
  const show = (id) => viewer.show(options.find((one) => one[0] === id)[1],
    { source: run.pictures.restored, title: nameOf(group) });
  const choices = choice("Left of the divider", options.map(([id, one]) => [id, one.title]), left,
    (value) => { chosen.left = value; show(value); });
  const side = element("div", { class: "side" });
  box.replaceChildren(
    element("p", { class: "run" }, element("strong", {}, nameOf(group)), ` · ${scoresText(run)} · ${plural(run.iterations, "iteration")}` +
      ` (${run.status.replaceAll("_", " ")})`),
    element("div", { class: "columns" }, element("div", {}, element("div", { class: "controls" }, choices), viewer.box), side));
  show(left);
  side.append(mapFigure("Difference from the reference", run.pictures.difference, "difference", scale.difference,
    "Absolute, the mean over the channels; 1 is the whole range. One scale for all results of this image and degradation."));
  if (run.pictures.uncertainty) {
    side.append(mapFigure("Uncertainty", run.pictures.uncertainty, "uncertainty", scale.uncertainty,
      "What the method says of its own error, in the same unit."));
  }
  side.append(...run.curves.map((one) => curveFigure(one, run.kept, colourOf(group.name))));
  return left;
}

function showEnvironments() {
  byId("environments").replaceChildren(...data.environments.map(({ content, runs }) => {
    const { versions, git, device, cores, ...others } = content;
    const list = element("dl", {});
    const add = (name, value) => list.append(element("dt", {}, name), element("dd", {}, value));
    if (device) add("Device", cores ? `${device}, ${plural(cores, "core")}` : device);
    if (git) add("Revision", git);
    if (versions) add("Versions", Object.entries(versions).map(([name, one]) => `${name} ${one}`).join(", "));
    for (const [name, value] of Object.entries(others)) add(name, typeof value === "string" ? value : JSON.stringify(value));
    add("Runs", String(runs));
    return list;
  }), element("p", { class: "note" }, `Written ${data.written} by drp-jax sweep report.`));
}

showAbout();
if (data.runs.length) {
  showTables();
  if (data.metrics.length) showTime();
  else byId("time").hidden = true;
  showSensitivity();
  showPictures();
} else {
  for (const id of ["scores", "time", "sensitivity", "pictures"]) byId(id).hidden = true;
}
showDropped();
showFailures();
showEnvironments();
for (const link of document.querySelectorAll("nav a")) link.hidden = byId(link.hash.slice(1)).hidden;
