//! What the events of the stream itself say: where an epoch begins and ends, and what was lost.
//!
//! | command | parameters |
//! |---|---|
//! | STREAM START | `epoch`, `previousEpoch`, `previousLastSequence`, `previousChain`, `previousEnd` |
//! | STREAM STOP | `epoch` |
//! | STREAM GAP BEGIN | `window`, `reason`, `from`, `count` |
//! | STREAM GAP END | the same and `to`; where the lost events had numbers `epoch`, `firstSequence`, `lastSequence` |
//!
//! Other commands of the stream (STREAM CONFIG, STREAM INTENT) have nothing that is checked here.

use std::collections::BTreeMap;

use activity_seal::Chain;
use serde::Serialize;

use super::record::is_epoch;

/// `dbUserName` of the stream's own events.
pub(crate) const STREAM_USER: &str = "activity_stream";

/// Longest text in bytes that is kept of a parameter; a longer one is cut. Reasons are a few words.
const MAX_TEXT_BYTES: usize = 256;

/// What an event says of the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Told {
    Start(Start),
    /// The epoch that ends.
    Stop(String),
    Begin(Window),
    End(Window),
}

/// How an epoch begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Start {
    pub(crate) epoch: String,
    /// `None` for the first epoch of all.
    pub(crate) previous: Option<Previous>,
}

/// The end of the epoch before, as the next one knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Previous {
    pub(crate) epoch: String,
    /// Its last event; after an unclean end the last one that is known to be delivered. 0 for none.
    pub(crate) last_sequence: u64,
    /// The chain after that event.
    pub(crate) chain: Chain,
    pub(crate) clean: bool,
}

/// A loss, as one of its two events tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Window {
    /// `<epoch in which it was opened>-<number>`.
    pub(crate) id: String,
    pub(crate) reason: String,
    pub(crate) from: String,
    /// Empty in the event of its beginning.
    pub(crate) to: String,
    pub(crate) lost: Lost,
    /// The numbers of the lost events, where they had any.
    pub(crate) range: Option<LostRange>,
}

/// Events of an epoch that were lost, both ends included.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LostRange {
    pub(crate) epoch: String,
    pub(crate) first: u64,
    pub(crate) last: u64,
}

/// How many events were lost. Of a window that is told again with more the count only rises, or becomes unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(untagged)]
pub(crate) enum Lost {
    Known(u64),
    /// Nobody knows: `null` in JSON.
    Unknown,
}

/// An event of the stream that does not say what its command has to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed;

impl Told {
    /// Reads an event's parameters, a JSON array of `name=value`. `None` for commands that say nothing to be checked.
    pub(crate) fn read(command: &str, params_json: &str) -> Result<Option<Self>, Malformed> {
        let read = match command {
            "STREAM START" => |params: &Params| start(params).map(Self::Start),
            "STREAM STOP" => |params: &Params| params.epoch("epoch").map(Self::Stop),
            "STREAM GAP BEGIN" => |params: &Params| window(params, false).map(Self::Begin),
            "STREAM GAP END" => |params: &Params| window(params, true).map(Self::End),
            _ => return Ok(None),
        };
        read(&Params::read(params_json)?).map(Some)
    }
}

/// Parameters by name, each at most once.
struct Params(BTreeMap<String, String>);

impl Params {
    fn read(json: &str) -> Result<Self, Malformed> {
        let list: Vec<String> = serde_json::from_str(json).map_err(|_| Malformed)?;
        let mut params = BTreeMap::new();
        for param in list {
            let (name, value) = param.split_once('=').ok_or(Malformed)?;
            if params.insert(name.to_owned(), value.to_owned()).is_some() {
                return Err(Malformed);
            }
        }
        Ok(Self(params))
    }

    fn get(&self, name: &str) -> Result<&str, Malformed> {
        self.0.get(name).map(String::as_str).ok_or(Malformed)
    }

    fn text(&self, name: &str) -> Result<String, Malformed> {
        let text = self.get(name)?;
        Ok(text.get(..text.floor_char_boundary(MAX_TEXT_BYTES)).unwrap_or(text).to_owned())
    }

    fn number(&self, name: &str) -> Result<u64, Malformed> {
        // A sign would do for parse.
        let digits = Some(self.get(name)?).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        digits.and_then(|text| text.parse().ok()).ok_or(Malformed)
    }

    fn epoch(&self, name: &str) -> Result<String, Malformed> {
        Some(self.get(name)?).filter(|text| is_epoch(text)).map(str::to_owned).ok_or(Malformed)
    }
}

