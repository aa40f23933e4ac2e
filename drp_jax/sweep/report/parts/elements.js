// Elements of the page, numbers in words, and statistics.

const SVG = "http://www.w3.org/2000/svg";

// An element with attributes (functions listen to events) and children: elements or texts.
function element(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

// The same, of a drawing.
function drawn(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

function filled(made, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(key, value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children.filter((one) => one !== null));
  return made;
}

function byId(id) {
  return document.getElementById(id);
}

// A labelled choice; options are [value, text].
function choice(label, options, chosen, onChange) {
  const select = element("select", { "aria-label": label, change: () => onChange(select.value) });
  for (const [value, text] of options) {
    select.append(element("option", { value, selected: String(value) === String(chosen) }, text));
  }
  return element("label", {}, element("span", {}, label), select);
}

// The order of texts in which numbers count as such: "rate 0.05" comes before "rate 0.1".
function compareTexts(one, other) {
  const [a, b] = [one, other].map((text) => text.split(/(\d+(?:\.\d+)?(?:e[+-]?\d+)?)/));
  for (let index = 0; index < Math.min(a.length, b.length); index += 1) {
    const order = index % 2 ? Number(a[index]) - Number(b[index]) : a[index].localeCompare(b[index], "en");
    if (order) return order;
  }
  return a.length - b.length;
}

function distinct(values) {
  return [...new Set(values)];
}

// Negative numbers have a minus sign as long as a plus.
function number(value, digits, sign = "") {
  const text = Math.abs(value).toFixed(digits);
  const isZero = Number(text) === 0;
  return (value < 0 && !isZero ? "−" : sign && !isZero ? sign : "") + text;
}

function score(value, metric, sign = "") {
  if (value === null || value === undefined) return "–";
  return number(value, about(metric).digits, sign);
}

// What is known of a score: its title, digits, and whether more of it is better.
function about(metric) {
  return data.metrics.find((one) => one.name === metric);
}

// What sorts the best of a score first: -1 from the largest down, 1 from the smallest up.
function rankOf(metric) {
  return about(metric).isLargerBetter ? -1 : 1;
}

function isBetter(one, other, metric) {
  return rankOf(metric) * (one - other) < 0;
}

// The best of the means of groups, null if none has one.
function bestMean(groups, metric) {
  const means = groups.map((one) => one?.scores[metric]?.mean ?? null).filter((one) => one !== null);
  return means.length ? means.reduce((best, one) => (isBetter(one, best, metric) ? one : best)) : null;
}

function short(value, digits = 3) {
  if (value === null || value === undefined) return "–";
  return Number(value.toPrecision(digits)).toString().replace("-", "−");
}

function withError(found, metric, sign = "") {
  if (!found) return "–";
  const error = found.error === null ? "" : ` ± ${score(found.error, metric)}`;
  return score(found.mean, metric, sign) + error;
}

function seconds(value) {
  return value === null ? "–" : `${short(value)} s`;
}

function plural(count, noun) {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

// The mean of numbers with its standard error, null without any.
function statistics(numbers) {
  const count = numbers.length;
  if (!count) return null;
  const mean = numbers.reduce((sum, one) => sum + one, 0) / count;
  const squares = numbers.reduce((sum, one) => sum + (one - mean) ** 2, 0);
  return { mean, count, error: count > 1 ? Math.sqrt(squares / (count - 1) / count) : null };
}
