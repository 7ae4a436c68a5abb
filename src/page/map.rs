//! The map: services from left to right in layers, and the calls between them, as SVG.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};
use mesh_local::description::ServiceDescription;
use rust_sugiyama::configure::Config;
use rust_sugiyama::from_vertices_and_edges;

use super::feed::View;
use crate::running::rates::Rate;

const WIDTH: f64 = 168.0;
const HEIGHT: f64 = 52.0;
/// Between two boxes of a layer, and between two layers.
const GAP: f64 = 36.0;
const LAYER_GAP: f64 = 110.0;
const MARGIN: f64 = 16.0;
/// Above the boxes, for calls of a service to itself.
const TOP_MARGIN: f64 = 44.0;

/// Boxes by name, each with the position of its center; and the size of the map.
#[derive(Debug, PartialEq)]
struct Layout {
    centers: BTreeMap<String, (f64, f64)>,
    width: f64,
    height: f64,
}

/// The map of a view.
pub(super) fn map(view: &View) -> Markup {
    let services = &view.description.services;
    let names = names(services, &view.edges);
    let layout = layout(&names, &view.edges);
    let summary = format!(
        "{} services and the calls between them; the table of calls has the same",
        services.len()
    );
    html! {
        svg viewBox={ "0 0 " (layout.width) " " (layout.height) } width=(layout.width) height=(layout.height)
            role="img" aria-label=(summary) {
            defs {
                marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="9" markerHeight="9" markerUnits="userSpaceOnUse" orient="auto" {
                    path d="M0 0 L8 4 L0 8 z" {}
                }
            }
            @for edge in &view.edges { (arrow(edge, &layout)) }
            @for name in &names { (node(name, services, &layout)) }
        }
    }
}

/// All boxes: services, and callers and targets that are none.
fn names(services: &[ServiceDescription], edges: &[Rate]) -> BTreeSet<String> {
    let services = services.iter().map(|service| service.service.clone());
    let others = edges.iter().flat_map(|edge| [edge.from.clone(), edge.to.clone()]);
    services.chain(others).collect()
}

/// Layers from left to right. The same names and calls have the same layout, whatever their order and rates.
fn layout(names: &BTreeSet<String>, edges: &[Rate]) -> Layout {
    let number = |name: &String| {
        names
            .iter()
            .position(|other| other == name)
            .and_then(|at| u32::try_from(at).ok())
    };
    // The algorithm works from top to bottom.
    let vertices: Vec<(u32, (f64, f64))> = (0..)
        .zip(names)
        .map(|(number, _)| (number, (HEIGHT + GAP, WIDTH)))
        .collect();
    let calls: BTreeSet<(u32, u32)> = edges
        .iter()
        .filter(|edge| edge.from != edge.to)
        .filter_map(|edge| Some((number(&edge.from)?, number(&edge.to)?)))
        .collect();
    // The algorithm makes parallel edges of calls in both directions, and may never end on them. Both have an arrow.
    let one_way = calls
        .iter()
        .filter(|(from, to)| from < to || !calls.contains(&(*to, *from)));
    let calls: Vec<(u32, u32)> = one_way.copied().collect();
    let config = Config {
        vertex_spacing: LAYER_GAP,
        ..Config::default()
    };
    let mut centers = BTreeMap::new();
    let (mut width, mut top): (f64, f64) = (0.0, TOP_MARGIN);
    for (positions, ..) in from_vertices_and_edges(&vertices, &calls, &config) {
        let least = |pick: fn(&(f64, f64)) -> f64| positions.iter().map(|(_, at)| pick(at)).fold(f64::MAX, f64::min);
        let (left, up) = (least(|at| at.1), least(|at| at.0));
        let mut bottom = top;
        for (vertex, (x, y)) in &positions {
            let center = (y - left + WIDTH / 2.0 + MARGIN, x - up + HEIGHT / 2.0 + top);
            width = width.max(center.0 + WIDTH / 2.0 + MARGIN);
            bottom = bottom.max(center.1 + HEIGHT / 2.0);
            if let Some(name) = names.iter().nth(*vertex) {
                centers.insert(name.clone(), center);
            }
        }
        top = bottom + GAP;
    }
    Layout {
        centers,
        width,
        height: top - GAP + MARGIN,
    }
}

fn node(name: &str, services: &[ServiceDescription], layout: &Layout) -> Markup {
    let Some((x, y)) = layout.centers.get(name).copied() else {
        return html! {};
    };
    let service = services.iter().find(|service| service.service == name);
    let (class, text) = match service {
        None => ("outside", String::new()),
        Some(service) => {
            let class = if service.running_count < service.desired_count {
                "missing"
            } else {
                "running"
            };
            let text = format!("{} of {} tasks", service.running_count, service.desired_count);
            (class, text)
        }
    };
    html! {
        g class={ "node " (class) } {
            title { (name) @if !text.is_empty() { ": " (text) " running" } }
            rect x=(x - WIDTH / 2.0) y=(y - HEIGHT / 2.0) width=(WIDTH) height=(HEIGHT) rx="8" {}
            text x=(x) y=(if text.is_empty() { y + 5.0 } else { y - 3.0 }) class="name" { (shortened(name)) }
            @if !text.is_empty() { text x=(x) y=(y + 16.0) class="tasks" { (text) } }
        }
    }
}

