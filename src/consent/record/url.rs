//! Whether two URLs lead to the same place. By their text alone: nothing is decoded, so what is written in two ways is two
//! places, and at worst a header is not sent.

use super::text::fits;
use crate::consent::holes::holes;

/// A URL in its parts, as far as they decide where a request goes.
struct Parts<'u> {
    scheme: String,
    /// What stands before the host: a request there is another one.
    user: &'u str,
    host: String,
    port: &'u str,
    path: &'u str,
}

fn parts(url: &str) -> Option<Parts<'_>> {
    let is_plain = |c: char| !c.is_control() && !c.is_whitespace() && c != '\\';
    if !url.chars().all(is_plain) {
        return None;
    }
    let (scheme, rest) = url.split_once("://")?;
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let in_brackets = host.rfind(']').map_or(0, |end| end + 1);
    let (host, port) = match host.get(in_brackets..)?.rfind(':') {
        Some(colon) => (host.get(..in_brackets + colon)?, host.get(in_brackets + colon + 1..)?),
        None => (host, ""),
    };
    let scheme = scheme.to_ascii_lowercase();
    let usual = match scheme.as_str() {
        "https" | "wss" => "443",
        "http" | "ws" => "80",
        _ => "",
    };
    let port = if port.is_empty() { usual } else { port };
    let host = host.to_ascii_lowercase();
    (!host.is_empty()).then_some(Parts { scheme, user, host, port, path: if path.is_empty() { "/" } else { path } })
}

/// A URL as it is kept: scheme, host and port in one notation, and the path; nothing of a query. `None` if it is none, or
/// holds a user.
pub(super) fn split(url: &str) -> Option<(String, &str)> {
    let Parts { scheme, user, host, port, path } = parts(url)?;
    user.is_empty().then(|| (format!("{scheme}://{host}:{port}"), path))
}

/// Whether a URL that a host names is the one that was allowed, in scheme, host, port and path.
pub(super) fn leads_to(origin: &str, path: &str, named: &str) -> bool {
    let Some((theirs, named)) = split(named) else { return false };
    if theirs != origin {
        return false;
    }
    if holes(path).is_empty() {
        return fits(path, named);
    }
    // A hole reaches to the end of a segment and no farther.
    let is_step = |step: &str| step == "." || step == "..";
    let (written, named) = (path.split('/'), named.split('/'));
    written.clone().count() == named.clone().count()
        && written.zip(named).all(|(written, named)| fits(written, named) && !is_step(named))
}

#[cfg(test)]
mod tests {
    use super::{leads_to, split};

    fn same(written: &str, named: &str) -> bool {
        split(written).is_some_and(|(origin, path)| leads_to(&origin, path, named))
    }

    #[test]
    fn only_scheme_host_port_and_path_count() {
        let allowed = "https://mcp.example.com/v1/mcp";
        for url in [
            allowed,
            "HTTPS://MCP.example.com:443/v1/mcp",
            "https://mcp.example.com/v1/mcp?session=1",
            "https://mcp.example.com/v1/mcp#x",
        ] {
            assert!(same(allowed, url), "{url}");
        }
        for url in [
            "",
            "https://",
            "http://mcp.example.com/v1/mcp",
            "https://mcp.example.com:8443/v1/mcp",
            "https://mcp.example.com/v1/mcp/",
            "https://mcp.example.com/v1",
            "https://mcp.example.com.evil.example/v1/mcp",
            "https://mcp.example.com@evil.example/v1/mcp",
            "https://me@mcp.example.com/v1/mcp",
            "https://mcp.example.com%2f@evil.example/v1/mcp",
            "https://evil.example\\@mcp.example.com/v1/mcp",
            "https://mcp.example.com/v1/mcp\n",
            "https://evil.example?https://mcp.example.com/v1/mcp",
            "//mcp.example.com/v1/mcp",
        ] {
            assert!(!same(allowed, url), "{url}");
        }
        assert!(same("http://[::1]:80/x", "http://[::1]/x") && !same("http://[::1]/x", "http://[::2]/x"));
    }

    #[test]
    fn a_hole_in_a_path_is_one_segment() {
        let allowed = "https://h.example/${TENANT}/mcp";
        assert!(same(allowed, "https://h.example/acme/mcp"));
        for url in ["https://h.example/a/b/mcp", "https://h.example/../mcp", "https://h.example/acme/mcp2"] {
            assert!(!same(allowed, url), "{url}");
        }
    }
}
