//! Expressions, by precedence.

use std::collections::HashSet;
use std::sync::Arc;

use super::Parser;
use crate::ast::{Arguments, Comparison, Expr, Literal, Operator};
use crate::error::Result;
use crate::lexer::Token;

/// Maximum number of attributes, items, calls, filters, tests and conditions after one value.
const MAX_CHAIN: usize = 100;
/// Maximum number of them in one tag, because the arguments of a chain can contain chains.
const MAX_LINKS: usize = 2000;

impl Parser {
    /// Parses an expression, or several separated by commas as a tuple.
    pub(super) fn tuple(
        &mut self,
        conditional: bool,
        ends: &[&str],
        parentheses: bool,
    ) -> Result<Expr> {
        let mut items = Vec::new();
        let mut tuple = false;
        loop {
            let end = matches!(self.current(), Token::VariableEnd | Token::BlockEnd)
                || self.is_operator(")")
                || ends.iter().any(|end| self.is_name(end));
            if end {
                break;
            }
            items.push(self.expression(conditional)?);
            if !self.skip_operator(",") {
                break;
            }
            tuple = true;
        }
        if !tuple {
            if let Some(item) = items.pop() {
                return Ok(item);
            }
            if !parentheses {
                return self.unexpected("an expression");
            }
        }
        Ok(Expr::Tuple(items))
    }

    /// Parses an expression; `conditional` allows `a if b else c`.
    pub(super) fn expression(&mut self, conditional: bool) -> Result<Expr> {
        self.deeper(|parser| if conditional { parser.conditional() } else { parser.or() })
    }

    fn conditional(&mut self) -> Result<Expr> {
        let mut value = self.or()?;
        let mut count = 0;
        while self.skip_name("if") {
            self.count_chain(&mut count)?;
            let test = self.or()?;
            let otherwise =
                if self.skip_name("else") { Some(Box::new(self.expression(true)?)) } else { None };
            value = Expr::If(Box::new(test), Box::new(value), otherwise);
        }
        Ok(value)
    }

    fn or(&mut self) -> Result<Expr> {
        let first = self.and()?;
        let mut parts = vec![first];
        while self.skip_name("or") {
            parts.push(self.and()?);
        }
        Ok(single(parts, Expr::Or))
    }

    fn and(&mut self) -> Result<Expr> {
        let first = self.not()?;
        let mut parts = vec![first];
        while self.skip_name("and") {
            parts.push(self.not()?);
        }
        Ok(single(parts, Expr::And))
    }