/// A name that fits into a box.
fn shortened(name: &str) -> String {
    const CHARACTERS: usize = 20;
    match name.chars().count() > CHARACTERS {
        false => name.to_owned(),
        true => name.chars().take(CHARACTERS - 1).chain(['…']).collect(),
    }
}

fn arrow(edge: &Rate, layout: &Layout) -> Markup {
    let (Some(from), Some(to)) = (layout.centers.get(&edge.from), layout.centers.get(&edge.to)) else {
        return html! {};
    };
    let class = match (edge.failures_per_second > 0.0, edge.requests_per_second > 0.0) {
        (true, _) => "edge failing",
        (false, true) => "edge busy",
        (false, false) => "edge idle",
    };
    let (start, end) = ((from.0 + WIDTH / 2.0, from.1), (to.0 - WIDTH / 2.0, to.1));
    // A call to itself, or backwards, leaves upwards.
    let (path, label) = if edge.from == edge.to {
        let (x, y) = (from.0, from.1 - HEIGHT / 2.0);
        let path = format!(
            "M{} {y} C{} {} {} {} {} {y}",
            x + 30.0,
            x + 50.0,
            y - 34.0,
            x - 50.0,
            y - 34.0,
            x - 30.0
        );
        (path, (x, y - 28.0))
    } else {
        let bend = ((end.0 - start.0) / 2.0).abs().max(40.0);
        let path = format!(
            "M{} {} C{} {} {} {} {} {}",
            start.0,
            start.1,
            start.0 + bend,
            start.1,
            end.0 - bend,
            end.1,
            end.0,
            end.1
        );
        (path, ((start.0 + end.0) / 2.0, (start.1 + end.1) / 2.0 - 6.0))
    };
    let rate = format!("{:.1}/s", edge.requests_per_second);
    let failures = format!("{:.1}/s failed", edge.failures_per_second);
    html! {
        g class=(class) {
            title { (edge.from) " → " (edge.to) ": " (rate) ", " (failures) }
            path d=(path) marker-end="url(#arrow)" {}
            text x=(label.0) y=(label.1) {
                (rate)
                @if edge.failures_per_second > 0.0 { ", " (failures) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge(from: &str, to: &str, rate: f64) -> Rate {
        Rate {
            from: from.to_owned(),
            to: to.to_owned(),
            requests_per_second: rate,
            failures_per_second: 0.0,
            p50: None,
            p99: None,
        }
    }

    fn named(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn callers_are_left_of_what_they_call() {
        let names = named(&["gateway", "blue", "green", "alone"]);
        let edges = [
            edge("gateway", "blue", 1.0),
            edge("gateway", "green", 1.0),
            edge("blue", "green", 0.0),
        ];
        let layout = layout(&names, &edges);
        let x = |name: &str| layout.centers[name].0;
        assert!(x("gateway") < x("blue") && x("blue") < x("green"), "{layout:?}");
        let mut positions: Vec<String> = layout.centers.values().map(|at| format!("{at:?}")).collect();
        positions.sort();
        positions.dedup();
        assert_eq!(positions.len(), 4, "each box has its own place");
        for (x, y) in layout.centers.values() {
            assert!(*x > WIDTH / 2.0 && *x < layout.width && *y > HEIGHT / 2.0 && *y < layout.height);
        }
    }

    #[test]
    fn the_layout_depends_on_names_and_calls_only() {
        let names = named(&["a", "b", "c"]);
        let one = layout(&names, &[edge("a", "b", 1.0), edge("b", "c", 2.0), edge("c", "c", 1.0)]);
        let other = layout(&names, &[edge("b", "c", 0.0), edge("c", "c", 9.0), edge("a", "b", 7.0)]);
        assert_eq!(one, other);
    }

    /// The smallest case found on which the algorithm did not end with calls in both directions.
    #[test]
    fn calls_in_both_directions_have_a_layout() {
        let names = named(&["a", "b", "c", "d", "e", "f"]);
        let calls = [
            ("a", "c"),
            ("b", "c"),
            ("b", "e"),
            ("c", "d"),
            ("d", "c"),
            ("e", "f"),
            ("f", "d"),
        ];
        let edges = calls.map(|(from, to)| edge(from, to, 1.0));
        let (sender, receiver) = std::sync::mpsc::channel();
        std::thread::spawn(move || sender.send(layout(&names, &edges)));
        let layout = receiver.recv_timeout(std::time::Duration::from_secs(60));
        assert_eq!(layout.expect("it ends").centers.len(), 6);
    }

    #[test]
    fn circles_of_calls_have_a_layout() {
        let names = named(&["a", "b"]);
        let layout = layout(&names, &[edge("a", "b", 1.0), edge("b", "a", 1.0), edge("a", "a", 1.0)]);
        assert_eq!(layout.centers.len(), 2);
    }
}
