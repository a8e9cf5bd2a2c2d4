//! Evaluates expressions.

use std::cmp::Ordering;
use std::rc::Rc;
use std::sync::Arc;

use super::Machine;
use super::scope::Scope;
use crate::args::Args;
use crate::ast::{Arguments, Comparison, Expr};
use crate::budget::{self, weighed};
use crate::error::{Error, Result};
use crate::globals::Function;
use crate::value::iterate::{contains, hashable, items, slice_bounds, slice_indices};
use crate::value::number::too_large;
use crate::value::object::Range;
use crate::value::{Dict, Object, Value, compare, repr, short};
use crate::{filters, operators, predicates};

impl Machine<'_> {
    /// Evaluates an expression.
    pub(crate) fn eval(&self, expr: &Expr, scope: &Rc<Scope>) -> Result<Value> {
        budget::charge(1)?;
        match expr {
            Expr::Constant(literal) => Ok(Value::from_literal(literal)),
            Expr::Name(name) => Ok(variable(name, scope)),
            _ => self.deeper(|| self.compound(expr, scope)),
        }
    }

    fn all(&self, exprs: &[Expr], scope: &Rc<Scope>) -> Result<Vec<Value>> {
        exprs.iter().map(|expr| self.eval(expr, scope)).collect()
    }

    fn compound(&self, expr: &Expr, scope: &Rc<Scope>) -> Result<Value> {
        match expr {
            Expr::Constant(_) | Expr::Name(_) => self.eval(expr, scope),
            Expr::List(items) => Ok(Value::list(self.all(items, scope)?)),
            Expr::Tuple(items) => Ok(Value::tuple(self.all(items, scope)?)),
            Expr::Dict(pairs) => self.dict(pairs, scope),
            Expr::Attribute(value, name) => {
                let value = self.eval(value, scope)?;
                self.attribute(&value, name)
            }
            Expr::Item(value, key) => {
                let (value, key) = (self.eval(value, scope)?, self.eval(key, scope)?);
                self.item(&value, &key)
            }
            Expr::Slice(value, bounds) => self.slice(value, bounds, scope),
            Expr::Call(..) => self.call_expr(expr, scope, None),
            Expr::Filter(value, name, arguments) => {
                let value = match value {
                    Some(value) => self.eval(value, scope)?,
                    None => return Err(Error::of_type("a filter without a value")),
                };
                let args = self.args(arguments, scope)?;
                self.filter(name, &value, args)
            }
            Expr::Test(value, name, arguments) => {
                let value = self.eval(value, scope)?;
                let args = self.args(arguments, scope)?;
                budget::charge(args.weight() / 256)?;
                Ok(Value::Bool(predicates::test(name, &value, args)?))
            }
            Expr::Negative(value) => operators::signed(&self.eval(value, scope)?, true),
            Expr::Positive(value) => operators::signed(&self.eval(value, scope)?, false),
            Expr::Not(value) => Ok(Value::Bool(!self.eval(value, scope)?.truthy())),
            Expr::Chain(first, rest) => {
                let mut value = self.eval(first, scope)?;
                for (operator, next) in rest {
                    let next = self.eval(next, scope)?;
                    value = weighed(operators::apply(*operator, &value, &next)?)?;
                }
                Ok(value)
            }
            Expr::Concat(parts) => {
                let parts = self.all(parts, scope)?;
                weighed(operators::concatenated(&parts, self.autoescape.get())?)
            }
            Expr::And(parts) => self.first_where(parts, scope, |value| !value.truthy()),
            Expr::Or(parts) => self.first_where(parts, scope, Value::truthy),
            Expr::Compare(first, rest) => self.compare(first, rest, scope),
            Expr::If(test, value, otherwise) => {
                if self.eval(test, scope)?.truthy() {
                    return self.eval(value, scope);
                }
                match otherwise {
                    Some(otherwise) => self.eval(otherwise, scope),
                    None => Ok(Value::undefined(
                        "the inline if-expression evaluated to false and no else section was defined",
                    )),
                }
            }
        }
    }

    /// The first value that ends the chain, or the last one.
    fn first_where(
        &self,
        parts: &[Expr],
        scope: &Rc<Scope>,
        ends: impl Fn(&Value) -> bool,
    ) -> Result<Value> {
        let mut value = Value::None;
        for part in parts {
            value = self.eval(part, scope)?;
            if ends(&value) {
                break;
            }
        }
        Ok(value)
    }

    fn dict(&self, pairs: &[(Expr, Expr)], scope: &Rc<Scope>) -> Result<Value> {
        let mut dict = Dict::default();
        for (key, value) in pairs {
            let (key, value) = (self.eval(key, scope)?, self.eval(value, scope)?);
            hashable(&key)?;
            dict.insert(key, value);
        }
        Ok(Value::dict(dict))
    }

    fn compare(
        &self,
        first: &Expr,
        rest: &[(Comparison, Expr)],
        scope: &Rc<Scope>,
    ) -> Result<Value> {
        let mut left = self.eval(first, scope)?;
        for (comparison, right) in rest {
            let right = self.eval(right, scope)?;
            if !holds(*comparison, &left, &right)? {
                return Ok(Value::Bool(false));
            }
            left = right;
        }
        Ok(Value::Bool(true))
    }

    fn slice(&self, value: &Expr, bounds: &[Option<Expr>; 3], scope: &Rc<Scope>) -> Result<Value> {
        let value = self.eval(value, scope)?;
        let mut limits = [None; 3];
        for (limit, bound) in limits.iter_mut().zip(bounds) {
            if let Some(bound) = bound {
                let bound = self.eval(bound, scope)?;
                *limit = if matches!(bound, Value::None) { None } else { Some(bound.index()?) };
            }
        }
        weighed(sliced(&value, limits)?)
    }

    /// Evaluates the arguments of a call.
    pub(super) fn args(&self, arguments: &Arguments, scope: &Rc<Scope>) -> Result<Args> {
        let mut args = Args::of(self.all(&arguments.positional, scope)?);
        for (name, expr) in &arguments.named {
            args.named.push((Arc::clone(name), self.eval(expr, scope)?));
        }
        if let Some(star) = &arguments.star {
            args.positional.extend(items(&self.eval(star, scope)?)?);
        }
        if let Some(double_star) = &arguments.double_star {
            let Value::Dict(dict) = self.eval(double_star, scope)? else {
                return Err(Error::of_type("argument after ** must be a mapping"));
            };
            let named = args.named.len();
            for (name, value) in dict.iter() {
                let Some(name) = name.as_text() else {
                    return Err(Error::of_type("keywords must be strings"));
                };
                budget::spend(1 + named);
                if args.named[..named].iter().any(|(own, _)| &**own == name) {
                    let reason = format!("got multiple values for keyword argument '{name}'");
                    return Err(Error::of_type(reason));
                }
                args.named.push((Arc::from(name), value.clone()));
            }
            budget::charge(dict.len())?;
        }
        Ok(args)
    }

    /// Applies a filter by its name.
    pub(crate) fn filter(&self, name: &str, value: &Value, args: Args) -> Result<Value> {
        budget::charge(1 + (value.weight() + args.weight()) / 128)?;
        // `map` can apply `map`.
        self.deeper(|| weighed(filters::apply(self, name, value, args)?))
    }
}

