//! What is stored is what is read; what is damaged is rejected.

mod public_api;
mod rejections;
mod store;
