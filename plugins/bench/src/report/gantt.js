// The Gantt chart of one cell, by resource or by agent, and what starts the page.

const gantt = { from: 0, to: 1, drawing: null };
const ROW = 20;

function choose_gantt() {
  const [input, runner] = [Number(by_id("gantt-input").value), Number(by_id("gantt-runner").value)];
  const found = data.drawings.find((drawing) => drawing.input === input && drawing.runner === runner);
  gantt.drawing = found || null;
  gantt.from = 0;
  gantt.to = (found && found.gantt && found.gantt.end) || 1;
  draw_gantt();
}

function gantt_chart() {
  return gantt.drawing && gantt.drawing.gantt && gantt.drawing.gantt[by_id("gantt-rows").value];
}

/** The rows of the other chart, which colours stand for. */
function other_rows() {
  const by_resource = by_id("gantt-rows").value === "by_resource";
  return gantt.drawing.gantt[by_resource ? "by_agent" : "by_resource"].rows;
}

function n_shades() {
  return other_rows().length;
}

function gantt_left(width) {
  return width < 500 ? 76 : 130;
}

function draw_gantt() {
  const host = by_id("gantt-chart");
  const chart = gantt_chart();
  by_id("gantt-note").textContent = gantt_note(chart);
  if (!chart) {
    host.replaceChildren();
    return;
  }
  const width = Math.max(260, host.clientWidth);
  const [left, right, top] = [gantt_left(width), 8, 4];
  const height = top + chart.rows.length * ROW + 24;
  const drawn = svg("svg", { viewBox: `0 0 ${width} ${height}`, height, role: "img", "aria-label": "Gantt chart" });
  const scale = (width - left - right) / (gantt.to - gantt.from);
  const x_of = (time) => left + (time - gantt.from) * scale;
  const bottom = height - 22;
  for (const time of ticks(gantt.from, gantt.to, Math.floor((width - left) / 90))) {
    drawn.append(svg("line", { class: "axis", x1: x_of(time), x2: x_of(time), y1: top, y2: bottom }));
    drawn.append(svg("text", { x: Math.min(x_of(time), width - 14), y: height - 6, "text-anchor": "middle" }, rounded(time)));
  }
  chart.rows.forEach((name, n) => drawn.append(row_label(name, n, left, top)));
  for (let n = 0; n < chart.row.length; n++) {
    if (chart.end[n] < gantt.from || chart.start[n] > gantt.to) continue;
    const x = Math.max(left, x_of(chart.start[n]));
    const box_width = Math.min(width - right, x_of(chart.end[n])) - x;
    drawn.append(...gantt_box(chart, n, x, Math.max(box_width, 0.6), top));
  }
  host.replaceChildren(drawn);
}

function row_label(name, n, left, top) {
  const n_letters = Math.floor((left - 10) / 6.2);
  const text = name.length > n_letters ? `${name.slice(0, n_letters - 1)}…` : name;
  const label = svg("text", { class: "row-name", x: left - 6, y: top + n * ROW + 14, "text-anchor": "end" }, text);
  label.append(svg("title", {}, name));
  return label;
}

function gantt_box(chart, n, x, width, top) {
  const y = top + chart.row[n] * ROW + 2;
  // Where there is one colour only, neighbours are told apart.
  const shade = n_shades() > 1 ? chart.shade[n] : n;
  const place = { x: x.toFixed(2), y, width: width.toFixed(2), height: ROW - 4, "data-box": n };
  if (chart.is_shares) {
    return [svg("rect", { ...place, class: "share", "fill-opacity": (0.15 + 0.0085 * chart.shade[n]).toFixed(3) })];
  }
  const nodes = [svg("rect", { ...place, class: "box", fill: colour(shade) })];
  const label = chart.label[n] || "";
  if (label && label.length * 6.3 + 4 < width) {
    // Dark letters on the dark blue are hard to read.
    const is_dark = shade % COLOURS.length === 0;
    const attributes = { class: "box-name", x: x + 3, y: y + 12 };
    if (is_dark) attributes.style = "fill: #fff";
    nodes.push(svg("text", attributes, label));
  }
  return nodes;
}

function gantt_note(chart) {
  if (!gantt.drawing) return "This cell is not done.";
  if (!chart) return "No chart of this cell was kept.";
  const { seed, n_pieces, unit, makespan } = gantt.drawing;
  const other = by_id("gantt-rows").value === "by_resource" ? "agents or jobs" : "resources";
  const kind = chart.is_shares
    ? "boxes tell the share of time that was work: the darker, the more"
    : n_shades() > 1
      ? `colours tell ${other} apart, as far as there are colours`
      : "colours tell neighbours apart";
  const left_out = chart.rows_left_out ? ` ${chart.rows_left_out} more rows are left out.` : "";
  return (
    `Seed ${seed}, ${n_pieces} pieces of work, makespan ${rounded(makespan)}${unit ? ` ${unit}` : ""}; ${kind}.${left_out}` +
    " Click the chart, then zoom with the wheel; drag to move."
  );
}

