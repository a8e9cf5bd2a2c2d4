//! The variables of a template.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use crate::budget;
use crate::value::Value;

/// Number of names that are compared in the time of two values.
const NAMES: usize = 4;

/// Variables, and the scope around them. An inner scope reads the variables of the outer ones, but sets its own.
#[derive(Debug, Default)]
pub(crate) struct Scope {
    variables: RefCell<Vec<(Arc<str>, Value)>>,
    outer: Option<Rc<Scope>>,
}

impl Scope {
    pub(crate) fn new(variables: Vec<(Arc<str>, Value)>) -> Rc<Self> {
        Rc::new(Self { variables: RefCell::new(variables), outer: None })
    }

    pub(crate) fn inside(outer: &Rc<Self>) -> Rc<Self> {
        Rc::new(Self { variables: RefCell::default(), outer: Some(Rc::clone(outer)) })
    }

    pub(crate) fn set(&self, name: &Arc<str>, value: Value) {
        let mut variables = self.variables.borrow_mut();
        budget::spend(variables.len() / NAMES);
        match variables.iter_mut().find(|(own, _)| own == name) {
            Some((_, own)) => *own = value,
            None => variables.push((Arc::clone(name), value)),
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<Value> {
        let mut scope = Some(self);
        while let Some(here) = scope {
            let variables = here.variables.borrow();
            budget::spend(variables.len() / NAMES);
            if let Some((_, value)) = variables.iter().find(|(own, _)| &**own == name) {
                return Some(value.clone());
            }
            scope = here.outer.as_deref();
        }
        None
    }
}
