//! Which operands an expression has, and what looks at each: the check it gets.
//!
//! A check is named by what looks: `if`, `==`, `|upper`, or nothing for a value that is only passed on
//! ([`Look`](super::names::Look) says what each of them wants).

use super::checks::{Walk, Walked};
use super::error::{NameKind, TemplateError};
use super::lexer::Token;
use super::names::{self, AT, CHECK};

/// From its first to its last token.
#[derive(Debug)]
pub(super) struct Operand {
    first: usize,
    last: usize,
    /// A text literal, in which there is nothing to find.
    is_text: bool,
    /// If it is a variable, an attribute or an item, which may be undefined: an argument for the check, with its name.
    pub(super) name: Option<String>,
}

#[derive(Debug)]
enum Part<'a> {
    Operand(Operand),
    Operator(&'a str),
}

fn operands<'p>(parts: &'p [Part<'_>]) -> impl Iterator<Item = &'p Operand> {
    parts.iter().filter_map(|part| if let Part::Operand(operand) = part { Some(operand) } else { None })
}

/// The parts between some operators, each run with the operator after it; nothing after the last.
fn split<'p, 'a>(parts: &'p [Part<'a>], at: &'p [&str]) -> impl Iterator<Item = (&'p [Part<'a>], &'a str)> {
    let ends = move |part: &Part<'_>| matches!(part, Part::Operator(sign) if at.contains(sign));
    parts.split_inclusive(ends).map(move |run| match run.split_last() {
        Some((Part::Operator(sign), run)) if at.contains(sign) => (run, *sign),
        _ => (run, ""),
    })
}

/// Brackets in each other; the engine's parser takes fewer.
const MAX_DEPTH: usize = 200;
const COMPARE: [&str; 8] = ["==", "!=", "<", "<=", ">", ">=", "in", "not in"];
const MULTIPLY: [&str; 5] = ["*", "/", "//", "%", "**"];

impl<'a> Walk<'a> {
    /// An expression, to the first token that does not belong to it. If it is one operand, that comes back.
    pub(super) fn element(&mut self, look: &str) -> Result<Option<Operand>, TemplateError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.lost());
        }
        let mut parts = Vec::new();
        loop {
            while matches!(parts.last(), None | Some(Part::Operator("not" | "and" | "or" | "if" | "else")))
                && self.skip("not")
            {
                parts.push(Part::Operator("not"));
            }
            parts.push(Part::Operand(self.operand()?));
            let Some(sign) = self.operator() else { break };
            parts.push(Part::Operator(sign));
        }
        self.settle(&parts, look);
        self.depth -= 1;
        match (parts.pop(), parts.is_empty()) {
            (Some(Part::Operand(operand)), true) => Ok(Some(operand)),
            _ => Ok(None),
        }
    }

    fn operator(&mut self) -> Option<&'a str> {
        let sign = self.sign(self.at);
        if sign == "not" && self.text(self.at + 1) == "in" {
            self.at += 2;
            return Some("not in");
        }
        let is_one = matches!(sign, "and" | "or" | "if" | "else" | "+" | "-" | "~");
        (is_one || COMPARE.contains(&sign) || MULTIPLY.contains(&sign)).then(|| {
            self.skip(sign);
            sign
        })
    }

    /// Branches and conditions.
    fn settle(&mut self, parts: &[Part<'_>], look: &str) {
        let mut in_test = false;
        for (mut run, next) in split(parts, &["and", "or", "if", "else"]) {
            let mut tested = in_test;
            while let [Part::Operator("not"), rest @ ..] = run {
                (run, tested) = (rest, true);
            }
            let is_passed = matches!(look, "" | "?");
            let look = match next {
                _ if tested => "if",
                "and" | "or" if is_passed => "if",
                _ if is_passed && parts.len() > 1 => "",
                _ => look,
            };
            self.comparison(run, look);
            in_test = next == "if" || (in_test && next != "else");
        }
    }

    fn comparison(&mut self, parts: &[Part<'_>], look: &str) {
        let mut before = "";
        for (run, next) in split(parts, &COMPARE) {
            let look = match (before, next) {
                ("", "") => look,
                ("in" | "not in", "") => "in",
                ("in" | "not in", _) | (_, "in" | "not in") => "of",
                _ => "==",
            };
            self.sum(run, look);
            before = next;
        }
    }

    /// What is added, joined and multiplied. Lists may be, whatever they hold.
    fn sum(&mut self, parts: &[Part<'_>], look: &str) {
        if let [Part::Operand(operand)] = parts {
            return self.watch(operand, look);
        }
        let added = parts.iter().any(|part| matches!(part, Part::Operator("+" | "-")));
        for (term, _) in split(parts, &["+", "-"]) {
            let joined = term.iter().any(|part| matches!(part, Part::Operator("~")));
            for (factors, _) in split(term, &["~"]) {
                let single = factors.len() == 1;
                for operand in operands(factors) {
                    if added || !single {
                        self.watch(operand, "+");
                    }
                    if joined && single {
                        self.watch(operand, "~");
                    }
                }
                // Of products only those of `*` can be anything but numbers.
                if joined && factors.iter().any(|part| matches!(part, Part::Operator("*"))) {
                    self.watch_all(factors, "~");
                }
            }
        }
        if !matches!(look, "" | "?") {
            self.watch_all(parts, look);
        }
    }

    /// Puts a check after several operands, in parentheses.
    fn watch_all(&mut self, parts: &[Part<'_>], look: &str) {
        if let (Some(first), Some(last)) = (operands(parts).next(), operands(parts).last()) {
            self.put_before(first.first, "(");
            self.put_behind(last.last, first.first, format!(")|{CHECK}('{look}')"));
        }
    }

    /// Puts a check after an operand, if it could find anything.
    fn watch(&mut self, operand: &Operand, look: &str) {
        let nothing = match look {
            "?" => true,
            "" => operand.name.is_none(),
            _ => operand.is_text,
        };
        if !nothing {
            let name = operand.name.as_deref().unwrap_or_default();
            self.put_behind(operand.last, operand.first, format!("|{CHECK}('{look}'{name})"));
        }
    }

    /// The same where a filter must be in parentheses: something follows that binds as tightly, or a sign is before it.
    fn wrap(&mut self, operand: &Operand, look: &str) {
        if !operand.is_text {
            self.put_before(operand.first, "(");
            self.watch(operand, look);
            self.put_behind(operand.last, operand.first, ")".to_owned());
        }
    }

    /// An operand with its filters and tests.
    fn operand(&mut self) -> Result<Operand, TemplateError> {
        let mut operand = self.signed()?;
        loop {
            if self.skip("|") {
                if let Some(look) = self.filter()? {
                    self.watch(&operand, &look);
                }
            } else if self.skip("is") {
                self.test(&operand)?;
            } else {
                return Ok(operand);
            }
            operand = Operand { last: self.at - 1, is_text: false, name: None, ..operand };
        }
    }

    /// An operand with the minus signs before it.
    fn signed(&mut self) -> Result<Operand, TemplateError> {
        let first = self.at;
        while self.skip("-") {}
        let operand = self.primary()?;
        if operand.first == first {
            return Ok(operand);
        }
        self.wrap(&operand, "+");
        Ok(Operand { first, name: None, ..operand })
    }

    /// A literal, a name or something in brackets, with lookups and calls.
    fn primary(&mut self) -> Result<Operand, TemplateError> {
        let first = self.at;
        self.at += 1;
        let mut name = None;
        match (self.token(first), self.text(first)) {
            (Some(Token::Quoted), _) => {
                while self.token(self.at) == Some(Token::Quoted) {
                    self.at += 1;
                }
            }
            (_, "true" | "True" | "false" | "False" | "none" | "None") => {}
            (Some(Token::Number), text) => {
                let attribute = text.split_once('.').filter(|_| text.parse::<f64>().is_err());
                name = attribute.map(|(_, attribute)| format!(",'{attribute}',true"));
            }
            // The engine's parser takes these for names where no operator can be.
            (_, "not" | "and" | "or" | "in" | "is" | "if" | "else") => {
                let kind = if self.text(self.at) == "(" { NameKind::Function } else { NameKind::Variable };
                let name = self.text(first).to_owned();
                return Err(TemplateError::Unknown { kind, name, similar: None, place: self.place(first) });
            }
            (Some(Token::Word), text) => name = Some(format!(",'{text}'")),
            (_, "(") => name = self.parentheses()?,
            (_, "[") => self.items("]")?,
            (_, "{") => {
                while !self.skip("}") {
                    self.element("{")?;
                    self.expect(":")?;
                    self.element("")?;
                    self.separator("}")?;
                }
            }
            _ => {
                self.at = first;
                return Err(self.lost());
            }
        }
        let is_text = self.token(first) == Some(Token::Quoted);
        let mut operand = Operand { first, last: self.at - 1, is_text, name };
        while self.postfix(&mut operand)? {
            (operand.last, operand.is_text) = (self.at - 1, false);
        }
        Ok(operand)
    }

    fn expect(&mut self, text: &str) -> Walked {
        if self.skip(text) { Ok(()) } else { Err(self.lost()) }
    }

    /// After an item: a comma or the end.
    pub(super) fn separator(&mut self, close: &str) -> Walked {
        if self.skip(",") || self.text(self.at) == close { Ok(()) } else { Err(self.lost()) }
    }

    /// After `(`: a tuple, or what is the same as without parentheses, name included.
    fn parentheses(&mut self) -> Result<Option<String>, TemplateError> {
        if self.skip(")") {
            return Ok(None);
        }
        let single = self.element("?")?;
        if self.skip(")") {
            return Ok(single.and_then(|operand| operand.name));
        }
        single.into_iter().for_each(|operand| self.watch(&operand, ""));
        self.separator(")")?;
        self.items(")").and(Ok(None))
    }

    fn items(&mut self, close: &str) -> Walked {
        while !self.skip(close) {
            self.element("")?;
            self.separator(close)?;
        }
        Ok(())
    }

    /// A lookup or call after an operand, if there is one.
    fn postfix(&mut self, operand: &mut Operand) -> Result<bool, TemplateError> {
        match self.text(self.at) {
            "." => {
                self.wrap(operand, ".");
                operand.name = Some(format!(",'{}',true", self.text(self.at + 1)));
                self.at += 2;
            }
            "[" => {
                self.wrap(operand, ".");
                let key = self.at + 1;
                self.at = key;
                while !self.skip("]") {
                    if !self.skip(":") {
                        self.element("[")?;
                    }
                }
                let is_text = self.at == key + 2 && self.token(key) == Some(Token::Quoted);
                operand.name = Some(if is_text { format!(",{},true", self.text(key)) } else { String::new() });
            }
            "(" => {
                let name = self.text(self.at - 1);
                let is_name = operand.first + 1 == self.at;
                if is_name && (matches!(name, "keyring" | "env") || self.sources.providers.contains(name)) {
                    let place = self.note(operand.first);
                    self.put_before(operand.first, "(");
                    self.put_behind(operand.last, operand.first, format!("|{AT}({place}))"));
                } else if !is_name && operand.name.is_none() {
                    self.wrap(operand, ".");
                }
                let looks = (is_name && name == "range") || (!is_name && name == "changed");
                self.arguments(if looks { "(" } else { "" })?;
                operand.name = None;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn arguments(&mut self, look: &str) -> Walked {
        self.expect("(")?;
        while !self.skip(")") {
            if self.token(self.at) == Some(Token::Word) && self.sign(self.at + 1) == "=" {
                self.at += 2;
            } else if !self.skip("**") {
                self.skip("*");
            }
            self.element(look)?;
            self.separator(")")?;
        }
        Ok(())
    }

    /// A filter's or test's name, with its dots.
    fn dotted(&mut self) -> String {
        let mut name = self.text(self.at).to_owned();
        self.at += 1;
        while self.skip(".") {
            name.extend([".", self.text(self.at)]);
            self.at += 1;
        }
        name
    }

    /// A filter with its arguments; the name of its input's check comes back.
    pub(super) fn filter(&mut self) -> Result<Option<String>, TemplateError> {
        let at = self.at;
        let name = self.dotted();
        if let Err(similar) = names::filter(&name) {
            return Err(TemplateError::Unknown { kind: NameKind::Filter, name, similar, place: self.place(at) });
        }
        // These two look at nothing: they make a new reference out of one.
        let is_deferred = matches!(name.as_str(), "b64encode" | "urlencode");
        if self.text(self.at) == "(" {
            if is_deferred && self.text(self.at + 1) != ")" {
                let (function, expected, place) = (name, "no arguments", self.place(at));
                return Err(TemplateError::BadArguments { function, expected, place });
            }
            let passes = matches!(name.as_str(), "default" | "d" | "chain" | "zip" | "batch" | "slice");
            self.arguments(&if passes { String::new() } else { format!("|{name}(") })?;
        }
        Ok((!is_deferred).then(|| format!("|{name}")))
    }

    /// After `is`.
    fn test(&mut self, operand: &Operand) -> Walked {
        self.skip("not");
        let at = self.at;
        let name = self.dotted();
        if let Err(similar) = names::test(&name) {
            return Err(TemplateError::Unknown { kind: NameKind::Test, name, similar, place: self.place(at) });
        }
        self.watch(operand, &format!("is {name}"));
        let look = format!("is {name}(");
        match (self.token(self.at), self.text(self.at)) {
            (_, "(") => self.arguments(&look),
            (Some(Token::Word), "and" | "or" | "else" | "is") => Ok(()),
            // The engine's parser takes it for the start of an argument, and refuses it.
            (_, "+") => Err(self.lost()),
            (Some(Token::Word | Token::Number | Token::Quoted), _) | (_, "-" | "[" | "{") => {
                let argument = self.signed()?;
                if !argument.is_text {
                    self.wrap(&argument, &look);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
