use super::*;

#[track_caller]
fn redacts(text: &str, expected: &str) {
    assert_eq!(passwords(text), expected);
}

#[test]
fn text_without_passwords_is_not_copied() {
    for text in ["select 1", "select pass, word from t", "", "select 'p'", "é"] {
        assert!(matches!(passwords(text), Cow::Borrowed(t) if t == text));
    }
}

#[test]
fn role_commands_lose_the_literal_after_password() {
    redacts(
        "CREATE ROLE joe LOGIN PASSWORD 'x''y' VALID UNTIL 'z'",
        "CREATE ROLE joe LOGIN PASSWORD '<REDACTED>' VALID UNTIL 'z'",
    );
    redacts(
        "alter user joe encrypted password E'x\\'y';",
        "alter user joe encrypted password E'<REDACTED>';",
    );
    redacts("alter user joe password $$secret$$;", "alter user joe password $$<REDACTED>$$;");
    redacts("alter user joe password $q$se$$cret$q$;", "alter user joe password $q$<REDACTED>$q$;");
    redacts("ALTER ROLE joe PASSWORD NULL", "ALTER ROLE joe PASSWORD NULL");
    redacts(
        "alter role joe /* password */ password -- 'no'\n 'yes'",
        "alter role joe /* password */ password -- 'no'\n '<REDACTED>'",
    );
}

#[test]
fn an_unclosed_literal_is_redacted_to_its_end() {
    redacts("create role joe password 'secret", "create role joe password '<REDACTED>");
    redacts("create role joe password $$secret", "create role joe password $$<REDACTED>");
}

#[test]
fn a_role_or_table_named_password_keeps_the_rest_of_the_text() {
    redacts("create role password_reader; select 'a'", "create role password_reader; select 'a'");
    redacts("select 'a' from password", "select 'a' from password");
}

#[test]
fn user_mapping_options_lose_the_password() {
    redacts(
        "CREATE USER MAPPING FOR joe SERVER s OPTIONS (user 'joe', password 'secret')",
        "CREATE USER MAPPING FOR joe SERVER s OPTIONS (user 'joe', password '<REDACTED>')",
    );
    redacts(
        "alter user mapping for j server s options (set \"password\" 's')",
        "alter user mapping for j server s options (set \"password\" '<REDACTED>')",
    );
}

#[test]
fn connection_strings_in_any_literal_lose_the_password() {
    redacts(
        "create subscription s connection 'host=a user=b password=secret dbname=d' publication p",
        "create subscription s connection 'host=a user=b password=<REDACTED> dbname=d' publication p",
    );
    redacts("select dblink('password = ''a b'' host=h')", "select dblink('password = <REDACTED> host=h')");
    redacts("select dblink('password=secret')", "select dblink('password=<REDACTED>')");
    redacts(
        "select dblink('postgresql://joe:secret@host:5432/db?x=y')",
        "select dblink('postgresql://joe:<REDACTED>@host:5432/db?x=y')",
    );
    redacts("select 'http://host/path:x@y'", "select 'http://host/path:x@y'");
    redacts(
        "alter system set primary_conninfo = $$password=s$$",
        "alter system set primary_conninfo = $$password=<REDACTED>$$",
    );
}

#[test]
fn every_cut_of_a_text_is_scanned_without_a_panic() {
    let text = "E'\\'' password 'é' $a$ password=é $a$ \"x\" /* /* */ */ -- é\n 'é://é:é@é' $1 password";
    for end in (0..=text.len()).filter(|i| text.is_char_boundary(*i)) {
        for start in (0..=end).filter(|i| text.is_char_boundary(*i)) {
            let _whatever = passwords(&text[start..end]).len();
        }
    }
    assert!(passwords(text).contains(REDACTED));
}

#[test]
fn every_kind_of_literal_after_password_is_taken() {
    for (text, expected) in [
        ("PASSWORD U&'\\0061' UESCAPE '!'", "PASSWORD U&'<REDACTED>' UESCAPE '!'"),
        ("\"password\" 'x'", "\"password\" '<REDACTED>'"),
        ("PASSWORD 'ab'\n  'cd' VALID UNTIL 'z'", "PASSWORD '<REDACTED>' VALID UNTIL 'z'"),
        ("PASSWORD E'ab' -- more\n '\\'cd'", "PASSWORD E'<REDACTED>'"),
        ("password/**/N'x'", "password/**/N'<REDACTED>'"),
        ("Password\t$é$x$é$;", "Password\t$é$<REDACTED>$é$;"),
    ] {
        redacts(text, expected);
        redacts(&format!("alter role joe {text}"), &format!("alter role joe {expected}"));
    }
}

