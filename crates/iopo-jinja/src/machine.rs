//! Runs a template.

mod attribute;
mod call;
mod evaluate;
mod loops;
pub(crate) mod scope;

pub(crate) use evaluate::holds;
pub(crate) use loops::loop_method;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use crate::ast::{Expr, Node, Statement, Target};
use crate::budget;
use crate::date::Date;
use crate::error::{Error, ErrorKind, Result};
use crate::filters::html::escaped;
use crate::globals::hidden_attribute;
use crate::operators::check_size;
use crate::template::Template;
use crate::value::cycle::refuse_cycle;
use crate::value::object::Closure;
use crate::value::{Object, Value, iterate, repr};
use scope::Scope;

/// Deepest nesting of evaluations, which macros and recursive loops can reach.
const MAX_DEPTH: usize = 160;

/// The state of one rendering.
pub(crate) struct Machine<'t> {
    pub(crate) template: &'t Template,
    pub(crate) now: Date,
    /// The scope of the template's own variables.
    pub(crate) root: Rc<Scope>,
    depth: Cell<usize>,
    autoescape: Cell<bool>,
    /// Bytes of the template's output so far.
    written: Cell<usize>,
    /// Where `{% generation %}` blocks started, and their texts.
    generated: RefCell<Vec<(usize, String)>>,
    loop_name: Arc<str>,
}

/// The text that statements write to.
pub(crate) struct Out {
    pub(crate) text: String,
    /// Whether it is the template's output, not that of a macro or another block.
    root: bool,
}

/// How a statement ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    Next,
    Break,
    Continue,
}

impl<'t> Machine<'t> {
    pub(crate) fn new(
        template: &'t Template,
        variables: Vec<(Arc<str>, Value)>,
        now: Date,
    ) -> Self {
        // Assignments do not change the variables of the caller, which blocks read as well.
        let root = Scope::inside(&Scope::new(variables));
        Self {
            template,
            now,
            root,
            depth: Cell::new(0),
            autoescape: Cell::new(false),
            written: Cell::new(0),
            generated: RefCell::default(),
            loop_name: Arc::from("loop"),
        }
    }

    /// Runs the whole template. Returns its text, and the start and the text of each generation block.
    pub(crate) fn render(self) -> Result<(String, Vec<(usize, String)>)> {
        let mut out = Out { text: String::new(), root: true };
        let root = Rc::clone(&self.root);
        self.run(&self.template.body, &root, &mut out)?;
        Ok((out.text, self.generated.into_inner()))
    }

    /// Runs something one level deeper.
    pub(super) fn deeper<T>(&self, run: impl FnOnce() -> Result<T>) -> Result<T> {
        let depth = self.depth.get();
        if depth >= MAX_DEPTH {
            return Err(Error::limit(format!("more than {MAX_DEPTH} nested evaluations")));
        }
        self.depth.set(depth + 1);
        let result = run();
        self.depth.set(depth);
        result
    }

    fn write(&self, out: &mut Out, text: &str) -> Result<()> {
        budget::charge(text.len() / 64)?;
        check_size(out.text.len() + text.len())?;
        out.text.push_str(text);
        if out.root {
            self.written.set(out.text.len());
        }
        Ok(())
    }

