// The page of a what-if: its answer, the chart of the trade-off, the table of configurations.

const HEIGHT = 430;
const SHAPES = ["circle", "square", "triangle", "diamond"];
// From little to much, told apart on light and dark ground.
const RAMP = ["#7a5cc4", "#3b7dbd", "#22a69a", "#6cc85a", "#eab308"];
const MET = ["missed", "met on average, not surely", "met"];
const MET_COLOURS = ["#d55e00", "#e69f00", "#009e73"];
const hidden = new Set();

/** Text in which `marks` become code. */
function marked(text) {
  return text.split("`").map((part, n) => (n % 2 ? element("code", { text: part }) : part));
}

function mixed(share) {
  const at = Math.min(RAMP.length - 1.001, Math.max(0, share * (RAMP.length - 1)));
  const part = (colour, n) => parseInt(colour.slice(1 + 2 * n, 3 + 2 * n), 16);
  const [a, b, rest] = [RAMP[Math.floor(at)], RAMP[Math.floor(at) + 1], at - Math.floor(at)];
  const mix = [0, 1, 2].map((n) => Math.round(part(a, n) + rest * (part(b, n) - part(a, n))));
  return `rgb(${mix.join(",")})`;
}

/** What points are told apart by: {label, names, of, look}. */
function groupings() {
  const knobs = data.knobs.map((knob, k) => ({
    label: knob.name,
    names: knob.values.map((value) => `${knob.name} ${value}`),
    of: (point) => knob.values.indexOf(data.configurations[point.configuration][k]),
    look: (n) => ({ fill: mixed(knob.values.length > 1 ? n / (knob.values.length - 1) : 0), shape: "circle" }),
  }));
  const policies = {
    label: "policy",
    names: data.policies,
    of: (point) => point.policy,
    look: (n) => ({ fill: colour(n), shape: SHAPES[Math.floor(n / COLOURS.length) % SHAPES.length] }),
  };
  const met = {
    label: "goal",
    names: MET,
    of: (point) => point.met,
    look: (n) => ({ fill: MET_COLOURS[n], shape: "circle" }),
  };
  const useful = knobs.filter((knob) => knob.names.length > 1);
  return [...useful, ...(data.policies.length > 1 ? [policies] : []), met];
}

function mark(shape, x, y, size, attributes) {
  if (shape === "circle") return svg("circle", { cx: x, cy: y, r: size, ...attributes });
  const points = {
    square: [[-0.9, -0.9], [0.9, -0.9], [0.9, 0.9], [-0.9, 0.9]],
    triangle: [[0, -1.2], [1.1, 0.8], [-1.1, 0.8]],
    diamond: [[0, -1.3], [1.3, 0], [0, 1.3], [-1.3, 0]],
  }[shape];
  const at = points.map(([dx, dy]) => `${(x + dx * size).toFixed(1)},${(y + dy * size).toFixed(1)}`);
  return svg("polygon", { points: at.join(" "), ...attributes });
}

/** A scale with its marks; logarithmic where values differ by much. */
function scale(values, from, to, n_wanted, padded) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  if (low > 0 && high / low > 8) {
    const [a, b] = [Math.log10(low) - 0.05, Math.log10(high) + 0.05];
    const marks = [];
    for (let power = Math.floor(a); power <= Math.ceil(b); power++) {
      for (const n of b - a > 2.5 ? [1] : b - a > 1.5 ? [1, 3] : [1, 2, 5]) {
        const value = Number((n * 10 ** power).toPrecision(12));
        if (Math.log10(value) >= a && Math.log10(value) <= b) marks.push(value);
      }
    }
    const of = (value) => from + ((Math.log10(Math.max(value, low / 2)) - a) / (b - a)) * (to - from);
    return { of, marks, is_log: true };
  }
  const span = high - low || Math.abs(high) || 1;
  const bottom = padded && low - 0.06 * span > 0 && low > 0.4 * high ? low - 0.06 * span : Math.min(0, low);
  const top = high + 0.06 * span;
  const of = (value) => from + ((value - bottom) / (top - bottom)) * (to - from);
  const marks = ticks(bottom, top, n_wanted);
  return { of, marks, is_log: false };
}

