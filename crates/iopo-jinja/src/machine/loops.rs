//! Loops and the variable `loop`.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use super::scope::Scope;
use super::{Flow, Machine, Out, assign};
use crate::args::{Args, required};
use crate::ast::For;
use crate::error::{Error, Result};
use crate::value::cycle::refuse_cycle;
use crate::value::object::{Loop, LoopState};
use crate::value::{Object, Value, compare, iterate};

impl Machine<'_> {
    /// Runs a loop over the items of a value.
    pub(super) fn run_loop(
        &self,
        code: &Arc<For>,
        items: &Value,
        (outer, depth0): (&Rc<Scope>, usize),
        out: &mut Out,
    ) -> Result<Flow> {
        let pending = iterate::items(items)?;
        let length = code.test.is_none().then_some(pending.len());
        let state = LoopState { pending: pending.into(), length, ..LoopState::default() };
        let one = Loop {
            code: Arc::clone(code),
            outer: Rc::downgrade(outer),
            depth0,
            state: RefCell::new(state),
        };
        let object = Rc::new(Object::Loop(one));
        let Object::Loop(one) = &*object else { return Ok(Flow::Next) };
        // As in Jinja, the block `else` also runs if no item was handled to the end of the body.
        let mut whole = false;
        while let Some(item) = self.advance(one)? {
            let scope = Scope::inside(outer);
            scope.set(&self.loop_name, Value::Object(Rc::clone(&object)));
            assign(&code.target, item, &scope)?;
            match self.run(&code.body, &scope, out)? {
                Flow::Next => whole = true,
                Flow::Continue => {}
                Flow::Break => break,
            }
        }
        if whole {
            return Ok(Flow::Next);
        }
        self.run(&code.otherwise, &Scope::inside(outer), out)
    }

    /// Moves to the next item.
    fn advance(&self, one: &Loop) -> Result<Option<Value>> {
        let ahead = one.state.borrow_mut().ahead.pop_front();
        let next = match ahead {
            Some(item) => Some(item),
            None => self.pull(one)?,
        };
        if let Some(item) = &next {
            let mut state = one.state.borrow_mut();
            if state.current.is_some() {
                state.index0 += 1;
            }
            state.before = state.current.replace(item.clone());
        }
        Ok(next)
    }

    /// The next item that passes the loop's filter.
    fn pull(&self, one: &Loop) -> Result<Option<Value>> {
        loop {
            let item = one.state.borrow_mut().pending.pop_front();
            let (Some(item), Some(test)) = (&item, &one.code.test) else { return Ok(item) };
            let Some(outer) = one.outer.upgrade() else { return Ok(None) };
            let scope = Scope::inside(&outer);
            assign(&one.code.target, item.clone(), &scope)?;
            if self.eval(test, &scope)?.truthy() {
                return Ok(Some(item.clone()));
            }
        }
    }

    /// Reads one item ahead. Returns it if there is one.
    fn peek(&self, one: &Loop) -> Result<Option<Value>> {
        let empty = one.state.borrow().ahead.is_empty();
        if empty && let Some(item) = self.pull(one)? {
            one.state.borrow_mut().ahead.push_back(item);
        }
        Ok(one.state.borrow().ahead.front().cloned())
    }

    /// The number of items that pass the loop's filter.
    pub(crate) fn loop_length(&self, one: &Loop) -> Result<usize> {
        if let Some(length) = one.state.borrow().length {
            return Ok(length);
        }
        while let Some(item) = self.pull(one)? {
            one.state.borrow_mut().ahead.push_back(item);
        }
        let mut state = one.state.borrow_mut();
        let length = state.index0 + 1 + state.ahead.len();
        state.length = Some(length);
        Ok(length)
    }

    pub(super) fn loop_attribute(&self, one: &Loop, name: &str) -> Result<Option<Value>> {
        let index0 = one.state.borrow().index0;
        let int = |value: usize| Some(Value::Int(value as i128));
        Ok(match name {
            "index" => int(index0 + 1),
            "index0" => int(index0),
            "depth" => int(one.depth0 + 1),
            "depth0" => int(one.depth0),
            "first" => Some(Value::Bool(index0 == 0)),
            "last" => Some(Value::Bool(self.peek(one)?.is_none())),
            "length" => int(self.loop_length(one)?),
            "revindex" => Some(Value::Int(self.loop_length(one)? as i128 - index0 as i128)),
            "revindex0" => Some(Value::Int(self.loop_length(one)? as i128 - index0 as i128 - 1)),
            "previtem" => Some(if index0 == 0 {
                Value::undefined("there is no previous item")
            } else {
                one.state.borrow().before.clone().unwrap_or(Value::None)
            }),
            "nextitem" => {
                let next = self.peek(one)?;
                Some(next.unwrap_or_else(|| Value::undefined("there is no next item")))
            }
            _ => None,
        })
    }

    /// Runs a recursive loop over other items.
    pub(super) fn call_loop(&self, one: &Loop, args: Args) -> Result<Value> {
        let [items] = args.bind("loop", ["iterable"])?;
        let items = required(items, "loop", "iterable")?;
        if !one.code.recursive {
            return Err(Error::of_type(
                "the loop must have the 'recursive' marker to be called recursively",
            ));
        }
        let Some(outer) = one.outer.upgrade() else {
            return Err(Error::of_type("a loop was called outside of its scope"));
        };
        let mut out = Out { text: String::new(), root: false };
        let place = (&outer, one.depth0 + 1);
        self.deeper(|| self.run_loop(&one.code, &items, place, &mut out))?;
        Ok(Value::marked(out.text, self.autoescape.get()))
    }
}

/// Calls a method of `loop`.
pub(crate) fn loop_method(object: &Object, name: &str, args: Args) -> Result<Value> {
    let Object::Loop(one) = object else { return Err(Error::of_type("expected a loop")) };
    let values = args.positional;
    if name == "cycle" {
        if values.is_empty() {
            return Err(Error::of_type("no items for cycling given"));
        }
        let index = one.state.borrow().index0 % values.len();
        return Ok(values[index].clone());
    }
    let value = Value::tuple(values);
    refuse_cycle(object, &value)?;
    let mut state = one.state.borrow_mut();
    let changed = state.changed.as_ref().is_none_or(|last| !compare::equal(last, &value));
    if changed {
        state.changed = Some(value);
    }
    Ok(Value::Bool(changed))
}
