//! Tokens to statements, with the grammar of Jinja 3.1 and the tags that `transformers` adds.

mod expression;

use std::collections::HashSet;
use std::sync::Arc;

use crate::ast::{Arguments, Block, Expr, For, Macro, Node, Statement, Target, Uses};
use crate::error::{Error, Result};
use crate::lexer::{Lexeme, Token, tokens};

/// Deepest nesting of statements and of expressions.
const MAX_DEPTH: usize = 60;

/// The statements of a template, and its named blocks.
pub(crate) struct Parsed {
    pub(crate) body: Vec<Node>,
    pub(crate) blocks: Vec<Arc<Block>>,
}

/// Parses a template.
pub(crate) fn parse(source: &str) -> Result<Parsed> {
    let mut parser = Parser {
        tokens: tokens(source)?,
        at: 0,
        depth: 0,
        links: 0,
        uses: Vec::new(),
        blocks: Vec::new(),
        block_names: HashSet::new(),
    };
    let (body, _) = parser.nodes(&[])?;
    Ok(Parsed { body, blocks: parser.blocks })
}

struct Parser {
    /// Never empty: the last token is [`Token::End`].
    tokens: Vec<Lexeme>,
    at: usize,
    depth: usize,
    /// Operations in the chains of the current tag.
    links: usize,
    /// The special names that the bodies of the macros around the current token read.
    uses: Vec<Uses>,
    blocks: Vec<Arc<Block>>,
    block_names: HashSet<Arc<str>>,
}

impl Parser {
    fn current(&self) -> &Token {
        &self.tokens[self.at].token
    }

    fn line(&self) -> usize {
        self.tokens[self.at].line
    }

    fn look(&self) -> &Token {
        &self.tokens[(self.at + 1).min(self.tokens.len() - 1)].token
    }

    fn advance(&mut self) {
        self.at = (self.at + 1).min(self.tokens.len() - 1);
    }

    fn fail<T>(&self, reason: impl Into<String>) -> Result<T> {
        Err(Error::syntax(self.line(), reason))
    }

    fn unexpected<T>(&self, expected: &str) -> Result<T> {
        self.fail(format!("found {}, expected {expected}", described(self.current())))
    }

    fn is_name(&self, name: &str) -> bool {
        matches!(self.current(), Token::Name(own) if &**own == name)
    }

    fn skip_name(&mut self, name: &str) -> bool {
        let found = self.is_name(name);
        if found {
            self.advance();
        }
        found
    }

    fn expect_name(&mut self, name: &str) -> Result<()> {
        if self.skip_name(name) { Ok(()) } else { self.unexpected(&format!("'{name}'")) }
    }

    fn any_name(&mut self) -> Result<Arc<str>> {
        match self.current() {
            Token::Name(name) => {
                let name = Arc::clone(name);
                self.advance();
                Ok(name)
            }
            _ => self.unexpected("a name"),
        }
    }

    fn is_operator(&self, operator: &str) -> bool {
        matches!(self.current(), Token::Operator(own) if *own == operator)
    }

    fn skip_operator(&mut self, operator: &str) -> bool {
        let found = self.is_operator(operator);
        if found {
            self.advance();
        }
        found
    }

    fn expect_operator(&mut self, operator: &str) -> Result<()> {
        if self.skip_operator(operator) {
            Ok(())
        } else {
            self.unexpected(&format!("'{operator}'"))
        }
    }

    fn expect(&mut self, token: &Token) -> Result<()> {
        if self.current() == token {
            self.advance();
            Ok(())
        } else {
            self.unexpected(&described(token))
        }
    }

    /// Runs a parser one level deeper.
    fn deeper<T>(&mut self, parse: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.depth >= MAX_DEPTH {
            return self.fail(format!("more than {MAX_DEPTH} nested expressions or statements"));
        }
        self.depth += 1;
        let result = parse(self);
        self.depth -= 1;
        result
    }

