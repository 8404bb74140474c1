use proptest::prelude::*;

use super::*;

/// The tokens but for blanks, as `kind:text`.
fn tokens(text: &str) -> Vec<String> {
    let bytes = text.as_bytes();
    let shown = Lexer::new(bytes).filter(|t| t.kind != Kind::Blank);
    shown.map(|t| format!("{:?}:{}", t.kind, String::from_utf8_lossy(t.of(bytes)))).collect()
}

/// The contents of the first token, and what they stand for.
fn meaning(text: &str) -> String {
    let token = Lexer::new(text.as_bytes()).next().unwrap();
    let contents = token.contents(text.as_bytes());
    let meaning = unquote(contents, token.kind).map_or(contents.to_vec(), |(meaning, _)| meaning);
    String::from_utf8(meaning).unwrap()
}

#[test]
fn words_numbers_parameters_and_operators_are_told_apart() {
    assert_eq!(
        tokens("a_$1 é 1.5 1..2 $1 $x"),
        [
            "Word:a_$1",
            "Word:é",
            "Number:1.5",
            "Number:1",
            "Operator:..",
            "Number:2",
            "Parameter:$1",
            "Punctuation:$",
            "Word:x",
        ]
    );
    assert_eq!(
        tokens("a:=b::c<>:d.e"),
        [
            "Word:a",
            "Operator::=",
            "Word:b",
            "Operator:::",
            "Word:c",
            "Operator:<>",
            "Punctuation::",
            "Word:d",
            "Punctuation:.",
            "Word:e",
        ]
    );
}

#[test]
fn an_operator_ends_where_a_comment_begins() {
    assert_eq!(
        tokens("a+/*x*/b@--c\nd"),
        ["Word:a", "Operator:+", "Comment:/*x*/", "Word:b", "Operator:@", "Comment:--c", "Word:d"]
    );
}

#[test]
fn every_kind_of_literal_is_one_token() {
    for literal in [
        "''",
        "'a''b'",
        "E'a\\'b'",
        "e'\\\\'",
        "U&'d\\0061'",
        "u&''",
        "B'01'",
        "x'ff'",
        "N'a'",
        "$$a'b$$",
        "$é1$ $$ $é1$",
        "'a'\n'b'",
        "'a' -- c\n  -- d\n 'b'",
        "E'a'\r'\\'b'",
    ] {
        let found = tokens(&format!("{literal} x"));
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("Literal") && found[0].ends_with(literal), "{found:?}");
    }
    assert_eq!(tokens("'a' 'b'").len(), 2);
    assert_eq!(tokens("'a' /* \n */ 'b'").len(), 3);
    assert_eq!(tokens("me'a'"), ["Word:me", "Literal(Doubled):'a'"]);
    assert_eq!(tokens("U&\"a\"\"b\" \"c\""), ["Name:U&\"a\"\"b\"", "Name:\"c\""]);
}

#[test]
fn what_is_not_closed_goes_to_the_end() {
    for text in ["'a;b", "E'a\\'", "$a$ b $$", "\"a b", "/* a /* b */", "'a''", "U&'", "-- a"] {
        assert_eq!(tokens(text).len(), 1, "{text}");
    }
}

#[test]
fn contents_stand_for_what_the_server_reads() {
    assert_eq!(meaning("'a''''b'"), "a''b");
    assert_eq!(meaning("'a\\b'"), "a\\b");
    assert_eq!(meaning("'a'\n  'b'"), "ab");
    assert_eq!(meaning("E'\\x70\\141\\u0073\\U00000073\\'\\n\\q\\\\'"), "pass'\nq\\");
    assert_eq!(meaning("E'\\0111'"), "\t1");
    assert_eq!(meaning("E'a\\"), "a");
    assert_eq!(meaning("\"a\"\"b\""), "a\"b");
    assert_eq!(meaning("$$a''b$$"), "a''b");
    assert_eq!(meaning("/* a */"), " a ");
}

proptest! {
    #[test]
    fn every_byte_is_in_exactly_one_token(text in "[ \\n'\"$\\\\a-eux&0-9*/;:=é-]{0,40}") {
        let mut end = 0;
        for token in Lexer::new(text.as_bytes()) {
            prop_assert!(token.start == end && token.end > end);
            prop_assert!(token.start <= token.inside.0 && token.inside.0 <= token.inside.1 && token.inside.1 <= token.end);
            end = token.end;
            if let Some((meaning, offsets)) = unquote(token.contents(text.as_bytes()), token.kind) {
                prop_assert_eq!(meaning.len() + 1, offsets.len());
                prop_assert!(offsets.is_sorted());
            }
        }
        prop_assert_eq!(end, text.len());
    }
}
