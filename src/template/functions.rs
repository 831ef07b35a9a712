//! What a template can call: `keyring`, `env`, the commands of the config by their names, the filters of this crate,
//! and the variables.

use super::arguments::{Argument, Arguments, Fault};
use super::blueprint::{Encoding, Reference};
use super::error::{NameKind, TemplateError};
use super::names::{AT, CHECK, PRINT};
use super::run::{ReferenceUse, Run};
use super::variables::Variables;
use minijinja::value::{Kwargs, Object, ObjectRepr, Rest, from_args};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, State, UndefinedBehavior, Value};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// Steps of the engine; 64 bytes of text count as one step.
const FUEL: u64 = 500_000;

/// Names that `[vars]` can't take.
const BUILTIN: [&str; 10] = ["os", "arch", "hostname", "user", "home", "vars", "keyring", "env", "range", "namespace"];

/// An engine with everything a template can use, except its files.
pub(crate) fn environment(run: &Arc<Run>) -> Environment<'static> {
    let mut engine = Environment::new();
    engine.set_undefined_behavior(UndefinedBehavior::Strict);
    engine.set_fuel(Some(FUEL));
    // Anything but `None` makes what macros and blocks print a safe string, which is how printing tells text from
    // values.
    engine.set_auto_escape_callback(|_| AutoEscape::Custom("keystencil".into()));
    engine.set_formatter(|out, _, value| match value.as_str() {
        Some(text) if value.is_safe() => out.write_str(text).map_err(Error::from),
        _ => Err(Error::new(ErrorKind::InvalidOperation, "this prints something other than text")),
    });
    engine.remove_global("debug");
    for html in ["escape", "e", "pprint"] {
        engine.remove_filter(html);
    }

    let this = Arc::clone(run);
    engine.add_filter(CHECK, move |value: Value, look: &str, name: Option<&str>, is_attribute: Option<bool>| {
        this.look(value, look, name, is_attribute.is_some())
    });
    let this = Arc::clone(run);
    engine.add_filter(PRINT, move |value: Value, number: usize, name: Option<&str>, is_attribute: Option<bool>| {
        this.print(&value, number, name, is_attribute.is_some())
    });
    let this = Arc::clone(run);
    engine.add_filter("tojson", move |value: Value| this.to_json(&value));
    for (name, encoding) in [("b64encode", Encoding::B64encode), ("urlencode", Encoding::Urlencode)] {
        let this = Arc::clone(run);
        engine.add_filter(name, move |value: Value| this.encode(&value, encoding));
    }
    let commands = run.sources.providers.iter().map(String::as_str);
    for function in ["keyring", "env"].into_iter().chain(commands) {
        let referrer = Referrer { run: Arc::clone(run), function: function.to_owned(), number: usize::MAX };
        engine.add_global(function.to_owned(), Value::from_object(referrer));
    }
    engine.add_filter(AT, |value: Value, number: usize| match value.downcast_object_ref::<Referrer>() {
        Some(referrer) => Value::from_object(Referrer { number, ..referrer.clone() }),
        None => value,
    });
    engine
}

/// `keyring`, `env` or a command of the config.
#[derive(Clone)]
struct Referrer {
    run: Arc<Run>,
    function: String,
    /// The place where it is called, by its number; unknown if it is called by another name.
    number: usize,
}

impl fmt::Debug for Referrer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.function)
    }
}

impl Object for Referrer {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, _: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        let (run, place) = (&self.run, self.run.sources.place(self.number));
        let (args, named): (Rest<Value>, Kwargs) = from_args(args)?;
        let argument = |value: &Value| argument(run, value)?.ok_or_else(|| self.bad(Fault::Takes(TEXTS)));
        let mut arguments = Arguments::default();
        for value in &*args {
            arguments.positional.push(argument(value)?);
        }
        for name in named.args() {
            arguments.named.insert(name.to_owned(), argument(&named.get::<Value>(name)?)?);
        }
        let source = arguments.source(&self.function).map_err(|fault| self.bad(fault))?;
        Ok(run.token(ReferenceUse { reference: Reference { source, encodings: Vec::new() }, place }))
    }
}

impl Referrer {
    fn bad(&self, fault: Fault) -> Error {
        let (function, place) = (self.function.clone(), self.run.sources.place(self.number));
        self.run.fail(|_| match fault {
            Fault::Takes(expected) => TemplateError::BadArguments { function, expected, place },
            Fault::Unknown { name, similar } => {
                TemplateError::Unknown { kind: NameKind::Argument, name, similar, place }
            }
            Fault::Name(source) => TemplateError::BadName { source, place },
            Fault::VariableName => TemplateError::BadVariableName { place },
        })
    }
}

const TEXTS: &str = "texts only, or a map of texts";

/// A text or a map of texts; nothing if it is something else. References in it are an error.
fn argument(run: &Run, value: &Value) -> Result<Option<Argument>, Error> {
    let text = |value: Value| run.look(value, "(", None, false).map(|value| value.as_str().map(str::to_owned));
    if let Some(object) = value.as_object().filter(|object| object.repr() == ObjectRepr::Map) {
        let mut map = BTreeMap::new();
        for (key, value) in object.try_iter_pairs().into_iter().flatten() {
            let (Some(key), Some(value)) = (text(key)?, text(value)?) else { return Ok(None) };
            map.insert(key, value);
        }
        return Ok(Some(Argument::Map(map)));
    }
    Ok(text(value.clone())?.map(Argument::Text))
}

/// The variables as the engine sees them: built-in names win over `[vars]`.
pub(crate) fn context(variables: &Variables) -> Value {
    let vars: BTreeMap<&str, Value> =
        variables.vars.iter().map(|(name, value)| (name.as_str(), value_of(value))).collect();
    let mut all: BTreeMap<&str, Value> = vars.clone();
    all.retain(|name, _| !BUILTIN.contains(name) && *name != "dict" && !variables.providers.contains(*name));
    all.insert("vars", Value::from_pairs(vars));
    for (name, value) in [
        ("os", &variables.os),
        ("arch", &variables.arch),
        ("hostname", &variables.hostname),
        ("user", &variables.user),
        ("home", &variables.home),
    ] {
        all.insert(name, Value::from(value.as_str()));
    }
    Value::from_pairs(all)
}

/// A JSON value. By hand, because serde shows the engine a number of arbitrary precision as a map.
fn value_of(value: &serde_json::Value) -> Value {
    match value {
        serde_json::Value::Null => Value::from(()),
        serde_json::Value::Bool(value) => Value::from(*value),
        serde_json::Value::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(number), _, _) => Value::from(number),
            (None, Some(number), _) => Value::from(number),
            (None, None, Some(number)) => Value::from(number),
            (None, None, None) => Value::from(number.to_string()),
        },
        serde_json::Value::String(text) => Value::from(text.as_str()),
        serde_json::Value::Array(items) => items.iter().map(value_of).collect(),
        serde_json::Value::Object(members) => {
            Value::from_pairs(members.iter().map(|(name, value)| (name.as_str(), value_of(value))))
        }
    }
}
