//! The OpenAPI 3.1 document, made from the table of endpoints.

use serde_json::{Map, Value, json};
use utoipa::{PartialSchema, ToSchema};

use crate::endpoint::{Auth, ENDPOINTS, EndpointInfo};
use crate::error::ApiError;

/// The document as JSON text.
pub fn document() -> String {
    let mut paths = Map::new();
    for info in ENDPOINTS {
        let item = paths.entry(info.path).or_insert_with(|| json!({}));
        item[info.method.as_str().to_lowercase()] = operation(info);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "SecureVault",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The API between SecureVault's clients and server. Binary bodies are \
                            specified in docs/spec.",
        },
        "paths": paths,
        "components": {
            "securitySchemes": {
                "session": { "type": "http", "scheme": "bearer" },
                "page": { "type": "apiKey", "in": "cookie", "name": "__Host-securevault" },
            },
            "schemas": named_schemas(),
        },
    })
    .to_string()
}

fn named_schemas() -> Map<String, Value> {
    let mut named = Vec::new();
    ApiError::schemas(&mut named);
    for info in ENDPOINTS {
        (info.named_schemas)(&mut named);
    }
    named
        .into_iter()
        .map(|(name, schema)| (name, json!(schema)))
        .collect()
}

fn operation(info: &EndpointInfo) -> Value {
    let mut operation = json!({
        "operationId": info.name,
        "summary": info.summary.trim(),
        "parameters": parameters(info.path),
        "responses": {
            "200": response(info),
            "default": {
                "description": "Refused, with a code.",
                "content": { "application/json": { "schema": ApiError::schema() } },
            },
        },
    });
    if info.auth != Auth::Public {
        operation["security"] = json!([{ "session": [] }, { "page": [] }]);
    }
    if !info.request_type.is_empty() {
        operation["requestBody"] = json!({
            "required": true,
            "content": { info.request_type: content((info.request_schema)()) },
        });
    }
    operation
}

fn response(info: &EndpointInfo) -> Value {
    if info.response_type.is_empty() {
        return json!({ "description": "Done." });
    }
    json!({
        "description": "Done.",
        "content": { info.response_type: content((info.response_schema)()) },
    })
}

fn content(schema: Option<utoipa::openapi::RefOr<utoipa::openapi::Schema>>) -> Value {
    match schema {
        Some(schema) => json!({ "schema": schema }),
        None => json!({ "schema": { "type": "string", "format": "binary" } }),
    }
}

fn parameters(path: &str) -> Vec<Value> {
    path.split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| {
            json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reference_leads_somewhere() {
        let text = document();
        let document: Value = serde_json::from_str(&text).unwrap();
        for reference in text.split("\"$ref\":\"#").skip(1) {
            let pointer = reference.split('"').next().unwrap();
            assert!(document.pointer(pointer).is_some(), "{pointer}");
        }
        assert_eq!(document["openapi"], "3.1.0");
    }
}