#[test]
fn a_password_of_a_role_without_the_right_quotes_is_taken_too() {
    redacts("alter role joe password secret!1; select a", "alter role joe password <REDACTED>; select a");
    redacts("create user \"j\" password \"se cret\"", "create user \"j\" password \"<REDACTED>\"");
    redacts("alter user j password = secret", "alter user j password = <REDACTED>");
    redacts("alter user j password 123 valid until 'x'", "alter user j password <REDACTED> valid until 'x'");
    for text in [
        "alter role joe password null valid until 'x'",
        "alter role password set a = b",
        "alter role password rename to x",
        "create role a in role password login",
        "create role a admin b, password login",
        "alter role joe in database password set a to b",
        "alter role joe password $1",
        "alter role joe password;",
        "create user mapping for password server s",
        "create role a; select password from t",
    ] {
        redacts(text, text);
    }
}

#[test]
fn what_is_called_password_keeps_the_literals_that_are_not_its_value() {
    for text in [
        "select password from t where a = 'x'",
        "select password, 'x' from t",
        "comment on column t.password is 'of the user'",
        "insert into t (name, password) select 'a', b",
        "set password_encryption = 'scram-sha-256'",
        "select 'password', 'email'",
        "create table t (password text default 'x')",
        "where password <> 'x' or password like 'y'",
        "where password = $1 and a = 'x'",
        "select count(password) from t where b in ('x', 'password')",
        "raise notice 'the password of %', 'x'",
    ] {
        redacts(text, text);
    }
}

#[test]
fn a_literal_that_is_assigned_to_a_password_is_taken() {
    redacts("SET password = 'x'", "SET password = '<REDACTED>'");
    redacts("set my.user_password to 'x'", "set my.user_password to '<REDACTED>'");
    redacts("where password = 'x' and a = 'y'", "where password = '<REDACTED>' and a = 'y'");
    redacts("select f(password => 'x', b => 'y')", "select f(password => '<REDACTED>', b => 'y')");
    redacts("select f(\"Passwd\" := E'x')", "select f(\"Passwd\" := E'<REDACTED>')");
    redacts(
        "select set_config('a.password', 'x', true)",
        "select set_config('a.password', '<REDACTED>', true)",
    );
    redacts(
        "select set_config('a.b', 'x', true), 'password'",
        "select set_config('a.b', 'x', true), 'password'",
    );
}

#[test]
fn options_of_foreign_objects_lose_their_secrets() {
    redacts(
        "alter server s options (add host 'h', set sslpassword 'x', drop a, \"AWS_Secret_Key\" 'y', b 'z')",
        "alter server s options (add host 'h', set sslpassword '<REDACTED>', drop a, \"AWS_Secret_Key\" '<REDACTED>', b 'z')",
    );
    redacts(
        "create foreign table t (a int options (token 'x')) server s options (table 't', api_key $$y$$)",
        "create foreign table t (a int options (token '<REDACTED>')) server s options (table 't', api_key $$<REDACTED>$$)",
    );
    redacts(
        "create user mapping for public server s options (password_required 'false', passphrase 'x')",
        "create user mapping for public server s options (password_required 'false', passphrase '<REDACTED>')",
    );
    redacts(
        "select secret 'x', options from (select token 'y')",
        "select secret 'x', options from (select token 'y')",
    );
}

#[test]
fn statements_in_literals_are_scanned_at_any_depth() {
    redacts(
        "do $$ begin alter role joe password 'x' valid until 'y'; end $$",
        "do $$ begin alter role joe password '<REDACTED>' valid until 'y'; end $$",
    );
    redacts(
        "do $a$ begin execute 'alter role joe password ''it''''s'' valid until ''y'''; end $a$",
        "do $a$ begin execute 'alter role joe password ''<REDACTED>'' valid until ''y'''; end $a$",
    );
    redacts(
        "select E'alter role joe password \\'a\\'\\'b\\' valid'",
        "select E'alter role joe password \\'<REDACTED>\\' valid'",
    );
    let deep = |secret: &str| {
        (0..12).fold(format!("alter role joe password $x${secret}$x$"), |body, i| {
            format!("do $a{i}${body}$a{i}$")
        })
    };
    assert!(!passwords(&deep("se cret")).contains("cret"));
    redacts(
        "-- alter role joe password 'x'\nselect 'y'",
        "-- alter role joe password '<REDACTED>'\nselect 'y'",
    );
    redacts(
        "------------------------------ password\nselect 1",
        "------------------------------ password\nselect 1",
    );
}