/** A number at an axis, without zeros that say nothing. */
const tick_text = (value) => String(Number(value.toPrecision(6)));

function axis_label(axis) {
  return axis.unit ? `${axis.label} [${axis.unit}]` : axis.label;
}

function draw_axes(drawn, x, y, [left, right, top, bottom]) {
  for (const value of y.marks) {
    const at = y.of(value);
    drawn.append(svg("line", { class: "axis", x1: left, x2: right, y1: at, y2: at }));
    drawn.append(svg("text", { x: left - 6, y: at + 4, "text-anchor": "end" }, tick_text(value)));
  }
  for (const value of x.marks) {
    const at = x.of(value);
    drawn.append(svg("line", { class: "axis", x1: at, x2: at, y1: bottom, y2: bottom + 4 }));
    drawn.append(svg("text", { x: at, y: bottom + 17, "text-anchor": "middle" }, tick_text(value)));
  }
  const log = (axis) => (axis.is_log ? ", logarithmic" : "");
  drawn.append(svg("text", { x: right, y: bottom + 34, "text-anchor": "end" }, axis_label(data.x) + log(x)));
  drawn.append(svg("text", { x: left - 44, y: top - 10 }, axis_label(data.y) + log(y)));
}

function draw_goal(drawn, y, left, right) {
  if (data.y.bound === null) return;
  const at = y.of(data.y.bound);
  drawn.append(svg("line", { class: "goal", x1: left, x2: right, y1: at, y2: at }));
  const text = svg("text", { class: "goal-text", x: right - 4, y: at - 6, "text-anchor": "end" }, data.y.goal);
  drawn.append(text);
}

/** The front as steps: between two of its points nothing better is known than the cheaper one. */
function draw_front(drawn, place) {
  const front = data.front.map((n) => place(data.points[n]));
  const path = front.map(([x, y], n) => (n ? `H${x.toFixed(1)}V${y.toFixed(1)}` : `M${x.toFixed(1)},${y.toFixed(1)}`));
  if (front.length > 1) drawn.append(svg("path", { class: "front", d: path.join("") }));
}

function draw_errors(drawn, y, place, top, bottom) {
  for (const n of data.front) {
    const point = data.points[n];
    if (!point.y_half) continue;
    const [x] = place(point);
    const ends = [y.of(point.y - point.y_half), y.of(point.y + point.y_half)];
    const [from, to] = ends.map((at) => Math.min(bottom, Math.max(top - 8, at)));
    if (Math.abs(from - to) < 2) continue;
    drawn.append(svg("line", { class: "error", x1: x, x2: x, y1: from, y2: to }));
  }
}

function draw_best(drawn, place, left, right) {
  if (data.chosen === null) return;
  const point = data.points[data.chosen];
  const [x, y] = place(point);
  const kind = data.is_met ? "" : " missed";
  drawn.append(svg("circle", { class: `best${kind}`, cx: x, cy: y, r: 9 }));
  const is_right = x > (left + right) / 2;
  const attributes = { class: `best-text${kind}`, x: is_right ? x - 12 : x + 12, y: y + 24, "text-anchor": is_right ? "end" : "start" };
  drawn.append(svg("text", attributes, data.chosen_text));
}

