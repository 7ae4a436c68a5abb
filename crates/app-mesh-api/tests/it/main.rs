//! Tests of the API with its clients, and of its state under crashes.

mod public_api;