#[test]
fn literals_that_fill_in_a_password_are_taken() {
    redacts(
        "do $$ begin execute format('alter role %I password %L', 'j', 'x'); perform 'y'; end $$",
        "do $$ begin execute format('alter role %I password %L', '<REDACTED>', '<REDACTED>'); perform 'y'; end $$",
    );
    redacts(
        "do $$ begin execute 'alter role j password ' || quote_literal('x') || ' valid'; end $$",
        "do $$ begin execute 'alter role j password ' || quote_literal('<REDACTED>') || ' valid'; end $$",
    );
    redacts("select dblink('password=' || 'x', 'y')", "select dblink('password=' || '<REDACTED>', 'y')");
    redacts("select format('password=%s a', pw), 'y'", "select format('password=%s a', pw), 'y'");
    redacts("select 'u://a:%s@h', 'y'", "select 'u://a:%s@h', '<REDACTED>'");
}

#[test]
fn connection_strings_are_read_as_the_client_library_reads_them() {
    for (text, expected) in [
        ("password=a&b host=h", "password=<REDACTED> host=h"),
        ("password=a\\ b host=h", "password=<REDACTED> host=h"),
        ("password = 'a \\' b' host=h", "password = <REDACTED> host=h"),
        ("sslpassword=x passwd=y a=z", "sslpassword=<REDACTED> passwd=<REDACTED> a=z"),
        ("user=it's password=x host=h", "user=it's password=<REDACTED> host=h"),
        ("user=a--b password=x host=h", "user=a--b password=<REDACTED> host=h"),
        ("user=a/*b password=x host=h", "user=a/*b password=<REDACTED> host=h"),
        ("user=$$a password=x host=h", "user=$$a password=<REDACTED> host=h"),
        (
            "oauth_client_secret=x scram_client_key=y a=z",
            "oauth_client_secret=<REDACTED> scram_client_key=<REDACTED> a=z",
        ),
        ("postgres://a:b@h1:1,h2:2/d?x=y", "postgres://a:<REDACTED>@h1:1,h2:2/d?x=y"),
        ("postgres://a:b@c?d@h/d", "postgres://a:<REDACTED>@h/d"),
        (
            "postgres:///d?password=x&sslpassword=y&z=1 a",
            "postgres:///d?password=<REDACTED>&sslpassword=<REDACTED>&z=1 a",
        ),
        ("postgres://h:1/d?user=x", "postgres://h:1/d?user=x"),
        ("postgres://a@h:1/d", "postgres://a@h:1/d"),
        ("password=", "password="),
        ("password", "password"),
    ] {
        assert_eq!(literal(text), expected, "as a parameter");
        let quoted = |text: &str| text.replace('\'', "''");
        redacts(&format!("select f('{}')", quoted(text)), &format!("select f('{}')", quoted(expected)));
        redacts(&format!("select $q${text}$q$"), &format!("select $q${expected}$q$"));
        let twice = |text: &str| quoted(&quoted(text));
        redacts(
            &format!("execute 'f(''{}'')'", twice(text)),
            &format!("execute 'f(''{}'')'", twice(expected)),
        );
    }
    redacts(
        "create subscription s connection 'password='\n'x' publication p",
        "create subscription s connection 'password='\n'<REDACTED>' publication p",
    );
    redacts("select password=other from t", "select password=other from t");
    redacts("postgres://a:b@h/d", "postgres://a:<REDACTED>@h/d");
}

