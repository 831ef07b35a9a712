//! Operators and literals: how they are written, and what an operator wants of its operands.

use super::Wanted;
use crate::template::book::Depth;
use crate::template::error::{NameKind, Use};
use minijinja::machinery::ast::{BinOpKind, CompareOpKind, Expr};

/// Filters that make a new reference out of one.
pub(super) fn is_deferred(name: &str) -> bool {
    matches!(name, "b64encode" | "urlencode")
}

/// A string literal of the template language.
pub(super) fn literal(text: &str) -> String {
    let mut literal = String::with_capacity(text.len() + 2);
    literal.push('"');
    for char in text.chars() {
        match char {
            '"' | '\\' => literal.extend(['\\', char]),
            char if char.is_control() => literal.push_str(&format!("\\u{:04x}", u32::from(char))),
            char => literal.push(char),
        }
    }
    literal.push('"');
    literal
}

/// How the template calls a value, for an error that says it is undefined.
pub(super) fn name_of(expression: &Expr<'_>) -> Option<(NameKind, String)> {
    match expression {
        Expr::Var(variable) => Some((NameKind::Variable, variable.id.to_owned())),
        Expr::GetAttr(lookup) => Some((NameKind::Attribute, lookup.name.to_owned())),
        Expr::GetItem(lookup) => match &lookup.subscript_expr {
            Expr::Const(key) => Some((NameKind::Attribute, key.value.as_str()?.to_owned())),
            _ => None,
        },
        _ => None,
    }
}

/// Whether `(a inner b) outer c` may lose its parentheses.
pub(super) fn chains(inner: BinOpKind, outer: BinOpKind) -> bool {
    use BinOpKind::{Add, Concat, Mul, ScAnd, ScOr, Sub};
    matches!((inner, outer), (Concat, Concat) | (Add | Sub, Add | Sub) | (Mul, Mul) | (ScAnd, ScAnd) | (ScOr, ScOr))
}

/// An operator, and what it wants of its left and right operand.
pub(super) fn binary_sign(op: BinOpKind) -> (&'static str, Wanted, Wanted) {
    let (sign, what) = match op {
        BinOpKind::Eq => (" == ", Use::Comparison),
        BinOpKind::Ne => (" != ", Use::Comparison),
        BinOpKind::Lt => (" < ", Use::Comparison),
        BinOpKind::Lte => (" <= ", Use::Comparison),
        BinOpKind::Gt => (" > ", Use::Comparison),
        BinOpKind::Gte => (" >= ", Use::Comparison),
        BinOpKind::In => {
            let keys = Wanted { depth: Depth::Keys, what: Use::Membership, undefined: false };
            return (" in ", Wanted::deep(Use::Membership), keys);
        }
        // Lists may be joined and repeated, whatever they hold.
        BinOpKind::Add => return (" + ", Wanted::shallow(Use::Arithmetic), Wanted::shallow(Use::Arithmetic)),
        BinOpKind::Mul => return (" * ", Wanted::shallow(Use::Arithmetic), Wanted::shallow(Use::Arithmetic)),
        BinOpKind::Sub => (" - ", Use::Arithmetic),
        BinOpKind::Div => (" / ", Use::Arithmetic),
        BinOpKind::FloorDiv => (" // ", Use::Arithmetic),
        BinOpKind::Rem => (" % ", Use::Arithmetic),
        BinOpKind::Pow => (" ** ", Use::Arithmetic),
        BinOpKind::ScAnd => (" and ", Use::Condition),
        BinOpKind::ScOr => (" or ", Use::Condition),
        BinOpKind::Concat => (" ~ ", Use::Join),
    };
    (sign, Wanted::deep(what.clone()), Wanted::deep(what))
}

/// The same in a chain such as `a < b < c`, for the right operand.
pub(super) fn comparison_sign(op: CompareOpKind) -> (&'static str, Wanted) {
    let (sign, _, wanted) = match op {
        CompareOpKind::Eq => binary_sign(BinOpKind::Eq),
        CompareOpKind::Ne => binary_sign(BinOpKind::Ne),
        CompareOpKind::Lt => binary_sign(BinOpKind::Lt),
        CompareOpKind::Lte => binary_sign(BinOpKind::Lte),
        CompareOpKind::Gt => binary_sign(BinOpKind::Gt),
        CompareOpKind::Gte => binary_sign(BinOpKind::Gte),
        CompareOpKind::In => binary_sign(BinOpKind::In),
        CompareOpKind::NotIn => (" not in ", Wanted::deep(Use::Membership), binary_sign(BinOpKind::In).2),
    };
    (sign, wanted)
}
