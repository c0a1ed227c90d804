//! Checks an expression before it is stored: that it only uses what this server evaluates as the real one
//! does, and that the fields it names exist.

use cel::IdedExpr;
use cel::common::ast::{ComprehensionExpr, EntryExpr, Expr};

use super::cel_value::{RESOURCE_FIELDS, unescape};
use super::rule::Place;
use super::structural::{Kind, Structural};

/// Operators and functions with the same meaning here and there. Kubernetes has more: its own libraries
/// (quantities, IPs, URLs, regular expressions over strings, list helpers) and times.
const MODELLED: [&str; 41] = [
    "_==_",
    "_!=_",
    "_<_",
    "_<=_",
    "_>_",
    "_>=_",
    "_&&_",
    "_||_",
    "!_",
    "-_",
    "_+_",
    "_-_",
    "_*_",
    "_/_",
    "_%_",
    "_?_:_",
    "@in",
    "_[_]",
    "_[?_]",
    "_?._",
    "@not_strictly_false",
    "size",
    "contains",
    "startsWith",
    "endsWith",
    "matches",
    "int",
    "uint",
    "double",
    "string",
    "bool",
    "type",
    "dyn",
    "hasValue",
    "value",
    "or",
    "orValue",
    "of",
    "none",
    "ofNonZeroValue",
    "has",
];

/// Names that are no variables.
const TYPE_NAMES: [&str; 10] =
    ["int", "uint", "double", "bool", "string", "bytes", "list", "map", "null_type", "optional"];

/// Formats whose values have a CEL type of their own, which is not modelled.
const TYPED_FORMATS: [&str; 5] = ["date-time", "datetime", "date", "duration", "byte"];

/// Why an expression is refused.
#[derive(Debug)]
pub(super) enum Problem {
    /// The real server would refuse it too.
    Undeclared {
        /// Where it stands.
        expression: u64,
        /// What is wrong.
        words: String,
    },
    /// The real server would evaluate it; this one cannot.
    NotModelled(String),
}

/// Checks an expression over `self`, and `oldSelf`, of a schema.
pub(super) fn check(
    expression: &IdedExpr,
    schema: &Structural,
    place: Place,
    optional_old_self: bool,
) -> Result<(), Problem> {
    let this = Type::Node(schema, place);
    let old = if optional_old_self { Type::Any } else { this };
    let mut scope = vec![("self".to_owned(), this), ("oldSelf".to_owned(), old)];
    Checker { scope: &mut scope }.visit(expression).map(|_| ())
}

/// What is known of an expression's type.
#[derive(Debug, Clone, Copy)]
enum Type<'a> {
    Any,
    Node(&'a Structural, Place),
}

struct Checker<'a, 's> {
    scope: &'s mut Vec<(String, Type<'a>)>,
}

impl<'a> Checker<'a, '_> {
    fn visit(&mut self, expression: &IdedExpr) -> Result<Type<'a>, Problem> {
        match &expression.expr {
            Expr::Ident(name) => self.ident(name, expression.id),
            Expr::Select(select) => {
                let of = self.visit(&select.operand)?;
                field(of, &select.field, expression.id)
            }
            Expr::Call(call) => {
                if !MODELLED.contains(&call.func_name.as_str()) {
                    return Err(Problem::NotModelled(format!("function {}", call.func_name)));
                }
                let target = call.target.as_deref().map(|target| self.visit(target)).transpose()?;
                let mut arguments = Vec::new();
                for argument in &call.args {
                    arguments.push(self.visit(argument)?);
                }
                Ok(match (call.func_name.as_str(), target.or(arguments.first().copied())) {
                    ("_[_]", Some(of)) => element(of),
                    _ => Type::Any,
                })
            }
            Expr::Comprehension(comprehension) => self.comprehension(comprehension),
            Expr::List(list) => {
                for element in &list.elements {
                    self.visit(element)?;
                }
                Ok(Type::Any)
            }
            Expr::Map(map) => {
                for entry in &map.entries {
                    self.entry(&entry.expr)?;
                }
                Ok(Type::Any)
            }
            Expr::Struct(structure) => {
                Err(Problem::NotModelled(format!("a message of type {}", structure.type_name)))
            }
            Expr::Literal(_) | Expr::Unspecified => Ok(Type::Any),
        }
    }

    fn ident(&self, name: &str, expression: u64) -> Result<Type<'a>, Problem> {
        if let Some((_, ty)) = self.scope.iter().rev().find(|(known, _)| known == name) {
            return match ty {
                Type::Node(schema, _) => modelled(schema).map(|()| *ty),
                Type::Any => Ok(Type::Any),
            };
        }
        if name.starts_with('@') || TYPE_NAMES.contains(&name) {
            return Ok(Type::Any);
        }
        Err(Problem::Undeclared {
            expression,
            words: format!("undeclared reference to '{name}' (in container '')"),
        })
    }

    fn entry(&mut self, entry: &EntryExpr) -> Result<(), Problem> {
        match entry {
            EntryExpr::MapEntry(entry) => {
                self.visit(&entry.key)?;
                self.visit(&entry.value)?;
            }
            EntryExpr::StructField(field) => {
                self.visit(&field.value)?;
            }
        }
        Ok(())
    }

    fn comprehension(&mut self, comprehension: &ComprehensionExpr) -> Result<Type<'a>, Problem> {
        let range = self.visit(&comprehension.iter_range)?;
        self.visit(&comprehension.accu_init)?;
        let depth = self.scope.len();
        // Over a map, the variable is the key; over a list, the item.
        let item = match range {
            Type::Node(schema, _) if schema.kind == Some(Kind::Array) => element(range),
            _ => Type::Any,
        };
        self.scope.push((comprehension.iter_var.clone(), item));
        if let Some(second) = &comprehension.iter_var2 {
            self.scope.push((second.clone(), Type::Any));
        }
        self.scope.push((comprehension.accu_var.clone(), Type::Any));
        for part in [&comprehension.loop_cond, &comprehension.loop_step, &comprehension.result] {
            self.visit(part)?;
        }
        self.scope.truncate(depth);
        Ok(Type::Any)
    }
}

fn field<'a>(of: Type<'a>, name: &str, expression: u64) -> Result<Type<'a>, Problem> {
    let Type::Node(schema, place) = of else { return Ok(Type::Any) };
    let name = unescape(name);
    let below = match schema.properties.get(&name).or_else(|| schema.additional.schema()) {
        Some(below) => below,
        None if place == Place::Resource && RESOURCE_FIELDS.contains(&name.as_str()) => return Ok(Type::Any),
        None if schema.int_or_string => return Ok(Type::Any),
        None => return Err(Problem::Undeclared { expression, words: format!("undefined field '{name}'") }),
    };
    modelled(below)?;
    Ok(Type::Node(below, Place::Inside))
}

fn element(of: Type<'_>) -> Type<'_> {
    let Type::Node(schema, _) = of else { return Type::Any };
    match schema.items.as_deref().or_else(|| schema.additional.schema()) {
        Some(below) => Type::Node(below, Place::Inside),
        None => Type::Any,
    }
}

fn modelled(schema: &Structural) -> Result<(), Problem> {
    match schema.checks.format.as_deref() {
        Some(format) if TYPED_FORMATS.contains(&format) => {
            Err(Problem::NotModelled(format!("format {format} in a rule")))
        }
        _ => Ok(()),
    }
}
