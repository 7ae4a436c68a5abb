//! The results as an SVG: time to the last ACK and CPU time of each scenario, beside the reference, on a logarithmic axis.

use std::fmt::Write as _;

use crate::run::{Figures, Measured};
use crate::table::milliseconds;

const LABELS: f64 = 250.0;
const WIDTH: f64 = 480.0;
const ROW: f64 = 34.0;
/// The axis, in powers of ten of a millisecond.
const DECADES: std::ops::Range<i32> = 0..5;

pub(crate) fn draw(results: &[Measured]) -> String {
    let rows: usize = results.iter().map(|measured| measured.control_plane.len() + 1).sum();
    let height = 40.0 + ROW * rows as f64;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{:.0}\" height=\"{height:.0}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
        LABELS + WIDTH + 70.0
    );
    for decade in DECADES {
        let x = position(10_f64.powi(decade));
        // Writing to a string does not fail.
        let _ = writeln!(
            svg,
            "<path d=\"M{x:.1} 24V{height:.0}\" stroke=\"#ddd\"/><text x=\"{x:.1}\" y=\"16\" text-anchor=\"middle\">{} ms</text>",
            10_i32.pow(decade.unsigned_abs())
        );
    }
    let mut top = 30.0;
    for measured in results {
        let _ = writeln!(
            svg,
            "<text x=\"8\" y=\"{:.1}\" font-weight=\"bold\">{}</text>",
            top + 20.0,
            measured.size
        );
        top += ROW;
        for figures in &measured.control_plane {
            let _ = writeln!(
                svg,
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                LABELS - 8.0,
                top + 18.0,
                figures.scenario.label()
            );
            let reference = measured
                .reference
                .iter()
                .find(|other| other.scenario == figures.scenario);
            bars(&mut svg, top, figures, reference);
            top += ROW;
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// One figure of a scenario, in milliseconds.
type Milliseconds = fn(&Figures) -> f64;

/// A bar for the time to the last ACK, one for CPU time; a mark on each for the reference.
fn bars(svg: &mut String, top: f64, figures: &Figures, reference: Option<&Figures>) {
    let times: [(&str, Milliseconds); 2] = [
        ("#4477aa", |figures| milliseconds(figures.until_last_ack())),
        ("#ee6677", |figures| milliseconds(figures.cpu)),
    ];
    for (number, (colour, of)) in times.into_iter().enumerate() {
        let (y, end) = (top + 2.0 + 13.0 * number as f64, position(of(figures)));
        let _ = writeln!(
            svg,
            "<rect x=\"{LABELS}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"11\" fill=\"{colour}\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" font-size=\"10\">{:.0}</text>",
            (end - LABELS).max(1.0),
            end.max(LABELS) + 4.0,
            y + 9.5,
            of(figures)
        );
        if let Some(reference) = reference {
            let x = position(of(reference));
            let _ = writeln!(
                svg,
                "<path d=\"M{x:.1} {y:.1}v11\" stroke=\"black\" stroke-width=\"2\"/>"
            );
        }
    }
}

fn position(milliseconds: f64) -> f64 {
    let decades = f64::from(DECADES.end - DECADES.start);
    let share = (milliseconds.max(1.0).log10() - f64::from(DECADES.start)) / decades;
    LABELS + WIDTH * share.min(1.0)
}
