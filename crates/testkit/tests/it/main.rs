//! The tools, installed with the real pip.

mod python_tools;
