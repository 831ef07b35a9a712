//! Expressions, printed with their checks.

use super::operators::{binary_sign, chains, comparison_sign, is_deferred, literal, name_of};
use super::{Printer, Wanted};
use crate::template::book::Depth;
use crate::template::error::{Limit, NameKind, TemplateError, Use};
use crate::template::names::{self, AT, CHECK, Known, PRINT};
use minijinja::Value;
use minijinja::machinery::Span;
use minijinja::machinery::ast::{BinOpKind, Call, CallArg, CallType, Expr, Filter, Spanned, UnaryOpKind};
use minijinja::value::ValueKind;

type Printed = Result<(), TemplateError>;

impl Printer<'_> {
    /// An expression whose value is printed.
    pub(super) fn printed(&mut self, expression: &Expr<'_>) -> Printed {
        let check = self.check(Wanted::passed(), name_of(expression), expression.span());
        self.put("(");
        self.bare(expression, &Wanted { undefined: true, ..Wanted::passed() })?;
        self.put(&format!(")|{PRINT}({check})"));
        Ok(())
    }

    /// An expression with the check that its use wants, in parentheses where it needs them.
    pub(super) fn expression(&mut self, expression: &Expr<'_>, wanted: &Wanted) -> Printed {
        let check = self
            .needs_check(expression, wanted)
            .then(|| self.check(wanted.clone(), name_of(expression), expression.span()));
        let open = !matches!(expression, Expr::Var(_) | Expr::Const(_) | Expr::List(_) | Expr::Tuple(_) | Expr::Map(_));
        if open {
            self.put("(");
        }
        self.bare(expression, wanted)?;
        if open {
            self.put(")");
        }
        if let Some(check) = check {
            self.put(&format!("|{CHECK}({check})"));
        }
        Ok(())
    }

    /// The base of a lookup or call: `(x|_check(1)).y`.
    fn base(&mut self, expression: &Expr<'_>, wanted: &Wanted) -> Printed {
        self.put("(");
        self.expression(expression, wanted)?;
        self.put(")");
        Ok(())
    }

    fn needs_check(&self, expression: &Expr<'_>, wanted: &Wanted) -> bool {
        match expression {
            // `~` would write `True` where JSON says `true`.
            Expr::Const(constant) => wanted.depth == Depth::Join && constant.value.as_str().is_none(),
            Expr::UnaryOp(_) | Expr::Compare(_) | Expr::Test(_) => wanted.depth == Depth::Join,
            Expr::Var(_) | Expr::GetAttr(_) | Expr::GetItem(_) => wanted.depth != Depth::None || !wanted.undefined,
            Expr::List(_) | Expr::Tuple(_) | Expr::Map(_) => {
                matches!(wanted.depth, Depth::Deep | Depth::Keys | Depth::Join)
            }
            Expr::BinOp(operation) => match operation.op {
                BinOpKind::Concat => !matches!(wanted.depth, Depth::None | Depth::Join),
                BinOpKind::Add | BinOpKind::Mul => wanted.depth != Depth::None,
                // Their operands are checked one by one, see `bare`.
                BinOpKind::ScAnd | BinOpKind::ScOr => wanted.depth != Depth::None && wanted.what != Use::Condition,
                _ => false,
            },
            Expr::Slice(_) | Expr::IfExpr(_) | Expr::Filter(_) | Expr::Call(_) => wanted.depth != Depth::None,
        }
    }

    /// An expression without parentheses and without the check of its own value.
    fn bare(&mut self, expression: &Expr<'_>, wanted: &Wanted) -> Printed {
        self.line(expression.span());
        match expression {
            Expr::Var(variable) => {
                self.not_a_word(NameKind::Variable, variable.id, variable.span())?;
                self.put(variable.id);
            }
            Expr::Const(constant) => self.constant(&constant.value, constant.span())?,
            Expr::List(list) => self.items("[", &list.items, "]")?,
            Expr::Tuple(tuple) => self.items("(", &tuple.items, ")")?,
            Expr::Map(map) => {
                self.put("{");
                for (key, value) in map.keys.iter().zip(&map.values) {
                    self.expression(key, &Wanted::deep(Use::Key))?;
                    self.put(":");
                    self.expression(value, &Wanted::passed())?;
                    self.put(",");
                }
                self.put("}");
            }
            Expr::GetAttr(lookup) => {
                self.base(&lookup.expr, &Wanted::shallow(Use::Lookup))?;
                self.put(&format!(".{}", lookup.name));
            }
            Expr::GetItem(lookup) => {
                self.base(&lookup.expr, &Wanted::shallow(Use::Lookup))?;
                self.put("[");
                self.expression(&lookup.subscript_expr, &Wanted::deep(Use::Lookup))?;
                self.put("]");
            }
            Expr::Slice(slice) => {
                self.base(&slice.expr, &Wanted::shallow(Use::Lookup))?;
                self.put("[");
                for (index, bound) in [&slice.start, &slice.stop, &slice.step].into_iter().enumerate() {
                    self.put(if index == 0 { "" } else { ":" });
                    if let Some(bound) = bound {
                        self.expression(bound, &Wanted::deep(Use::Lookup))?;
                    }
                }
                self.put("]");
            }
            Expr::UnaryOp(operation) => {
                let (sign, wanted) = match operation.op {
                    UnaryOpKind::Not => ("not ", Wanted::shallow(Use::Condition)),
                    UnaryOpKind::Neg => ("-", Wanted::deep(Use::Arithmetic)),
                };
                self.put(sign);
                self.put("(");
                self.expression(&operation.expr, &wanted)?;
                self.put(")");
            }
            Expr::BinOp(operation) => self.binary(operation.op, &operation.left, &operation.right, wanted)?,
            Expr::Compare(comparison) => {
                self.expression(&comparison.expr, &Wanted::deep(Use::Comparison))?;
                for operand in &comparison.ops {
                    let (sign, wanted) = comparison_sign(operand.op);
                    self.put(sign);
                    self.expression(&operand.expr, &wanted)?;
                }
            }
            Expr::IfExpr(choice) => {
                self.expression(&choice.true_expr, &Wanted::passed())?;
                self.put(" if ");
                self.expression(&choice.test_expr, &Wanted::shallow(Use::Condition))?;
                if let Some(otherwise) = &choice.false_expr {
                    self.put(" else ");
                    self.expression(otherwise, &Wanted::passed())?;
                }
            }
            Expr::Filter(filter) => self.filter(filter)?,
            Expr::Test(test) => {
                let Known::Yes(depth, undefined) = names::test(test.name) else {
                    return Err(self.unknown(NameKind::Test, test.name, names::test(test.name), test.span()));
                };
                let what = Use::Test(test.name.to_owned());
                self.expression(&test.expr, &Wanted { depth, what: what.clone(), undefined })?;
                self.put(&format!(" is {}", test.name));
                self.arguments(&test.args, &Wanted::deep(what), None)?;
            }
            Expr::Call(call) => self.call(call)?,
        }
        Ok(())
    }

    fn unknown(&self, kind: NameKind, name: &str, known: Known, span: Span) -> TemplateError {
        let similar = if let Known::No(similar) = known { similar } else { None };
        TemplateError::Unknown { kind, name: name.to_owned(), similar, place: self.place(span) }
    }

    /// The parser takes `not (x)` for a call of `not` in places where only a name can stand (`1 ** not (x)`); printed
    /// in parentheses it would become the operator.
    fn not_a_word(&self, kind: NameKind, name: &str, span: Span) -> Printed {
        if ["not", "and", "or", "in", "is", "if", "else"].contains(&name) {
            return Err(self.unknown(kind, name, Known::No(None), span));
        }
        Ok(())
    }

    fn items(&mut self, open: &str, items: &[Expr<'_>], close: &str) -> Printed {
        self.put(open);
        for item in items {
            self.expression(item, &Wanted::passed())?;
            self.put(",");
        }
        self.put(close);
        Ok(())
    }

    /// Chains such as `a ~ b ~ c` stay flat: the engine's parser allows only so many parentheses in each other.
    fn binary(&mut self, op: BinOpKind, left: &Expr<'_>, right: &Expr<'_>, wanted: &Wanted) -> Printed {
        let (sign, left_wanted, right_wanted) = match op {
            BinOpKind::ScAnd | BinOpKind::ScOr => {
                let sign = if matches!(op, BinOpKind::ScAnd) { " and " } else { " or " };
                let right = if wanted.what == Use::Condition { wanted.clone() } else { Wanted::passed() };
                (sign, Wanted::shallow(Use::Condition), right)
            }
            BinOpKind::Concat => {
                let join = Wanted { depth: Depth::Join, what: Use::Join, undefined: false };
                (" ~ ", join.clone(), join)
            }
            _ => binary_sign(op),
        };
        if let Expr::BinOp(inner) = left
            && chains(inner.op, op)
        {
            self.bare(left, &left_wanted)?;
        } else {
            self.expression(left, &left_wanted)?;
        }
        self.put(sign);
        self.expression(right, &right_wanted)
    }

    fn filter(&mut self, filter: &Spanned<Filter<'_>>) -> Printed {
        let wanted = self.filter_wants(filter)?;
        if let Some(expression) = &filter.expr {
            self.expression(expression, &wanted)?;
            self.put("|");
        }
        self.filter_call(filter, false)
    }

    fn filter_wants(&self, filter: &Spanned<Filter<'_>>) -> Result<Wanted, TemplateError> {
        match names::filter(filter.name) {
            Known::Yes(..) if is_deferred(filter.name) => {
                Ok(Wanted { depth: Depth::None, what: Use::Encoding, undefined: false })
            }
            Known::Yes(depth, undefined) => Ok(Wanted { depth, what: Use::Filter(filter.name.to_owned()), undefined }),
            known => Err(self.unknown(NameKind::Filter, filter.name, known, filter.span())),
        }
    }

    /// A filter's name and arguments; `checked` puts the check of its input, which stands elsewhere, before it.
    pub(super) fn filter_call(&mut self, filter: &Spanned<Filter<'_>>, checked: bool) -> Printed {
        let wanted = self.filter_wants(filter)?;
        if is_deferred(filter.name) {
            if !filter.args.is_empty() {
                let place = self.place(filter.span());
                let function = if filter.name == "b64encode" { "b64encode" } else { "urlencode" };
                return Err(TemplateError::BadArguments {
                    function: function.to_owned(),
                    expected: "no arguments",
                    place,
                });
            }
            let check = self.check(wanted, None, filter.span());
            self.put(&format!("{}({check})", filter.name));
            return Ok(());
        }
        if checked {
            let check = self.check(wanted.clone(), None, filter.span());
            self.put(&format!("{CHECK}({check})|"));
        }
        self.put(filter.name);
        let given = match filter.name {
            "default" | "d" | "chain" | "zip" | "batch" | "slice" => Wanted::passed(),
            _ => Wanted::deep(wanted.what),
        };
        self.arguments(&filter.args, &given, None)
    }

    pub(super) fn call(&mut self, call: &Spanned<Call<'_>>) -> Printed {
        let mut given = Wanted::passed();
        let mut at = None;
        match call.identify_call() {
            CallType::Function(name) => {
                self.not_a_word(NameKind::Function, name, call.span())?;
                self.named_call(name);
                self.put(name);
                let is_ours = matches!(name, "keyring" | "env") || self.book.providers.contains(name);
                match name {
                    // A macro of that name would take no argument of ours.
                    _ if is_ours && !self.book.assigned.contains(name) => {
                        at = Some(self.check(Wanted::deep(Use::Argument), None, call.span()));
                    }
                    "range" => given = Wanted::deep(Use::Argument),
                    _ => {}
                }
            }
            CallType::Method(base, name) => {
                self.base(base, &Wanted::shallow(Use::Lookup))?;
                self.named_call(name);
                self.put(&format!(".{name}"));
                if name == "changed" {
                    given = Wanted::deep(Use::Comparison);
                }
            }
            CallType::Object(callee) => self.base(callee, &Wanted::shallow(Use::Lookup))?,
            CallType::Block(_) => {
                return Err(TemplateError::Unsupported { tag: "self", place: self.place(call.span()) });
            }
        }
        if call.args.is_empty() && at.is_none() {
            self.put("()");
        }
        self.arguments(&call.args, &given, at)
    }

    fn arguments(&mut self, arguments: &[CallArg<'_>], wanted: &Wanted, at: Option<usize>) -> Printed {
        if arguments.is_empty() && at.is_none() {
            return Ok(());
        }
        self.put("(");
        let mut at = at;
        for argument in arguments {
            if matches!(argument, CallArg::Kwarg(..) | CallArg::KwargSplat(_)) {
                self.at(&mut at);
            }
            let value = match argument {
                CallArg::Pos(value) => value,
                CallArg::Kwarg(name, value) => {
                    self.put(&format!("{name}="));
                    value
                }
                CallArg::PosSplat(value) => {
                    self.put("*");
                    value
                }
                CallArg::KwargSplat(value) => {
                    self.put("**");
                    value
                }
            };
            self.expression(value, wanted)?;
            self.put(",");
        }
        self.at(&mut at);
        self.put(")");
        Ok(())
    }

    fn at(&mut self, at: &mut Option<usize>) {
        if let Some(at) = at.take() {
            self.put(&format!("{AT}={at},"));
        }
    }

    fn constant(&mut self, value: &Value, span: Span) -> Printed {
        match (value.kind(), value.as_str()) {
            (_, Some(text)) => {
                let literal = literal(text);
                self.put(&literal);
            }
            (ValueKind::Bool, _) => self.put(if value.is_true() { "true" } else { "false" }),
            (ValueKind::None, _) => self.put("none"),
            (ValueKind::Number, _) if value.to_string().bytes().any(|byte| byte == b'n') => {
                return Err(TemplateError::Exceeded { limit: Limit::Value, place: self.place(span) });
            }
            (ValueKind::Number, _) => self.put(&format!("({value})")),
            (kind, _) => {
                let what = format!("a constant of kind {kind} is not supported");
                return Err(TemplateError::Engine { what, place: self.place(span) });
            }
        }
        Ok(())
    }
}
