//! Values with a state or a behavior: views, ranges, generators, namespaces, loops, macros and functions.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::{Rc, Weak};
use std::sync::Arc;

use super::cycle;
use super::shape::Shape;
use super::{Dict, Items, Value};
use crate::ast;
use crate::globals::Function;
use crate::machine::scope::Scope;

/// A value that is not data.
#[derive(Debug)]
pub(crate) enum Object {
    View(Rc<Dict>, View),
    Range(Range),
    /// A generator, which can be read once.
    Iter(Generator),
    /// An item of the filter `groupby`.
    Group(Value, Value),
    Namespace(Namespace),
    Cycler {
        items: Items,
        at: Cell<usize>,
    },
    Joiner {
        separator: Value,
        used: Cell<bool>,
    },
    Loop(Loop),
    Macro(Closure),
    Method {
        of: Value,
        name: Arc<str>,
    },
    Function(Function),
    /// The blocks of the template, as `self`.
    Blocks,
    /// One of them.
    Block(Arc<ast::Block>),
}

/// Items that are already computed but not read yet.
#[derive(Debug)]
pub(crate) struct Generator {
    pub(crate) items: RefCell<VecDeque<Value>>,
    shape: Shape,
}

impl Generator {
    pub(crate) fn new(items: VecDeque<Value>) -> Self {
        Self { shape: Shape::around(&items), items: RefCell::new(items) }
    }
}

/// A namespace, the only value that a template changes.
#[derive(Debug)]
pub(crate) struct Namespace {
    pub(crate) attributes: RefCell<Dict>,
}

impl Namespace {
    /// Sets an attribute.
    pub(crate) fn set(&self, name: &str, value: Value) {
        // Dropping the previous value can drop other namespaces, but not this one.
        self.attributes.borrow_mut().insert(Value::str(name), value);
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        cycle::bury(self.attributes.take().into_parts());
    }
}

/// What a view of a dictionary shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum View {
    Keys,
    Values,
    Items,
}

/// A range of integers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Range {
    pub(crate) start: i128,
    pub(crate) stop: i128,
    pub(crate) step: i128,
}

impl Range {
    pub(crate) fn len(self) -> usize {
        let span = if self.step > 0 { self.stop - self.start } else { self.start - self.stop };
        if span <= 0 {
            return 0;
        }
        usize::try_from((span - 1) / self.step.saturating_abs() + 1).unwrap_or(usize::MAX)
    }

    pub(crate) fn get(self, index: usize) -> i128 {
        self.start + index as i128 * self.step
    }
}

/// A macro with the scope that it was defined in.
#[derive(Debug)]
pub(crate) struct Closure {
    pub(crate) code: Arc<ast::Macro>,
    /// Weak, because the scope holds the macro.
    pub(crate) scope: Weak<Scope>,
}

/// The variable `loop`.
#[derive(Debug)]
pub(crate) struct Loop {
    pub(crate) code: Arc<ast::For>,
    /// The scope around the loop, in which the filter of the loop is evaluated.
    pub(crate) outer: Weak<Scope>,
    pub(crate) depth0: usize,
    pub(crate) state: RefCell<LoopState>,
}

impl Drop for Loop {
    fn drop(&mut self) {
        let state = self.state.take();
        let single = [state.current, state.before, state.changed].into_iter().flatten();
        cycle::bury(state.pending.into_iter().chain(state.ahead).chain(single));
    }
}

/// The position of a loop.
#[derive(Debug, Default)]
pub(crate) struct LoopState {
    /// Items that the filter of the loop has not seen.
    pub(crate) pending: VecDeque<Value>,
    /// Items that passed the filter and were read ahead.
    pub(crate) ahead: VecDeque<Value>,
    pub(crate) index0: usize,
    pub(crate) length: Option<usize>,
    pub(crate) current: Option<Value>,
    pub(crate) before: Option<Value>,
    pub(crate) changed: Option<Value>,
}

impl Object {
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::View(_, View::Keys) => "dict_keys",
            Self::View(_, View::Values) => "dict_values",
            Self::View(_, View::Items) => "dict_items",
            Self::Range(_) => "range",
            Self::Iter(_) => "generator",
            Self::Group(..) => "_GroupTuple",
            Self::Namespace(_) => "TemplateNamespace",
            Self::Cycler { .. } => "Cycler",
            Self::Joiner { .. } => "Joiner",
            Self::Loop(_) => "LoopContext",
            Self::Macro(_) => "Macro",
            Self::Method { .. } => "builtin_function_or_method",
            Self::Function(_) => "function",
            Self::Blocks => "TemplateReference",
            Self::Block(_) => "BlockReference",
        }
    }

    /// The number of items, if `len` accepts the object. That of a loop needs its machine.
    pub(crate) fn len(&self) -> Option<usize> {
        match self {
            Self::View(dict, _) => Some(dict.len()),
            Self::Range(range) => Some(range.len()),
            Self::Group(..) => Some(2),
            Self::Loop(one) => Some(one.state.borrow().length.unwrap_or(1)),
            Self::Iter(_)
            | Self::Namespace(_)
            | Self::Cycler { .. }
            | Self::Joiner { .. }
            | Self::Macro(_)
            | Self::Method { .. }
            | Self::Function(_)
            | Self::Blocks
            | Self::Block(_) => None,
        }
    }

    pub(crate) fn callable(&self) -> bool {
        match self {
            Self::Joiner { .. }
            | Self::Loop(_)
            | Self::Macro(_)
            | Self::Method { .. }
            | Self::Function(_)
            | Self::Block(_) => true,
            Self::View(..)
            | Self::Range(_)
            | Self::Iter(_)
            | Self::Group(..)
            | Self::Namespace(_)
            | Self::Cycler { .. }
            | Self::Blocks => false,
        }
    }

    /// How deeply the object is nested, and whether it can change.
    pub(crate) fn shape(&self) -> Shape {
        match self {
            Self::View(dict, _) => Shape { depth: dict.shape().depth + 1, ..dict.shape() },
            Self::Iter(generator) => generator.shape,
            Self::Group(key, list) => Shape::around([key, list]),
            Self::Cycler { items, .. } => Shape { depth: items.shape().depth + 1, ..items.shape() },
            Self::Joiner { separator, .. } => Shape::around([separator]),
            Self::Method { of, .. } => Shape::around([of]),
            Self::Namespace(_) | Self::Loop(_) => Shape::OPEN,
            Self::Range(_) | Self::Macro(_) | Self::Function(_) | Self::Blocks | Self::Block(_) => {
                Shape::default()
            }
        }
    }

    pub(crate) fn weight(&self) -> usize {
        match self {
            Self::Iter(generator) => 32 * generator.items.borrow().len(),
            Self::Cycler { items, .. } => 32 * items.len(),
            _ => 32,
        }
    }
}
