//! Which JSON values a generated text may hold: a part of JSON Schema.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Most levels of values inside values.
const MOST_LEVELS: usize = 12;
/// Most texts that a choice is among.
const MOST_CHOICES: usize = 64;

/// The values that are allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JsonShape {
    /// Any value.
    #[default]
    Any,
    /// Any text.
    Text,
    /// Any number.
    Number,
    /// A whole number.
    Integer,
    /// True or false.
    Boolean,
    /// One of some texts.
    OneOf(Vec<String>),
    /// Any number of values of one shape.
    List(Box<Self>),
    /// Exactly these fields, in this order.
    Object(Vec<(String, Self)>),
}

/// Why a schema cannot be held to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("schema at {at:?}: {why}")]
pub struct JsonShapeError {
    /// Where, as the names of the fields that lead there.
    pub at: String,
    /// What is wrong there.
    pub why: String,
}

impl JsonShape {
    /// Reads a JSON Schema: `type` (object, string, number, integer, boolean, array), `properties`,
    /// `items`, `enum` of texts. All properties are written, whether required or not.
    ///
    /// # Errors
    /// [`JsonShapeError`] for what is not among these, for too many choices and too deep nesting.
    pub fn from_schema(schema: &Value) -> Result<Self, JsonShapeError> {
        let shape = read(schema, "")?;
        shape.check()?;
        Ok(shape)
    }

    /// Whether it can be held to: not too deep, no empty or too long choices.
    ///
    /// # Errors
    /// [`JsonShapeError`] says where not.
    pub fn check(&self) -> Result<(), JsonShapeError> {
        self.check_level("", MOST_LEVELS)
    }

    fn check_level(&self, at: &str, levels: usize) -> Result<(), JsonShapeError> {
        let Some(inside) = levels.checked_sub(1) else {
            return Err(error(at, "values are nested too deep"));
        };
        match self {
            Self::OneOf(texts) if texts.is_empty() || texts.len() > MOST_CHOICES => {
                Err(error(at, "a choice is among 1 to 64 texts"))
            }
            Self::List(item) => item.check_level(&format!("{at}[]"), inside),
            Self::Object(fields) => fields
                .iter()
                .try_for_each(|(name, shape)| shape.check_level(&format!("{at}.{name}"), inside)),
            _ => Ok(()),
        }
    }
}

fn error(at: &str, why: &str) -> JsonShapeError {
    JsonShapeError {
        at: at.to_owned(),
        why: why.to_owned(),
    }
}

fn read(schema: &Value, at: &str) -> Result<JsonShape, JsonShapeError> {
    if at.len() > 4096 {
        return Err(error(&at[..64.min(at.len())], "values are nested too deep"));
    }
    if let Some(choices) = schema.get("enum") {
        let texts = choices.as_array().map(|texts| {
            let texts = texts.iter().map(|text| text.as_str().map(str::to_owned));
            texts.collect::<Option<Vec<_>>>()
        });
        let texts = texts
            .flatten()
            .ok_or_else(|| error(at, "enum lists texts"))?;
        return Ok(JsonShape::OneOf(texts));
    }
    match schema.get("type").and_then(Value::as_str) {
        Some("string") => Ok(JsonShape::Text),
        Some("number") => Ok(JsonShape::Number),
        Some("integer") => Ok(JsonShape::Integer),
        Some("boolean") => Ok(JsonShape::Boolean),
        Some("array") => {
            let items = schema.get("items").unwrap_or(&Value::Bool(true));
            Ok(JsonShape::List(Box::new(read(items, &format!("{at}[]"))?)))
        }
        Some("object") => {
            let fields = schema.get("properties").and_then(Value::as_object);
            let Some(fields) = fields else {
                return Err(error(at, "an object has properties"));
            };
            let fields = fields.iter().map(|(name, schema)| {
                let shape = read(schema, &format!("{at}.{name}"))?;
                Ok((name.clone(), shape))
            });
            Ok(JsonShape::Object(fields.collect::<Result<_, _>>()?))
        }
        Some(other) => Err(error(at, &format!("type {other:?} is not known"))),
        None if schema.as_bool() == Some(true)
            || schema.as_object().is_some_and(serde_json::Map::is_empty) =>
        {
            Ok(JsonShape::Any)
        }
        None => Err(error(at, "it has neither type nor enum")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn schemas_are_read_or_refused_with_the_place() {
        let schema = json!({"type": "object", "properties": {
            "name": {"type": "string"},
            "tags": {"type": "array", "items": {"enum": ["a", "b"]}},
            "more": {"type": "array"},
        }});
        let tags = JsonShape::OneOf(vec!["a".into(), "b".into()]);
        let JsonShape::Object(mut fields) = JsonShape::from_schema(&schema).unwrap() else {
            panic!("it is an object")
        };
        fields.sort_by(|a, b| a.0.cmp(&b.0));
        assert_eq!(
            fields,
            [
                ("more".into(), JsonShape::List(Box::new(JsonShape::Any))),
                ("name".into(), JsonShape::Text),
                ("tags".into(), JsonShape::List(Box::new(tags))),
            ]
        );
        let mut deep = json!({"type": "string"});
        for _ in 0..20 {
            deep = json!({"type": "array", "items": deep});
        }
        for (schema, expected) in [
            (
                json!({"type": "object", "properties": {"a": {"type": "date"}}}),
                "schema at \".a\": type \"date\"",
            ),
            (json!({"enum": []}), "1 to 64"),
            (json!({"enum": [1]}), "enum lists texts"),
            (json!({"anyOf": []}), "neither type nor enum"),
            (deep, "too deep"),
        ] {
            let error = JsonShape::from_schema(&schema).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
