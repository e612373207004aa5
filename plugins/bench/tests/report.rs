//! Opens reports in a browser without a window and reads what it shows.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is what is wanted")]

mod browser;

use std::fs;

use bench::{
    BestKnown, Chart, Curves, Done, Gantt, Metric, Metrics, Outcome, Record, Unit, write_report,
};

use browser::{Folder, assert_is_drawn, browser, dom, table};

const HOSTILE: &str = "</script><b>bold</b><!-- \"'";

/// `n` pieces of work on four resources for three agents.
fn gantt(n: u32) -> Gantt {
    let chart = |n_rows: u32, n_shades: u32, name: &str| {
        let mut chart = Chart {
            rows: (0..n_rows).map(|row| format!("{name} {row}")).collect(),
            is_shares: n > 2000,
            ..Chart::default()
        };
        for piece in 0..n {
            let start = f64::from(piece / n_rows);
            chart.row.push(piece % n_rows);
            chart.start.push(start);
            chart.end.push(start + 0.9);
            let shade = if chart.is_shares {
                1 + piece % 100
            } else {
                piece % n_shades
            };
            chart.shade.push(shade);
            if !chart.is_shares {
                chart.label.push(format!("T{piece}"));
            }
        }
        chart
    };
    Gantt {
        end: f64::from(n / 3) + 1.0,
        n_pieces: n as usize,
        by_resource: chart(4, 3, HOSTILE),
        by_agent: chart(3, 4, "agent"),
    }
}

fn done(makespan: f64, n_boxes: u32) -> Done {
    let value = |metric: &Metric| match metric {
        Metric::Makespan => makespan,
        Metric::Utilisation => 0.75,
        Metric::LatencyP95 => makespan / 3.0,
        _ => 0.0,
    };
    let values: Vec<f64> = Metric::ALL.iter().map(value).collect();
    let metrics: Metrics = serde_json::from_value(values.into()).unwrap();
    let latency = |n: i32| makespan * f64::from(n * n) / 1600.0;
    Done {
        unit: Unit::Own,
        metrics,
        lower_bound: Some(9.0),
        wall_secs: 0.25,
        n_pieces: n_boxes as usize,
        curves: Curves {
            latency: (0..=40).map(latency).collect(),
            depth: (0..120).map(|n| f64::from((120 - n) / 7)).collect(),
            resources: (0..4).map(|n| format!("{HOSTILE} {n}")).collect(),
            utilisation: vec![1.0, 0.75, 0.5, 0.0],
        },
        gantt: (n_boxes > 0).then(|| Box::new(gantt(n_boxes))),
    }
}

/// Three runners on three inputs with two seeds; one cell failed.
fn records() -> Vec<Record> {
    let mut records = Vec::new();
    for (i, input) in ["mk01", HOSTILE, "trace"].into_iter().enumerate() {
        for (r, runner) in ["online:edf", "online:fifo", "plan:tabu"]
            .into_iter()
            .enumerate()
        {
            for seed in 1..=2_u32 {
                let makespan = 10.0 * (i as f64 + 1.0) + f64::from(seed) - r as f64;
                let n_boxes = match (seed, input) {
                    (1, "trace") => 8000,
                    (1, _) => 60,
                    _ => 0,
                };
                let outcome = if (r, i, seed) == (1, 2, 2) {
                    Outcome::Failed("no <i>memory</i> left".to_owned())
                } else {
                    Outcome::Done(Box::new(done(makespan, n_boxes)))
                };
                records.push(Record {
                    key: format!("{input} {runner} {seed}"),
                    input: input.to_owned(),
                    runner: runner.to_owned(),
                    options: "10 s".to_owned(),
                    seed: u64::from(seed),
                    build: "1".to_owned(),
                    outcome,
                });
            }
        }
    }
    records
}

