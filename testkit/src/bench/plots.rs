//! The results as SVG plots: horizontal bars with their values.

use std::error::Error;
use std::path::Path;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::measure::Results;
use super::report::typical;

const WIDTH: u32 = 860;
const LEFT: u32 = 220;
const BAR_SPACE: u32 = 46;
const FONT: (&str, u32) = ("sans-serif", 15);
const TITLE: (&str, u32) = ("sans-serif", 19);
/// Of the parts of a bar. Colours that people who do not see red and green apart can tell.
const COLOURS: [RGBColor; 2] = [RGBColor(0x00, 0x5f, 0x9e), RGBColor(0xe0, 0x9f, 0x3e)];
const INK: RGBColor = RGBColor(0x22, 0x22, 0x22);
const GRID: RGBColor = RGBColor(0xdd, 0xdd, 0xdd);

/// One bar: parts that add up, and a range to be marked on it.
struct Bar {
    name: String,
    parts: Vec<f64>,
    range: Option<(f64, f64)>,
    value: String,
}

struct Chart<'a> {
    title: String,
    unit: &'a str,
    /// Of the parts, where there is more than one.
    legend: &'a [&'a str],
    bars: Vec<Bar>,
}

type Drawn = Result<(), Box<dyn Error>>;

impl Chart<'_> {
    fn draw(&self, path: &Path) -> Drawn {
        if self.bars.is_empty() {
            return Ok(());
        }
        let count = self.bars.len() as u32;
        let root = SVGBackend::new(path, (WIDTH, 110 + count * BAR_SPACE)).into_drawing_area();
        root.fill(&WHITE)?;
        let greatest =
            self.bars.iter().map(|bar| bar.parts.iter().sum::<f64>().max(bar.range.map_or(0.0, |r| r.1)));
        let right = greatest.fold(0.0, f64::max) * 1.25; // the values stand right of the bars
        let mut chart = ChartBuilder::on(&root)
            .caption(&self.title, TITLE.into_font().color(&INK))
            .margin(12)
            .margin_right(20)
            .x_label_area_size(46)
            .y_label_area_size(LEFT)
            .build_cartesian_2d(0.0..right, 0.0..f64::from(count))?;
        chart
            .configure_mesh()
            .disable_y_mesh()
            .disable_y_axis()
            .y_labels(0)
            .x_labels(7)
            .x_label_formatter(&|x| format!("{}", (x * 1e6).round() / 1e6))
            .x_desc(self.unit)
            .bold_line_style(GRID)
            .light_line_style(WHITE)
            .axis_style(INK)
            .label_style(FONT.into_font().color(&INK))
            .draw()?;
        let style = |at| FONT.into_font().color(&INK).pos(Pos::new(at, VPos::Center));
        for (n, bar) in self.bars.iter().enumerate() {
            let middle = f64::from(count) - 0.5 - n as f64; // the first one on top
            let mut from = 0.0;
            for (part, colour) in bar.parts.iter().zip(COLOURS) {
                let corners = [(from, middle - 0.3), (from + part, middle + 0.3)];
                chart.draw_series([Rectangle::new(corners, colour.filled())])?;
                from += part;
            }
            let mut end = from;
            if let Some((low, high)) = bar.range {
                let line = |points: [(f64, f64); 2]| PathElement::new(points, INK.stroke_width(2));
                chart.draw_series([
                    line([(low, middle), (high, middle)]),
                    line([(low, middle - 0.1), (low, middle + 0.1)]),
                    line([(high, middle - 0.1), (high, middle + 0.1)]),
                ])?;
                end = end.max(high);
            }
            chart.draw_series([Text::new(
                bar.value.clone(),
                (end + right * 0.008, middle),
                style(HPos::Left),
            )])?;
            let y = chart.backend_coord(&(0.0, middle)).1;
            root.draw(&Text::new(bar.name.clone(), (LEFT as i32, y), style(HPos::Right)))?;
        }
        for (n, (name, colour)) in self.legend.iter().zip(COLOURS).enumerate() {
            let (x, y) = (WIDTH as i32 - 180 + 85 * n as i32, 22);
            root.draw(&Rectangle::new([(x, y - 6), (x + 12, y + 6)], colour.filled()))?;
            root.draw(&Text::new((*name).to_owned(), (x + 18, y), style(HPos::Left)))?;
        }
        root.present()?;
        Ok(())
    }
}

fn cold_get(results: &Results) -> Chart<'_> {
    let bars = results.plan.kinds.iter().zip(&results.direct).filter_map(|(kind, series)| {
        let stats = series.stats()?;
        Some(Bar {
            name: kind.name().to_owned(),
            parts: vec![stats.median],
            range: Some((stats.min, stats.max)),
            value: format!("{:.2} ({:.2} to {:.2})", stats.median, stats.min, stats.max),
        })
    });
    let title = format!("Cold GET /index on loopback: median, min and max of {}", results.plan.direct);
    Chart { title, unit: "milliseconds", legend: &[], bars: bars.collect() }
}

fn round_trip(results: &Results) -> Chart<'_> {
    let rtt = results.round_trips.last().map_or(0, |(rtt, _)| rtt.as_millis());
    let bars = results.plan.kinds.iter().filter_map(|kind| {
        let (rtt, trips) = results.trips(*kind)?;
        let seconds = trips * rtt.as_secs_f64();
        let value = format!("{seconds:.2} ({trips:.2})");
        Some(Bar { name: kind.name().to_owned(), parts: vec![seconds], range: None, value })
    });
    let title = format!("Cold GET /index at a round-trip time of {rtt} ms: medians (in round trips)");
    Chart { title, unit: "seconds", legend: &[], bars: bars.collect() }
}

fn bytes(results: &Results) -> Chart<'_> {
    let bars = results.plan.kinds.iter().zip(&results.counted).filter_map(|(kind, counted)| {
        let (up, down) = (typical(|w| w.up, counted)?, typical(|w| w.down, counted)?);
        let (up, down) = (up.all - up.closing, down.all - down.closing);
        Some(Bar {
            name: kind.name().to_owned(),
            parts: vec![up.bytes as f64, down.bytes as f64],
            range: None,
            value: format!("{} in {}", up.bytes + down.bytes, up.datagrams + down.datagrams),
        })
    });
    let title = "Cold GET /index on the wire: bytes in datagrams".to_owned();
    Chart { title, unit: "bytes", legend: &["up", "down"], bars: bars.collect() }
}

/// Writes all plots into a directory.
pub fn write(results: &Results, directory: &Path) -> Drawn {
    cold_get(results).draw(&directory.join("cold-get.svg"))?;
    round_trip(results).draw(&directory.join("round-trip.svg"))?;
    bytes(results).draw(&directory.join("bytes.svg"))
}