    /// Runs statements until one of them leaves the loop.
    fn run(&self, nodes: &[Node], scope: &Rc<Scope>, out: &mut Out) -> Result<Flow> {
        for node in nodes {
            let flow = budget::outcome(self.step(node, scope, out));
            let flow = flow.map_err(|error| error.at(node.line))?;
            if flow != Flow::Next {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    /// Runs statements in a scope inside `scope`, and returns their text.
    fn captured(&self, nodes: &[Node], scope: &Rc<Scope>) -> Result<Value> {
        let mut out = Out { text: String::new(), root: false };
        self.deeper(|| self.run(nodes, &Scope::inside(scope), &mut out))?;
        Ok(Value::marked(out.text, self.autoescape.get()))
    }

    fn step(&self, node: &Node, scope: &Rc<Scope>, out: &mut Out) -> Result<Flow> {
        budget::charge(1)?;
        match &node.statement {
            Statement::Text(text) => self.write(out, text)?,
            Statement::Print(expr) => {
                let value = self.eval(expr, scope)?;
                self.print(&value, out)?;
            }
            Statement::If { branches, otherwise } => {
                for (test, body) in branches {
                    if self.eval(test, scope)?.truthy() {
                        return self.deeper(|| self.run(body, scope, out));
                    }
                }
                return self.deeper(|| self.run(otherwise, scope, out));
            }
            Statement::For(code) => {
                let items = self.eval(&code.items, scope)?;
                return self.deeper(|| self.run_loop(code, &items, (scope, 0), out));
            }
            Statement::Set(target, expr) => {
                let value = self.eval(expr, scope)?;
                assign(target, value, scope)?;
            }
            Statement::SetBlock { target, filter, body } => {
                let mut value = self.captured(body, scope)?;
                if let Some(filter) = filter {
                    value = self.filter_block(filter, value, scope)?;
                }
                assign(target, value, scope)?;
            }
            Statement::With { values, body } => {
                let inner = Scope::inside(scope);
                for (target, expr) in values {
                    let value = self.eval(expr, scope)?;
                    assign(target, value, &inner)?;
                }
                return self.deeper(|| self.run(body, &inner, out));
            }
            Statement::Macro(code) => {
                if let Some(name) = &code.name {
                    let closure = Closure { code: Arc::clone(code), scope: Rc::downgrade(scope) };
                    scope.set(name, Value::object(Object::Macro(closure)));
                }
            }
            Statement::Call { body, call } => {
                let closure = Closure { code: Arc::clone(body), scope: Rc::downgrade(scope) };
                let caller = Value::object(Object::Macro(closure));
                let value = self.call_expr(call, scope, Some(caller))?;
                self.print(&value, out)?;
            }
            Statement::Filter { filter, body } => {
                let value = self.captured(body, scope)?;
                let value = self.filter_block(filter, value, scope)?;
                self.print(&value, out)?;
            }
            Statement::Block(block) => {
                let outer = if block.scoped { scope } else { &self.root };
                let inner = Scope::inside(outer);
                return self.deeper(|| self.run(&block.body, &inner, out));
            }
            Statement::Generation(body) => {
                let text = repr::to_str(&self.captured(&body.body, scope)?);
                self.generated.borrow_mut().push((self.written.get(), text.clone()));
                self.write(out, &text)?;
            }
            Statement::AutoEscape { enabled, body } => {
                let enabled = self.eval(enabled, scope)?.truthy();
                let before = self.autoescape.replace(enabled);
                let flow = self.deeper(|| self.run(body, &Scope::inside(scope), out));
                self.autoescape.set(before);
                return flow;
            }
            Statement::Break => return Ok(Flow::Break),
            Statement::Continue => return Ok(Flow::Continue),
            Statement::Load(tag) => {
                let reason =
                    format!("found {{% {tag} %}}, but a chat template cannot load another");
                return Err(Error::new(ErrorKind::Unsupported, reason));
            }
        }
        Ok(Flow::Next)
    }

    fn print(&self, value: &Value, out: &mut Out) -> Result<()> {
        let text = repr::to_text(value);
        if self.autoescape.get() {
            return self.write(out, &escaped(&text));
        }
        self.write(out, text.as_str())
    }

    /// Applies the filters of a block to its text.
    fn filter_block(&self, filter: &Expr, body: Value, scope: &Rc<Scope>) -> Result<Value> {
        let Expr::Filter(inner, name, arguments) = filter else { return Ok(body) };
        let value = match inner {
            Some(inner) => self.deeper(|| self.filter_block(inner, body, scope))?,
            None => body,
        };
        let args = self.args(arguments, scope)?;
        self.filter(name, &value, args)
    }
}

/// Sets the variables of a target.
fn assign(target: &Target, value: Value, scope: &Rc<Scope>) -> Result<()> {
    match target {
        Target::Name(name) => scope.set(name, value),
        Target::Attribute(name, attribute) => {
            let Some(Value::Object(object)) = scope.get(name) else {
                return Err(no_namespace());
            };
            let Object::Namespace(namespace) = &*object else {
                return Err(no_namespace());
            };
            if attribute.starts_with('_') {
                return Err(hidden_attribute(attribute));
            }
            refuse_cycle(&object, &value)?;
            namespace.set(attribute, value);
        }
        Target::Tuple(targets) => {
            let items = iterate::items(&value)?;
            if items.len() != targets.len() {
                let (found, expected) = (items.len(), targets.len());
                return Err(Error::value(format!(
                    "cannot unpack: found {found} values, expected {expected}"
                )));
            }
            for (target, item) in targets.iter().zip(items) {
                assign(target, item, scope)?;
            }
        }
    }
    Ok(())
}

fn no_namespace() -> Error {
    Error::of_type("cannot assign attribute on non-namespace object")
}
