//! (module documentation follows with the code)