#[test]
fn a_browser_shows_the_numbers() {
    let Some(browser) = browser() else { return };
    let folder = Folder::new("report-numbers");
    let page = folder.0.join("report.html");
    let best = BestKnown::from_iter([("mk01".to_owned(), 10.0)]);
    write_report(&page, "A <b>report</b>", &records(), &best, None).unwrap();
    let dom = dom(browser, &folder, &page);
    assert_is_drawn(&dom);

    // Means over seeds are 11.5, 21.5 and 31.5: standard error 10 / √3, t(0.975, 2) = 4.30265. Only one
    // input has a best known value.
    let means = table(&dom, "means");
    let head = ["runner", "cells", "n", "gap to best known [%]", "makespan"];
    assert_eq!(means[0][..5], head);
    assert_eq!(
        means[1][..5],
        ["online:edf", "6", "3", "15.00", "21.50 ± 24.84"]
    );
    assert_eq!(means[2][..3], ["online:fifo", "5", "3"]);
    let pairs = table(&dom, "pairs");
    assert_eq!(pairs[1][..4], ["online:fifo", "5", "3", "−1 ± 0"]);
    assert_eq!(pairs[2][..4], ["plan:tabu", "6", "3", "−2 ± 0"]);
    assert_eq!((pairs[1][5].as_str(), pairs.len()), ("better", 3));

    let inputs = table(&dom, "inputs");
    assert_eq!(inputs[1][0], HOSTILE);
    assert_eq!(inputs[2][..3], ["mk01", "9", "10"]);
    assert_eq!(inputs[2][3], "11.50 ± 6.35315.00 %");
    assert_eq!(inputs[2].last().unwrap(), "plan:tabu");
    let wins = table(&dom, "wins");
    assert_eq!(wins[1], ["online:edf", "", "0 – 0 – 3", "0 – 0 – 3"]);
    let failed = table(&dom, "failed");
    assert_eq!(
        failed[1],
        ["trace", "online:fifo", "2", "no <i>memory</i> left"]
    );
    // Three runners in two charts, and sixty pieces.
    assert_eq!(dom.matches("<polyline").count(), 6);
    assert_eq!(dom.matches("data-box=\"").count(), 60);
}

/// Does what a reader does, counts the elements that names could have become, and leaves the chart
/// of the trace in the page.
const READER: &str = r##"<script>
function choose(id, value) {
  by_id(id).value = value;
  by_id(id).dispatchEvent(new Event("change"));
}
for (let n = 0; n < data.columns.length; n++) choose("metric", n);
for (let n = 0; n < data.runners.length; n++) choose("baseline", n);
for (let n = 0; n < data.inputs.length; n++) choose("curve-input", n);
document.querySelector("#legend button").click();
const host = by_id("gantt-chart");
const point = () => host.querySelector("rect").dispatchEvent(new PointerEvent("pointermove", { bubbles: true }));
host.focus();
host.dispatchEvent(new WheelEvent("wheel", { deltaY: -100, clientX: 600, bubbles: true }));
for (const button of document.querySelectorAll("#gantt button")) button.click();
point();
choose("gantt-rows", "by_agent");
choose("gantt-input", data.inputs.indexOf("trace"));
point();
document.body.dataset.bold = document.querySelectorAll("b, i").length;
</script></body>"##;

#[test]
fn a_reader_can_choose() {
    let Some(browser) = browser() else { return };
    let folder = Folder::new("report-reader");
    let page = folder.0.join("report.html");
    write_report(&page, HOSTILE, &records(), &BestKnown::default(), None).unwrap();
    let html = fs::read_to_string(&page).unwrap();
    fs::write(&page, html.replace("</body>", READER)).unwrap();
    let dom = dom(browser, &folder, &page);
    assert_is_drawn(&dom);
    assert!(dom.contains("data-bold=\"0\""), "a name became markup");
    assert_eq!(dom.matches("data-box=\"").count(), 8000);
    assert!(dom.contains("the share of time that was work"));
    assert!(dom.contains("agent 0\n0 – 0.9000: 1 % work"));
    assert_eq!(dom.matches("<polyline").count(), 4);
}

#[test]
fn an_empty_report_is_drawn() {
    let Some(browser) = browser() else { return };
    let folder = Folder::new("report-empty");
    let page = folder.0.join("report.html");
    write_report(&page, "nothing", &[], &BestKnown::default(), None).unwrap();
    assert_is_drawn(&dom(browser, &folder, &page));
}