fn start(params: &Params) -> Result<Start, Malformed> {
    let epoch = params.epoch("epoch")?;
    let end = params.get("previousEnd")?;
    if params.get("previousEpoch")? == "none" {
        return if end == "none" { Ok(Start { epoch, previous: None }) } else { Err(Malformed) };
    }
    let clean = match end {
        "clean" => true,
        "unclean" => false,
        _ => return Err(Malformed),
    };
    let previous = Previous {
        epoch: params.epoch("previousEpoch")?,
        last_sequence: params.number("previousLastSequence")?,
        chain: Chain::from_hex(params.get("previousChain")?).ok_or(Malformed)?,
        clean,
    };
    Ok(Start { epoch, previous: Some(previous) })
}

fn window(params: &Params, is_end: bool) -> Result<Window, Malformed> {
    let id = params.get("window")?;
    let (epoch, number) = id.split_once('-').ok_or(Malformed)?;
    if !is_epoch(epoch) || number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Malformed);
    }
    let lost = match params.get("count")? {
        "unknown" => Lost::Unknown,
        _ => Lost::Known(params.number("count")?),
    };
    let to = if is_end { params.text("to")? } else { String::new() };
    // A window that has not ended may still grow: it accounts for nothing yet.
    let range = if is_end { range(params)? } else { None };
    let id = params.text("window")?;
    Ok(Window { id, reason: params.text("reason")?, from: params.text("from")?, to, lost, range })
}

fn range(params: &Params) -> Result<Option<LostRange>, Malformed> {
    if params.get("firstSequence").is_err() && params.get("lastSequence").is_err() {
        return Ok(None);
    }
    let epoch = params.epoch("epoch")?;
    let (first, last) = (params.number("firstSequence")?, params.number("lastSequence")?);
    if first == 0 || first > last { Err(Malformed) } else { Ok(Some(LostRange { epoch, first, last })) }
}

#[cfg(test)]
mod test {
    use super::*;

    const EPOCH: &str = "00112233aabbccdd";

    fn read(command: &str, params: &[&str]) -> Result<Option<Told>, Malformed> {
        Told::read(command, &serde_json::to_string(params).expect("JSON"))
    }

    #[test]
    fn a_start_names_the_epoch_before_or_none() {
        let epoch = format!("epoch={EPOCH}");
        let first = read(
            "STREAM START",
            &[&epoch, "previousEpoch=none", "previousLastSequence=0", "previousEnd=none"],
        );
        assert_eq!(first, Ok(Some(Told::Start(Start { epoch: EPOCH.into(), previous: None }))));
        let chain = Chain::begin("x");
        let next = |end: &str| {
            let chain = format!("previousChain={chain}");
            let previous = "previousEpoch=ffffffffffffffff";
            read("STREAM START", &[&epoch, previous, "previousLastSequence=7", &chain, end])
        };
        let Ok(Some(Told::Start(start))) = next("previousEnd=unclean") else { panic!("a start") };
        let previous = start.previous.expect("one");
        assert_eq!((previous.last_sequence, previous.chain, previous.clean), (7, chain, false));
        for end in ["previousEnd=none", "previousEnd=", "x=y"] {
            assert_eq!(next(end), Err(Malformed), "{end}");
        }
    }

    #[test]
    fn a_window_has_numbers_only_when_it_ended() {
        let id = format!("window={EPOCH}-3");
        let epoch = format!("epoch={EPOCH}");
        let params = [
            &*id,
            "reason=given up",
            "from=f",
            "to=t",
            "count=2",
            &epoch,
            "firstSequence=4",
            "lastSequence=5",
        ];
        let Ok(Some(Told::End(end))) = read("STREAM GAP END", &params) else { panic!("an end") };
        assert_eq!(end.range, Some(LostRange { epoch: EPOCH.into(), first: 4, last: 5 }));
        assert_eq!((end.lost, &*end.to, &*end.reason), (Lost::Known(2), "t", "given up"));
        let Ok(Some(Told::Begin(begin))) = read("STREAM GAP BEGIN", &params) else { panic!("a begin") };
        assert_eq!((begin.range, &*begin.to), (None, ""));
    }

    #[test]
    fn what_a_window_has_to_say_and_does_not_is_malformed() {
        let id = format!("window={EPOCH}-3");
        let good = [&*id, "reason=ring full", "from=f", "to=t", "count=unknown"];
        assert!(matches!(read("STREAM GAP END", &good), Ok(Some(Told::End(_)))));
        for (at, other) in [
            (0, "window=3"),
            (0, "window=00112233aabbccdd-"),
            (1, "x=y"),
            (3, "from=again"),
            (3, "no name"),
            (4, "count=+1"),
            (4, "count="),
        ] {
            let mut params = good;
            params[at] = other;
            assert_eq!(read("STREAM GAP END", &params), Err(Malformed), "{other}");
        }
        let mut half = good.to_vec();
        half.push("firstSequence=1");
        assert_eq!(read("STREAM GAP END", &half), Err(Malformed));
    }

    #[test]
    fn other_commands_say_nothing_to_be_checked() {
        assert_eq!(read("STREAM CONFIG", &["no name"]), Ok(None));
        assert_eq!(read("STREAM INTENT", &[]), Ok(None));
    }
}
