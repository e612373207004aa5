"use strict";
// What all parts of the page use: errors, elements, numbers, colours.

const errors = [];
function note_error(text) {
  errors.push(text);
  document.body.dataset.errors = errors.join("\n");
}
window.onerror = (message, source, line) => note_error(`${message} (line ${line})`);
window.onunhandledrejection = (event) => note_error(String(event.reason));

const data = JSON.parse(document.getElementById("data").textContent);
const by_id = (id) => document.getElementById(id);

/** An element; text is set as text, so that names cannot be markup. */
function element(tag, options = {}, children = []) {
  const made = document.createElement(tag);
  const { text, ...rest } = options;
  if (text !== undefined) made.textContent = text;
  for (const [name, value] of Object.entries(rest)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

function svg(tag, attributes = {}, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

/** Four significant digits, whole numbers in full. */
function rounded(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return String(value);
  const digits = 3 - Math.floor(Math.log10(Math.abs(value)));
  if (digits > 9) return value.toExponential(2);
  return value.toFixed(Math.max(0, digits));
}

function signed(value) {
  return (value > 0 ? "+" : value < 0 ? "−" : "") + rounded(Math.abs(value));
}

function column_value(column, value) {
  return column.kind === "share" ? 100 * value : value;
}

function column_label(column) {
  return column.unit ? `${column.label} [${column.unit}]` : column.label;
}

/** "mean ± half" of a [n, mean, half width]. */
function interval_nodes(column, interval) {
  if (!interval) return ["–"];
  const nodes = [rounded(column_value(column, interval[1]))];
  if (interval[2] !== null) {
    nodes.push(element("span", { class: "half", text: ` ± ${rounded(column_value(column, interval[2]))}` }));
  }
  return nodes;
}

function fill_select(select, names, chosen) {
  select.replaceChildren(...names.map((name, n) => element("option", { value: n, text: name })));
  select.value = String(chosen);
}

// Okabe, Ito (2008): colours that stay apart for colour-blind eyes. The eighth, black, would vanish
// on a dark page.
const COLOURS = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#8c8c8c"];
const DASHES = ["", "7 4", "2 3", "9 3 2 3"];
const colour = (n) => COLOURS[n % COLOURS.length];
const dash = (n) => DASHES[Math.floor(n / COLOURS.length) % DASHES.length];

const tip = by_id("tip");
function show_tip(event, text) {
  tip.textContent = text;
  tip.hidden = false;
  const { width, height } = tip.getBoundingClientRect();
  const x = Math.min(event.clientX + 12, window.innerWidth - width - 8);
  const below = event.clientY + 16;
  const y = below + height > window.innerHeight ? event.clientY - height - 10 : below;
  tip.style.left = `${Math.max(4, x)}px`;
  tip.style.top = `${Math.max(4, y)}px`;
}
function hide_tip() {
  tip.hidden = true;
}

/** Round steps of an axis from 0 or `from` to `to`. */
function ticks(from, to, n_wanted) {
  const raw = (to - from) / Math.max(1, n_wanted);
  if (!(raw > 0)) return [from];
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((n) => n * power).find((step) => step >= raw);
  const marks = [];
  for (let n = Math.ceil(from / step - 1e-9); n * step <= to + step * 1e-9; n++) {
    marks.push(Number((n * step).toPrecision(12)));
  }
  return marks;
}
