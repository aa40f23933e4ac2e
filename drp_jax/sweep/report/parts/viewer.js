// Two pictures of the same size over each other, with a divider to drag; both move and zoom as one.

const MOST_ZOOM = 16;

// A viewer of a left and a right picture: { source, title }.
function comparison() {
  const view = { zoom: 1, x: 0, y: 0, divider: 50 };
  const left = element("img", { alt: "", draggable: "false" });
  const right = element("img", { alt: "", draggable: "false" });
  const over = element("div", { class: "layer" }, right);
  const handle = element("div", { class: "divider", "aria-hidden": "true" }, element("span", {}, "◂ ▸"));
  const names = [element("span", { class: "name left" }), element("span", { class: "name right" })];
  const stage = element("div", { class: "stage" }, element("div", { class: "layer" }, left), over, handle, ...names);
  const slider = element("input", { type: "range", min: 0, max: 100, step: 0.5, value: 50,
    "aria-label": "Divider between the two pictures", input: () => { view.divider = Number(slider.value); update(); } });
  const zoom = element("select", { "aria-label": "Zoom", change: () => zoomTo(Number(zoom.value)) },
    ...[1, 2, 4, 8, MOST_ZOOM].map((one) => element("option", { value: one }, one === 1 ? "whole picture" : `× ${one}`)));

  function update() {
    const room = 1 - view.zoom;
    view.x = Math.min(0, Math.max(room, view.x));
    view.y = Math.min(0, Math.max(room, view.y));
    const [across, down] = [view.x * stage.clientWidth, view.y * stage.clientHeight];
    for (const one of [left, right]) one.style.transform = `translate(${across}px,${down}px) scale(${view.zoom})`;
    over.style.clipPath = `inset(0 0 0 ${view.divider}%)`;
    handle.style.left = `${view.divider}%`;
    stage.classList.toggle("zoomed", view.zoom > 1);
    names[0].hidden = view.divider < 12;
    names[1].hidden = view.divider > 88;
    slider.value = view.divider;
    zoom.value = view.zoom;
  }

  // The place (a share of the stage, by default its middle) stays where it is.
  function zoomTo(wanted, place = { x: 0.5, y: 0.5 }) {
    const factor = Math.min(MOST_ZOOM, Math.max(1, wanted)) / view.zoom;
    view.x = place.x - (place.x - view.x) * factor;
    view.y = place.y - (place.y - view.y) * factor;
    view.zoom *= factor;
    update();
  }

  function shareOf(event) {
    const box = stage.getBoundingClientRect();
    return { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height };
  }

  let drag = null;
  stage.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    const start = shareOf(event);
    const isNear = Math.abs(start.x - view.divider / 100) * stage.clientWidth < 24;
    drag = { start, x: view.x, y: view.y, isDivider: view.zoom === 1 || isNear };
    stage.setPointerCapture(event.pointerId);
    move(event);
  });
  stage.addEventListener("pointermove", move);
  for (const end of ["pointerup", "pointercancel"]) stage.addEventListener(end, () => { drag = null; });

  function move(event) {
    if (!drag) return;
    const now = shareOf(event);
    if (drag.isDivider) view.divider = Math.min(100, Math.max(0, 100 * now.x));
    else Object.assign(view, { x: drag.x + now.x - drag.start.x, y: drag.y + now.y - drag.start.y });
    update();
  }

  const STEPS = [1, 2, 4, 8, MOST_ZOOM];
  stage.addEventListener("dblclick", (event) => {
    zoomTo(STEPS[(STEPS.indexOf(view.zoom) + 1) % STEPS.length] || 1, shareOf(event));
  });
  new ResizeObserver(update).observe(stage);

  function show(one, other) {
    for (const [picture, name, shown] of [[left, names[0], one], [right, names[1], other]]) {
      picture.src = shown.source;
      picture.alt = shown.title;
      name.textContent = shown.title;
    }
    left.onload = () => { stage.style.aspectRatio = `${left.naturalWidth} / ${left.naturalHeight}`; update(); };
    update();
  }

  const controls = element("div", { class: "stage-controls" }, slider, element("label", {}, element("span", {}, "Zoom"), zoom));
  return { box: element("div", { class: "comparison" }, stage, controls), show };
}

// A picture with its legend of colours.
function mapFigure(title, source, kind, scale, explained) {
  const stops = data.colours[kind].join(", ");
  return element("figure", { class: "map" },
    element("img", { src: source, alt: title, loading: "lazy" }),
    element("figcaption", {}, element("strong", {}, title),
      element("span", { class: "scale" }, "0", element("i", { style: `background: linear-gradient(to right, ${stops})` }), short(scale)),
      element("span", {}, explained)));
}

// What a run measured, { title, unit, best, iterations, values }, and where its image is from.
function curveFigure(curve, kept, colour) {
  const box = element("div", { class: "chart small" });
  const { title, unit, best } = curve;
  const points = curve.iterations.map((x, index) => ({ x, y: curve.values[index] })).filter((one) => one.y !== null);
  for (const one of points) one.title = `${one.x}: ${short(one.y, 4)} ${unit}`;
  draw(box, {
    label: `${title} over the iterations`, height: 220,
    x: { title: "iteration", isWhole: true }, y: { title: "" },
    series: [{ name: title, points, line: true, isBare: points.length > 30, colour }],
    marks: kept ? [{ x: kept, text: `image from ${kept}` }] : [],
  });
  const text = best ? `Highest at iteration ${best[0]}: ${short(best[1], 4)} ${unit}` : "";
  return element("figure", { class: "curve" },
    element("figcaption", {}, element("strong", {}, unit ? `${title} (${unit})` : title), element("span", {}, text)), box);
}
