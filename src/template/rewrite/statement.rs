//! Statements, printed with the checks of their expressions.

use super::{Printer, Wanted};
use crate::template::error::{TemplateError, Use};
use crate::template::names::PRINT;
use minijinja::machinery::Span;
use minijinja::machinery::ast::{CallBlock, Expr, ForLoop, IfCond, Macro, Spanned, Stmt};

type Printed = Result<(), TemplateError>;

impl Printer<'_> {
    /// Nobody prints a number or a word of a template by an expression: in a JSON string, `cat <<'EOF' >>log` and
    /// `1 << 2 >> 3` are text that looks like one.
    fn is_meant(&self, printed: &Expr<'_>) -> Printed {
        let Expr::Const(constant) = printed else { return Ok(()) };
        let is_word = |text: &str| text.chars().all(|c| c.is_alphanumeric() || "_-".contains(c));
        let is_plain = constant.value.as_str().is_none_or(is_word);
        if is_plain && self.clean.is_offset_in_string(constant.span().start_offset as usize) {
            return Err(TemplateError::Ambiguous { place: self.place(constant.span()) });
        }
        Ok(())
    }

    pub(super) fn statement(&mut self, statement: &Stmt<'_>) -> Printed {
        match statement {
            Stmt::Template(template) => self.body(&template.children),
            Stmt::EmitRaw(raw) => {
                self.chunk(raw.raw);
                Ok(())
            }
            Stmt::EmitExpr(emit) => {
                self.is_meant(&emit.expr)?;
                self.put("{{");
                self.line(emit.span());
                self.printed(&emit.expr)?;
                self.put("}}");
                Ok(())
            }
            Stmt::ForLoop(for_loop) => self.for_loop(for_loop),
            Stmt::IfCond(condition) => self.condition(condition),
            Stmt::WithBlock(with) => {
                self.put("{% with");
                for (index, (target, value)) in with.assignments.iter().enumerate() {
                    self.put(if index == 0 { " " } else { "," });
                    self.target(target);
                    self.put("=");
                    self.expression(value, &Wanted::passed())?;
                }
                self.put("%}");
                self.body(&with.body)?;
                self.put("{% endwith %}");
                Ok(())
            }
            Stmt::Set(set) => {
                self.tag("set", set.span());
                self.target(&set.target);
                self.put("=");
                self.expression(&set.expr, &Wanted::passed())?;
                self.put("%}");
                Ok(())
            }
            Stmt::SetBlock(set) => {
                self.tag("set", set.span());
                self.target(&set.target);
                if let Some(filter) = &set.filter {
                    self.put("|");
                    self.chain(filter)?;
                }
                self.put("%}");
                self.body(&set.body)?;
                self.put("{% endset %}");
                Ok(())
            }
            Stmt::FilterBlock(block) => {
                let check = self.check(Wanted::passed(), None, block.span());
                self.tag("filter", block.span());
                self.chain(&block.filter)?;
                self.put(&format!("|{PRINT}({check})%}}"));
                self.body(&block.body)?;
                self.put("{% endfilter %}");
                Ok(())
            }
            Stmt::Import(import) => {
                self.tag("import", import.span());
                self.expression(&import.expr, &Wanted::deep(Use::Include))?;
                self.put(" as ");
                self.target(&import.name);
                self.put("%}");
                Ok(())
            }
            Stmt::FromImport(import) => {
                self.tag("from", import.span());
                self.expression(&import.expr, &Wanted::deep(Use::Include))?;
                self.put(" import ");
                for (name, alias) in &import.names {
                    self.target(name);
                    if let Some(alias) = alias {
                        self.put(" as ");
                        self.target(alias);
                    }
                    self.put(",");
                }
                self.put("%}");
                Ok(())
            }
            Stmt::Include(include) => {
                self.tag("include", include.span());
                self.expression(&include.name, &Wanted::deep(Use::Include))?;
                self.put(if include.ignore_missing { " ignore missing%}" } else { "%}" });
                Ok(())
            }
            Stmt::Macro(declaration) => {
                self.tag("macro", declaration.span());
                self.put(declaration.name);
                self.assign(declaration.name);
                self.parameters(declaration)?;
                self.put("%}");
                self.body(&declaration.body)?;
                self.put("{% endmacro %}");
                Ok(())
            }
            Stmt::CallBlock(block) => self.call_block(block),
            Stmt::Do(statement) => {
                self.tag("do", statement.span());
                self.call(&statement.call)?;
                self.put("%}");
                Ok(())
            }
            Stmt::AutoEscape(tag) => self.unsupported("autoescape", tag.span()),
            Stmt::Block(tag) => self.unsupported("block", tag.span()),
            Stmt::Extends(tag) => self.unsupported("extends", tag.span()),
        }
    }

    /// Opens a tag, on a line that stands for it.
    fn tag(&mut self, word: &str, span: Span) {
        self.put("{%");
        self.line(span);
        self.put(word);
        self.put(" ");
    }

    fn unsupported(&self, tag: &'static str, span: Span) -> Printed {
        Err(TemplateError::Unsupported { tag, place: self.place(span) })
    }

    fn body(&mut self, statements: &[Stmt<'_>]) -> Printed {
        statements.iter().try_for_each(|statement| self.statement(statement))
    }

    fn for_loop(&mut self, statement: &Spanned<ForLoop<'_>>) -> Printed {
        self.tag("for", statement.span());
        self.target(&statement.target);
        self.put(" in (");
        self.expression(&statement.iter, &Wanted::shallow(Use::Loop))?;
        self.put(")");
        if let Some(filter) = &statement.filter_expr {
            self.put(" if (");
            self.expression(filter, &Wanted::shallow(Use::Condition))?;
            self.put(")");
        }
        self.put(if statement.recursive { " recursive%}" } else { "%}" });
        self.body(&statement.body)?;
        if !statement.else_body.is_empty() {
            self.put("{% else %}");
            self.body(&statement.else_body)?;
        }
        self.put("{% endfor %}");
        Ok(())
    }

    /// `elif` is an `if` alone in an `else`; it is printed as `elif` again, or the branches would nest too deeply.
    fn condition(&mut self, statement: &Spanned<IfCond<'_>>) -> Printed {
        let mut current = statement;
        let mut word = "if";
        loop {
            self.tag(word, current.span());
            self.put("(");
            self.expression(&current.expr, &Wanted::shallow(Use::Condition))?;
            self.put(")%}");
            self.body(&current.true_body)?;
            match current.false_body.as_slice() {
                [] => break,
                [Stmt::IfCond(next)] => {
                    word = "elif";
                    current = next;
                }
                body => {
                    self.put("{% else %}");
                    self.body(body)?;
                    break;
                }
            }
        }
        self.put("{% endif %}");
        Ok(())
    }

    fn call_block(&mut self, block: &Spanned<CallBlock<'_>>) -> Printed {
        self.tag("call", block.span());
        self.parameters(&block.macro_decl)?;
        self.put(" ");
        self.call(&block.call)?;
        self.put("%}");
        self.body(&block.macro_decl.body)?;
        self.put("{% endcall %}");
        Ok(())
    }

    /// The parameters of a macro; the last ones have the defaults.
    fn parameters(&mut self, declaration: &Macro<'_>) -> Printed {
        self.put("(");
        let without = declaration.args.len().saturating_sub(declaration.defaults.len());
        for (index, parameter) in declaration.args.iter().enumerate() {
            self.target(parameter);
            if let Some(default) = index.checked_sub(without).and_then(|index| declaration.defaults.get(index)) {
                self.put("=");
                self.expression(default, &Wanted::passed())?;
            }
            self.put(",");
        }
        self.put(")");
        Ok(())
    }

    fn assign(&mut self, name: &str) {
        self.book.variables.insert(name.to_owned());
        self.book.assigned.insert(name.to_owned());
    }

    /// What is assigned to: a name, `namespace.name`, or several in parentheses.
    fn target(&mut self, target: &Expr<'_>) {
        match target {
            Expr::Var(variable) => {
                self.assign(variable.id);
                self.put(variable.id);
            }
            Expr::GetAttr(lookup) => {
                self.target(&lookup.expr);
                self.put(&format!(".{}", lookup.name));
            }
            Expr::List(list) => {
                self.put("(");
                for item in &list.items {
                    self.target(item);
                    self.put(",");
                }
                self.put(")");
            }
            // The parser makes no other targets.
            _ => {}
        }
    }

    /// The filters of `<% filter a | b %>` or `<% set x | a %>`, flat as the parser wants them.
    fn chain(&mut self, filter: &Expr<'_>) -> Printed {
        let Expr::Filter(filter) = filter else { return Ok(()) };
        if let Some(before) = &filter.expr {
            self.chain(before)?;
            self.put("|");
        }
        self.filter_call(filter, true)
    }
}
