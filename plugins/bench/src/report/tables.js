// The tables: means, paired differences, inputs, wins, failures.

function set_table(id, head, rows) {
  const row = (cells) => element("tr", {}, cells);
  by_id(id).replaceChildren(
    element("thead", {}, [row(head.map((text) => element("th", { scope: "col", text })))]),
    element("tbody", {}, rows.map(row)),
  );
}

function row_name(text) {
  return element("th", { scope: "row", text, title: text });
}

function cell(nodes, name = "") {
  const made = element("td", {}, nodes);
  if (name) made.className = name;
  return made;
}

/** Columns in which anything is not 0; of the rest a sentence tells. */
function shown_columns() {
  const all = data.columns.map((_, n) => n);
  return all.filter((n) => n === data.main || data.means[n].some((mean) => mean && mean[1] !== 0));
}

/** What the intervals are taken over. */
function over_text() {
  return data.over === "inputs"
    ? `over inputs, each of which counts once with its mean over seeds`
    : "over the seeds of the only input";
}

/** Of how many inputs gaps are, if not of all. */
function gaps_text() {
  const references = data.gap_to === "best known" ? data.best_known : data.lower_bounds;
  const known = references.filter((value) => value !== null && value > 0).length;
  return known === 0 || known === data.inputs.length
    ? ""
    : `Gaps are over the ${known} of ${data.inputs.length} inputs that have a ${data.gap_to === "" ? "reference" : data.gap_to.replace("known", "known value")}.`;
}

/** The best mean among the runners with the most inputs: others may have skipped the hard ones. */
function best_mean(n) {
  const all = data.means[n].filter(Boolean);
  const most = Math.max(...all.map((mean) => mean[0]));
  const means = all.filter((mean) => mean[0] === most).map((mean) => mean[1]);
  return data.columns[n].more_is_better ? Math.max(...means) : Math.min(...means);
}

function draw_means() {
  by_id("means-note").textContent =
    `Mean ± half the 95 % confidence interval (Student’s t) ${over_text()}; n is how many. ` +
    "The best mean of a column is bold, among the runners with the largest n. " +
    `Means over different inputs tell little; see the paired differences. ${gaps_text()} ${data.caution}`;
  const shown = shown_columns();
  shown.sort((a, b) => (b === data.main) - (a === data.main));
  const has_gaps = data.gap_to !== "";
  const head = ["runner", "cells", "n", ...(has_gaps ? [`gap to ${data.gap_to} [%]`] : [])];
  const most = Math.max(...data.means[data.main].map((mean) => (mean ? mean[0] : 0)));
  const rows = data.runners.map((runner, r) => {
    const counted = data.means[data.main][r];
    const cells = [row_name(runner), cell([String(data.n_cells[r])]), cell([String(counted ? counted[0] : 0)])];
    if (has_gaps) cells.push(cell(interval_nodes({}, data.mean_gaps[r])));
    for (const n of shown) {
      const mean = data.means[n][r];
      const is_best = data.runners.length > 1 && mean && mean[0] === most && mean[1] === best_mean(n);
      cells.push(cell(interval_nodes(data.columns[n], mean), is_best ? "best" : ""));
    }
    return cells;
  });
  set_table("means", [...head, ...shown.map((n) => column_label(data.columns[n]))], rows);
  const zeros = data.columns.filter((_, n) => !shown.includes(n)).map((column) => column.label);
  by_id("zeros").textContent = zeros.length ? `0 everywhere: ${zeros.join(", ")}.` : "";
}

