//! Points in time as text: `2019-05-24 00:36:54.403455+00` as in events, and RFC 3339.

use std::time::{Duration, SystemTime};

const SECONDS_PER_DAY: u64 = 86_400;

/// Reads `YYYY-MM-DD`, a space or `T`, `HH:MM:SS`, a fraction or none, and `Z`, an offset such as `+02`, `+0200`,
/// `+02:00`, or nothing, which is UTC. `None` for anything else and for times before 1970.
pub(crate) fn parse(text: &str) -> Option<SystemTime> {
    let (date, rest) = text.split_at_checked(10)?;
    let (time, rest) = rest.strip_prefix([' ', 'T', 't'])?.split_at_checked(8)?;
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let [hour, minute, second] = numbers(time, ':', [2, 2, 2])?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let (nanos, rest) = fraction(rest)?;
    let offset_seconds = offset(rest)?;
    let days = days_since_1970(year, month, day)?;
    let seconds = days * SECONDS_PER_DAY + hour * 3_600 + minute * 60 + second;
    let utc = seconds.checked_add_signed(-offset_seconds)?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::new(utc, nanos))
}

/// Writes as events have it; 1970 for what lies before.
pub(crate) fn format(time: SystemTime) -> String {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let mut text = Vec::new();
    activity_event::write_timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX), &mut text);
    String::from_utf8_lossy(&text).into_owned()
}

/// Three numbers of these many digits.
fn numbers(text: &str, separator: char, digits: [usize; 3]) -> Option<[u64; 3]> {
    let mut parts = text.split(separator);
    let mut values = [0; 3];
    for (value, digits) in values.iter_mut().zip(digits) {
        *value = number(parts.next()?, digits)?;
    }
    parts.next().is_none().then_some(values)
}

fn number(text: &str, digits: usize) -> Option<u64> {
    let is_number = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok())?
}

/// Nanoseconds of `.123…`, or 0 where there is none; and what follows. Digits behind the ninth are dropped.
fn fraction(text: &str) -> Option<(u32, &str)> {
    let Some(text) = text.strip_prefix('.') else { return Some((0, text)) };
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at_checked(end)?;
    if digits.is_empty() {
        return None;
    }
    let nanos = digits.bytes().chain(std::iter::repeat(b'0')).take(9);
    Some((nanos.fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0')), rest))
}

/// Seconds east of UTC.
fn offset(text: &str) -> Option<i64> {
    if matches!(text, "" | "Z" | "z") {
        return Some(0);
    }
    let (sign, text) = match text.strip_prefix('+') {
        Some(text) => (1, text),
        None => (-1, text.strip_prefix('-')?),
    };
    let (hours, minutes) = text.split_at_checked(2)?;
    let minutes = match minutes.strip_prefix(':').unwrap_or(minutes) {
        "" if minutes.is_empty() => 0,
        minutes => number(minutes, 2).filter(|minutes| *minutes < 60)?,
    };
    let hours = number(hours, 2).filter(|hours| *hours < 24)?;
    Some(sign * i64::try_from(hours * 3_600 + minutes * 60).ok()?)
}

// The two conversions count from 1 March of year 0, so that a leap day is the last of its year; an era is the 400
// years after which the calendar repeats.
const DAYS_BEFORE_1970: u64 = 719_468;
const DAYS_PER_ERA: u64 = 146_097;

fn days_since_1970(year: u64, month: u64, day: u64) -> Option<u64> {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days_in_month = match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if day == 0 || day > days_in_month || year < 1970 {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year) = (year / 400, year % 400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year * 365 + year / 4 - year / 100 + day_of_year;
    (era * DAYS_PER_ERA + day_of_era).checked_sub(DAYS_BEFORE_1970)
}

#[cfg(test)]
mod test {
    use super::*;

    fn at(seconds: u64, micros: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds) + Duration::from_micros(micros)
    }

    #[test]
    fn an_events_time_and_rfc_3339_are_read() {
        let expected = at(1_558_658_214, 403_455);
        for text in [
            "2019-05-24 00:36:54.403455+00",
            "2019-05-24 00:36:54.403455",
            "2019-05-24T00:36:54.403455Z",
            "2019-05-24t02:36:54.403455+02:00",
            "2019-05-23T19:06:54.403455-0530",
        ] {
            assert_eq!(parse(text), Some(expected), "{text}");
        }
        assert_eq!(parse("2019-05-24 00:36:54"), Some(at(1_558_658_214, 0)));
        assert_eq!(parse("2019-05-24 00:36:54.5+00"), Some(at(1_558_658_214, 500_000)));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "now",
            "2019-05-24",
            "2019-05-24 00:36",
            "2019-02-29 00:00:00",
            "2019-13-01 00:00:00",
            "2019-00-01 00:00:00",
            "2019-01-00 00:00:00",
            "2019-01-01 24:00:00",
            "2019-01-01 00:60:00",
            "2019-01-01 00:00:00.",
            "2019-01-01 00:00:00+2",
            "2019-01-01 00:00:00+02:",
            "2019-01-01 00:00:00 +02",
            "1969-12-31 23:59:59",
            "1970-01-01 00:00:00+01",
            "+019-01-01 00:00:00",
            "2019-01-01x00:00:00",
            "2019-01-01 00:00:00+24",
            "2019-01-01 00:00:00Zx",
            "2019-01-01 00:00:é",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn every_day_of_two_centuries_is_written_and_read_back() {
        for day in 0..73_000 {
            let time = at(day * SECONDS_PER_DAY + day % SECONDS_PER_DAY, day);
            assert_eq!(parse(&format(time)), Some(time), "{}", format(time));
        }
        assert_eq!(format(at(951_782_400, 1)), "2000-02-29 00:00:00.000001+00");
    }
}
