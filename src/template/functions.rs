//! What a template can call: `keyring`, `env`, the commands of the config by their names, the filters of this crate, and the variables.

use super::arguments::{Argument, Arguments, Fault};
use super::blueprint::{Encoding, Reference};
use super::engine::Variables;
use super::error::{NameKind, TemplateError};
use super::names::{AT, CHECK, PRINT};
use super::run::{Met, Run};
use minijinja::value::{Kwargs, ObjectRepr, Rest};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Steps of the engine; one step also pays for 64 bytes of text.
const FUEL: u64 = 500_000;

/// Names that `[vars]` can't take.
const BUILTIN: [&str; 10] = ["os", "arch", "hostname", "user", "home", "vars", "keyring", "env", "range", "namespace"];

/// An engine with everything a template can use, except its files.
pub(crate) fn environment(run: &Arc<Run>) -> Environment<'static> {
    let mut engine = Environment::new();
    engine.set_undefined_behavior(UndefinedBehavior::Strict);
    engine.set_fuel(Some(FUEL));
    // Anything but `None` makes what macros and blocks print a safe string, which is how printing tells text from values.
    engine.set_auto_escape_callback(|_| AutoEscape::Custom("keystencil".into()));
    engine.set_formatter(|out, _, value| match value.as_str() {
        Some(text) if value.is_safe() => out.write_str(text).map_err(Error::from),
        _ => Err(Error::new(ErrorKind::InvalidOperation, "this prints something else than text")),
    });
    engine.remove_global("debug");
    for html in ["escape", "e", "pprint"] {
        engine.remove_filter(html);
    }

    let this = Arc::clone(run);
    engine.add_filter(CHECK, move |value: Value, number: usize| this.check(value, number));
    let this = Arc::clone(run);
    engine.add_filter(PRINT, move |value: Value, number: usize| this.print(&value, number));
    let this = Arc::clone(run);
    engine.add_filter("tojson", move |value: Value| this.to_json(&value));
    for (name, encoding) in [("b64encode", Encoding::B64encode), ("urlencode", Encoding::Urlencode)] {
        let this = Arc::clone(run);
        engine.add_filter(name, move |value: Value, number: usize| this.encode(&value, number, encoding));
    }
    let commands = run.book.providers.iter().map(String::as_str);
    for function in ["keyring", "env"].into_iter().chain(commands) {
        let (this, function) = (Arc::clone(run), function.to_owned());
        engine.add_function(function.clone(), move |args: Rest<Value>, named: Kwargs| {
            refer(&this, &function, &args, &named)
        });
    }
    engine
}

/// A call of `keyring`, of `env` or of a command of the config.
fn refer(run: &Arc<Run>, function: &str, args: &[Value], named: &Kwargs) -> Result<Value, Error> {
    // The check that tells where a call stands; unknown if the function was called by another name.
    let number = named.get::<Option<usize>>(AT).ok().flatten().unwrap_or(usize::MAX);
    let place = run.book.place(number);
    let bad = |fault| {
        let (place, function) = (place.clone(), function.to_owned());
        run.fail(match fault {
            Fault::Takes(expected) => TemplateError::BadArguments { function, expected, place },
            Fault::Unknown { name, similar } => {
                TemplateError::Unknown { kind: NameKind::Argument, name, similar, place }
            }
            Fault::Name(source) => TemplateError::BadName { source, place },
            Fault::VariableName => TemplateError::BadVariableName { place },
        })
    };
    let argument = |value: &Value| argument(run, number, value)?.ok_or_else(|| bad(Fault::Takes(TEXTS)));
    let mut arguments = Arguments::default();
    for value in args {
        arguments.positional.push(argument(value)?);
    }
    for name in named.args().filter(|name| *name != AT) {
        arguments.named.insert(name.to_owned(), argument(&named.get::<Value>(name)?)?);
    }
    let source = arguments.source(function).map_err(bad)?;
    Ok(run.token(Met { reference: Reference { source, encodings: Vec::new() }, place: place.clone() }))
}

const TEXTS: &str = "texts only, or a map of texts";

/// A text or a map of texts; nothing if it is something else. References in it are an error.
fn argument(run: &Run, number: usize, value: &Value) -> Result<Option<Argument>, Error> {
    let text = |value: Value| run.check_argument(value, number).map(|value| value.as_str().map(str::to_owned));
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