function draw_chart() {
  const host = by_id("chart");
  const grouping = groupings()[Number(by_id("colour-by").value)];
  draw_legend(grouping);
  const width = Math.max(280, host.clientWidth);
  const [left, right, top, bottom] = [56, width - 14, 26, HEIGHT - 40];
  const shown = data.points.filter((point) => !hidden.has(grouping.of(point)));
  if (data.points.length === 0) {
    host.replaceChildren(element("p", { class: "note", text: "Nothing to draw." }));
    return;
  }
  const bounds = data.y.bound === null ? [] : [data.y.bound];
  const x = scale(data.points.map((point) => point.x), left, right, Math.floor(width / 110), true);
  const y = scale([...data.points.map((point) => point.y), ...bounds].filter((value) => value >= 0), bottom, top, 6, false);
  const place = (point) => [x.of(point.x), y.of(point.y)];
  const label = `${data.y.label} against ${data.x.label}`;
  const drawn = svg("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, height: HEIGHT, role: "img", "aria-label": label });
  draw_axes(drawn, x, y, [left, right, top, bottom]);
  draw_goal(drawn, y, left, right);
  draw_front(drawn, place);
  draw_errors(drawn, y, place, top, bottom);
  // What is known best lies on top.
  for (const point of [...shown].sort((a, b) => a.runs - b.runs)) {
    const { fill, shape } = grouping.look(grouping.of(point));
    const is_sure = point.runs >= data.n_seeds;
    const style = is_sure ? { fill, stroke: "none" } : { fill: "none", stroke: fill, "stroke-opacity": 0.6 };
    drawn.append(mark(shape, ...place(point), is_sure ? 4.5 : 3, { class: "point", ...style }));
  }
  draw_best(drawn, place, left, right);
  drawn.addEventListener("pointermove", (event) => hover(event, drawn, shown, place));
  drawn.addEventListener("pointerleave", hide_tip);
  host.replaceChildren(drawn);
}

/** Tells of the points under the pointer. */
function hover(event, drawn, shown, place) {
  const box = drawn.getBoundingClientRect();
  const [px, py] = [event.clientX - box.left, event.clientY - box.top];
  const near = shown
    .map((point) => [Math.hypot(place(point)[0] - px, place(point)[1] - py), point])
    .filter(([distance]) => distance < 9)
    .sort((a, b) => a[0] - b[0]);
  if (near.length === 0) return hide_tip();
  const texts = near.slice(0, 4).map(([, point]) => point.tip);
  if (near.length > 4) texts.push(`… and ${near.length - 4} more here`);
  show_tip(event, texts.join("\n\n"));
}

function draw_legend({ names, look, of }) {
  const used = new Set(data.points.map(of));
  const buttons = names.map((name, n) => {
    if (!used.has(n)) return null;
    const { fill, shape } = look(n);
    const sign = svg("svg", { width: 14, height: 12, "aria-hidden": "true" });
    sign.append(mark(shape, 7, 6, 4.5, { fill }));
    const button = element("button", { type: "button", "aria-pressed": String(!hidden.has(n)) }, [sign, name]);
    button.addEventListener("click", () => {
      if (!hidden.delete(n)) hidden.add(n);
      draw_chart();
    });
    return button;
  });
  by_id("legend").replaceChildren(...buttons.filter(Boolean));
}

function draw_rows() {
  const { head, rows } = data.table;
  if (rows.length > 40) by_id("rows").parentElement.classList.add("tall");
  const line = (cells) => element("tr", {}, cells);
  const body = rows.map(({ cells, met, is_chosen }) => {
    const made = line(cells.map((text, n) => {
      if (n === 0) return element("th", { scope: "row", text, title: text });
      const name = n === 1 ? "text" : n === data.table.met_column ? ["bad", "", "good"][met] : "";
      return element("td", name ? { text, class: name } : { text });
    }));
    if (is_chosen) made.className = "chosen";
    return made;
  });
  by_id("rows").replaceChildren(
    element("thead", {}, [line(head.map((text) => element("th", { scope: "col", text })))]),
    element("tbody", {}, body),
  );
}

function start() {
  by_id("answer").replaceChildren(...marked(data.sentence));
  if (!data.is_met) by_id("answer").classList.add("missed");
  by_id("notes").replaceChildren(...data.notes.map((note) => element("li", {}, marked(note))));
  by_id("notes").hidden = data.notes.length === 0;
  by_id("chart-note").textContent = data.chart_note;
  by_id("method").textContent = data.method;
  fill_select(by_id("colour-by"), groupings().map(({ label }) => label), 0);
  by_id("colour-by").addEventListener("change", () => {
    hidden.clear();
    draw_chart();
  });
  draw_rows();
  draw_chart();
  let width = document.body.clientWidth;
  window.addEventListener("resize", () => {
    if (document.body.clientWidth === width) return;
    width = document.body.clientWidth;
    draw_chart();
  });
  document.body.dataset.ready = "true";
}

start();
