// Charts: points, bars of errors and lines on two axes, drawn as SVG as wide as there is room.

const COLOURS = 8;
const TONES = 3;
const SHAPES = [
  "M-4.5,0a4.5,4.5 0 1,0 9,0a4.5,4.5 0 1,0 -9,0",
  "M-4,-4h8v8h-8z",
  "M0,-5.5L5,4H-5z",
  "M0,-6L6,0L0,6L-6,0z",
];
const redraws = new WeakMap();

// Draws a chart into a box, and again whenever its width changes.
function draw(box, chart) {
  if (!redraws.has(box)) new ResizeObserver(() => redraws.get(box)()).observe(box);
  let width = 0;
  const redraw = () => {
    if (box.clientWidth === width || !box.clientWidth) return;
    width = box.clientWidth;
    box.replaceChildren(drawing(chart, width), legend(chart));
  };
  redraws.set(box, redraw);
  redraw();
}

// chart: { label, x: { title, isLog, isWhole }, y: { title, isLog }, height, series, marks, front }
// series: { name, points: [{ x, y, error, title, label }], line, colour, variant }; marks: { x, text }
// Series of one colour differ in their variant, from 0: in tone and shape.
function drawing(chart, width) {
  const height = chart.height || 340;
  const margin = { left: 58, right: 14, top: 16, bottom: 46 };
  const points = chart.series.flatMap((one) => one.points);
  const x = axis(points.map((one) => one.x), chart.x, margin.left, width - margin.right);
  const reach = points.flatMap((one) => [one.y - (one.error || 0), one.y + (one.error || 0)]);
  const y = axis(reach, chart.y, height - margin.bottom, margin.top);
  const picture = drawn("svg", { width, height, role: "img", "aria-label": chart.label });
  drawAxes(picture, chart, x, y, width, height, margin);
  if (chart.front) picture.append(path(chart.front, x, y, "front"));
  for (const series of chart.series) drawSeries(picture, series, x, y);
  for (const mark of chart.marks || []) {
    const place = x.place(mark.x);
    const isLeft = place > width / 2;
    // At the end of the line where the curve is not.
    const near = points.filter((one) => Math.abs(x.place(one.x) - place) < 90);
    const isHigh = near.some((one) => y.place(one.y) > height / 2);
    picture.append(
      drawn("line", { class: "mark", x1: place, x2: place, y1: margin.top, y2: height - margin.bottom }),
      drawn("text", { class: "mark", x: place + (isLeft ? -5 : 5), y: isHigh ? margin.top + 8 : height - margin.bottom - 8,
        "text-anchor": isLeft ? "end" : "start" }, mark.text),
    );
  }
  drawLabels(picture, points, x, y, width);
  return picture;
}

function drawAxes(picture, chart, x, y, width, height, margin) {
  for (const tick of y.ticks) {
    const place = y.place(tick);
    picture.append(
      drawn("line", { class: "grid", x1: margin.left, x2: width - margin.right, y1: place, y2: place }),
      drawn("text", { x: margin.left - 7, y: place + 4, "text-anchor": "end" }, y.text(tick)),
    );
  }
  const base = height - margin.bottom;
  for (const tick of spacedApart(x)) {
    const place = x.place(tick);
    picture.append(
      drawn("line", { class: "axis", x1: place, x2: place, y1: base, y2: base + 5 }),
      drawn("text", { x: place, y: base + 18, "text-anchor": "middle" }, x.text(tick)),
    );
  }
  picture.append(
    drawn("line", { class: "axis", x1: margin.left, x2: width - margin.right, y1: base, y2: base }),
    drawn("text", { class: "title", x: (margin.left + width - margin.right) / 2, y: height - 6,
      "text-anchor": "middle" }, chart.x.title + (chart.x.isLog ? ", log scale" : "")),
    drawn("text", { class: "title", transform: `translate(13,${(margin.top + base) / 2}) rotate(-90)`,
      "text-anchor": "middle" }, chart.y.title),
  );
}

function drawSeries(picture, series, x, y) {
  const { colours, shape } = lookOf(series);
  const group = drawn("g", { class: colours });
  if (series.line) group.append(path(series.points, x, y, "line"));
  for (const one of series.isBare ? [] : series.points) {
    const [across, up] = [x.place(one.x), y.place(one.y)];
    if (one.error) {
      group.append(drawn("line", { class: "error", x1: across, x2: across,
        y1: y.place(one.y - one.error), y2: y.place(one.y + one.error) }));
    }
    group.append(drawn("path", { class: one.isBest ? "point best" : "point", d: shape,
      transform: `translate(${across},${up})${one.isBest ? " scale(1.5)" : ""}` },
    drawn("title", {}, one.title || "")));
  }
  picture.append(group);
}

