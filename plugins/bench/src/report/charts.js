// The curves of one input: latencies, queue depth, utilisation.

const hidden = new Set(data.runners.map((_, n) => n).filter((n) => n >= 8));

function drawings_of(input) {
  return data.drawings.filter((drawing) => drawing.input === input);
}

function draw_legend() {
  const shown = drawings_of(Number(by_id("curve-input").value));
  const buttons = shown.map(({ runner, seed }) => {
    const mark = svg("svg", { width: 26, height: 10, "aria-hidden": "true" });
    mark.append(svg("line", { x1: 0, x2: 26, y1: 5, y2: 5, stroke: colour(runner), "stroke-width": 3, "stroke-dasharray": dash(runner) }));
    const button = element("button", { type: "button", "aria-pressed": String(!hidden.has(runner)) }, [
      mark,
      `${data.runners[runner]}, seed ${seed}`,
    ]);
    button.addEventListener("click", () => {
      if (!hidden.delete(runner)) hidden.add(runner);
      draw_curves();
    });
    return button;
  });
  by_id("legend").replaceChildren(...buttons);
}

/** Draws lines, each {runner, points: [[x, y], …]}, with axes; `x_text` names the x axis. */
function draw_lines(id, lines, x_text, y_percent) {
  const host = by_id(id);
  const [width, height] = [Math.max(260, host.clientWidth), 230];
  const [left, right, top, bottom] = [52, 12, 8, 34];
  const points = lines.flatMap((line) => line.points);
  if (points.length === 0) {
    host.replaceChildren(element("p", { class: "note", text: "Nothing to draw." }));
    return;
  }
  const x_max = points.reduce((max, [x]) => Math.max(max, x), 0) || 1;
  // Means of less than one in a queue are next to nothing, and look like it.
  const y_max = y_percent ? 1 : points.reduce((max, [, y]) => Math.max(max, y), 1);
  const x_of = (x) => left + (x / x_max) * (width - left - right);
  const y_of = (y) => height - bottom - (y / y_max) * (height - top - bottom);
  const drawn = svg("svg", { viewBox: `0 0 ${width} ${height}`, height, role: "img", "aria-label": x_text });
  for (const y of ticks(0, y_max, 4)) {
    drawn.append(svg("line", { class: "axis", x1: left, x2: width - right, y1: y_of(y), y2: y_of(y) }));
    const text = y_percent ? `${Math.round(100 * y)} %` : rounded(y);
    drawn.append(svg("text", { x: left - 6, y: y_of(y) + 4, "text-anchor": "end" }, text));
  }
  for (const x of ticks(0, x_max, Math.floor(width / 110))) {
    drawn.append(svg("line", { class: "axis", x1: x_of(x), x2: x_of(x), y1: height - bottom, y2: height - bottom + 4 }));
    drawn.append(svg("text", { x: Math.min(x_of(x), width - right - 8), y: height - bottom + 16, "text-anchor": "middle" }, rounded(x)));
  }
  drawn.append(svg("text", { x: width - right, y: height - 4, "text-anchor": "end" }, x_text));
  for (const { runner, points } of lines) {
    const path = points.map(([x, y]) => `${x_of(x).toFixed(1)},${y_of(y).toFixed(1)}`).join(" ");
    const line = svg("polyline", { class: "line", points: path, stroke: colour(runner), "stroke-dasharray": dash(runner) });
    line.append(svg("title", {}, data.runners[runner]));
    drawn.append(line);
  }
  host.replaceChildren(drawn);
}

function draw_curves() {
  draw_legend();
  const all = drawings_of(Number(by_id("curve-input").value));
  const shown = all.filter(({ runner }) => !hidden.has(runner));
  const unit = shown.length && shown[0].unit ? ` [${shown[0].unit}]` : "";
  const latency = shown.map(({ runner, curves: { latency } }) => ({
    runner,
    points: latency.map((x, n) => [x, n / (latency.length - 1)]),
  }));
  draw_lines("latency", latency, `latency${unit}`, true);
  // The depth is a mean over each bin: steps say so.
  const depth = shown.map(({ runner, makespan, curves: { depth } }) => {
    const width = makespan / depth.length;
    return { runner, points: depth.flatMap((y, n) => [[n * width, y], [(n + 1) * width, y]]) };
  });
  draw_lines("depth", depth, `time${unit}`, false);
  by_id("utilisation").replaceChildren(...shown.map(utilisation_bars));
}

function utilisation_bars({ runner, curves: { resources, utilisation } }) {
  const bars = resources.slice(0, 40).map((name, n) => {
    const percent = `${(100 * utilisation[n]).toFixed(1)} %`;
    const fill = element("div", { class: "fill" });
    fill.style.width = `${Math.min(100, 100 * utilisation[n])}%`;
    fill.style.background = colour(runner);
    return element("div", { class: "bar" }, [
      element("span", { text: name, title: name }),
      element("div", { class: "track" }, [fill]),
      element("span", { text: percent }),
    ]);
  });
  const more = resources.length - bars.length;
  if (more > 0) bars.push(element("p", { class: "note", text: `… and ${more} more` }));
  return element("div", {}, [element("h4", { text: data.runners[runner] }), ...bars]);
}
