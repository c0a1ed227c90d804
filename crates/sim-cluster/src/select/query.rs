//! The form in which queries carry label selectors, read as the real server reads it, refusals included.

use super::label::{Requirement, Test};

const OPERATORS: &str = "in, notin, =, ==, !=, gt, lt";
const SPECIAL: &[char] = &['=', '!', '(', ')', ',', '>', '<'];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    End,
    Word,
    Open,
    Close,
    Comma,
    Not,
    Equals,
    NotEquals,
    Greater,
    Less,
}

/// Requirements in the order of their keys.
pub(super) fn parse(text: &str) -> Result<Vec<Requirement>, String> {
    let mut parser = Parser { tokens: tokens(text), at: 0 };
    let mut requirements = Vec::new();
    loop {
        match parser.peek() {
            (Token::Word | Token::Not, _) => {
                let requirement = parser.requirement();
                requirements.push(requirement.map_err(|why| format!("unable to parse requirement: {why}"))?);
                match parser.next() {
                    (Token::End, _) => break,
                    (Token::Comma, _) => {
                        let (token, found) = parser.peek();
                        if !matches!(token, Token::Word | Token::Not) {
                            return Err(format!("found '{found}', expected: identifier after ','"));
                        }
                    }
                    (_, found) => return Err(format!("found '{found}', expected: ',' or 'end of string'")),
                }
            }
            (Token::End, _) => break,
            (_, found) => {
                return Err(format!("found '{found}', expected: !, identifier, or 'end of string'"));
            }
        }
    }
    requirements.sort_by(|left, right| left.key.cmp(&right.key));
    Ok(requirements)
}

fn tokens(text: &str) -> Vec<(Token, String)> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start_matches([' ', '\t', '\r', '\n']);
    while !rest.is_empty() {
        let (token, length) = match rest {
            _ if rest.starts_with("==") || rest.starts_with("!=") => {
                (if rest.starts_with('=') { Token::Equals } else { Token::NotEquals }, 2)
            }
            _ if rest.starts_with('=') => (Token::Equals, 1),
            _ if rest.starts_with('!') => (Token::Not, 1),
            _ if rest.starts_with('(') => (Token::Open, 1),
            _ if rest.starts_with(')') => (Token::Close, 1),
            _ if rest.starts_with(',') => (Token::Comma, 1),
            _ if rest.starts_with('>') => (Token::Greater, 1),
            _ if rest.starts_with('<') => (Token::Less, 1),
            _ => {
                let ends = |c: char| SPECIAL.contains(&c) || [' ', '\t', '\r', '\n'].contains(&c);
                (Token::Word, rest.find(ends).unwrap_or(rest.len()))
            }
        };
        tokens.push((token, rest[..length].to_owned()));
        rest = rest[length..].trim_start_matches([' ', '\t', '\r', '\n']);
    }
    tokens
}

struct Parser {
    tokens: Vec<(Token, String)>,
    at: usize,
}

impl Parser {
    fn peek(&self) -> (Token, &str) {
        self.tokens.get(self.at).map_or((Token::End, ""), |(token, text)| (*token, text))
    }

    fn next(&mut self) -> (Token, String) {
        let (token, text) = self.peek();
        let next = (token, text.to_owned());
        self.at += 1;
        next
    }

    fn requirement(&mut self) -> Result<Requirement, String> {
        let (mut token, mut key) = self.next();
        let negated = token == Token::Not;
        if negated {
            (token, key) = self.next();
        }
        if token != Token::Word {
            return Err(format!("found '{key}', expected: identifier"));
        }
        check_key(&key)?;
        if negated {
            return Ok(Requirement { key, test: Test::Absent });
        }
        if matches!(self.peek().0, Token::End | Token::Comma) {
            return Ok(Requirement { key, test: Test::Exists });
        }
        let (token, operator) = self.next();
        let test = match (token, operator.as_str()) {
            (Token::Word, "in") => Test::In(self.values()?),
            (Token::Word, "notin") => Test::NotIn(self.values()?),
            (Token::Equals, _) => Test::In(vec![self.value()?]),
            (Token::NotEquals, _) => Test::NotIn(vec![self.value()?]),
            (Token::Greater, _) => Test::Above(number(&self.value()?)?),
            (Token::Less, _) => Test::Below(number(&self.value()?)?),
            _ => return Err(format!("found '{operator}', expected: {OPERATORS}")),
        };
        if let Test::In(values) | Test::NotIn(values) = &test {
            for (at, value) in values.iter().enumerate() {
                check_value(&key, at, value)?;
            }
        }
        Ok(Requirement { key, test })
    }

    fn value(&mut self) -> Result<String, String> {
        if matches!(self.peek().0, Token::End | Token::Comma) {
            return Ok(String::new());
        }
        match self.next() {
            (Token::Word, value) => Ok(value),
            (_, found) => Err(format!("found '{found}', expected: identifier")),
        }
    }

    fn values(&mut self) -> Result<Vec<String>, String> {
        let (token, found) = self.next();
        if token != Token::Open {
            return Err(format!("found '{found}' expected: '('"));
        }
        let (token, first) = self.peek();
        let first = first.to_owned();
        match token {
            Token::Word | Token::Comma => {
                let mut values = self.list()?;
                if self.next().0 != Token::Close {
                    return Err(format!("found '{first}', expected: ')'"));
                }
                values.sort();
                values.dedup();
                Ok(values)
            }
            Token::Close => {
                self.next();
                Ok(vec![String::new()])
            }
            _ => Err(format!("found '{first}', expected: ',', ')' or identifier")),
        }
    }

    fn list(&mut self) -> Result<Vec<String>, String> {
        let mut values = Vec::new();
        loop {
            match self.next() {
                (Token::Word, value) => {
                    values.push(value);
                    match self.peek() {
                        (Token::Comma, _) => {}
                        (Token::Close, _) => return Ok(values),
                        (_, found) => return Err(format!("found '{found}', expected: ',' or ')'")),
                    }
                }
                (Token::Comma, _) => {
                    if values.is_empty() {
                        values.push(String::new());
                    }
                    match self.peek().0 {
                        Token::Close => {
                            values.push(String::new());
                            return Ok(values);
                        }
                        Token::Comma => {
                            self.next();
                            values.push(String::new());
                        }
                        _ => {}
                    }
                }
                (_, found) => return Err(format!("found '{found}', expected: ',', or identifier")),
            }
        }
    }
}

fn check_key(key: &str) -> Result<(), String> {
    let faults = crate::kinds::faults_of_qualified(key);
    if faults.is_empty() {
        return Ok(());
    }
    Err(format!("<nil>: Invalid value: \"{key}\": {}", faults.join("; ")))
}

fn check_value(key: &str, at: usize, value: &str) -> Result<(), String> {
    match crate::kinds::fault_of_label_value(value) {
        Some(fault) => Err(format!("values[{at}][{key}]: Invalid value: \"{value}\": {fault}")),
        None => Ok(()),
    }
}

fn number(text: &str) -> Result<i64, String> {
    text.parse().map_err(|_| {
        format!(
            "values[0]: Invalid value: \"{text}\": for 'Gt', 'Lt' operators, the value must be an integer"
        )
    })
}