function lookOf({ colour, variant = 0 }) {
  const shape = SHAPES[(Math.floor(colour / COLOURS) + variant) % SHAPES.length];
  return { colours: `series-${colour % COLOURS} tone-${variant % TONES}`, shape };
}

// Names of points that have room; others have theirs in the legend.
function drawLabels(picture, points, x, y, width) {
  const taken = points.map((one) => [x.place(one.x) - 6, x.place(one.x) + 6, y.place(one.y)]);
  for (const one of points.filter((point) => point.label)) {
    const place = x.place(one.x);
    const long = one.label.length * 6.7;
    const places = [[place + 9, place + 9 + long, 4, "start"], [place - 9 - long, place - 9, 4, "end"],
      [place - long / 2, place + long / 2, -11, "middle"], [place - long / 2, place + long / 2, 20, "middle"]];
    const free = places.find(([from, to, down]) => from > 60 && to < width &&
      !taken.some(([a, b, up]) => from < b && to > a && Math.abs(up - y.place(one.y) - down) < 11));
    if (!free) continue;
    const [from, to, down, anchor] = free;
    taken.push([from, to, y.place(one.y) + down - 4]);
    const at = anchor === "start" ? from : anchor === "end" ? to : place;
    picture.append(drawn("text", { class: "label", x: at, y: y.place(one.y) + down,
      "text-anchor": anchor }, one.label));
  }
}

function path(points, x, y, kind) {
  const steps = points.map((one, index) => `${index ? "L" : "M"}${x.place(one.x).toFixed(1)},${y.place(one.y).toFixed(1)}`);
  return drawn("path", { class: kind, d: steps.join("") });
}

function legend(chart) {
  const list = element("ul", { class: "legend" });
  for (const one of chart.series.length > 1 || chart.isNamed ? chart.series : []) {
    const { colours, shape } = lookOf(one);
    const sign = drawn("svg", { width: 14, height: 14, viewBox: "-7 -7 14 14", "aria-hidden": "true",
      class: colours }, drawn("path", { class: "point", d: shape }));
    list.append(element("li", {}, sign, one.name));
  }
  return list;
}

// Where numbers are between two places, with round numbers for ticks.
function axis(values, { isLog, isWhole }, from, to) {
  const known = values.filter((one) => Number.isFinite(one) && (!isLog || one > 0));
  let low = Math.min(...known);
  let high = Math.max(...known);
  if (!known.length) [low, high] = [isLog ? 0.1 : 0, 1];
  const own = isLog ? Math.log10 : (one) => one;
  const spare = (own(high) - own(low)) * 0.06 || (isLog ? 0.2 : Math.abs(high) * 0.05 || 1);
  const [first, last] = [own(low) - spare, own(high) + spare];
  const place = (one) => {
    const share = (own(isLog ? Math.max(one, 10 ** first) : one) - first) / (last - first);
    return from + share * (to - from);
  };
  const count = Math.max(2, Math.floor(Math.abs(to - from) / (from < to ? 75 : 36)));
  const ticks = isLog ? logTicks(first, last) : linearTicks(first, last, stepOf(first, last, count, isWhole));
  const digits = isLog ? 0 : Math.max(0, -Math.floor(Math.log10(stepOf(first, last, count, isWhole)) + 1e-9));
  return { place, ticks, text: (one) => (isLog ? short(one) : number(one, Math.min(digits, 8))) };
}

function stepOf(first, last, count, isWhole) {
  const rough = (last - first) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((one) => one * power >= rough * 0.999);
  return isWhole ? Math.max(1, step) : step;
}

function linearTicks(first, last, step) {
  const ticks = [];
  for (let index = Math.ceil(first / step); index * step <= last; index += 1) ticks.push(index * step);
  return ticks;
}

function logTicks(first, last) {
  const parts = last - first > 3 ? [1] : last - first > 0.5 ? [1, 2, 5] : [1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9];
  const ticks = [];
  for (let power = Math.floor(first); power <= last; power += 1) {
    for (const part of parts) {
      const tick = Number((part * 10 ** power).toPrecision(3));
      if (Math.log10(tick) >= first && Math.log10(tick) <= last) ticks.push(tick);
    }
  }
  return ticks;
}

// The ticks whose texts do not touch.
function spacedApart(x) {
  let end = -Infinity;
  return x.ticks.filter((tick) => {
    const half = x.text(tick).length * 3.6 + 4;
    if (x.place(tick) - half < end) return false;
    end = x.place(tick) + half;
    return true;
  });
}

// Whether values are rather spaced by ratios than by differences.
function isByRatios(values) {
  if (values.length < 3 || values[0] <= 0) return false;
  const unevenness = (of) => {
    const steps = values.slice(1).map((one, index) => of(one) - of(values[index]));
    return Math.max(...steps) / Math.min(...steps);
  };
  return unevenness(Math.log) < unevenness((one) => one);
}