    fn not(&mut self) -> Result<Expr> {
        if self.skip_name("not") {
            let value = self.deeper(Self::not)?;
            return Ok(Expr::Not(Box::new(value)));
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Result<Expr> {
        let first = self.sum()?;
        let mut rest = Vec::new();
        loop {
            let comparison = match self.current() {
                Token::Operator("==") => Comparison::Equal,
                Token::Operator("!=") => Comparison::NotEqual,
                Token::Operator("<") => Comparison::Less,
                Token::Operator("<=") => Comparison::LessOrEqual,
                Token::Operator(">") => Comparison::Greater,
                Token::Operator(">=") => Comparison::GreaterOrEqual,
                Token::Name(name) if &**name == "in" => Comparison::In,
                Token::Name(name) if &**name == "not" => match self.look() {
                    Token::Name(next) if &**next == "in" => {
                        self.advance();
                        Comparison::NotIn
                    }
                    _ => break,
                },
                _ => break,
            };
            self.advance();
            rest.push((comparison, self.sum()?));
        }
        Ok(if rest.is_empty() { first } else { Expr::Compare(Box::new(first), rest) })
    }

    fn sum(&mut self) -> Result<Expr> {
        self.chain(Self::concat, |token| match token {
            Token::Operator("+") => Some(Operator::Add),
            Token::Operator("-") => Some(Operator::Subtract),
            _ => None,
        })
    }

    fn concat(&mut self) -> Result<Expr> {
        let first = self.product()?;
        let mut parts = vec![first];
        while self.skip_operator("~") {
            parts.push(self.product()?);
        }
        Ok(single(parts, Expr::Concat))
    }

    fn product(&mut self) -> Result<Expr> {
        self.chain(Self::power, |token| match token {
            Token::Operator("*") => Some(Operator::Multiply),
            Token::Operator("/") => Some(Operator::Divide),
            Token::Operator("//") => Some(Operator::FloorDivide),
            Token::Operator("%") => Some(Operator::Modulo),
            _ => None,
        })
    }

    fn power(&mut self) -> Result<Expr> {
        self.chain(
            |parser: &mut Self| parser.unary(true),
            |token| match token {
                Token::Operator("**") => Some(Operator::Power),
                _ => None,
            },
        )
    }

    /// Parses a chain of operators of one precedence, from the left.
    fn chain(
        &mut self,
        operand: impl Fn(&mut Self) -> Result<Expr>,
        operator: impl Fn(&Token) -> Option<Operator>,
    ) -> Result<Expr> {
        let first = operand(self)?;
        let mut rest = Vec::new();
        while let Some(found) = operator(self.current()) {
            self.advance();
            rest.push((found, operand(self)?));
        }
        Ok(if rest.is_empty() { first } else { Expr::Chain(Box::new(first), rest) })
    }

    fn unary(&mut self, with_filter: bool) -> Result<Expr> {
        let mut value = if self.skip_operator("-") {
            Expr::Negative(Box::new(self.deeper(|parser| parser.unary(false))?))
        } else if self.skip_operator("+") {
            Expr::Positive(Box::new(self.deeper(|parser| parser.unary(false))?))
        } else {
            self.primary()?
        };
        let mut count = 0;
        value = self.postfix(value, &mut count)?;
        if !with_filter {
            return Ok(value);
        }
        loop {
            if self.is_operator("|") {
                value = self.filters(Some(value), false, &mut count)?;
            } else if self.is_name("is") {
                self.count_chain(&mut count)?;
                value = self.test(value)?;
            } else if self.is_operator("(") {
                self.count_chain(&mut count)?;
                let arguments = self.arguments()?;
                value = Expr::Call(Box::new(value), Box::new(arguments));
            } else {
                return Ok(value);
            }
        }
    }

    /// Counts a link of a chain, and refuses one that is too long.
    pub(super) fn count_chain(&mut self, count: &mut usize) -> Result<()> {
        *count += 1;
        self.links += 1;
        if *count > MAX_CHAIN {
            return self.fail(format!("more than {MAX_CHAIN} operations on one value"));
        }
        if self.links > MAX_LINKS {
            return self.fail(format!("more than {MAX_LINKS} operations on values in one tag"));
        }
        Ok(())
    }

    fn primary(&mut self) -> Result<Expr> {
        let literal = match self.current().clone() {
            Token::Name(name) => {
                self.advance();
                match &*name {
                    "true" | "True" => Literal::Bool(true),
                    "false" | "False" => Literal::Bool(false),
                    "none" | "None" => Literal::None,
                    _ => {
                        self.note_use(&name);
                        return Ok(Expr::Name(name));
                    }
                }
            }
            Token::Str(mut text) => {
                self.advance();
                while let Token::Str(next) = self.current() {
                    text.push_str(next);
                    self.advance();
                }
                Literal::Str(Arc::from(text))
            }
            Token::Int(value) => {
                self.advance();
                Literal::Int(value)
            }
            Token::Float(value) => {
                self.advance();
                Literal::Float(value)
            }
            Token::Operator("(") => {
                self.advance();
                let value = self.tuple(true, &[], true)?;
                self.expect_operator(")")?;
                return Ok(value);
            }
            Token::Operator("[") => return self.list(),
            Token::Operator("{") => return self.dict(),
            _ => return self.unexpected("an expression"),
        };
        Ok(Expr::Constant(literal))
    }

    /// Notes that the macros around the name read it.
    fn note_use(&mut self, name: &str) {
        for uses in &mut self.uses {
            match name {
                "caller" => uses.caller = true,
                "kwargs" => uses.kwargs = true,
                "varargs" => uses.varargs = true,
                _ => {}
            }
        }
    }

    fn list(&mut self) -> Result<Expr> {
        self.expect_operator("[")?;
        let mut items = Vec::new();
        while !self.is_operator("]") {
            items.push(self.expression(true)?);
            if !self.is_operator("]") {
                self.expect_operator(",")?;
            }
        }
        self.expect_operator("]")?;
        Ok(Expr::List(items))
    }

    fn dict(&mut self) -> Result<Expr> {
        self.expect_operator("{")?;
        let mut items = Vec::new();
        while !self.is_operator("}") {
            let key = self.expression(true)?;
            self.expect_operator(":")?;
            items.push((key, self.expression(true)?));
            if !self.is_operator("}") {
                self.expect_operator(",")?;
            }
        }
        self.expect_operator("}")?;
        Ok(Expr::Dict(items))
    }

    fn postfix(&mut self, mut value: Expr, count: &mut usize) -> Result<Expr> {
        loop {
            if self.skip_operator(".") {
                self.count_chain(count)?;
                value = match self.current().clone() {
                    Token::Name(name) => Expr::Attribute(Box::new(value), name),
                    Token::Int(index) => {
                        let index = Expr::Constant(Literal::Int(index));
                        Expr::Item(Box::new(value), Box::new(index))
                    }
                    _ => return self.unexpected("a name or a number"),
                };
                self.advance();
            } else if self.skip_operator("[") {
                self.count_chain(count)?;
                value = self.subscript(value)?;
            } else if self.is_operator("(") {
                self.count_chain(count)?;
                let arguments = self.arguments()?;
                value = Expr::Call(Box::new(value), Box::new(arguments));
            } else {
                return Ok(value);
            }
        }
    }

    /// Parses what follows `value[`.
    fn subscript(&mut self, value: Expr) -> Result<Expr> {
        let mut bounds = [None, None, None];
        let mut colons = 0;
        while !self.is_operator("]") && !self.is_operator(",") {
            if self.skip_operator(":") {
                colons += 1;
                if colons > 2 {
                    return self.unexpected("']'");
                }
            } else if bounds[colons].is_some() {
                return self.unexpected("']'");
            } else {
                bounds[colons] = Some(self.expression(true)?);
            }
        }
        if colons > 0 {
            self.expect_operator("]")?;
            return Ok(Expr::Slice(Box::new(value), Box::new(bounds)));
        }
        let [first, ..] = bounds;
        let Some(first) = first else { return self.unexpected("an expression") };
        let mut keys = vec![first];
        while self.skip_operator(",") {
            keys.push(self.expression(true)?);
        }
        self.expect_operator("]")?;
        let key = single(keys, Expr::Tuple);
        Ok(Expr::Item(Box::new(value), Box::new(key)))
    }

    pub(super) fn arguments(&mut self) -> Result<Arguments> {
        let invalid = "invalid syntax for function call expression";
        let mut arguments = Arguments::default();
        let mut names = HashSet::new();
        self.expect_operator("(")?;
        while !self.is_operator(")") {
            let dynamic = arguments.star.is_some() || arguments.double_star.is_some();
            if self.skip_operator("*") {
                if dynamic {
                    return self.fail(invalid);
                }
                arguments.star = Some(self.expression(true)?);
            } else if self.skip_operator("**") {
                if arguments.double_star.is_some() {
                    return self.fail(invalid);
                }
                arguments.double_star = Some(self.expression(true)?);
            } else if matches!(self.current(), Token::Name(_))
                && *self.look() == Token::Operator("=")
            {
                if arguments.double_star.is_some() {
                    return self.fail(invalid);
                }
                let name = self.any_name()?;
                self.advance();
                if !names.insert(Arc::clone(&name)) {
                    return self.fail(format!("keyword argument '{name}' is repeated"));
                }
                arguments.named.push((name, self.expression(true)?));
            } else {
                if dynamic || !arguments.named.is_empty() {
                    return self.fail(invalid);
                }
                arguments.positional.push(self.expression(true)?);
            }
            if !self.is_operator(")") {
                self.expect_operator(",")?;
            }
        }
        self.expect_operator(")")?;
        Ok(arguments)
    }

    pub(super) fn dotted_name(&mut self) -> Result<Arc<str>> {
        let mut name = self.any_name()?;
        let mut count = 0;
        while self.skip_operator(".") {
            self.count_chain(&mut count)?;
            let next = self.any_name()?;
            name = Arc::from(format!("{name}.{next}"));
        }
        Ok(name)
    }

    fn test(&mut self, value: Expr) -> Result<Expr> {
        self.expect_name("is")?;
        let negated = self.skip_name("not");
        let name = self.dotted_name()?;
        let mut arguments = Arguments::default();
        let argument = match self.current() {
            Token::Name(name) if &**name == "is" => {
                return self.fail("cannot chain multiple tests with is");
            }
            Token::Name(name) => !matches!(&**name, "else" | "or" | "and"),
            Token::Str(_) | Token::Int(_) | Token::Float(_) => true,
            Token::Operator(operator) => matches!(*operator, "[" | "{"),
            _ => false,
        };
        if self.is_operator("(") {
            arguments = self.arguments()?;
        } else if argument {
            let primary = self.deeper(Self::primary)?;
            arguments.positional.push(self.postfix(primary, &mut 0)?);
        }
        let test = Expr::Test(Box::new(value), name, Box::new(arguments));
        Ok(if negated { Expr::Not(Box::new(test)) } else { test })
    }
}

/// The only part, or all of them as one expression.
fn single(mut parts: Vec<Expr>, many: impl FnOnce(Vec<Expr>) -> Expr) -> Expr {
    if parts.len() > 1 {
        return many(parts);
    }
    parts.pop().unwrap_or(Expr::Constant(Literal::None))
}