#[test]
fn a_message_loses_what_the_statement_told() {
    let told = |text: &str, statement: &str| message(text, statement).into_owned();
    let statement = "alter role joe password 'it''s' x";
    assert_eq!(
        told("syntax error at or near \"'it''s'\"", statement),
        "syntax error at or near \"'<REDACTED>'\""
    );
    assert_eq!(told("role it's is not one", statement), "role <REDACTED> is not one");
    assert_eq!(told("near \"secret\"", "alter role j password secret"), "near \"<REDACTED>\"");
    assert_eq!(told("near \"x\"", "alter role j password 'x'"), "near \"x\"");
    assert_eq!(told("option password=x", "select 1"), "option password=<REDACTED>");
    assert_eq!(told("near 'a b'", "select dblink('password=''a b'' x')"), "near '<REDACTED>'");
    let nested = "do $$ begin execute 'alter role j password ''a''''b'''; end $$";
    for form in ["a''''b", "a''b", "a'b"] {
        assert_eq!(told(&format!("<{form}>"), nested), "<<REDACTED>>", "{form}");
    }
    for text in ["password authentication failed for user \"joe\"", "relation \"t\" does not exist", ""] {
        assert!(matches!(message(text, "select 'password'"), Cow::Borrowed(t) if t == text));
    }
}

#[test]
fn parameters_that_fill_in_a_password_are_told_by_number() {
    for (statement, numbers) in [
        ("select dblink_connect('host=h password=' || $1, $2)", &[1][..]),
        ("select format('ALTER ROLE %I PASSWORD %L', $1::text, $2::text)", &[1, 2]),
        ("select set_config('my.password', $1, false)", &[1]),
        ("update users set password = $2 where id = $1", &[2]),
        ("select $1, 'password', $2", &[]),
        ("select $1", &[]),
    ] {
        assert_eq!(parameters(statement), numbers, "{statement}");
    }
}

#[test]
fn a_uri_that_is_cut_in_its_password_loses_that() {
    for (cut, kept) in [
        ("select 'postgres://joe:secr", "select 'postgres://joe:"),
        ("select 'postgres://joe", "select 'postgres://joe"),
        ("select 'postgres://joe:secret@host", "select 'postgres://joe:secret@host"),
        ("select 'http://host:80/a", "select 'http://host:80/a"),
        ("select 'http://host:80', 1", "select 'http://host:80', 1"),
        ("://é:", "://é:"),
        ("", ""),
    ] {
        assert_eq!(without_torn_uri(cut), kept, "{cut}");
    }
}

#[test]
fn many_keywords_with_comments_that_nothing_closes_take_no_more_than_their_length() {
    // Each of these comments goes to the end of the text: looked at from every keyword anew it would be hours.
    for unit in ["password=/* ", "password=>/* ", "password = -- "] {
        let text = unit.repeat(200_000);
        assert_eq!(literal(&text).matches(REDACTED).count(), 1, "{unit}");
        let comment = format!("/* {text}");
        assert!(passwords(&comment).len() < 100, "{unit}");
    }
}

#[test]
fn a_literal_behind_long_comments_is_taken_with_its_keyword() {
    let comments = "/* a comment */ ".repeat(100);
    for written in ["'x'", "'x"] {
        let text = format!("password = {comments}{written}");
        assert_eq!(literal(&text), "password = <REDACTED>");
    }
    let argument = format!("f(password => {comments}'x')");
    assert_eq!(literal(&argument), format!("f(password => {comments}'<REDACTED>')"));
    let short = "password = /* a comment */ other";
    assert_eq!(literal(short), "password = <REDACTED> a comment */ other");
}

#[test]
fn a_message_can_quote_a_secret_as_it_is_read() {
    for written in ["'fir'\n'st'", "E'f\\x69rst'", "'first'", "$$first$$"] {
        let statement = format!("create user mapping for j server s options (password {written})");
        assert_eq!(message("invalid value: \"first\"", &statement), "invalid value: \"<REDACTED>\"");
    }
    let doubled = "alter role j password 'it''s'";
    assert_eq!(message("weak: it's, it''s", doubled), "weak: <REDACTED>, <REDACTED>");
}

#[test]
fn a_password_of_nothing_but_quotes_is_one_more_secret() {
    let quotes = "'".repeat(1_000_000);
    let statement = format!("alter role joe password $${quotes}x{quotes}$$");
    assert_eq!(message("near \"x\"", &statement), "near \"x\"");
    assert_eq!(passwords(&statement), "alter role joe password $$<REDACTED>$$");
}
