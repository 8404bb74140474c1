//! Durations as options take them: `10s`, `500ms`, `2min`, `1h`, or a number of seconds.

use std::time::Duration;

/// Longest duration, in seconds: about a year.
const MAX_SECONDS: f64 = 3.2e7;

/// Reads one above 0.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit_seconds = match text.get(digits.len()..).unwrap_or_default() {
        "" | "s" => 1.0,
        "ms" => 0.001,
        "min" | "m" => 60.0,
        "h" => 3_600.0,
        _ => return Err(wrong()),
    };
    let seconds = digits.parse::<f64>().map_err(|_| wrong())? * unit_seconds;
    if !(seconds > 0.0 && seconds <= MAX_SECONDS) {
        return Err(wrong());
    }
    let duration = Duration::try_from_secs_f64(seconds).map_err(|_| wrong())?;
    if duration.is_zero() { Err(wrong()) } else { Ok(duration) }
}

fn wrong() -> String {
    "expected a time above 0, such as 10s, 500ms, 2min or 1h".to_owned()
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn times_have_units_or_are_seconds() {
        for (text, ms) in [
            ("10s", 10_000),
            ("500ms", 500),
            ("2min", 120_000),
            ("1.5m", 90_000),
            ("1h", 3_600_000),
            ("0.25", 250),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        for text in
            ["", "s", "0", "0s", "-1s", "10 s", "10S", "1d", "NaN", "inf", "1e300", "1e-30ms", "9000h"]
        {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
