//! A command line as words, without a shell: blanks separate, quotes and backslashes keep together, as in a shell, and nothing is
//! expanded.
//!
//! Within `'…'` everything stands for itself; within `"…"` a backslash takes the next character as it is; outside likewise.

/// The words of a line, or what is wrong with it.
pub(super) fn words(line: &str) -> Result<Vec<String>, String> {
    let (mut words, mut word) = (Vec::new(), None::<String>);
    let mut quote = None;
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match (quote, character) {
            (None | Some('"'), '\\') => {
                let next = characters.next().ok_or("the command ends with a backslash")?;
                word.get_or_insert_default().push(next);
            }
            (Some(open), character) if character == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(character);
                // Quotes around nothing are a word, too.
                word.get_or_insert_default();
            }
            (None, ' ' | '\t' | '\n') => words.extend(word.take()),
            _ => word.get_or_insert_default().push(character),
        }
    }
    if quote.is_some() {
        return Err("the command has a quote without an end".to_owned());
    }
    words.extend(word);
    if words.first().is_none_or(String::is_empty) {
        return Err("the command has no program".to_owned());
    }
    Ok(words)
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn words_are_split_as_a_shell_splits_them_and_nothing_is_expanded() {
        for (line, expected) in [
            ("page --now", &["page", "--now"][..]),
            ("  a\tb\n", &["a", "b"]),
            (r#"a 'b  "c' "d 'e\"" f\ g"#, &["a", "b  \"c", "d 'e\"", "f g"]),
            ("a '' \"\"", &["a", "", ""]),
            (r"a $HOME * ; | '\n'", &["a", "$HOME", "*", ";", "|", r"\n"]),
            ("a'b'c", &["abc"]),
        ] {
            assert_eq!(words(line).expect(line), expected, "{line}");
        }
    }

    #[test]
    fn a_line_that_is_no_command_is_refused() {
        for line in ["", "  ", "''", "a 'b", "a \"b", "a\\"] {
            assert!(words(line).is_err(), "{line}");
        }
    }
}