/** Zooms by `factor` about the share `at` (0 to 1) of what is seen. */
function zoom(factor, at) {
  const whole = gantt.drawing.gantt.end || 1;
  const seen = gantt.to - gantt.from;
  const wanted = Math.min(whole, Math.max(whole / 5000, seen * factor));
  move_to(gantt.from + (seen - wanted) * at, wanted);
}

function move_to(from, seen) {
  const whole = gantt.drawing.gantt.end || 1;
  gantt.from = Math.min(Math.max(0, from), Math.max(0, whole - seen));
  gantt.to = gantt.from + seen;
  draw_gantt();
}

function gantt_do(what) {
  if (!gantt_chart()) return;
  const seen = gantt.to - gantt.from;
  if (what === "in") zoom(0.5, 0.5);
  if (what === "out") zoom(2, 0.5);
  if (what === "left") move_to(gantt.from - seen / 3, seen);
  if (what === "right") move_to(gantt.from + seen / 3, seen);
  if (what === "all") move_to(0, gantt.drawing.gantt.end || 1);
}

function box_text(chart, n) {
  const { unit } = gantt.drawing;
  const row = chart.rows[chart.row[n]];
  const span = `${rounded(chart.start[n])} – ${rounded(chart.end[n])}${unit ? ` ${unit}` : ""}`;
  if (chart.is_shares) return `${row}\n${span}: ${chart.shade[n]} % work`;
  const whose = other_rows()[chart.shade[n]];
  return [chart.label[n], `${row}${whose === undefined ? "" : `, ${whose}`}`, span].filter(Boolean).join("\n");
}

function listen_to_gantt() {
  const host = by_id("gantt-chart");
  for (const id of ["gantt-input", "gantt-runner"]) by_id(id).addEventListener("change", choose_gantt);
  by_id("gantt-rows").addEventListener("change", draw_gantt);
  for (const button of document.querySelectorAll("#gantt button")) {
    button.addEventListener("click", () => gantt_do(button.dataset.do));
  }
  // A wheel that only passes by goes on scrolling the page.
  host.addEventListener("wheel", (event) => {
    if (!gantt_chart() || !(event.ctrlKey || document.activeElement === host)) return;
    event.preventDefault();
    const [width, left] = [host.clientWidth, gantt_left(host.clientWidth)];
    const at = (event.clientX - host.getBoundingClientRect().left - left) / (width - left - 8);
    zoom(event.deltaY > 0 ? 1.25 : 0.8, Math.min(1, Math.max(0, at)));
  }, { passive: false });
  const keys = { "+": "in", "-": "out", ArrowLeft: "left", ArrowRight: "right", 0: "all" };
  host.addEventListener("keydown", (event) => {
    if (!keys[event.key]) return;
    event.preventDefault();
    gantt_do(keys[event.key]);
  });
  let held = null;
  host.addEventListener("pointerdown", (event) => {
    held = { x: event.clientX, from: gantt.from };
  });
  window.addEventListener("pointerup", () => {
    held = null;
  });
  host.addEventListener("pointermove", (event) => {
    const chart = gantt_chart();
    if (!chart) return;
    const box = event.target.dataset && event.target.dataset.box;
    if (held && event.buttons === 1) {
      hide_tip();
      const seen = gantt.to - gantt.from;
      const width = host.clientWidth - gantt_left(host.clientWidth) - 8;
      move_to(held.from - ((event.clientX - held.x) / width) * seen, seen);
    } else if (box !== undefined) {
      show_tip(event, box_text(chart, Number(box)));
    } else {
      hide_tip();
    }
  });
  host.addEventListener("pointerleave", hide_tip);
}

function draw_metric() {
  draw_pairs();
  draw_inputs();
  draw_wins();
}

function start() {
  by_id("summary").textContent = data.summary;
  fill_select(by_id("metric"), data.columns.map((column) => column.label), data.main);
  fill_select(by_id("baseline"), data.runners, 0);
  fill_select(by_id("curve-input"), data.inputs, 0);
  const first = data.drawings.find((drawing) => drawing.gantt) || { input: 0, runner: 0 };
  fill_select(by_id("gantt-input"), data.inputs, first.input);
  fill_select(by_id("gantt-runner"), data.runners, first.runner);
  by_id("metric").addEventListener("change", draw_metric);
  by_id("baseline").addEventListener("change", draw_pairs);
  by_id("curve-input").addEventListener("change", draw_curves);
  listen_to_gantt();
  draw_means();
  draw_failed();
  if (data.runners.length > 0) draw_metric();
  draw_curves();
  choose_gantt();
  let wait = 0;
  let width = document.body.clientWidth;
  window.addEventListener("resize", () => {
    // Bars that slide in and out on telephones change the height alone.
    if (document.body.clientWidth === width) return;
    width = document.body.clientWidth;
    clearTimeout(wait);
    wait = setTimeout(() => {
      draw_curves();
      draw_gantt();
    }, 100);
  });
  document.body.dataset.ready = "true";
}

start();
