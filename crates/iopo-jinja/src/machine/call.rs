//! Calls functions, methods and macros.

use std::rc::Rc;
use std::sync::Arc;

use super::scope::Scope;
use super::{Machine, Out};
use crate::args::Args;
use crate::ast::Expr;
use crate::budget::{self, weighed};
use crate::error::{Error, Result};
use crate::methods;
use crate::value::object::Closure;
use crate::value::{Dict, Object, Value, short};

impl Machine<'_> {
    /// Evaluates a call, which a call block extends with `caller`.
    pub(super) fn call_expr(
        &self,
        call: &Expr,
        scope: &Rc<Scope>,
        caller: Option<Value>,
    ) -> Result<Value> {
        let Expr::Call(callee, arguments) = call else {
            return Err(Error::of_type("expected a call"));
        };
        let callee = self.eval(callee, scope)?;
        let mut args = self.args(arguments, scope)?;
        if let Some(caller) = caller {
            args.named.push((Arc::from("caller"), caller));
        }
        weighed(self.call(&callee, args)?)
    }

    /// Calls a value.
    pub(crate) fn call(&self, callee: &Value, args: Args) -> Result<Value> {
        let not_callable =
            || Error::of_type(format!("'{}' object is not callable", callee.type_name()));
        let object = match callee {
            Value::Undefined(missing) => return Err(missing.error()),
            Value::Object(object) => object,
            _ => return Err(not_callable()),
        };
        match &**object {
            Object::Function(function) => {
                budget::charge(args.weight() / 256)?;
                function.call(args, &self.now)
            }
            Object::Method { of, name } => {
                budget::charge((of.weight() + args.weight()) / 128)?;
                methods::call(self, of, name, args)
            }
            Object::Macro(closure) => self.call_macro(closure, args),
            Object::Joiner { separator, used } => {
                args.none("joiner")?;
                Ok(if used.replace(true) { separator.clone() } else { Value::str("") })
            }
            Object::Loop(one) => self.call_loop(one, args),
            Object::Block(block) => {
                args.none("block")?;
                self.captured(&block.body, &self.root)
            }
            Object::View(..)
            | Object::Range(_)
            | Object::Iter(_)
            | Object::Group(..)
            | Object::Namespace(_)
            | Object::Cycler { .. }
            | Object::Blocks => Err(not_callable()),
        }
    }

    fn call_macro(&self, closure: &Closure, mut args: Args) -> Result<Value> {
        let code = &closure.code;
        let name = code.name.as_deref().unwrap_or("caller");
        let Some(outer) = closure.scope.upgrade() else {
            return Err(Error::of_type(format!("macro '{name}' was called outside of its scope")));
        };
        let scope = Scope::inside(&outer);
        let extra = args.positional.split_off(code.parameters.len().min(args.positional.len()));
        let mut positional = std::mem::take(&mut args.positional).into_iter();
        budget::charge(code.parameters.len().saturating_mul(1 + args.named.len()) / 16)?;
        let mut values = Vec::with_capacity(code.parameters.len());
        for (parameter, _) in &code.parameters {
            values.push(positional.next().or_else(|| args.take(parameter)));
        }
        let explicit_caller = code.parameters.iter().any(|(name, _)| &**name == "caller");
        if code.uses.caller && !explicit_caller {
            let caller = args.take("caller");
            let caller = caller.unwrap_or_else(|| Value::undefined("No caller defined"));
            scope.set(&Arc::from("caller"), caller);
        }
        if code.uses.kwargs {
            let named = std::mem::take(&mut args.named);
            let named: Dict =
                named.into_iter().map(|(name, value)| (Value::str(&*name), value)).collect();
            scope.set(&Arc::from("kwargs"), Value::dict(named));
        } else if let Some((argument, _)) = args.named.first() {
            let reason = format!("macro '{name}' takes no keyword argument '{argument}'");
            return Err(Error::of_type(reason));
        }
        if code.uses.varargs {
            scope.set(&Arc::from("varargs"), Value::tuple(extra));
        } else if !extra.is_empty() {
            let most = code.parameters.len();
            let reason = format!("macro '{name}' takes not more than {most} argument(s)");
            return Err(Error::of_type(reason));
        }
        let mut missing = Vec::new();
        for ((parameter, default), value) in code.parameters.iter().zip(values) {
            let value = value.unwrap_or_else(|| {
                missing.extend(default.as_ref().map(|default| (parameter, default)));
                Value::undefined(format!("parameter '{}' was not provided", short(parameter)))
            });
            scope.set(parameter, value);
        }
        // A default is evaluated with the parameters in scope, which shadow outer variables of the same names.
        for (parameter, default) in missing {
            scope.set(parameter, self.eval(default, &scope)?);
        }
        let mut out = Out { text: String::new(), root: false };
        self.deeper(|| self.run(&code.body, &scope, &mut out))?;
        Ok(Value::marked(out.text, self.autoescape.get()))
    }
}