function draw_pairs() {
  const [n, base] = [Number(by_id("metric").value), Number(by_id("baseline").value)];
  const column = data.columns[n];
  by_id("pairs-note").textContent =
    `${column.label}: runner minus ${data.runners[base]} on the same input with the same seed, ± half the 95 % confidence interval ${over_text()}; n is how many. ` +
    `${column.more_is_better ? "More" : "Less"} is better. Each interval holds for itself, not for all at once. ${data.caution}`;
  const rows = [];
  data.pairs[n][base].forEach((pair, r) => {
    if (r === base) return;
    const cells = [row_name(data.runners[r])];
    if (!pair) {
      cells.push(cell(["0"]), cell(["0"]), cell(["–"]), cell(["–"]), cell(["no shared cells"]));
    } else {
      const [count, mean, half, percent, mark, n_pairs] = pair;
      const half_text = (value) => (value === null ? "" : ` ± ${rounded(value)}`);
      const scale = (value) => (value === null ? null : column_value(column, value));
      const verdict = half === null ? "n is 1" : ["worse", "unclear", "better"][mark + 1];
      cells.push(
        cell([String(n_pairs)]),
        cell([String(count)]),
        cell([signed(scale(mean)) + half_text(scale(half))]),
        cell([percent ? signed(percent[0]) + half_text(percent[1]) : "–"]),
        cell([verdict], ["bad", "", "good"][mark + 1]),
      );
    }
    rows.push(cells);
  });
  const unit = column.unit ? ` [${column.unit}]` : "";
  set_table("pairs", ["runner", "pairs", "n", `difference${unit}`, "difference [% of baseline]", "0 excluded?"], rows);
}

function draw_inputs() {
  const n = Number(by_id("metric").value);
  const column = data.columns[n];
  const is_main = n === data.main;
  const has_bound = is_main && data.lower_bounds.some((value) => value !== null);
  const has_best = is_main && data.best_known.some((value) => value !== null);
  by_id("inputs-note").textContent =
    `${column_label(column)}: means over seeds; winners are bold.` +
    (is_main && data.gap_to ? ` Below: the gap to the ${data.gap_to} in percent.` : "") +
    (is_main ? "" : ` Bounds and gaps are shown for ${data.columns[data.main].label}.`);
  const head = ["input", ...(has_bound ? ["lower bound"] : []), ...(has_best ? ["best known"] : [])];
  const rows = data.inputs.map((input, i) => {
    const winners = data.winners[n][i];
    const cells = [row_name(input)];
    if (has_bound) cells.push(cell([rounded(data.lower_bounds[i])]));
    if (has_best) cells.push(cell([rounded(data.best_known[i])]));
    data.runners.forEach((_, r) => {
      const nodes = interval_nodes(column, data.values[n][i][r]);
      const gap = is_main ? data.gaps[i][r] : null;
      if (gap !== null) nodes.push(element("span", { class: "sub", text: `${gap.toFixed(2)} %` }));
      cells.push(cell(nodes, winners.includes(r) && data.runners.length > 1 ? "best" : ""));
    });
    cells.push(cell([winner_text(winners)], "text"));
    return cells;
  });
  set_table("inputs", [...head, ...data.runners, "winner"], rows);
}

function winner_text(winners) {
  if (winners.length === 0) return "–";
  if (winners.length > 1 && winners.length === data.runners.length) return "all tie";
  if (winners.length > 3) return `${winners.length} tie`;
  return winners.map((r) => data.runners[r]).join(", ");
}

function draw_wins() {
  const n = Number(by_id("metric").value);
  by_id("wins-note").textContent =
    `${data.columns[n].label}: inputs on which the runner of the row is better – as good – worse than that of the column, by the mean over shared seeds.`;
  const rows = data.runners.map((runner, a) => [
    row_name(runner),
    ...data.runners.map((_, b) => {
      if (a === b) return cell([""], "self");
      const [better, ties, worse] = data.wins[n][a][b];
      const name = better > worse ? "good" : better < worse ? "bad" : "";
      return cell([`${better} – ${ties} – ${worse}`], name);
    }),
  ]);
  set_table("wins", ["", ...data.runners], rows);
}

function draw_failed() {
  const shown = data.failed.slice(0, 500);
  by_id("failures").hidden = shown.length === 0;
  const rows = shown.map(([input, runner, seed, why]) => [
    row_name(data.inputs[input]),
    cell([data.runners[runner]], "text"),
    cell([String(seed)]),
    cell([why], "text"),
  ]);
  set_table("failed", ["input", "runner", "seed", "reason"], rows);
}
