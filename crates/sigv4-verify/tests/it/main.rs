//! Tests with AWS's vectors and with requests that AWS's own libraries sign.

mod botocore;
mod fixture;
mod layer;
mod public_api;
mod rules;
mod sdk;
mod single_byte;
mod vectors;
