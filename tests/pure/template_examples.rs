//! The examples in `templates/` compile, and ask for the secrets that they seem to ask for.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use keystencil::document::{Document, Pointer};
use keystencil::template::{Blueprint, Template, Variables, compile};
use std::path::Path;

fn example(name: &str, os: &str, home: &str) -> Blueprint {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates").join(name);
    let text = std::fs::read_to_string(&path).unwrap();
    let variables = Variables { os: os.to_owned(), home: home.to_owned(), ..Variables::default() };
    compile(Template { name: &path, text: &text }, &variables, &|_| Err(std::io::ErrorKind::NotFound.into())).unwrap()
}

fn slots(blueprint: &Blueprint) -> Vec<(String, String)> {
    blueprint.slots.iter().map(|slot| (slot.pointer.to_string(), slot.placeholder())).collect()
}

fn assert_slots(blueprint: &Blueprint, expected: &[(&str, &str)]) {
    let expected: Vec<_> = expected.iter().map(|(at, text)| ((*at).to_owned(), (*text).to_owned())).collect();
    assert_eq!(slots(blueprint), expected);
    let document = Document::parse(blueprint.document.as_bytes()).unwrap();
    for slot in &blueprint.slots {
        assert_eq!(document.find(&slot.pointer).unwrap().as_str().unwrap(), slot.placeholder());
    }
}

#[test]
fn every_example_is_tested_here() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    let mut names: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["claude-desktop.json", "claude.json", "cursor.json", "gemini-settings.json", "vscode-mcp.json"]);
}

#[test]
fn claude_code_has_stdio_http_and_local_servers() {
    let blueprint = example("claude.json", "linux", "/home/ada");
    assert_slots(
        &blueprint,
        &[
            ("/mcpServers/github/env/GITHUB_PERSONAL_ACCESS_TOKEN", "<< keyring('github') >>"),
            ("/mcpServers/brave-search/env/BRAVE_API_KEY", "<< keyring('brave-search') >>"),
            ("/mcpServers/sentry/headers/Authorization", "Bearer << keyring('sentry') >>"),
            (
                "/projects/~1home~1ada~1src~1shop/mcpServers/postgres/args/2",
                "postgresql://shop:<< keyring('postgres', 'shop') | urlencode >>@localhost:5432/shop",
            ),
        ],
    );
}

#[test]
fn claude_desktop_starts_npx_as_the_system_wants_it() {
    let key = ("/mcpServers/openai/env/OPENAI_API_KEY", "<< keyring('openai') >>");
    let command = Pointer::parse("/mcpServers/filesystem/command").unwrap();
    let folder = Pointer::parse("/mcpServers/filesystem/args/4").unwrap();
    let windows = example("claude-desktop.json", "windows", r"C:\Users\ada");
    assert_slots(&windows, &[key]);
    let document = Document::parse(windows.document.as_bytes()).unwrap();
    assert_eq!(document.find(&command).unwrap().as_str().unwrap(), "cmd");
    assert_eq!(document.find(&folder).unwrap().as_str().unwrap(), r"C:\Users\ada");
    let mac = example("claude-desktop.json", "macos", "/Users/ada");
    assert_slots(&mac, &[key]);
    assert_eq!(Document::parse(mac.document.as_bytes()).unwrap().find(&command).unwrap().as_str().unwrap(), "npx");
}

#[test]
fn cursor_shares_a_header_by_a_macro() {
    assert_slots(
        &example("cursor.json", "linux", "/home/ada"),
        &[
            ("/mcpServers/github/headers/Authorization", "Bearer << keyring('github') >>"),
            ("/mcpServers/linear/headers/Authorization", "Bearer << keyring('linear') >>"),
            (
                "/mcpServers/postgres/env/DATABASE_URI",
                "postgresql://app:<< keyring('postgres') | urlencode >>@localhost:5432/app",
            ),
        ],
    );
}

#[test]
fn visual_studio_code_calls_them_servers() {
    assert_slots(
        &example("vscode-mcp.json", "linux", "/home/ada"),
        &[
            ("/servers/github/headers/Authorization", "Bearer << keyring('github') >>"),
            ("/servers/azure-devops/env/ADO_MCP_AUTH_TOKEN", "<< keyring('azure-devops') >>"),
            (
                "/servers/confluence/headers/Authorization",
                "Basic << keyring('confluence', 'user-and-token') | b64encode >>",
            ),
        ],
    );
}

#[test]
fn gemini_makes_a_server_of_each_name_in_a_list() {
    assert_slots(
        &example("gemini-settings.json", "linux", "/home/ada"),
        &[
            ("/mcpServers/github/headers/Authorization", "Bearer << keyring('github') >>"),
            ("/mcpServers/stripe/headers/Authorization", "Bearer << keyring('stripe') >>"),
            ("/mcpServers/notion/env/NOTION_TOKEN", "<< env('NOTION_TOKEN') >>"),
        ],
    );
}
