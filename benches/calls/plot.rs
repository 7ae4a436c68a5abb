//! The results as an SVG plot: per variant a bar up to the median, and a line up to the 99th percentile.

use std::fmt::Write as _;

use crate::results::Results;
use crate::variant::ClientKind;

/// In pixels.
const WIDTH: f64 = 960.0;
const LABELS: f64 = 420.0;
const ROW: f64 = 30.0;
const TOP: f64 = 44.0;
const RIGHT: f64 = 130.0;

pub(crate) fn draw(results: &Results) -> String {
    let longest = results.iter().map(|statistics| statistics.p99).fold(1.0, f64::max);
    let scale = (WIDTH - LABELS - RIGHT) / longest;
    let rows = results.iter().count() as f64;
    let height = TOP + rows * ROW + 10.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" \
         font-size=\"13\">\n<rect width=\"{WIDTH}\" height=\"{height}\" fill=\"white\"/>\n\
         <text x=\"10\" y=\"24\" font-size=\"15\">One call: median (bar) and 99th percentile (line), in microseconds</text>\n"
    );
    for (index, statistics) in results.iter().enumerate() {
        let variant = statistics.variant;
        let top = TOP + index as f64 * ROW;
        let (middle, base) = (top + ROW / 2.0 - 3.0, top + ROW / 2.0 + 2.0);
        let (bar, end) = (statistics.p50 * scale, LABELS + statistics.p99 * scale);
        let colour = match variant.client {
            ClientKind::Reqwest | ClientKind::ReqwestSampled => "#8a8f98",
            ClientKind::MeshClient => "#1f6feb",
            ClientKind::Middleware => "#d29922",
        };
        let (label_end, label) = (LABELS - 10.0, variant.label());
        // Writing to a string does not fail.
        let _ = writeln!(
            svg,
            "<text x=\"{label_end:.0}\" y=\"{base:.1}\" text-anchor=\"end\">{label}</text>\n\
             <rect x=\"{LABELS}\" y=\"{:.1}\" width=\"{bar:.1}\" height=\"{:.1}\" fill=\"{colour}\"/>\n\
             <path d=\"M{:.1} {middle:.1}H{end:.1}m0 -5v10\" stroke=\"{colour}\" fill=\"none\"/>\n\
             <text x=\"{:.1}\" y=\"{base:.1}\">{:.0} / {:.0}</text>",
            top + 2.0,
            ROW - 10.0,
            LABELS + bar,
            end + 8.0,
            statistics.p50,
            statistics.p99
        );
    }
    svg.push_str("</svg>\n");
    svg
}
