//! `Fn::Cidr` and `Fn::GetAZs`.

use ipnet::IpNet;
use serde_json::Value as Json;

use super::super::{Context, Evaluated, Reason, scalar_text};
use super::Call;

/// Source: CloudFormation user guide, `Fn::Cidr` (read 2026-11-23).
const MAX_SUBNETS: usize = 256;

pub(super) fn cidr(call: Call<'_>, context: &mut Context<'_>) -> Option<Evaluated> {
    let arguments = match call.known_arguments(context) {
        Ok(arguments) => arguments,
        Err(remaining) => return Some(remaining),
    };
    let (block, count, bits) = match arguments.as_slice() {
        [block, count] => (block, count, None),
        [block, count, bits] => (block, count, Some(bits)),
        _ => {
            let message = "Fn::Cidr requires an address block, a count and optionally the number of host bits";
            return Some(call.invalid(message, context));
        }
    };
    Some(match subnets(block, count, bits) {
        Some(subnets) => Evaluated::Known(subnets),
        None => {
            let arguments: Vec<String> = arguments.iter().map(scalar_text).collect();
            call.invalid(format!("Fn::Cidr cannot divide {}", arguments.join(", ")), context)
        }
    })
}

fn subnets(block: &Json, count: &Json, bits: Option<&Json>) -> Option<Json> {
    let block: IpNet = scalar_text(block).parse().ok()?;
    let count = scalar_text(count)
        .parse::<usize>()
        .ok()
        .filter(|count| (1..=MAX_SUBNETS).contains(count))?;
    let bits = bits.map_or(Some(8), |bits| scalar_text(bits).parse::<u8>().ok())?;
    let subnets = block.subnets(block.max_prefix_len().checked_sub(bits)?).ok()?;
    let subnets: Vec<Json> = subnets
        .take(count)
        .map(|subnet| Json::from(subnet.to_string()))
        .collect();
    (subnets.len() == count).then_some(Json::Array(subnets))
}

pub(super) fn availability_zones(call: Call<'_>, context: &mut Context<'_>) -> Option<Evaluated> {
    let region = match call.known_argument(context) {
        Ok(region) => scalar_text(&region),
        Err(remaining) => return Some(remaining),
    };
    Some(match call.stack.resolver().availability_zones(&region) {
        Some(zones) => Evaluated::Known(zones.into_iter().map(Json::from).collect()),
        None => call.unknown(Reason::Unresolved("Fn::GetAZs".to_owned())),
    })
}