    /// Parses nodes until a tag with one of the names, and returns that name. Without names, parses to the end.
    fn nodes(&mut self, ends: &[&'static str]) -> Result<(Vec<Node>, &'static str)> {
        let mut nodes = Vec::new();
        loop {
            let line = self.line();
            self.links = 0;
            let statement = match self.current() {
                Token::Data(text) => {
                    let text = text.clone();
                    self.advance();
                    Statement::Text(text)
                }
                Token::VariableBegin => {
                    self.advance();
                    let expr = self.tuple(true, &[], false)?;
                    self.expect(&Token::VariableEnd)?;
                    Statement::Print(expr)
                }
                Token::BlockBegin => {
                    self.advance();
                    if let Some(end) = ends.iter().find(|end| self.is_name(end)) {
                        self.advance();
                        return Ok((nodes, *end));
                    }
                    let statement = self.deeper(|parser| parser.statement(line))?;
                    self.expect(&Token::BlockEnd)?;
                    statement
                }
                _ if ends.is_empty() && *self.current() == Token::End => return Ok((nodes, "")),
                _ if ends.is_empty() => return self.unexpected("a tag or text"),
                _ => return self.unexpected(&format!("a tag {}", ends.join(" or "))),
            };
            nodes.push(Node { line, statement });
        }
    }

    /// Parses the body of a statement up to one of the end tags.
    fn body(&mut self, ends: &[&'static str]) -> Result<(Vec<Node>, &'static str)> {
        self.skip_operator(":");
        self.expect(&Token::BlockEnd)?;
        self.nodes(ends)
    }

    fn statement(&mut self, line: usize) -> Result<Statement> {
        let tag = self.any_name()?;
        match &*tag {
            "for" => self.for_loop(),
            "if" => self.condition(),
            "set" => self.set(),
            "with" => self.with(),
            "macro" => {
                let name = self.any_name()?;
                let parameters = self.parameters()?;
                let code = self.macro_body(Some(name), parameters, "endmacro")?;
                Ok(Statement::Macro(Arc::new(code)))
            }
            "call" => {
                let parameters =
                    if self.is_operator("(") { self.parameters()? } else { Vec::new() };
                let call = self.expression(true)?;
                if !matches!(call, Expr::Call(..)) {
                    return Err(Error::syntax(line, "found another expression, expected a call"));
                }
                let body = Arc::new(self.macro_body(None, parameters, "endcall")?);
                Ok(Statement::Call { body, call })
            }
            "generation" => {
                let body = self.macro_body(None, Vec::new(), "endgeneration")?;
                Ok(Statement::Generation(Arc::new(body)))
            }
            "filter" => {
                let filter = self.filters(None, true, &mut 0)?;
                let (body, _) = self.body(&["endfilter"])?;
                Ok(Statement::Filter { filter, body })
            }
            "block" => self.block(),
            "autoescape" => {
                let enabled = self.expression(true)?;
                let (body, _) = self.body(&["endautoescape"])?;
                Ok(Statement::AutoEscape { enabled, body })
            }
            "print" => self.print(line),
            "break" => Ok(Statement::Break),
            "continue" => Ok(Statement::Continue),
            "extends" | "include" | "import" | "from" => {
                while !matches!(self.current(), Token::BlockEnd | Token::End) {
                    self.advance();
                }
                Ok(Statement::Load(tag))
            }
            _ => Err(Error::syntax(line, format!("found an unknown tag '{tag}'"))),
        }
    }

    fn for_loop(&mut self) -> Result<Statement> {
        let target = self.target(true, false)?;
        self.expect_name("in")?;
        let items = self.tuple(false, &["recursive"], false)?;
        let test = if self.skip_name("if") { Some(self.expression(true)?) } else { None };
        let recursive = self.skip_name("recursive");
        let (body, end) = self.body(&["endfor", "else"])?;
        let otherwise = if end == "else" { self.body(&["endfor"])?.0 } else { Vec::new() };
        let code = For { target, items, test, recursive, body, otherwise };
        Ok(Statement::For(Arc::new(code)))
    }

    fn condition(&mut self) -> Result<Statement> {
        let mut branches = Vec::new();
        loop {
            let test = self.tuple(false, &[], false)?;
            let (body, end) = self.body(&["elif", "else", "endif"])?;
            branches.push((test, body));
            match end {
                "elif" => {}
                "else" => {
                    let (otherwise, _) = self.body(&["endif"])?;
                    return Ok(Statement::If { branches, otherwise });
                }
                _ => return Ok(Statement::If { branches, otherwise: Vec::new() }),
            }
        }
    }

    fn set(&mut self) -> Result<Statement> {
        let target = self.target(false, true)?;
        if self.skip_operator("=") {
            return Ok(Statement::Set(target, self.tuple(true, &[], false)?));
        }
        let filter =
            if self.is_operator("|") { Some(self.filters(None, false, &mut 0)?) } else { None };
        let (body, _) = self.body(&["endset"])?;
        Ok(Statement::SetBlock { target, filter, body })
    }

    fn with(&mut self) -> Result<Statement> {
        let mut values = Vec::new();
        while *self.current() != Token::BlockEnd {
            if !values.is_empty() {
                self.expect_operator(",")?;
            }
            let target = self.single_target(false)?;
            self.expect_operator("=")?;
            values.push((target, self.expression(true)?));
        }
        let (body, _) = self.body(&["endwith"])?;
        Ok(Statement::With { values, body })
    }

    fn print(&mut self, line: usize) -> Result<Statement> {
        let mut parts = Vec::new();
        while *self.current() != Token::BlockEnd {
            if !parts.is_empty() {
                self.expect_operator(",")?;
            }
            parts.push(self.expression(true)?);
        }
        if parts.is_empty() {
            return Err(Error::syntax(line, "found no expression in a print tag"));
        }
        Ok(Statement::Print(Expr::Concat(parts)))
    }

    fn block(&mut self) -> Result<Statement> {
        let name = self.any_name()?;
        if !self.block_names.insert(Arc::clone(&name)) {
            return self.fail(format!("block '{name}' is defined twice"));
        }
        let scoped = self.skip_name("scoped");
        self.skip_name("required");
        let (body, _) = self.body(&["endblock"])?;
        self.skip_name(&name);
        let block = Arc::new(Block { name, scoped, body });
        self.blocks.push(Arc::clone(&block));
        Ok(Statement::Block(block))
    }

    fn parameters(&mut self) -> Result<Vec<(Arc<str>, Option<Expr>)>> {
        let mut parameters: Vec<(Arc<str>, Option<Expr>)> = Vec::new();
        let mut names = HashSet::new();
        self.expect_operator("(")?;
        while !self.is_operator(")") {
            if !parameters.is_empty() {
                self.expect_operator(",")?;
            }
            let name = self.any_name()?;
            if !names.insert(Arc::clone(&name)) {
                return self.fail(format!("parameter '{name}' is repeated"));
            }
            let default = if self.skip_operator("=") { Some(self.expression(true)?) } else { None };
            if default.is_none() && parameters.last().is_some_and(|(_, last)| last.is_some()) {
                return self.fail("found a parameter without a default after one with a default");
            }
            if default.is_none() && &*name == "caller" {
                return self.fail("found the parameter 'caller' without a default");
            }
            parameters.push((name, default));
        }
        self.expect_operator(")")?;
        Ok(parameters)
    }

    fn macro_body(
        &mut self,
        name: Option<Arc<str>>,
        parameters: Vec<(Arc<str>, Option<Expr>)>,
        end: &'static str,
    ) -> Result<Macro> {
        self.uses.push(Uses::default());
        let body = self.body(&[end]);
        let mut uses = self.uses.pop().unwrap_or_default();
        let (body, _) = body?;
        let declared = |name: &str| parameters.iter().any(|(own, _)| &**own == name);
        uses.kwargs &= !declared("kwargs");
        uses.varargs &= !declared("varargs");
        Ok(Macro { name, parameters, body, uses })
    }

    /// Parses the target of an assignment or of a loop.
    fn target(&mut self, in_loop: bool, namespace: bool) -> Result<Target> {
        let mut targets = Vec::new();
        let mut tuple = false;
        loop {
            let end = matches!(self.current(), Token::BlockEnd) || self.is_operator(")");
            if end || (in_loop && self.is_name("in")) {
                break;
            }
            targets.push(self.single_target(namespace)?);
            if !self.skip_operator(",") {
                break;
            }
            tuple = true;
        }
        match targets.pop() {
            None => self.unexpected("the target of an assignment"),
            Some(target) if !tuple => Ok(target),
            Some(target) => {
                targets.push(target);
                Ok(Target::Tuple(targets))
            }
        }
    }

    fn single_target(&mut self, namespace: bool) -> Result<Target> {
        if self.skip_operator("(") {
            let target = self.deeper(|parser| parser.target(false, namespace))?;
            self.expect_operator(")")?;
            return Ok(target);
        }
        let name = self.any_name()?;
        if matches!(&*name, "true" | "false" | "none" | "True" | "False" | "None") {
            return self.fail(format!("cannot assign to '{name}'"));
        }
        if namespace && self.skip_operator(".") {
            return Ok(Target::Attribute(name, self.any_name()?));
        }
        Ok(Target::Name(name))
    }

    /// Parses filters; the first pipe is missing in a filter block.
    fn filters(
        &mut self,
        value: Option<Expr>,
        mut inline: bool,
        count: &mut usize,
    ) -> Result<Expr> {
        let mut value = value.map(Box::new);
        loop {
            if !inline && !self.skip_operator("|") {
                break;
            }
            inline = false;
            self.count_chain(count)?;
            let name = self.dotted_name()?;
            let arguments =
                if self.is_operator("(") { self.arguments()? } else { Arguments::default() };
            value = Some(Box::new(Expr::Filter(value, name, Box::new(arguments))));
        }
        match value {
            Some(value) => Ok(*value),
            None => self.unexpected("a filter"),
        }
    }
}

fn described(token: &Token) -> String {
    match token {
        Token::Data(_) => "template data".to_owned(),
        Token::BlockBegin => "'{%'".to_owned(),
        Token::BlockEnd => "'%}'".to_owned(),
        Token::VariableBegin => "'{{'".to_owned(),
        Token::VariableEnd => "'}}'".to_owned(),
        Token::Name(name) => format!("'{name}'"),
        Token::Int(value) => value.to_string(),
        Token::Float(value) => value.to_string(),
        Token::Str(_) => "a string".to_owned(),
        Token::Operator(operator) => format!("'{operator}'"),
        Token::End => "the end of the template".to_owned(),
    }
}
