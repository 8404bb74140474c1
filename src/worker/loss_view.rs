//! The loss windows as `activity_stream.loss_windows` shows them: a JSON array on the state page, the latest first.

use activity_deliver::windows::{Count, Window, Windows};

use crate::ring::{LOSS_WINDOWS_BYTES, StatusText};

/// Writes those that fit.
pub(super) fn show(windows: &Windows, page: &StatusText<LOSS_WINDOWS_BYTES>) {
    let mut all: Vec<&Window> = windows.iter().collect();
    all.sort_by_key(|window| std::cmp::Reverse(window.begin));
    let mut text = String::from("[");
    for window in all {
        let entry = row(window);
        if text.len() + entry.len() + 2 > LOSS_WINDOWS_BYTES {
            break;
        }
        if text.len() > 1 {
            text.push(',');
        }
        text.push_str(&entry);
    }
    text.push(']');
    page.set(&text);
}

fn row(window: &Window) -> String {
    let count = match window.lost {
        Count::Known(count) => Some(count),
        Count::Unknown => None,
    };
    let (first, last) = window.sequences.unzip();
    let optional = |number: Option<String>| number.unwrap_or_else(|| "null".to_owned());
    format!(
        r#"{{"id":"{}","epoch":"{}","reason":"{}","detail":{},"began_us":{},"ended_us":{},"first_us":{},"last_us":{},"lost":{},"first_sequence":{},"last_sequence":{},"told":{}}}"#,
        window.id(),
        window.epoch,
        window.reason.as_str(),
        json_text(&window.detail),
        window.begin,
        optional(window.end.map(|end| end.to_string())),
        window.first_affected,
        window.affected_until(),
        optional(count.map(|count| count.to_string())),
        optional(first.map(|number| number.to_string())),
        optional(last.map(|number| number.to_string())),
        window.is_told(),
    )
}

fn json_text(text: &str) -> String {
    let mut out = Vec::new();
    activity_event::write_json_string(text, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}