/// The value of a name: a variable, a global function, or undefined.
fn variable(name: &str, scope: &Scope) -> Value {
    if let Some(value) = scope.get(name) {
        return value;
    }
    if let Some(function) = Function::named(name) {
        return Value::object(Object::Function(function));
    }
    if name == "self" {
        return Value::object(Object::Blocks);
    }
    Value::undefined(format!("'{}' is undefined", short(name)))
}

/// Whether a comparison holds.
pub(crate) fn holds(comparison: Comparison, a: &Value, b: &Value) -> Result<bool> {
    let is = |symbol: &str, test: fn(Ordering) -> bool| {
        compare::order(a, b, symbol).map(|order| order.is_some_and(test))
    };
    match comparison {
        Comparison::Equal => Ok(compare::equal(a, b)),
        Comparison::NotEqual => Ok(!compare::equal(a, b)),
        Comparison::Less => is("<", Ordering::is_lt),
        Comparison::LessOrEqual => is("<=", Ordering::is_le),
        Comparison::Greater => is(">", Ordering::is_gt),
        Comparison::GreaterOrEqual => is(">=", Ordering::is_ge),
        Comparison::In => contains(b, a),
        Comparison::NotIn => contains(b, a).map(|found| !found),
    }
}

/// A part of a text, by its characters.
fn sliced_text(text: &str, limits: [Option<i128>; 3]) -> Result<String> {
    budget::charge(text.len() / 256)?;
    let [start, stop, step] = limits;
    if step.unwrap_or(1) != 1 {
        budget::charge(text.len() / 64)?;
        let chars: Vec<char> = text.chars().collect();
        let indices = slice_indices(chars.len(), limits)?;
        return Ok(indices.into_iter().map(|at| chars[at]).collect());
    }
    let len = text.chars().count();
    let at = |limit: Option<i128>, default: usize| match limit {
        None => default,
        Some(at) if at < 0 => usize::try_from(at.saturating_add(len as i128)).unwrap_or(0),
        Some(at) => usize::try_from(at).unwrap_or(usize::MAX).min(len),
    };
    let (start, stop) = (at(start, 0), at(stop, len));
    Ok(text.chars().skip(start).take(stop.saturating_sub(start)).collect())
}

/// A part of a sequence.
fn sliced(value: &Value, limits: [Option<i128>; 3]) -> Result<Value> {
    let pick = |items: &[Value]| -> Result<Vec<Value>> {
        let indices = slice_indices(items.len(), limits)?;
        Ok(indices.into_iter().map(|at| items[at].clone()).collect())
    };
    match value {
        Value::Undefined(missing) => Err(missing.error()),
        Value::Str(text) => Ok(Value::marked(sliced_text(text.as_str(), limits)?, text.safe)),
        Value::Bytes(bytes) => {
            let indices = slice_indices(bytes.len(), limits)?;
            Ok(Value::Bytes(indices.into_iter().map(|at| bytes[at]).collect()))
        }
        Value::List(items) => Ok(Value::list(pick(items)?)),
        Value::Tuple(items) => Ok(Value::tuple(pick(items)?)),
        Value::Object(object) => match &**object {
            Object::Group(key, list) => Ok(Value::tuple(pick(&[key.clone(), list.clone()])?)),
            Object::Range(range) => {
                let (start, stop, step) = slice_bounds(range.len(), limits)?;
                let at = |index: i128| range.start + index * range.step;
                let step = range.step.checked_mul(step).ok_or_else(too_large)?;
                Ok(Value::object(Object::Range(Range { start: at(start), stop: at(stop), step })))
            }
            _ => Err(not_subscriptable(value)),
        },
        _ => Err(not_subscriptable(value)),
    }
}

fn not_subscriptable(value: &Value) -> Error {
    Error::of_type(format!("'{}' object is not subscriptable", value.type_name()))
}

/// The name of an attribute for an error.
pub(super) fn no_attribute(value: &Value, name: &Value) -> Value {
    let of = value.type_name();
    Value::undefined(match name.as_text() {
        Some(name) => format!("'{of} object' has no attribute '{}'", short(name)),
        None => format!("{of} object has no element {}", short(&repr::repr(name))),
    })
}
