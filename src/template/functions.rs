//! What a template can call: `keyring`, `env`, the filters of this crate, and the variables.

use super::blueprint::{Encoding, Reference, Source};
use super::engine::Variables;
use super::error::{NameKind, TemplateError};
use super::names::{self, AT, CHECK, PRINT};
use super::run::{Met, Run};
use crate::secret::{DEFAULT_ACCOUNT, SecretName};
use minijinja::value::{Kwargs, Rest};
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
    let this = Arc::clone(run);
    engine.add_function("keyring", move |args: Rest<Value>, named: Kwargs| keyring(&this, &args, &named));
    let this = Arc::clone(run);
    engine.add_function("env", move |args: Rest<Value>, named: Kwargs| env(&this, &args, &named));
    engine
}

fn keyring(run: &Arc<Run>, args: &[Value], named: &Kwargs) -> Result<Value, Error> {
    let mut call = Call { run, function: "keyring", number: at(named), named, args: args.iter() };
    let expected = "the name of a secret and, if wanted, an account";
    let (service, account) = (call.text("service", expected)?, call.text("account", expected)?);
    call.end(expected)?;
    let service = service.ok_or_else(|| call.bad(expected))?;
    let place = run.book.place(call.number);
    let name = SecretName::new(service, account.unwrap_or_else(|| DEFAULT_ACCOUNT.to_owned()))
        .map_err(|source| run.fail(TemplateError::BadName { source, place: place.clone() }))?;
    Ok(run.token(Met { reference: Reference { source: Source::Keyring(name), encodings: Vec::new() }, place }))
}

fn env(run: &Arc<Run>, args: &[Value], named: &Kwargs) -> Result<Value, Error> {
    let mut call = Call { run, function: "env", number: at(named), named, args: args.iter() };
    let expected = "the name of an environment variable";
    let name = call.text("name", expected)?;
    call.end(expected)?;
    let name = name.ok_or_else(|| call.bad(expected))?;
    let place = run.book.place(call.number);
    if !super::placeholder::is_variable_name(&name) {
        return Err(run.fail(TemplateError::BadVariableName { place }));
    }
    Ok(run.token(Met { reference: Reference { source: Source::Env(name), encodings: Vec::new() }, place }))
}

/// The check that tells where a call stands; unknown if the function was called by another name.
fn at(named: &Kwargs) -> usize {
    named.get::<Option<usize>>(AT).ok().flatten().unwrap_or(usize::MAX)
}

/// The arguments of one call, taken one by one.
struct Call<'a> {
    run: &'a Run,
    function: &'static str,
    number: usize,
    named: &'a Kwargs,
    args: std::slice::Iter<'a, Value>,
}

impl Call<'_> {
    fn bad(&self, expected: &'static str) -> Error {
        let place = self.run.book.place(self.number);
        self.run.fail(TemplateError::BadArguments { function: self.function, expected, place })
    }

    /// The next argument, or the one of that name. References in it are an error.
    fn text(&mut self, name: &str, expected: &'static str) -> Result<Option<String>, Error> {
        let named: Option<Value> = self.named.get(name).ok();
        let value = match (self.args.next(), named) {
            (Some(_), Some(_)) => return Err(self.bad(expected)),
            (Some(value), None) => value.clone(),
            (None, Some(value)) => value,
            (None, None) => return Ok(None),
        };
        let value = self.run.check_argument(value, self.number)?;
        match value.as_str() {
            Some(text) => Ok(Some(text.to_owned())),
            None => Err(self.bad(expected)),
        }
    }

    fn end(&mut self, expected: &'static str) -> Result<(), Error> {
        if self.args.next().is_some() {
            return Err(self.bad(expected));
        }
        let known = ["service", "account", "name", AT];
        if let Some(unknown) = self.named.args().find(|name| !known.contains(name)) {
            let similar = names::similar(unknown, ["service", "account"]);
            let place = self.run.book.place(self.number);
            let kind = NameKind::Argument;
            return Err(self.run.fail(TemplateError::Unknown { kind, name: unknown.to_owned(), similar, place }));
        }
        Ok(())
    }
}

/// The variables as the engine sees them: built-in names win over `[vars]`.
pub(crate) fn context(variables: &Variables) -> Value {
    let vars: BTreeMap<&str, Value> =
        variables.vars.iter().map(|(name, value)| (name.as_str(), value_of(value))).collect();
    let mut all: BTreeMap<&str, Value> = vars.clone();
    all.retain(|name, _| !BUILTIN.contains(name) && *name != "dict");
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
