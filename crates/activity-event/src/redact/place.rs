//! Where in a statement the scan is: whether what comes next is a secret.

use super::names;

/// What the tokens so far make of the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Expect {
    #[default]
    Nothing,
    /// A literal is a secret behind an operator that assigns or compares.
    Operator,
    /// A literal is a secret.
    Literal,
    /// Whatever comes is a secret: PASSWORD in the command of a role, where its literal may lack the right quotes.
    Anything,
}

/// How far the beginning of CREATE or ALTER ROLE, USER or GROUP is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Role {
    #[default]
    No,
    Verb,
    Kind,
    Yes,
}

/// Where a secret is missing in the contents of a literal that a statement is put together from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Gap {
    #[default]
    None,
    /// At the end: `'… PASSWORD ' || 'x'`.
    AtEnd,
    /// At a placeholder: `format('… PASSWORD %L', 'x')`.
    Placeholder,
}

/// The place in one statement.
#[derive(Debug, Default)]
pub(super) struct Place {
    expect: Expect,
    role: Role,
    /// The next word is a name, whatever it says.
    naming: bool,
    /// Open parentheses.
    depth: usize,
    /// The last word was OPTIONS.
    options_announced: bool,
    /// How deep the parentheses of OPTIONS are.
    options: Option<usize>,
    /// In the call of set_config before its first argument.
    set_config: bool,
    /// What the literal before left out.
    gap: Gap,
    /// How deep the parentheses are in which literals fill that, and which gap it was.
    filling: Option<(usize, Gap)>,
}

impl Place {
    /// Whether a literal here is a secret.
    pub(super) fn takes_literal(&self) -> bool {
        self.takes_word() || self.expect == Expect::Literal || self.filling.is_some()
    }

    /// Whether anything but a literal is a secret here as well.
    pub(super) fn takes_word(&self) -> bool {
        self.expect == Expect::Anything
    }

    /// Whether a secret is missing if the text ends here.
    pub(super) fn gap_at_end(&self) -> bool {
        matches!(self.expect, Expect::Literal | Expect::Anything)
    }

    pub(super) fn word(&mut self, word: &[u8]) {
        let is = |keywords: &[&str]| keywords.iter().any(|k| word.eq_ignore_ascii_case(k.as_bytes()));
        let assigned = self.expect != Expect::Nothing && is(&["to"]);
        self.role = match self.role {
            Role::Kind if is(&["mapping"]) => Role::No,
            Role::Kind | Role::Yes => Role::Yes,
            _ if is(&["create", "alter"]) => Role::Verb,
            Role::Verb if is(&["role", "user", "group"]) => Role::Kind,
            _ => Role::No,
        };
        let named = self.naming;
        self.name(word);
        if assigned {
            self.expect = Expect::Literal;
        } else if self.role == Role::Yes && !named && names::is_password(word) {
            self.expect = Expect::Anything;
        }
        self.naming = is(&["role", "user", "group", "admin", "database", "to"]);
        self.options_announced = is(&["options"]);
        self.set_config = is(&["set_config"]);
    }

    /// A quoted name, or what a word is as a name.
    pub(super) fn name(&mut self, name: &[u8]) {
        if self.role == Role::Kind && self.naming {
            self.role = Role::Yes;
        }
        self.other();
        let is_option = self.options.is_some() && names::is_of_secret_option(name);
        if names::is_password(name) || is_option {
            self.expect = Expect::Literal;
        } else if names::is_of_password(name) {
            self.expect = Expect::Operator;
        }
    }

    /// An operator or a character of punctuation.
    pub(super) fn symbol(&mut self, symbol: &[u8]) {
        let assigns = matches!(symbol, b"=" | b"==" | b":=" | b"=>");
        let before = self.expect;
        let announced = self.options_announced;
        let set_config = self.set_config;
        let gap = self.gap;
        self.other();
        self.naming = matches!(symbol, b"," | b"." | b"=");
        match symbol {
            _ if assigns && before == Expect::Anything => self.expect = before,
            _ if assigns && before != Expect::Nothing => self.expect = Expect::Literal,
            b"(" => {
                self.depth += 1;
                self.set_config = set_config;
                if announced {
                    self.options = Some(self.depth);
                }
            }
            b")" => {
                self.options = self.options.filter(|depth| *depth < self.depth);
                self.filling = self.filling.filter(|(depth, _)| *depth < self.depth);
                self.depth = self.depth.saturating_sub(1);
            }
            b";" => *self = Self::default(),
            b"||" if gap == Gap::AtEnd => self.filling = Some((self.depth, gap)),
            b"," if gap == Gap::Placeholder => self.filling = Some((self.depth, gap)),
            // Behind them comes the next part, argument or value; format() has one argument after the other.
            b"||" | b"," => {
                self.filling =
                    self.filling.filter(|(depth, gap)| *depth < self.depth || *gap == Gap::Placeholder);
            }
            _ => {}
        }
    }

    /// A literal that is no secret.
    pub(super) fn literal(&mut self, contents: &[u8], gap: Gap) {
        let names_setting = self.set_config && names::is_of_password(contents);
        self.other();
        self.gap = if names_setting { Gap::Placeholder } else { gap };
    }

    /// Any other token, or a secret.
    pub(super) fn other(&mut self) {
        self.expect = Expect::Nothing;
        self.naming = false;
        self.options_announced = false;
        self.set_config = false;
        self.gap = Gap::None;
    }
}
