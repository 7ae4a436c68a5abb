//! The results as a picture: for each way of calling a bar to its median, and a line on to its 99th percentile.

use std::fmt::Write as _;

use crate::results::Results;
use crate::variant::Maker;

/// In pixels.
const WIDTH: f64 = 960.0;
const LABELS: f64 = 420.0;
const ROW: f64 = 30.0;
const TOP: f64 = 44.0;
const RIGHT: f64 = 130.0;

pub(crate) fn of(results: &Results) -> String {
    let longest = results.iter().map(|numbers| numbers.p99).fold(1.0, f64::max);
    let scale = (WIDTH - LABELS - RIGHT) / longest;
    let rows = results.iter().count() as f64;
    let height = TOP + rows * ROW + 10.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" \
         font-size=\"13\">\n<rect width=\"{WIDTH}\" height=\"{height}\" fill=\"white\"/>\n\
         <text x=\"10\" y=\"24\" font-size=\"15\">One call: median (bar) and 99th percentile (line), in microseconds</text>\n"
    );
    for (index, numbers) in results.iter().enumerate() {
        let variant = numbers.variant;
        let top = TOP + index as f64 * ROW;
        let (middle, base) = (top + ROW / 2.0 - 3.0, top + ROW / 2.0 + 2.0);
        let (bar, end) = (numbers.p50 * scale, LABELS + numbers.p99 * scale);
        let colour = match variant.maker {
            Maker::Reqwest | Maker::ReqwestSampled => "#8a8f98",
            Maker::MeshClient => "#1f6feb",
            Maker::Assembled => "#d29922",
        };
        let label = LABELS - 10.0;
        let (way, name) = (variant.way.name(), variant.name());
        // Writing to a string does not fail.
        let _ = writeln!(
            svg,
            "<text x=\"{label:.0}\" y=\"{base:.1}\" text-anchor=\"end\">{way}: {name}</text>\n\
             <rect x=\"{LABELS}\" y=\"{:.1}\" width=\"{bar:.1}\" height=\"{:.1}\" fill=\"{colour}\"/>\n\
             <path d=\"M{:.1} {middle:.1}H{end:.1}m0 -5v10\" stroke=\"{colour}\" fill=\"none\"/>\n\
             <text x=\"{:.1}\" y=\"{base:.1}\">{:.0} / {:.0}</text>",
            top + 2.0,
            ROW - 10.0,
            LABELS + bar,
            end + 8.0,
            numbers.p50,
            numbers.p99
        );
    }
    svg.push_str("</svg>\n");
    svg
}
